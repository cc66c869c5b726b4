"""A scale of colours from little to much that people with any colour vision can read: it grows lighter throughout.

Source: "inferno" and "cividis" of matplotlib (CC0), a few anchors each; between them it is blended linearly.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

NUM_COLORS: Final = 256

_CIVIDIS: Final = "00224e 123570 3b496c 575d6d 707173 8a8678 a59c74 c3b369 e1cc55 fee838"
_INFERNO: Final = "1b0c41 4a0c6b 781c6d a52c60 cf4446 ed6925 fb9b06 f7d13d fcffa4"

STRONGEST_ALPHA: Final = 0.58
_FAINTEST: Final = 0.12
"""Below this share of the strongest place nothing is laid over the picture."""


@lru_cache(maxsize=1)
def heat_table() -> NDArray[np.uint32]:
    """Returns NUM_COLORS opaque colours 0xFFRRGGBB, from dark blue to yellow."""
    red, green, blue = np.round(_blend(_CIVIDIS)).astype(np.uint32)
    table: NDArray[np.uint32] = (0xFF << 24 | red << 16 | green << 8 | blue).astype(np.uint32)
    return table


@lru_cache(maxsize=1)
def overlay_table() -> NDArray[np.uint32]:
    """Returns NUM_COLORS colours 0xAARRGGBB, premultiplied, from nothing over purple to light yellow."""
    share = np.linspace(0, 1, NUM_COLORS)
    alpha = STRONGEST_ALPHA * np.clip((share - _FAINTEST) / (1 - _FAINTEST), 0, 1) ** 0.7
    red, green, blue = np.round(_blend(_INFERNO) * alpha).astype(np.uint32)
    table: NDArray[np.uint32] = (np.round(255 * alpha).astype(np.uint32) << 24 | red << 16 | green << 8 | blue).astype(
        np.uint32
    )
    return table


def _blend(anchors: str) -> NDArray[np.float64]:
    """Returns red, green and blue (3, NUM_COLORS) in 0..255."""
    values = np.array([list(bytes.fromhex(color)) for color in anchors.split()], np.float64)
    at = np.linspace(0, len(values) - 1, NUM_COLORS)
    return np.stack([np.interp(at, np.arange(len(values)), values[:, channel]) for channel in range(3)])
