"""The palette as an item model: classes with their counts and shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from engine.domain import ImageClass
from engine.language import trn

AnyIndex = QModelIndex | QPersistentModelIndex
CLASS_ROLE = int(Qt.ItemDataRole.UserRole)
COUNT_ROLE = CLASS_ROLE + 1
SHARE_ROLE = CLASS_ROLE + 2


class ClassListModel(QAbstractListModel):
    """Classes in palette order. Renaming an item asks for it by signal; the project answers with new classes."""

    rename_asked = Signal(int, str)

    def __init__(self, count_of: Callable[[int], int], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._count_of = count_of
        self._classes: list[ImageClass] = []
        self._largest = 1
        self.can_edit = True
        """False in a project that is only read."""

    def set_classes(self, classes: Sequence[ImageClass]) -> None:
        """Shows these classes; the view keeps its place when only their looks changed."""
        if [each.id for each in classes] == [each.id for each in self._classes]:
            self._classes = list(classes)
        else:
            self.beginResetModel()
            self._classes = list(classes)
            self.endResetModel()
        self.counts_changed()

    def counts_changed(self) -> None:
        """Shows the counts as they are now."""
        self._largest = max([1, *(self._count_of(each.id) for each in self._classes)])
        if self._classes:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._classes) - 1, 0))

    def class_at(self, row: int) -> ImageClass | None:
        return self._classes[row] if 0 <= row < len(self._classes) else None

    def row_of(self, class_id: int) -> int:
        """Returns the row of a class, or -1."""
        return next((row for row, each in enumerate(self._classes) if each.id == class_id), -1)

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 (Qt's signature)
        return 0 if parent.isValid() else len(self._classes)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        item = self.class_at(index.row())
        if item is None:
            return None
        count = self._count_of(item.id)
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return item.name
        if role == CLASS_ROLE:
            return item
        if role == COUNT_ROLE:
            return count
        if role == SHARE_ROLE:
            return count / self._largest
        if role == Qt.ItemDataRole.AccessibleTextRole:
            if not item.key:
                return trn("{name}, {number} images", "{name}, {number} images", count, name=item.name)
            named = {"name": item.name, "key": item.key}
            return trn("{name}, key {key}, {number} images", "{name}, key {key}, {number} images", count, **named)
        return None

    def setData(self, index: AnyIndex, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        item = self.class_at(index.row())
        name = str(value).strip()
        if item is None or role != Qt.ItemDataRole.EditRole or not name or name == item.name:
            return False
        self.rename_asked.emit(item.id, name)
        return True

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        flag = Qt.ItemFlag
        can_edit = flag.ItemIsEditable if self.can_edit else flag.NoItemFlags
        return flag.ItemIsEnabled | flag.ItemIsSelectable | flag.ItemNeverHasChildren | can_edit
