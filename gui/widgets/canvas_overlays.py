"""What lies over the large image: its class, a note on the picture, and the message where there is no picture."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from gui.theme import font, paint_icon, theme
from gui.widgets.image_card import chip_width, paint_chip

CORNER_PX = 12


def paint_class(painter: QPainter, area: QRectF, name: str, color: str, is_ghost: bool, note: str) -> None:
    """Draws a class (filled) or a suggestion (outlined) on a plate in the lower left corner."""
    used = font(0.92)
    note_width = QFontMetricsF(used).horizontalAdvance(note) + 10 if note else 0
    room = area.width() - 2 * CORNER_PX - 24 - note_width
    width = chip_width(name, room, is_ghost) + note_width
    plate = QRectF(area.left() + CORNER_PX, area.bottom() - CORNER_PX - 34, width + 20, 34)
    _paint_plate(painter, plate)
    paint_chip(painter, plate.left() + 10, plate.center().y(), room, name, color, is_ghost)
    painter.setFont(used)
    painter.setPen(QColor(theme().text_dim))
    rest = plate.adjusted(0, 0, -10, 0)
    painter.drawText(rest, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, note)


def paint_note(painter: QPainter, area: QRectF, note: str) -> None:
    """Draws a remark on where the picture comes from on a plate in the upper left corner."""
    used = font(0.92)
    metrics = QFontMetricsF(used)
    text = metrics.elidedText(note, Qt.TextElideMode.ElideRight, area.width() - 2 * CORNER_PX - 44)
    plate = QRectF(area.left() + CORNER_PX, area.top() + CORNER_PX, metrics.horizontalAdvance(text) + 46, 32)
    _paint_plate(painter, plate)
    paint_icon(painter, "offline", QRectF(plate.left() + 10, plate.center().y() - 9, 18, 18), "warning")
    painter.setFont(used)
    painter.setPen(QColor(theme().text))
    painter.drawText(plate.adjusted(34, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, text)


def paint_message(painter: QPainter, area: QRectF, message: str) -> None:
    """Draws why there is no picture in the middle; without a message, that it is on its way."""
    middle: QPointF = area.center()
    if not message:
        paint_icon(painter, "image", QRectF(middle.x() - 20, middle.y() - 20, 40, 40), "text_faint")
        return
    paint_icon(painter, "broken", QRectF(middle.x() - 24, middle.y() - 60, 48, 48), "warning")
    painter.setPen(QColor(theme().text_dim))
    painter.setFont(font())
    box = QRectF(area.left() + 24, middle.y(), area.width() - 48, 80)
    flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
    painter.drawText(box, int(flags), message)


def _paint_plate(painter: QPainter, plate: QRectF) -> None:
    backing = QColor(theme().panel)
    backing.setAlpha(225)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(backing)
    painter.drawRoundedRect(plate, 8, 8)
