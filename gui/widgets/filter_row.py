"""The look of one line of the filters in the left column: an icon or none, a name, a count on the right."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyleOptionViewItem

from engine.language import decimal
from gui.theme import font, paint_icon, theme

ROW_PX = 28
ICON_PX = 16.0


def paint_filter_row(
    painter: QPainter,
    option: QStyleOptionViewItem,
    text: str,
    count: int,
    is_chosen: bool,
    icon: str = "",
    dot: str = "",
) -> None:
    """Paints a row. Chosen ones lie on a bar. `dot` is the colour of a class, in place of an icon."""
    colors = theme()
    row = QRectF(option.rect).adjusted(0, 1, 0, -1)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    if is_chosen or option.state & QStyle.StateFlag.State_MouseOver:
        painter.setBrush(QColor(colors.selected if is_chosen else colors.card))
        painter.drawRoundedRect(row, 6, 6)
    if option.state & QStyle.StateFlag.State_HasFocus and option.widget is not None and option.widget.hasFocus():
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(colors.accent), 1))
        painter.drawRoundedRect(row.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
    used = font()
    painter.setFont(used)
    metrics = QFontMetricsF(used)
    inner = row.adjusted(8, 0, -8, 0)
    number = decimal(count, ",")
    painter.setPen(QColor(colors.text_dim if count else colors.text_faint))
    painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, number)
    inner.setRight(inner.right() - metrics.horizontalAdvance(number) - 8)
    if icon:
        box = QRectF(inner.left(), row.center().y() - ICON_PX / 2, ICON_PX, ICON_PX)
        paint_icon(painter, icon, box, "text" if is_chosen else "text_faint")
        inner.setLeft(inner.left() + ICON_PX + 8)
    elif dot:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(dot))
        painter.drawEllipse(QRectF(inner.left() + 3, row.center().y() - 5, 10, 10))
        inner.setLeft(inner.left() + ICON_PX + 8)
    painter.setPen(QColor(colors.text if is_chosen else colors.text_dim))
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, inner.width())
    painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
    painter.restore()


def is_letter(event: QKeyEvent) -> bool:
    """Tells whether a key would type something: such keys belong to the classes."""
    return bool(event.text()) and event.text().isprintable() and event.key() != Qt.Key.Key_Space
