"""Levels: which brightness of a picture is shown as black and which as white. For the screen only.

What the model sees is made by `engine.images.decode` alone and knows nothing of this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_AUTO_PERCENTILES: Final = (0.5, 99.5)
_MAX_SAMPLES: Final = 1 << 17


@dataclass(frozen=True, slots=True)
class Levels:
    """The values that are shown as black and as white, in units of the picture; `black` < `white`."""

    black: float
    white: float


def apply_to_grey(values: NDArray[np.uint16], levels: Levels) -> NDArray[np.uint8]:
    """Returns (H, W) as 8-bit grey; 16-bit levels in units of `values`. A picture of screen size takes 1 ms."""
    span = max(levels.white - levels.black, 1e-6)
    table = np.clip((np.arange(1 << 16) - levels.black) * (255.0 / span), 0, 255)
    return np.asarray(np.take(np.rint(table).astype(np.uint8), values))


def apply_to_rgb(pixels: NDArray[np.uint8], levels: Levels) -> NDArray[np.uint8]:
    """Returns (H, W, 4) with the levels, in 0..255, applied to three channels alike; the fourth is padding."""
    span = max(levels.white - levels.black, 1e-6)
    table = np.rint(np.clip((np.arange(256) - levels.black) * (255.0 / span), 0, 255)).astype(np.uint8)
    height, width = pixels.shape[:2]
    # Pillow's look-up is five times faster than numpy's for bytes.
    image = Image.frombuffer("RGBX", (width, height), np.ascontiguousarray(pixels), "raw", "RGBX", 0, 1)
    return np.asarray(image.point([*table.tolist() * 3, *range(256)]))


def automatic(values: NDArray[Any]) -> Levels:
    """Returns the levels that use the whole brightness of the screen for a picture (its 0.5 and 99.5 percentiles)."""
    flat = values.reshape(-1)
    sample = flat[:: max(1, flat.size // _MAX_SAMPLES)]
    if not sample.size:
        return Levels(0.0, 1.0)
    low, high = (float(value) for value in np.percentile(sample, _AUTO_PERCENTILES))
    return Levels(low, high if high > low else low + 1.0)


def histogram(values: NDArray[Any], low: float, high: float, num_bins: int) -> NDArray[np.int64]:
    """Returns how many of (a sample of) the values lie in each of `num_bins` equal parts of low..high."""
    flat = values.reshape(-1)
    sample = flat[:: max(1, flat.size // _MAX_SAMPLES)]
    counts, _ = np.histogram(sample, bins=num_bins, range=(low, max(high, low + 1e-6)))
    return np.asarray(counts, dtype=np.int64)
