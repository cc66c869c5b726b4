"""Fingerprints: an image as 32 x 32 smooth grey values, by which near-duplicates are told from mere look-alikes.

The perceptual hash of this program. Unlike 64 bits it survives that a picture is cut or moved a little, because two of
them can be laid over each other (`engine.suggestions.near_duplicates`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.images.decode import decode_rgb

FINGERPRINT_SIDE: Final = 32
_DECODED_SIDE_PX: Final = 128
_GREY: Final = np.array([0.299, 0.587, 0.114], np.float32)
_BLUR: Final = 0.6
"""In fingerprint pixels. Without it a shift by half a pixel looks like another picture where there is fine detail."""


def fingerprint(path: Path) -> NDArray[np.float32]:
    """Returns the fingerprint (32 * 32,) of an image file, row by row, 0..255; proportions are not kept.

    Raises:
        ImageError: the file cannot be decoded.
    """
    return fingerprint_of_pixels(decode_rgb(path, _DECODED_SIDE_PX))


def fingerprint_of_pixels(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """As `fingerprint`, for pixels (H, W, 3) of any size from about 64 on."""
    from scipy import ndimage  # here, because the window imports the modules of images before it paints

    side = 2 * FINGERPRINT_SIDE
    small = np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BOX), np.float32) @ _GREY
    grey = small.reshape(FINGERPRINT_SIDE, 2, FINGERPRINT_SIDE, 2).mean(axis=(1, 3))
    return np.asarray(ndimage.gaussian_filter(grey, _BLUR, mode="nearest"), np.float32).ravel()
