"""The left column of Use: which files are shown, by how sure the model is and by class, with live counts."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import QListView, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from engine.domain import NO_CLASS, ImageClass, LabelMode
from engine.language import tr, trn
from gui.use_files import UNSURE_BELOW, Kind
from gui.use_model import UsedModel
from gui.widgets.filter_row import ROW_PX, is_letter, paint_filter_row

AnyIndex = QModelIndex | QPersistentModelIndex
Entry = Kind | ImageClass
ENTRY_ROLE = int(Qt.ItemDataRole.UserRole)
COUNT_ROLE = ENTRY_ROLE + 1
ICONS = {
    Kind.ALL: "images",
    Kind.UNSURE: "question",
    Kind.UNKNOWN: "unknown",
    Kind.NONE: "minus",
    Kind.FAILED: "broken",
    Kind.CORRECTED: "check",
}
TIPS = {
    Kind.ALL: tr("Every file in the list"),
    Kind.UNSURE: tr("The model is less than {percent:.0f} % sure", percent=100 * UNSURE_BELOW),
    Kind.UNKNOWN: tr("Looks like none of the classes that the model knows"),
    Kind.NONE: tr("The model thinks that it has none of the classes"),
    Kind.FAILED: tr("Files that are no pictures, damaged, or gone"),
    Kind.CORRECTED: tr("Files that you gave a class here: they are labelled images of the project now"),
}


class UseListModel(QAbstractListModel):
    """The entries; kinds that have no file are left out, but for the first."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Entry] = [Kind.ALL]
        self._counts: dict[Kind | int, int] = {}

    def set_counts(self, model: UsedModel | None, counts: dict[Kind | int, int], chosen: Entry) -> None:
        """Shows counts by kind and class id. The entry that is chosen stays, also when it is empty now."""
        kinds: list[Entry] = [kind for kind in Kind if kind is Kind.ALL or counts.get(kind, 0) or kind is chosen]
        if model is None or model.mode is LabelMode.ONE:
            kinds = [kind for kind in kinds if kind is not Kind.NONE]
        entries: list[Entry] = [*kinds, *(model.classes if model is not None else ())]
        self._counts = counts
        if entries != self.entries:
            self.beginResetModel()
            self.entries = entries
            self.endResetModel()
        else:
            self.dataChanged.emit(self.index(0, 0), self.index(len(entries) - 1, 0))

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 (Qt's signature)
        return 0 if parent.isValid() else len(self.entries)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        entry = self.entries[index.row()]
        name = entry.value if isinstance(entry, Kind) else entry.name
        count = self._counts.get(entry if isinstance(entry, Kind) else entry.id, 0)
        if role == Qt.ItemDataRole.DisplayRole:
            return name
        if role == ENTRY_ROLE:
            return entry
        if role == COUNT_ROLE:
            return count
        if role == Qt.ItemDataRole.ToolTipRole:
            return TIPS[entry] if isinstance(entry, Kind) else tr("Files that the model takes for {name}", name=name)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return trn("{name}, {number:,} file", "{name}, {number:,} files", count, name=name)
        return None


class _Delegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(100, ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        entry, count = index.data(ENTRY_ROLE), int(index.data(COUNT_ROLE))
        view = option.widget
        is_chosen = isinstance(view, QListView) and view.currentIndex() == index
        if isinstance(entry, Kind):
            paint_filter_row(painter, option, entry.value, count, is_chosen, ICONS[entry])
        else:
            paint_filter_row(painter, option, entry.name, count, is_chosen, dot=entry.color)


class UseListView(QListView):
    """One entry is chosen; letters go on to the classes' keys."""

    chosen = Signal(object)
    """A Kind or an ImageClass."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_telling = False
        self.model_ = UseListModel()
        self.setModel(self.model_)
        self.setItemDelegate(_Delegate(self))
        self.setAccessibleName(tr("Which files are shown"))
        self.setMouseTracking(True)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setProperty("role", "plain")
        self.choose(Kind.ALL)

    @property
    def entry(self) -> Entry:
        """What is chosen."""
        found = self.currentIndex().data(ENTRY_ROLE)
        return found if found is not None else Kind.ALL

    @property
    def kind_and_class(self) -> tuple[Kind, int]:
        """What is chosen, for `UseFiles.listed`."""
        entry = self.entry
        return (entry, NO_CLASS) if isinstance(entry, Kind) else (Kind.ALL, entry.id)

    def choose(self, entry: Entry) -> None:
        """Chooses an entry without telling."""
        at = next((at for at, each in enumerate(self.model_.entries) if _is_same(each, entry)), 0)
        self._is_telling = False
        self.setCurrentIndex(self.model_.index(at, 0))
        self._is_telling = True

    def set_counts(self, model: UsedModel | None, counts: dict[Kind | int, int]) -> None:
        """Shows counts; what is chosen stays chosen."""
        entry = self.entry
        self._is_telling = False
        self.model_.set_counts(model, counts, entry)
        self._is_telling = True
        self.choose(entry)

    def currentChanged(self, current: AnyIndex, previous: AnyIndex) -> None:
        super().currentChanged(current, previous)
        self.viewport().update()
        if self._is_telling and current.isValid():
            self.chosen.emit(current.data(ENTRY_ROLE))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if is_letter(event) or event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.ignore()
            return
        super().keyPressEvent(event)


def _is_same(one: Entry, other: Entry) -> bool:
    if isinstance(one, Kind) or isinstance(other, Kind):
        return one is other
    return one.id == other.id
