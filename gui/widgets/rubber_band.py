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
        self._base: NDArray[np.int64] = np.zeros(0, np.int64)
        self._toggles = False

    def press(self, point: QPoint) -> None:
        """Notes where it may begin; it will replace the selection."""
        self._press = point
        self.keep(np.zeros(0, np.int64), toggles=False)

    def keep(self, selected: NDArray[np.int64], toggles: bool) -> None:
        """Makes it add to the selection there is, or turn what it touches on and off."""
        self._base, self._toggles = selected, toggles

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
        if not len(self._base):
            return touched
        return np.setxor1d(self._base, touched) if self._toggles else np.union1d(self._base, touched)
