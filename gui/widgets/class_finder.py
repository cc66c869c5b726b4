"""The type-ahead over all classes: a field with the best matches below it. Reaches any of any number of classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QGraphicsDropShadowEffect,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from engine.domain import ImageClass
from engine.language import tr
from gui.models.class_search import ClassSearch
from gui.theme import font, icon, paint_icon, theme
from gui.widgets.keycap import keycap_width, paint_keycap

MAX_SHOWN = 8
MAX_ROWS = 100
"""Rows that can be reached with the arrows; who has more classes than that types another letter."""
ROW_PX = 30
CLASS_ROLE = int(Qt.ItemDataRole.UserRole)


class FoundClassDelegate(QStyledItemDelegate):
    """Paints a class with its colour and its key; the row that makes a new one has a plus instead."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(100, ROW_PX)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        colors = theme()
        item: ImageClass | None = index.data(CLASS_ROLE)
        row = QRectF(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setBrush(QColor(colors.control_hover))
            painter.drawRoundedRect(row, 6, 6)
        middle = row.center().y()
        room = row.adjusted(30, 0, -10, 0)
        if item is None:
            paint_icon(painter, "plus", QRectF(row.left() + 8, middle - 7, 14, 14))
        else:
            painter.setBrush(QColor(item.color))
            painter.drawEllipse(QRectF(row.left() + 10, middle - 5, 10, 10))
            if item.key:
                width = keycap_width(item.key.upper())
                paint_keycap(painter, row.right() - width - 8, middle, item.key.upper())
                room.setRight(row.right() - width - 16)
        painter.setFont(font())
        painter.setPen(QColor(colors.text))
        text = QFontMetricsF(font()).elidedText(str(index.data()), Qt.TextElideMode.ElideMiddle, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
        painter.restore()


class ClassFinder(QFrame):
    """Floats over the images. Enter takes the marked class, Esc closes; a new name can be made a class."""

    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._classes = ClassSearch([])
        self._on_chosen: Callable[[int], object] = _nothing
        self._on_new: Callable[[str], object] | None = None
        self.setProperty("role", "card")
        self.setFixedWidth(340)
        self.title = QLabel()
        self.title.setProperty("role", "dim")
        self.field = QLineEdit()
        self.field.setPlaceholderText(tr("Class…"))
        self.field.setAccessibleName(tr("Find a class"))
        self.field.setToolTip(tr("Type a part of the name. Up and down choose, Enter takes, Esc closes"))
        self.field.setMaxLength(100)
        self.field.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.field.installEventFilter(self)
        self.field.textChanged.connect(self._search)
        self.list = QListWidget()
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setAccessibleName(tr("Matching classes"))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setItemDelegate(FoundClassDelegate(self.list))
        self.list.setMouseTracking(True)
        self.list.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.list.itemClicked.connect(lambda _item: self._take())
        self.more = QLabel()
        self.more.setProperty("role", "faint")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.setSpacing(8)
        layout.addWidget(self.title)
        layout.addWidget(self.field)
        layout.addWidget(self.list)
        layout.addWidget(self.more)
        shadow = QGraphicsDropShadowEffect(self)
        shadow.setBlurRadius(32)
        shadow.setOffset(0, 8)
        shadow.setColor(QColor(0, 0, 0, 120))
        self.setGraphicsEffect(shadow)
        self.hide()

    def open(
        self,
        classes: Sequence[ImageClass],
        recent: Sequence[int],
        title: str,
        on_chosen: Callable[[int], object],
        on_new: Callable[[str], object] | None = None,
    ) -> None:
        """Shows the field, empty, with the most recent classes below it.

        `on_chosen` gets the id of the class that was taken; `on_new` the name of one that is to be made.
        """
        self._classes, self._on_chosen, self._on_new = ClassSearch(classes, recent), on_chosen, on_new
        self.title.setText(title)
        self.field.clear()
        self._search("")
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def close_finder(self) -> None:
        """Hides the field."""
        if self.isVisible():
            self.hide()
            self.closed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.field and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            keys = Qt.Key
            if event.key() in (keys.Key_Return, keys.Key_Enter):
                self._take()
                return True
            if event.key() == keys.Key_Escape:
                self.close_finder()
                return True
            step = {keys.Key_Down: 1, keys.Key_Up: -1, keys.Key_Tab: 1, keys.Key_Backtab: -1}.get(keys(event.key()))
            if step is not None and self.list.count():
                self.list.setCurrentRow((self.list.currentRow() + step) % self.list.count())
                return True
        if watched is self.field and event.type() == QEvent.Type.FocusOut:
            self.close_finder()
        return super().eventFilter(watched, event)

    def _search(self, text: str) -> None:
        self.list.clear()
        name = text.strip()
        found = self._classes.find(name)
        for item in found[:MAX_ROWS]:
            self._add_row(item.name, item)
        if name and self._on_new is not None and not self._classes.has(name):
            self._add_row(tr("Create class “{name}”", name=name), None)
        num_more = len(found) - MAX_ROWS
        words = self._words(name, num_more)
        self.more.setText(words)
        self.more.setVisible(bool(words))
        self.list.setCurrentRow(0)
        self.list.setFixedHeight(min(MAX_SHOWN, self.list.count()) * ROW_PX + 2)
        self.list.setVisible(self.list.count() > 0)
        self.adjustSize()

    def _words(self, name: str, num_more: int) -> str:
        """Returns what stands below the list."""
        if num_more > 0:
            return tr("{number:,} more: type another letter", number=num_more)
        if self.list.count():
            return ""
        if name:
            return tr("No class of that name")
        return tr("Type a name: it becomes a class") if self._on_new is not None else tr("There is no class yet")

    def _add_row(self, text: str, item: ImageClass | None) -> None:
        row = QListWidgetItem(text)
        row.setData(CLASS_ROLE, item)
        self.list.addItem(row)

    def _take(self) -> None:
        if self.list.currentRow() < 0:
            return
        item: ImageClass | None = self.list.currentItem().data(CLASS_ROLE)
        name = self.field.text().strip()
        self.close_finder()
        if item is not None:
            self._on_chosen(item.id)
        elif self._on_new is not None:
            self._on_new(name)


def _nothing(_class_id: int) -> None:
    """Until it is opened, nobody wants to know."""
