"""How good a picture is as a picture: sharpness, brightness, contrast, what is burnt out. Numbers only, no verdict.

Measured on a small decode (`QUALITY_SIDE_PX`): what cannot be seen there a network does not see either, and a picture
of 12 megapixels costs as little as one of half a megapixel. Which values are bad ones is for `engine.suggestions.flaws`
to say, because it depends on the other pictures of the project.

Letters: H, W height and width in pixels, M number of measures.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.images.decode import decode_rgb

Array = NDArray[np.float32]

QUALITY_SIDE_PX: Final = 256
MEASURES: Final = ("sharpness", "brightness", "burnt_out", "colour_burnt", "darkest", "brightest")
"""The columns of what `measure_quality` returns, see there."""
MEASURES_VERSION: Final = "2"
"""Another one makes everything be measured anew."""

_GREY: Final = np.array([0.299, 0.587, 0.114], np.float32)
_WHITE: Final = 250
_FULL: Final = 253
_SHADING: Final = 2.0
"""Grey levels by which neighbours differ at least where a surface has shades, and less where it is of one colour."""
_DARKEST, _BRIGHTEST = 0.02, 0.98
_BLUR_PX: Final = 9
_NOISE: Final = 1.0
"""Neighbours that differ by less than so many grey levels are called equal: noise and rounding are not detail."""
_LEAST_DETAIL: Final = 0.02
"""Mean difference of neighbours, in grey levels, below which there is nothing that could be sharp."""


def measure_file(path: Path) -> Array:
    """Returns the measures (M,) of an image file.

    Raises:
        ImageError: the file cannot be decoded.
    """
    return measure_quality(decode_rgb(path, QUALITY_SIDE_PX))


def measure_quality(pixels: NDArray[np.uint8]) -> Array:
    """Returns the measures (M,) of pixels (H, W, 3), decoded to `QUALITY_SIDE_PX`, all in 0..1.

    sharpness: how much of the difference between neighbouring pixels is lost when the picture is blurred; 0 is as soft
        as can be, photographs have 0.5 to 0.85. Source: Crete et al. 2007, "The blur effect: perception and estimation
        with a new no-reference perceptual blur metric" (here 1 - blur, and small differences do not count).
    brightness: mean grey value.
    burnt_out: share of pixels that are white, or nearly.
    colour_burnt: share of pixels that are not white, of which a colour is at its limit, and that are not of one piece
        with their neighbours. White paper has none of these, nor have drawings; a picture with too much light has,
        where it is not grey.
    darkest, brightest: the grey values that 2 % of the pixels are below and above: their distance is the contrast.
    """
    grey = pixels.astype(np.float32) @ _GREY
    counts = np.bincount(grey.astype(np.int64).ravel(), minlength=256)
    shares = np.cumsum(counts) / grey.size
    burnt_out = 1 - shares[_WHITE - 1]
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]  # numpy's max over so short an axis is slow
    strongest = np.maximum(np.maximum(red, green), blue)
    colour_burnt = ((strongest >= _FULL) & (grey < _WHITE) & _is_shaded(grey)).mean()
    darkest, brightest = (float(np.searchsorted(shares, share)) / 255 for share in (_DARKEST, _BRIGHTEST))
    values = (_sharpness(grey), float(grey.mean()) / 255, burnt_out, colour_burnt, darkest, min(1.0, brightest))
    return np.array(values, np.float32)


def _is_shaded(grey: Array) -> NDArray[np.bool_]:
    """Tells which pixels (H, W) differ from the next one across or down."""
    across = np.abs(np.diff(grey, axis=1, append=grey[:, -1:]))
    down = np.abs(np.diff(grey, axis=0, append=grey[-1:]))
    return np.asarray(np.maximum(across, down) >= _SHADING)


def _sharpness(grey: Array) -> float:
    """Returns the smaller of the sharpness down and across: a picture that was shaken is blurred one way only."""
    return min(_sharpness_along(grey, axis) for axis in (0, 1) if grey.shape[axis] > 1) if grey.size > 1 else 0.0


def _sharpness_along(grey: Array, axis: int) -> float:
    from scipy import ndimage  # here, because the window imports the modules of images before it paints

    blurred = ndimage.uniform_filter1d(grey, _BLUR_PX, axis=axis, mode="nearest")
    detail = np.maximum(np.abs(np.diff(grey, axis=axis)) - _NOISE, 0)
    lost = np.maximum(detail - np.abs(np.diff(blurred, axis=axis)), 0)
    return float(lost.sum() / max(float(detail.sum()), _LEAST_DETAIL * detail.size))
