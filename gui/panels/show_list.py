"""The SHOW list: how far the images have come and what is said of them, with live counts, and the search in names."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QLineEdit,
    QListView,
    QSizePolicy,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from engine.language import tr, trn
from gui.models.image_filter import ImageFilter, Show, Trait
from gui.models.label_counts import LabelCounts
from gui.theme import icon, theme
from gui.widgets.filter_row import ROW_PX, is_letter, paint_filter_row

AnyIndex = QModelIndex | QPersistentModelIndex
SEARCH_DELAY_MS = 150
LINE_PX = 9
ENTRY_ROLE = int(Qt.ItemDataRole.UserRole)
COUNT_ROLE = ENTRY_ROLE + 1
OF_SEVERAL = (Show.UNCONFIRMED, Show.CONFIRMED)
TIPS = {
    Show.ALL: tr("Every image of the project"),
    Show.UNLABELLED: tr("Images that still need a class (without skipped ones)"),
    Show.LABELLED: tr("Images that have a class"),
    Show.UNCONFIRMED: tr("Images whose classes you have not confirmed with Enter (without skipped ones)"),
    Show.CONFIRMED: tr("Images whose classes you have confirmed with Enter"),
    Show.SUGGESTED: tr("Unlabelled images for which the model suggests a class"),
    Trait.SKIPPED: tr("Images that you skipped with X"),
    Trait.UNSURE: tr("Images that you marked with ?"),
    Trait.UNKNOWN: tr("Unlabelled images that look like none of the classes the model knows"),
    Trait.ACCEPTED: tr("Images whose class the model suggested and you accepted"),
    Trait.REFUSED: tr("Images without a class whose suggestion you took out of a block"),
    Trait.NOTED: tr("Images that you wrote a note about"),
    Trait.PROBLEM: tr("Files that are missing or cannot be read, and why"),
}
ICONS = {
    Trait.SKIPPED: "skip",
    Trait.UNSURE: "question",
    Trait.UNKNOWN: "unknown",
    Trait.ACCEPTED: "sparkle",
    Trait.REFUSED: "minus",
    Trait.NOTED: "pencil",
    Trait.PROBLEM: "broken",
}


class ShowListModel(QAbstractListModel):
    """The entries of the list with their counts: one Show is chosen, and any number of Traits."""

    def __init__(self, counts: LabelCounts) -> None:
        super().__init__()
        self._counts = counts
        self.entries: list[Show | Trait] = []
        self.chosen: set[Show | Trait] = {Show.ALL}
        self.set_has_several_classes(False)

    def set_has_several_classes(self, on: bool) -> None:
        """Offers what only makes sense where an image may have several classes."""
        self.beginResetModel()
        self.entries = [entry for entry in Show if on or entry not in OF_SEVERAL]
        self.entries += list(Trait)
        self.endResetModel()

    def counts_changed(self) -> None:
        self.dataChanged.emit(self.index(0, 0), self.index(len(self.entries) - 1, 0))

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 (Qt's signature)
        return 0 if parent.isValid() else len(self.entries)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        entry = self.entries[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.value
        if role == ENTRY_ROLE:
            return entry
        if role == COUNT_ROLE:
            return self._counts.of(entry)
        if role == Qt.ItemDataRole.ToolTipRole:
            return TIPS[entry]
        if role == Qt.ItemDataRole.AccessibleTextRole:
            name, number = entry.value, self._counts.of(entry)
            if entry in self.chosen:
                return trn("{name}, {number} image, chosen", "{name}, {number} images, chosen", number, name=name)
            return trn("{name}, {number} image", "{name}, {number} images", number, name=name)
        return None


class ShowDelegate(QStyledItemDelegate):
    """Paints an entry; a line parts what one is chosen of from what several are."""

    def __init__(self, model: ShowListModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        is_first_trait = index.row() > 0 and self._model.entries[index.row()] is next(iter(Trait))
        return QSize(120, ROW_PX + LINE_PX if is_first_trait else ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        entry = self._model.entries[index.row()]
        area = option.rect
        if area.height() > ROW_PX:
            line = QRectF(area.left() + 8, area.top() + LINE_PX // 2, area.width() - 16, 1)
            painter.fillRect(line, QColor(theme().border))
            option.rect = area.adjusted(0, LINE_PX, 0, 0)
        trait = ICONS.get(entry, "") if isinstance(entry, Trait) else ""
        count = int(index.data(COUNT_ROLE))
        paint_filter_row(painter, option, entry.value, count, entry in self._model.chosen, trait)


class ShowListView(QListView):
    """A list whose letters are left to the class keys. Arrows choose among the first entries; Space and Enter act."""

    entry_chosen = Signal(object)
    """A Show or a Trait that was clicked or reached."""

    def __init__(self, model: ShowListModel) -> None:
        super().__init__()
        self._entries = model
        self.setModel(model)
        self.setItemDelegate(ShowDelegate(model, self))
        self.setMouseTracking(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Which images are shown"))
        self.clicked.connect(lambda index: self.entry_chosen.emit(index.data(ENTRY_ROLE)))
        model.modelReset.connect(self._fit)
        self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = Qt.Key
        if event.key() in (keys.Key_Space, keys.Key_Return, keys.Key_Enter):
            if self.currentIndex().isValid():
                self.entry_chosen.emit(self.currentIndex().data(ENTRY_ROLE))
        elif is_letter(event):
            event.ignore()
        else:
            before = self.currentIndex().row()
            super().keyPressEvent(event)
            now = self.currentIndex()
            if now.row() != before and isinstance(now.data(ENTRY_ROLE), Show):
                self.entry_chosen.emit(now.data(ENTRY_ROLE))

    def _fit(self) -> None:
        self.setFixedHeight(len(self._entries.entries) * ROW_PX + LINE_PX + 2)


class SearchField(QLineEdit):
    """Tells when the cursor comes in."""

    entered = Signal()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.entered.emit()


class ShowListPanel(QWidget):
    """Lets the user choose which images are shown."""

    show_chosen = Signal(object)
    """A Show; also when the chosen one is clicked again, which applies it anew."""
    trait_toggled = Signal(object)
    text_changed = Signal(str)
    search_begun = Signal()
    left = Signal()
    """Enter in the search: the keys should go back to the images."""

    def __init__(self, counts: LabelCounts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = ShowListModel(counts)
        self.view = ShowListView(self._model)
        self.view.entry_chosen.connect(self._on_entry_chosen)
        self.search = SearchField()
        self.search.entered.connect(self.search_begun)
        self.search.setPlaceholderText(tr("Search names"))
        self.search.setClearButtonEnabled(True)
        self.search.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.search.setAccessibleName(tr("Search in file names"))
        self.search.setToolTip(tr("Show only images whose path contains this text (Ctrl+F)"))
        self._search_timer = QTimer(self, singleShot=True, interval=SEARCH_DELAY_MS)
        self._search_timer.timeout.connect(lambda: self.text_changed.emit(self.search.text().strip()))
        self.search.textChanged.connect(lambda _text: self._search_timer.start())
        self.search.returnPressed.connect(self._search_now)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 0, 8, 0)
        layout.setSpacing(8)
        layout.addWidget(self.view)
        layout.addWidget(self.search)

    def set_filter(self, wanted: ImageFilter) -> None:
        """Marks what is chosen, without choosing it."""
        self._model.chosen = {wanted.show, *wanted.traits}
        self.view.viewport().update()
        if self.search.text().strip() != wanted.text:
            blocked = self.search.blockSignals(True)
            self.search.setText(wanted.text)
            self.search.blockSignals(blocked)

    def set_has_several_classes(self, on: bool) -> None:
        """Offers "Confirmed" and "Not confirmed", or not."""
        self._model.set_has_several_classes(on)

    def refresh_counts(self) -> None:
        """Shows the counts as they are now."""
        self._model.counts_changed()

    def _search_now(self) -> None:
        self._search_timer.stop()
        self.text_changed.emit(self.search.text().strip())
        self.left.emit()

    def _on_entry_chosen(self, entry: Show | Trait) -> None:
        (self.show_chosen if isinstance(entry, Show) else self.trait_toggled).emit(entry)
