"""What lies over the large image: its class, a note on the picture, and the message where there is no picture."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from gui.theme import font, paint_icon, theme
from gui.widgets.painted_chip import chip_width, paint_chip

CORNER_PX = 12
GAP_PX, MORE_PX = 6, 30


def paint_classes(painter: QPainter, area: QRectF, chips: Sequence[tuple[str, str, bool]], note: str) -> None:
    """Draws classes (filled) and suggestions (outlined), as (name, color, is suggested), on a plate below left."""
    used = font(0.92)
    metrics = QFontMetricsF(used)
    room = area.width() - 2 * CORNER_PX - 20 - (metrics.horizontalAdvance(note) + GAP_PX if note else 0)
    shown: list[tuple[str, str, bool, float]] = []
    for name, color, is_ghost in chips:
        width = chip_width(name, room, is_ghost)
        # The last one that there is room for may be cut short; of the rest only the number is said.
        if shown and sum(each + GAP_PX for *_, each in shown) + width + MORE_PX > room:
            break
        shown.append((name, color, is_ghost, width))
    num_more = len(chips) - len(shown)
    texts = [f"+{num_more}" if num_more else "", note]
    text = "   ".join(part for part in texts if part)
    chips_width = sum(width for *_, width in shown) + GAP_PX * max(0, len(shown) - 1)
    text_width = metrics.horizontalAdvance(text) + (GAP_PX + 2 if shown else 0) if text else 0
    plate = QRectF(area.left() + CORNER_PX, area.bottom() - CORNER_PX - 34, chips_width + text_width + 20, 34)
    _paint_plate(painter, plate)
    left = plate.left() + 10
    for name, color, is_ghost, _ in shown:
        left += paint_chip(painter, left, plate.center().y(), room, name, color, is_ghost) + GAP_PX
    painter.setFont(used)
    painter.setPen(QColor(theme().text_dim))
    rest = plate.adjusted(0, 0, -10, 0)
    painter.drawText(rest, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text)


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
