"""Maps of what each view of a picture says, brought together into one map of the picture itself.

Nothing is lost on the way: the sum over the picture's map is the sum over the cells of all views. No network here.

Letters: V views, h and w the cells of a view's map, H and W the picture in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from engine.nn.preprocessing import CUT_EIGHTHS, MIRROR

Floats = NDArray[np.float32]

LONGER_SIDE: Final = 64
"""Cells of a picture's map along its longer side: finer than any network's own map, so that views fit each other."""

_SMALLEST_SIDE: Final = 8
_BLUR_CELLS: Final = 2.0
FRAME_SHARE: Final = 0.1
"""So much of the width and of the height, at each edge, is the border of a picture."""


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Where a picture speaks for (positive) or against (negative) one class.

    `contributions` (rows, columns) covers the picture from its upper left to its lower right corner. With the method
    "exact" its sum is the class's logit without its bias; with the others only the proportions within it mean
    something. `even` has the same shape: what each cell would hold of a map in which all cells of all views are alike
    (its sum is 1); views that show only the middle make it larger there.
    """

    contributions: Floats
    even: Floats
    method: str

    def heat(self) -> Floats:
        """Returns what speaks for the class, in 0..1: 1 at the strongest place; all 0 where nothing does.

        Contributions are shown as the strength of evidence per area, so that the middle, which several views look at,
        does not glow for that reason alone; and a little blurred, since a network's cells are coarse and the edges of
        views are not to be seen.
        """
        density = np.maximum(self.contributions, 0) / np.maximum(self.even, 1e-12)
        density = gaussian_filter(density, _BLUR_CELLS * max(density.shape) / LONGER_SIDE, mode="nearest")
        strongest = float(density.max(initial=0.0))
        heat: Floats = (density / strongest if strongest > 0 else density).astype(np.float32)
        return heat

    def border_share(self) -> tuple[float, float]:
        """Returns how much of what speaks for the class lies on the border, and how much would if it were even."""
        positive = np.maximum(self.contributions, 0)
        frame, total = frame_of(positive.shape), float(positive.sum())
        even = float(self.even[frame].sum())
        return (float(positive[frame].sum()) / total if total > 0 else even), even


def frame_of(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Returns which cells of a map (rows, columns) are the border of the picture."""
    frame = np.ones(shape, np.bool_)
    down, across = (max(1, round(FRAME_SHARE * length)) for length in shape)
    frame[down:-down, across:-across] = False
    return frame


def picture_map(maps: Floats, views: Sequence[str], height_px: int, width_px: int) -> Floats:
    """Returns the map of a picture (rows, columns) from those of its views (V, h, w); the sum stays what it is.

    Within a view the cells are blended into each other linearly; a network's own cells are coarse.
    """
    longer = max(height_px, width_px, 1)
    rows, columns = (max(_SMALLEST_SIDE, round(LONGER_SIDE * side / longer)) for side in (height_px, width_px))
    whole = np.zeros((rows, columns))
    for view, cells in zip(views, maps, strict=True):
        top, bottom = _extent(view, height_px, width_px)
        left, right = _extent(view, width_px, height_px)
        turned = cells[:, ::-1] if view == MIRROR else cells
        down, across = _spread(rows, top, bottom, cells.shape[0]), _spread(columns, left, right, cells.shape[1])
        whole += down @ turned.astype(np.float64) @ across.T
    return whole.astype(np.float32)


def even_map(shape: tuple[int, ...], views: Sequence[str], height_px: int, width_px: int) -> Floats:
    """Returns the map of a picture whose views hold the same everywhere; `shape` is (V, h, w). Its sum is 1."""
    return picture_map(np.full(shape, 1 / np.prod(shape), np.float32), views, height_px, width_px)


def _extent(view: str, length_px: int, other_px: int) -> tuple[float, float]:
    """Returns where a view begins and ends along one side of the picture, in 0..1 (see `Preprocessing`)."""
    eighths = CUT_EIGHTHS.get(view)
    if eighths is None:
        return 0.0, 1.0
    side = max(1, min(length_px, other_px) * eighths // 8)
    corner = (length_px - side) // 2
    return corner / length_px, (corner + side) / length_px


def _spread(num_out: int, begin: float, end: float, num_cells: int) -> NDArray[Any]:
    """Returns (num_out, num_cells): how each cell of a view is laid over the picture's; every column sums to 1."""
    centres = (np.arange(num_out) + 0.5) / num_out
    inside = (centres >= begin) & (centres < end)
    if not inside.any():
        inside[np.abs(centres - (begin + end) / 2).argmin()] = True  # a view narrower than a cell of the picture's
    place = np.clip((centres[inside] - begin) / (end - begin) * num_cells - 0.5, 0, num_cells - 1)
    lower = np.floor(place).astype(np.int64)
    upper = np.minimum(lower + 1, num_cells - 1)
    share = place - lower
    weights = np.zeros((num_out, num_cells))
    at = np.flatnonzero(inside)
    np.add.at(weights, (at, lower), 1 - share)
    np.add.at(weights, (at, upper), share)
    totals = weights.sum(axis=0)
    nearest = at[np.abs(place[:, None] - np.arange(num_cells)).argmin(axis=0)]
    for cell in np.flatnonzero(totals == 0):  # more cells than the picture's map has room for
        weights[nearest[cell], cell] = 1
    return weights / np.where(totals > 0, totals, 1)
