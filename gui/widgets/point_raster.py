"""Draws a hundred thousand points into a picture within a frame: numpy instead of a painter call for each point.

Letters: N points, H and W the picture in device pixels.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

PAD_PX = 24
"""Beyond the picture's edges, so that a point half outside needs no test of its own."""

Ints = NDArray[np.int32]


class PointRaster:
    """A picture (H, W) to draw points on. Give the picture to a painter before drawing the next one."""

    def __init__(self) -> None:
        self._pixels = np.zeros((0, 0), np.uint32)

    def begin(self, width_px: int, height_px: int, background: int) -> None:
        """Begins a picture of this size, all in one colour (0xAARRGGBB)."""
        shape = (height_px + 2 * PAD_PX, width_px + 2 * PAD_PX)
        if self._pixels.shape != shape:
            self._pixels = np.empty(shape, np.uint32)
        self._pixels.fill(background)

    def inside(self, x: Ints, y: Ints) -> NDArray[np.int64]:
        """Returns which points (device pixels) can be seen."""
        height, width = self._pixels.shape
        low, right, bottom = -PAD_PX // 2, width - 2 * PAD_PX + PAD_PX // 2, height - 2 * PAD_PX + PAD_PX // 2
        return np.flatnonzero((x > low) & (x < right) & (y > low) & (y < bottom))

    def draw(self, x: Ints, y: Ints, colors: NDArray[np.uint32] | int, radius_px: int, hole_px: int = 0) -> None:
        """Draws discs, or rings with a hole, at points that `inside` has let through. Later points lie above."""
        width = self._pixels.shape[1]
        flat = self._pixels.reshape(-1)
        at = (y + PAD_PX) * np.int32(width) + (x + PAD_PX)
        for down, across in _offsets(min(radius_px, PAD_PX // 2 - 1), hole_px):
            flat[at + np.int32(down * width + across)] = colors

    def image(self) -> QImage:
        """Returns the picture. It shares the pixels: draw it before the next one is begun."""
        height, width = self._pixels.shape
        inside = self._pixels.reshape(-1)[PAD_PX * width + PAD_PX :]
        size = width - 2 * PAD_PX, height - 2 * PAD_PX
        return QImage(inside.data, *size, 4 * width, QImage.Format.Format_RGB32)


@lru_cache(maxsize=64)
def _offsets(radius_px: int, hole_px: int) -> list[tuple[int, int]]:
    """The pixels of a disc, the outer ones first, so that the middle of each point is seen where many overlap."""
    around = range(-radius_px, radius_px + 1)
    reach, hole = (radius_px + 0.35) ** 2, (hole_px - 0.35) ** 2 if hole_px else -1.0
    found = [(down * down + across * across, down, across) for down in around for across in around]
    return [(down, across) for far, down, across in sorted(found, reverse=True) if hole < far <= reach]
