"""Which pictures are bad as pictures: blurry, dark, over-exposed, of low contrast, of an odd size.

What is bad depends on what is usual: a stained blood cell is softer than a photograph of a shirt, and half of all shop
pictures are white. So each limit is set by the other pictures of the project (the outer fence of a box plot), and held
between two absolute bounds: beyond the first a picture is bad whatever the others are, before the second it never is.
The bounds were chosen on the five development sets; what they find and what not is in `tests/bench/bench_quality.py`.

Letters: N images, M measures (see `engine.images.quality`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

_WHISKER: Final = 2.0
"""So many times the distance of the quartiles lies the fence beyond them; 3.4 standard deviations of a bell curve."""
_FEWEST: Final = 20
"""Fewer pictures say nothing about what is usual: then only what is bad in any case counts."""
_SHARPNESS: Final = (0.10, 0.50)
_BRIGHTEST: Final = (0.20, 0.42)
_BURNT_OUT: Final = (0.20, 0.92)
_COLOUR_BURNT: Final = (0.06, 0.60)
_CONTRAST: Final = (0.08, 0.30)
_USUAL_SHARE: Final = 0.08
"""Where more pictures than this are whiter than the fence, white is the background here and not a flaw."""
_OTHER_SHAPE: Final = np.log(1.8)
_OTHER_SIZE: Final = np.log(9.0)
_TINY_PX: Final = 32


class Flaw(IntFlag):
    """What is wrong with a picture; any number at once."""

    BLURRY = 1
    DARK = 2
    OVER_EXPOSED = 4
    LOW_CONTRAST = 8
    ODD_SIZE = 16


NUM_CODES: Final = 32
"""Combinations of flaws."""


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on a picture is called bad, in the units of the measures."""

    sharpness: float
    brightest: float
    burnt_out: float
    colour_burnt: float
    contrast: float


def limits_of(measures: Array) -> Limits:
    """Returns the limits for a project whose pictures have these measures (N, M); NaN rows do not count."""
    known = measures[~np.isnan(measures).any(axis=1)]
    sharpness, _, burnt_out, colour_burnt, darkest, brightest = known.T
    return Limits(
        sharpness=_lower_fence(sharpness, *_SHARPNESS),
        brightest=_lower_fence(brightest, *_BRIGHTEST),
        burnt_out=_upper_fence(burnt_out, *_BURNT_OUT),
        colour_burnt=_upper_fence(colour_burnt, *_COLOUR_BURNT),
        contrast=_lower_fence(brightest - darkest, *_CONTRAST),
    )


def find_flaws(measures: Array, widths_px: NDArray[np.int32], heights_px: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Returns the flaws (N,) of pictures, as `Flaw`.

    Args:
        measures: (N, M), NaN for what was not measured.
        widths_px, heights_px: (N,), 0 where they are not known.
    """
    limits = limits_of(measures)
    sharpness, _, burnt_out, colour_burnt, darkest, brightest = measures.T
    contrast = brightest - darkest
    is_dark = brightest < limits.brightest
    is_burnt = (burnt_out > limits.burnt_out) | (colour_burnt > limits.colour_burnt)
    is_faint = (contrast < limits.contrast) & ~is_dark & ~is_burnt
    # Where there is nearly nothing to be seen there is nothing that could be sharp.
    is_blurry = (sharpness < limits.sharpness) & (contrast >= _CONTRAST[0])
    flaws = np.zeros(len(measures), np.uint8)
    for flaw, is_so in (
        (Flaw.BLURRY, is_blurry),
        (Flaw.DARK, is_dark),
        (Flaw.OVER_EXPOSED, is_burnt),
        (Flaw.LOW_CONTRAST, is_faint),
        (Flaw.ODD_SIZE, odd_sizes(widths_px, heights_px)),
    ):
        flaws |= is_so.astype(np.uint8) * np.uint8(flaw)
    return flaws


def odd_sizes(widths_px: NDArray[np.int32], heights_px: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Tells which pictures (N,) are far longer, far smaller or far larger than is usual here, or tiny."""
    is_known = (widths_px > 0) & (heights_px > 0)
    width, height = (np.maximum(sides, 1).astype(np.float64) for sides in (widths_px, heights_px))
    shorter = np.minimum(width, height)
    is_odd = np.zeros(len(width), np.bool_)
    if is_known.sum() < _FEWEST:
        return is_odd
    for values, least in ((np.log(np.maximum(width, height) / shorter), _OTHER_SHAPE),
                          (np.log(width * height), _OTHER_SIZE)):  # fmt: skip
        low, middle, high = np.quantile(values[is_known], (0.25, 0.5, 0.75))
        reach = _WHISKER * (high - low)
        is_odd |= (values > max(high + reach, middle + least)) | (values < min(low - reach, middle - least))
    are_tiny_usual = np.median(shorter[is_known]) < 2 * _TINY_PX
    return np.asarray(is_known & (is_odd | (shorter < _TINY_PX) & ~are_tiny_usual))


def _lower_fence(values: Array, least: float, most: float) -> float:
    if len(values) < _FEWEST:
        return least
    low, high = np.quantile(values, (0.25, 0.75))
    return float(np.clip(low - _WHISKER * (high - low), least, most))


def _upper_fence(values: Array, least: float, most: float) -> float:
    if len(values) < _FEWEST:
        return most
    low, high = np.quantile(values, (0.25, 0.75))
    fence = float(np.clip(high + _WHISKER * (high - low), least, most))
    return fence if (values > fence).mean() <= _USUAL_SHARE else most
