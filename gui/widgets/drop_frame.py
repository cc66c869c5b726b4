"""The dashed frame of a place where files or folders can be dropped."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from gui.theme import theme


def paint_drop_frame(painter: QPainter, area: QRect, is_target: bool, radius_px: int) -> None:
    """Paints the frame; it glows while something is held over it."""
    colors = theme()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    pen = QPen(colors.color("accent" if is_target else "text_faint"), 1.5, Qt.PenStyle.CustomDashLine)
    pen.setDashPattern([4, 4])
    painter.setPen(pen)
    glow = colors.color("accent")
    glow.setAlphaF(0.10)
    painter.setBrush(glow if is_target else QColor(Qt.GlobalColor.transparent))
    painter.drawRoundedRect(QRectF(area).adjusted(1, 1, -1, -1), radius_px, radius_px)
