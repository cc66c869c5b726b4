"""The SHOW list: which images are in the grid, with live counts, and the search in file names."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QLabel,
    QLineEdit,
    QListView,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from gui.models.image_filter import Show
from gui.models.label_counts import LabelCounts
from gui.theme import font, icon, theme

AnyIndex = QModelIndex | QPersistentModelIndex
ROW_PX = 28
SEARCH_DELAY_MS = 150
COUNT_ROLE = int(Qt.ItemDataRole.UserRole)
TIPS = {
    Show.ALL: "Every image of the project",
    Show.UNLABELLED: "Images that still need a class (without skipped ones)",
    Show.LABELLED: "Images that have a class",
    Show.SUGGESTED: "Unlabelled images for which the model suggests a class",
    Show.SKIPPED: "Images that you skipped with X",
    Show.UNSURE: "Images that you marked with ?",
    Show.PROBLEM: "Files that are missing or cannot be read, and why",
}


class ShowListModel(QAbstractListModel):
    """The entries of the list with their counts."""

    def __init__(self, counts: LabelCounts) -> None:
        super().__init__()
        self._counts = counts
        self.entries = list(Show)

    def counts_changed(self) -> None:
        self.dataChanged.emit(self.index(0, 0), self.index(len(self.entries) - 1, 0))

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 (Qt's signature)
        return 0 if parent.isValid() else len(self.entries)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        entry = self.entries[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.value
        if role == COUNT_ROLE:
            return self._counts.of(entry)
        if role == Qt.ItemDataRole.ToolTipRole:
            return TIPS[entry]
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{entry.value}, {self._counts.of(entry)} images"
        return None


class ShowDelegate(QStyledItemDelegate):
    """Paints an entry: name left, count right, the chosen one on a rounded bar."""

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(120, ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        colors = theme()
        state = option.state
        row = QRectF(option.rect)
        is_chosen = bool(state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if is_chosen or state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(QColor(colors.selected if is_chosen else colors.card))
            painter.drawRoundedRect(row, 6, 6)
        if is_chosen and option.widget is not None and option.widget.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colors.accent), 1))
            painter.drawRoundedRect(row.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        count = int(index.data(COUNT_ROLE))
        painter.setFont(font())
        painter.setPen(QColor(colors.text if is_chosen else colors.text_dim))
        inner = row.adjusted(8, 0, -8, 0)
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, str(index.data()))
        painter.setPen(QColor(colors.text_dim if count else colors.text_faint))
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, f"{count:,}")
        painter.restore()


class ShowListView(QListView):
    """A list whose letters are left to the class keys."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.text().isprintable() and event.text():
            event.ignore()
        else:
            super().keyPressEvent(event)


class ShowListPanel(QWidget):
    """Lets the user choose which images are shown."""

    show_chosen = Signal(object)
    """A Show; also when the chosen one is clicked again, which applies it anew."""
    text_changed = Signal(str)
    left = Signal()
    """Enter in the search: the keys should go back to the images."""

    def __init__(self, counts: LabelCounts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = ShowListModel(counts)
        self.view = ShowListView()
        self.view.setModel(self._model)
        self.view.setItemDelegate(ShowDelegate(self.view))
        self.view.setMouseTracking(True)
        self.view.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.view.setFixedHeight(len(Show) * ROW_PX + 2)
        self.view.setAccessibleName("Which images are shown")
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search names")
        self.search.setClearButtonEnabled(True)
        self.search.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.search.setAccessibleName("Search in file names")
        self.search.setToolTip("Show only images whose path contains this text (Ctrl+F)")
        self._search_timer = QTimer(self, singleShot=True, interval=SEARCH_DELAY_MS)
        self._search_timer.timeout.connect(lambda: self.text_changed.emit(self.search.text().strip()))
        self.search.textChanged.connect(lambda _text: self._search_timer.start())
        self.search.returnPressed.connect(self._search_now)
        caption = QLabel("SHOW")
        caption.setProperty("role", "caption")
        caption.setContentsMargins(16, 0, 16, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(caption)
        inner = QVBoxLayout()
        inner.setContentsMargins(8, 0, 8, 0)
        inner.setSpacing(8)
        inner.addWidget(self.view)
        inner.addWidget(self.search)
        layout.addLayout(inner)
        self.set_show(Show.ALL)
        self.view.selectionModel().currentChanged.connect(lambda now, _old: self._on_chosen(now))
        self.view.clicked.connect(self._on_chosen)

    def set_show(self, show: Show) -> None:
        """Marks an entry without choosing it."""
        blocked = self.view.selectionModel().blockSignals(True)
        self.view.setCurrentIndex(self._model.index(self._model.entries.index(show), 0))
        self.view.selectionModel().blockSignals(blocked)
        self.view.viewport().update()

    def set_text(self, text: str) -> None:
        """Shows a search text without searching."""
        if self.search.text().strip() != text:
            blocked = self.search.blockSignals(True)
            self.search.setText(text)
            self.search.blockSignals(blocked)

    def refresh_counts(self) -> None:
        """Shows the counts as they are now."""
        self._model.counts_changed()

    def _search_now(self) -> None:
        self._search_timer.stop()
        self.text_changed.emit(self.search.text().strip())
        self.left.emit()

    def _on_chosen(self, index: AnyIndex) -> None:
        if index.isValid():
            self.show_chosen.emit(self._model.entries[index.row()])
