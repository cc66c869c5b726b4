"""What keys do to images: label, accept, skip, mark, clear, and go on to the next one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from engine.domain import NO_CLASS, ImageClass, Mark
from gui.models.image_filter import Show
from gui.models.image_list import ImageListModel
from gui.session import Session
from gui.widgets.image_grid import ImageGrid

CONFIDENT = 0.95
MAX_RECENT = 20


class Labelling(QObject):
    """Acts on the selected images, or on the current one. One action is one step of undo."""

    advanced_past_end = Signal()
    """There is nothing more of the filter's kind to go on to."""

    def __init__(self, session: Session, model: ImageListModel, grid: ImageGrid, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._list = model
        self._grid = grid
        self.recent: list[int] = []
        self.is_acting = False
        """True while a change of columns comes from here, and not from undo or from the store."""

    # ------------------------------------------------------------------------------------------------------ targets

    @property
    def rows(self) -> NDArray[np.int64]:
        """The row of the columns at each position of the list."""
        return self._list.rows

    def targets(self) -> NDArray[np.int64]:
        """Returns the positions that a key acts on, sorted: the selection, or else the current image."""
        selected = self._grid.selected_positions()
        if len(selected):
            return selected
        current = self._grid.current_position()
        return np.array([current] if current >= 0 else [], dtype=np.int64)

    def suggested_targets(self) -> NDArray[np.int64]:
        """Returns those targets that have no class but a suggestion."""
        return self._with_suggestion(self.targets())

    def confident_positions(self) -> NDArray[np.int64]:
        """Returns the positions in the list whose suggestion is at least CONFIDENT sure."""
        rows, columns = self._list.rows, self._session.columns
        candidates = np.flatnonzero(columns.confidences[rows] >= CONFIDENT)
        return self._with_suggestion(candidates)

    # ------------------------------------------------------------------------------------------------------ actions

    def label(self, class_id: int) -> None:
        """Gives the targets a class and goes on."""
        if self._session.class_by_id(class_id) is None:
            return
        self.recent = [class_id, *(each for each in self.recent if each != class_id)][:MAX_RECENT]
        self._do(self.targets(), lambda ids: self._session.label(ids, class_id), advances=True)

    def label_new_class(self, name: str) -> None:
        """Makes a class and gives it to the targets of this moment."""
        positions = self.targets()
        ids = self._list.image_ids(positions)

        def label(made: ImageClass) -> None:
            if np.array_equal(self._list.image_ids(self.targets()), ids):
                self.label(made.id)
            else:  # the user went on meanwhile: label what was meant, and leave the place alone
                self._session.label(ids, made.id)

        self._session.add_class(name, label)

    def accept(self) -> None:
        """Makes the suggestions of the targets their classes, and goes on."""
        self._do(self.suggested_targets(), self._session.accept_suggestions, advances=True)

    def accept_confident(self) -> None:
        """Accepts every confident suggestion of the list in one step."""
        self._do(self.confident_positions(), self._session.accept_suggestions, advances=False)

    def skip(self) -> None:
        """Skips the targets that have no class and goes on; what is skipped already comes back."""
        positions = self.targets()
        if not len(positions):
            return
        is_open = self._session.columns.class_ids[self._list.rows[positions]] == NO_CLASS
        to_mark = positions[is_open]
        is_on = not len(to_mark) or not self._all_have(to_mark, Mark.SKIPPED)
        self._do(to_mark, lambda ids: self._session.mark(ids, Mark.SKIPPED, is_on), advances=False)
        if is_on:
            self._advance(int(positions[-1]))

    def toggle_unsure(self) -> None:
        """Marks the targets as unsure, or takes the mark away; the user stays."""
        positions = self.targets()
        is_on = not self._all_have(positions, Mark.UNSURE)
        self._do(positions, lambda ids: self._session.mark(ids, Mark.UNSURE, is_on), advances=False)

    def clear(self) -> None:
        """Takes the classes of the targets away; the user stays."""
        positions = self.targets()
        has_class = self._session.columns.class_ids[self._list.rows[positions]] != NO_CLASS
        self._do(positions[has_class], self._session.clear, advances=False)

    def next_unlabelled(self) -> None:
        """Goes to the next image that has no class."""
        position = self._list.next_unlabelled(self._grid.current_position())
        if position >= 0:
            self._grid.go_to(position)
        else:
            self.advanced_past_end.emit()

    # ------------------------------------------------------------------------------------------------------ private

    def _do(self, positions: NDArray[np.int64], act: Callable[[NDArray[np.int64]], None], advances: bool) -> None:
        if not len(positions):
            return
        self.is_acting = True
        try:
            act(self._list.image_ids(positions))
        finally:
            self.is_acting = False
        if advances:
            self._advance(int(positions[-1]))

    def _advance(self, last: int) -> None:
        """Goes to the next image behind `last`: any one, or while a filter is on, the next that it is about."""
        if self._session.is_read_only or not self._session.preferences.has_auto_advance:
            return
        if not self._list.filter.is_active or self._list.filter.show in (Show.ALL, Show.LABELLED):
            wanted = min(last + 1, len(self._list.rows) - 1)
        else:
            wanted = self._list.next_position(last)
        if wanted >= 0:
            self._grid.go_to(wanted)
        else:
            self._grid.go_to(last)
            self.advanced_past_end.emit()

    def _with_suggestion(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        rows, columns = self._list.rows[positions], self._session.columns
        # A class may have been deleted since the model was trained.
        known = np.array([item.id for item in self._session.classes], dtype=np.int32)
        is_open = (columns.class_ids[rows] == NO_CLASS) & np.isin(columns.predicted_ids[rows], known)
        suggested: NDArray[np.int64] = positions[is_open]
        return suggested

    def _all_have(self, positions: NDArray[np.int64], mark: Mark) -> bool:
        return bool((self._session.columns.marks[self._list.rows[positions]] & mark != 0).all())
