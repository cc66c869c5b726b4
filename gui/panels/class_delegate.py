"""How a row of the palette looks: keycap, colour, name, count and share bar; and the field that edits a name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from engine.domain import ImageClass
from engine.language import decimal, tr
from gui.models.class_list import CLASS_ROLE, COUNT_ROLE, SHARE_ROLE
from gui.panels.workspace_keys import class_key_text
from gui.theme import font, paint_icon, theme
from gui.widgets.keycap import HEIGHT_PX, paint_keycap

AnyIndex = QModelIndex | QPersistentModelIndex
ROW_PX = 32
KEY_X, DOT_X, NAME_X, COUNT_PX = 8, 36, 54, 58
MAX_NAME_LENGTH = 100


class Zone(Enum):
    """The parts of a row that do different things."""

    KEY = "key"
    COLOR = "color"
    NAME = "name"
    COUNT = "count"


def zone_at(row: QRect, point: QPoint) -> Zone:
    """Returns which part of a row a point is in."""
    x = point.x() - row.left()
    if x < KEY_X + HEIGHT_PX + 4:
        return Zone.KEY
    if x < NAME_X - 6:
        return Zone.COLOR
    return Zone.NAME if x < row.width() - COUNT_PX else Zone.COUNT


@dataclass(slots=True)
class PaletteState:
    """What the view tells its rows: class ids, 0 for none. `drop_row` is the gap that a dragged class would go to."""

    shown_class_ids: frozenset[int] = frozenset()
    listening_id: int = 0
    dragged_id: int = 0
    images_over_id: int = 0
    drop_row: int = -1
    hovered_zone: Zone | None = None


class ClassDelegate(QStyledItemDelegate):
    """Paints a row and edits a name."""

    def __init__(self, state: PaletteState, parent: QWidget) -> None:
        super().__init__(parent)
        self._state = state

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(120, ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        colors = theme()
        item: ImageClass = index.data(CLASS_ROLE)
        row = QRectF(option.rect).adjusted(0, 1, 0, -1)
        is_hovered = bool(option.state & QStyle.StateFlag.State_MouseOver) and not self._state.dragged_id
        is_shown = item.id in self._state.shown_class_ids
        is_target = item.id == self._state.images_over_id
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setOpacity(0.45 if item.id == self._state.dragged_id else 1.0)
        painter.setPen(Qt.PenStyle.NoPen)
        if is_shown or is_hovered or is_target:
            painter.setBrush(QColor(colors.selected if is_shown or is_target else colors.card))
            painter.drawRoundedRect(row, 6, 6)
        if is_target or (option.state & QStyle.StateFlag.State_HasFocus):
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colors.accent), 2 if is_target else 1))
            painter.drawRoundedRect(row.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        middle = row.center().y()
        is_listening = item.id == self._state.listening_id
        paint_keycap(
            painter, row.left() + KEY_X, middle, "…" if is_listening else class_key_text(item.key), is_listening
        )
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(item.color))
        painter.drawEllipse(QRectF(row.left() + DOT_X, middle - 5, 10, 10))
        self._paint_texts(painter, row, item, index, is_hovered, is_shown)
        painter.restore()

    def _paint_texts(
        self, painter: QPainter, row: QRectF, item: ImageClass, index: AnyIndex, is_hovered: bool, is_shown: bool
    ) -> None:
        colors = theme()
        count = decimal(index.data(COUNT_ROLE), ",")
        used = font()
        metrics = QFontMetricsF(used)
        painter.setFont(used)
        is_hot = is_hovered and self._state.hovered_zone is Zone.COUNT
        painter.setPen(QColor(colors.accent if is_hot else colors.text_dim))
        right = QRectF(row.right() - COUNT_PX, row.top(), COUNT_PX - 8, row.height())
        painter.drawText(right, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, count)
        taken = metrics.horizontalAdvance(count) + 20
        if is_hovered:
            box = QRectF(row.right() - taken - 8, row.center().y() - 7, 14, 14)
            paint_icon(painter, "filter", box, "accent" if is_hot else "text_faint")
            taken += 18
        painter.setPen(QColor(colors.text))
        left = QRectF(row.left() + NAME_X, row.top(), row.width() - NAME_X - taken, row.height())
        text = metrics.elidedText(item.name, Qt.TextElideMode.ElideRight, left.width())
        painter.drawText(left, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
        share = float(index.data(SHARE_ROLE))
        if share > 0:
            width = row.width() - NAME_X - 8
            color = QColor(item.color)
            color.setAlpha(120)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color)
            painter.drawRoundedRect(QRectF(row.left() + NAME_X, row.bottom() - 3.5, max(3.0, width * share), 2), 1, 1)

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: AnyIndex) -> QWidget:
        editor = QLineEdit(parent)
        editor.setMaxLength(MAX_NAME_LENGTH)
        editor.setAccessibleName(tr("Name of the class"))
        editor.setToolTip(tr("Enter keeps the name, Esc the old one"))
        editor.setStyleSheet("padding: 0 6px; min-height: 0; border-radius: 6px;")
        return editor

    def setEditorData(self, editor: QWidget, index: AnyIndex) -> None:
        # The view calls this at every change of a count; what was typed must stay.
        if isinstance(editor, QLineEdit) and not editor.isModified():
            editor.setText(str(index.data(Qt.ItemDataRole.EditRole)))
            editor.selectAll()

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        rect = option.rect
        editor.setGeometry(rect.adjusted(NAME_X - 8, 2, -4, -2))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # The view's own shortcuts (a class key, Del) must not win over what is typed into a name.
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
        return super().eventFilter(watched, event)
