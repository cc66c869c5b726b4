"""Draws a hundred thousand points into a picture within a frame: numpy instead of a painter call for each point.

Letters: N points, H and W the picture in device pixels.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

PAD_PX = 48
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

    def place(self, x: Ints, y: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """Returns what `draw` takes for points (device pixels), and which of them can be seen: the others must not be.

        Shapes: all (N,).
        """
        height, width = self._pixels.shape
        low, right, bottom = -PAD_PX // 2, width - 2 * PAD_PX + PAD_PX // 2, height - 2 * PAD_PX + PAD_PX // 2
        is_seen = (x > low) & (x < right) & (y > low) & (y < bottom)
        return (y + np.int32(PAD_PX)) * np.int32(width) + (x + np.int32(PAD_PX)), is_seen

    def draw(self, at: Ints, colors: NDArray[np.uint32] | int, radius_px: int) -> None:
        """Draws discs at points that can be seen; later ones lie above."""
        flat, width = self._pixels.reshape(-1), self._pixels.shape[1]
        for down, across in _offsets(min(radius_px, PAD_PX // 2 - 1)):
            flat[at + np.int32(down * width + across)] = colors

    def image(self) -> QImage:
        """Returns the picture. It shares the pixels: draw it before the next one is begun."""
        height, width = self._pixels.shape
        inside = self._pixels.reshape(-1)[PAD_PX * width + PAD_PX :]
        size = width - 2 * PAD_PX, height - 2 * PAD_PX
        return QImage(inside.data, *size, 4 * width, QImage.Format.Format_RGB32)


@lru_cache(maxsize=64)
def _offsets(radius_px: int) -> list[tuple[int, int]]:
    """The pixels of a disc, the outer ones first, so that the middle of each point is seen where many overlap."""
    around = range(-radius_px, radius_px + 1)
    reach = (radius_px + 0.35) ** 2
    found = [(down * down + across * across, down, across) for down in around for across in around]
    return [(down, across) for far, down, across in sorted(found, reverse=True) if far <= reach]
