"""Drawing of a key of the keyboard, as in the palette and the hint line."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from gui.theme import font, theme

HEIGHT_PX = 20


def keycap_width(text: str) -> float:
    """Returns how wide a keycap with this text is."""
    return max(float(HEIGHT_PX), round(QFontMetricsF(font(0.82, bold=True)).horizontalAdvance(text)) + 12.0)


def paint_keycap(painter: QPainter, left: float, middle: float, text: str, is_active: bool = False) -> float:
    """Draws a keycap with its left edge and vertical middle given. Returns its width."""
    colors = theme()
    box = QRectF(round(left), round(middle - HEIGHT_PX / 2), keycap_width(text), HEIGHT_PX)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colors.track if colors.is_dark else colors.control_hover))
    painter.drawRoundedRect(box, 4, 4)
    if is_active:
        painter.setPen(QPen(QColor(colors.accent), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
    painter.setFont(font(0.82, bold=True))
    painter.setPen(QColor(colors.accent if is_active else colors.text))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
    return box.width()
