"""The frame that is drawn with the mouse to select what it touches, in the coordinates of the content."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRect

from gui.widgets.grid_layout import GridLayout

DRAG_PX = 5


class RubberBand:
    """Begins at a press, is there after a few pixels of movement, ends with the release."""

    def __init__(self) -> None:
        self.rect: QRect | None = None
        self._press: QPoint | None = None
        self._base: NDArray[np.int64] | None = None

    def press(self, point: QPoint) -> None:
        """Notes where it may begin."""
        self._press = point
        self._base = None

    def toggle(self, selected: NDArray[np.int64]) -> None:
        """Makes it change the selection there is, instead of replacing it."""
        self._base = selected

    def release(self) -> None:
        """Ends it."""
        self.rect = None
        self._press = None

    def stretch(self, point: QPoint, layout: GridLayout) -> NDArray[np.int64] | None:
        """Stretches it to a point and returns the positions to select, or None while it has not begun."""
        if self._press is None:
            return None
        if self.rect is None and (point - self._press).manhattanLength() < DRAG_PX:
            return None
        self.rect = QRect(self._press, point).normalized()
        touched = layout.positions_in(self.rect)
        return touched if self._base is None else np.setxor1d(self._base, touched)
