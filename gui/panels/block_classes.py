"""The classes of a pass with the number of their open suggestions; the one that is looked at lies on a bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from engine.domain import ImageClass
from engine.language import decimal, tr
from gui import wording
from gui.theme import font, paint_icon, theme
from gui.widgets.filter_row import ROW_PX, is_letter

AnyIndex = QModelIndex | QPersistentModelIndex
CLASS_ROLE = int(Qt.ItemDataRole.UserRole)
COUNT_ROLE = CLASS_ROLE + 1


class OpenClassesModel(QAbstractListModel):
    """One row for each class."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[tuple[ImageClass, int]] = []

    def set_entries(self, entries: Sequence[tuple[ImageClass, int]]) -> None:
        """Shows classes with counts; the selection stays where only counts are others."""
        is_same = [item.id for item, _ in entries] == [item.id for item, _ in self.entries]
        if is_same:
            self.entries = list(entries)
            self.dataChanged.emit(self.index(0, 0), self.index(len(entries) - 1, 0))
            return
        self.beginResetModel()
        self.entries = list(entries)
        self.endResetModel()

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 (Qt's signature)
        return 0 if parent.isValid() else len(self.entries)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        item, count = self.entries[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return item.name
        if role == CLASS_ROLE:
            return item
        if role == COUNT_ROLE:
            return count
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{item.name}: {wording.count(count, 'open suggestion') if count else tr('nothing open')}"
        return None


class OpenClassDelegate(QStyledItemDelegate):
    """Paints a row: dot, name, count; a tick where nothing is open any more."""

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(120, ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        colors = theme()
        item, count = index.data(CLASS_ROLE), int(index.data(COUNT_ROLE))
        is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        row = QRectF(option.rect).adjusted(0, 1, 0, -1)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if is_chosen or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(QColor(colors.selected if is_chosen else colors.card))
            painter.drawRoundedRect(row, 6, 6)
        if is_chosen and option.widget is not None and option.widget.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colors.accent), 1))
            painter.drawRoundedRect(row.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        inner = row.adjusted(8, 0, -8, 0)
        metrics = QFontMetricsF(font())
        painter.setFont(font())
        if count:
            number = decimal(count, ",")
            painter.setPen(QColor(colors.text_dim))
            painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, number)
            inner.setRight(inner.right() - metrics.horizontalAdvance(number) - 8)
        else:
            paint_icon(painter, "check", QRectF(inner.right() - 14, row.center().y() - 7, 14, 14), "text_faint")
            inner.setRight(inner.right() - 22)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(item.color))
        painter.drawEllipse(QRectF(inner.left(), row.center().y() - 5, 10, 10))
        inner.setLeft(inner.left() + 18)
        painter.setPen(QColor(colors.text if is_chosen else colors.text_dim if count else colors.text_faint))
        text = metrics.elidedText(item.name, Qt.TextElideMode.ElideMiddle, inner.width())
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
        painter.restore()


class OpenClassList(QListView):
    """The list. Letters are left to the class keys."""

    class_chosen = Signal(int)
    """The id of a class that was clicked, or reached by an arrow key."""
    left = Signal()
    """Back to the pictures."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.entries = OpenClassesModel()
        self.setModel(self.entries)
        self.setItemDelegate(OpenClassDelegate(self))
        self.setObjectName("openClasses")
        self.setAccessibleName(tr("Classes with open suggestions"))
        self.setProperty("role", "plain")
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.clicked.connect(lambda index: self._choose(index.row()))

    def show_classes(self, entries: Sequence[tuple[ImageClass, int]], class_id: int) -> None:
        """Shows the classes with their counts and which one is looked at."""
        self.entries.set_entries(entries)
        row = next((at for at, (item, _) in enumerate(entries) if item.id == class_id), -1)
        if row != self.currentIndex().row():
            self.setCurrentIndex(self.entries.index(row, 0) if row >= 0 else QModelIndex())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = Qt.Key
        step = {keys.Key_Up: -1, keys.Key_Down: 1}.get(keys(event.key()), 0)
        if step:
            self._choose(max(0, min(len(self.entries.entries) - 1, self.currentIndex().row() + step)))
        elif event.key() in (keys.Key_Return, keys.Key_Enter, keys.Key_Escape, keys.Key_Right, keys.Key_Left):
            self.left.emit()
        elif is_letter(event):
            event.ignore()
        else:
            super().keyPressEvent(event)

    def _choose(self, row: int) -> None:
        if 0 <= row < len(self.entries.entries):
            self.class_chosen.emit(self.entries.entries[row][0].id)
