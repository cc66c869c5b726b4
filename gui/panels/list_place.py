"""Keeps the user's place in the list: the same images stay current and selected whatever happens to the list."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gui.models.image_list import ImageListModel
from gui.session import Session
from gui.widgets.image_grid import ImageGrid

MAX_KEPT = 5000
"""A larger selection is not carried over, and an undo of more images is shown without selecting them."""


class ListPlace:
    """Moves the grid's current index and selection along with the images they mean."""

    def __init__(self, session: Session, model: ImageListModel, grid: ImageGrid) -> None:
        self._session = session
        self._list = model
        self._grid = grid

    def keep(self, change: Callable[[], object], scrolls: bool) -> None:
        """Runs a change of the list; afterwards the same images are current and selected, as far as they are there."""
        session = self._session
        current_id, selected_ids = session.current_image_id, session.selected_ids[:MAX_KEPT]
        change()
        current = self._list.position_of_row(session.row_of(current_id)) if current_id else -1
        selected = self._positions(session.rows_of(selected_ids))
        if current < 0 and len(self._list.rows):
            current = int(selected[0]) if len(selected) else 0
        if not len(selected) and current >= 0:
            selected = np.array([current], dtype=np.int64)
        self._grid.select_positions(selected, current)
        if scrolls:
            self._grid.scrollTo(self._grid.currentIndex())

    def show_changed(self, rows: NDArray[np.int64], is_viewing: bool) -> None:
        """Goes to images that an undo or redo changed, where they are part of the list."""
        if not 0 < len(rows) <= MAX_KEPT:
            return
        positions = self._positions(rows)
        if len(positions):
            self._grid.select_positions(positions[:1] if is_viewing else positions, int(positions[0]))
            self._grid.scrollTo(self._grid.currentIndex())

    def _positions(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        positions = self._list.positions_of_rows(rows)
        return np.unique(positions[positions >= 0])
