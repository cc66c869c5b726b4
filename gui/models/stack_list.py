"""The pictures of stacks as an item model: stack after stack, for the view and for assistive technology."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt

from engine.domain import ImageColumns
from engine.language import tr
from gui.models.arrangement import Arrangement, ShownStacks
from gui.models.image_list import AnyIndex, ImageListModel


def no_stacks() -> ShownStacks:
    """Returns none."""
    return ShownStacks.of(Arrangement.empty(), np.zeros(0, np.int64), np.zeros(0, np.bool_))


class StackListModel(ImageListModel):
    """Item i is row `stacks.rows[i]` of the columns. It shows what it is given and filters nothing."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.stacks = no_stacks()

    def show(self, columns: ImageColumns, stacks: ShownStacks) -> None:
        """Shows other stacks."""
        self.beginResetModel()
        self.columns, self.stacks, self.rows = columns, stacks, stacks.rows
        self.endResetModel()

    def refresh(self) -> None:
        """Nothing but `show` changes what is shown."""

    def change_aside(self, stacks: ShownStacks) -> NDArray[np.int64]:
        """Takes over which pictures are set aside, of the same stacks; returns the positions that changed."""
        changed = np.flatnonzero(stacks.are_aside != self.stacks.are_aside)
        self.stacks = stacks
        return changed

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        text = super().data(index, role)
        if text is not None and role == Qt.ItemDataRole.AccessibleTextRole:
            at = self.stacks.index_of(index.row())
            place = {"image": text, "number": at + 1, "total": len(self.stacks)}
            if self.stacks.are_aside[index.row()]:
                return tr("{image}, stack {number} of {total}, set aside", **place)
            return tr("{image}, stack {number} of {total}", **place)
        return text
