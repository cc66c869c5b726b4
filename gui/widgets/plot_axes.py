"""Axes of the small plots of Review: values to pixels, grid lines, their words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from gui.theme import font, theme

LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 40.0, 12.0, 10.0, 22.0
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5)


@dataclass(frozen=True, slots=True)
class Axes:
    """Maps values to pixels inside `area`; x and y run from `low` to `high`."""

    area: QRectF
    x_low: float
    x_high: float
    y_low: float
    y_high: float

    def point(self, x: float, y: float) -> QPointF:
        """Returns where a pair of values is; what lies outside is put on the edge."""
        across = (x - self.x_low) / max(1e-9, self.x_high - self.x_low)
        up = (y - self.y_low) / max(1e-9, self.y_high - self.y_low)
        return QPointF(
            self.area.left() + min(1.0, max(0.0, across)) * self.area.width(),
            self.area.bottom() - min(1.0, max(0.0, up)) * self.area.height(),
        )

    def paint_grid(self, painter: QPainter, levels: Sequence[float]) -> None:
        """Draws a line and a percentage at each level of y."""
        colors = theme()
        painter.setFont(font(0.85))
        for level in levels:
            y = self.point(self.x_low, level).y()
            painter.setPen(QPen(colors.color("border"), 1))
            painter.drawLine(QPointF(self.area.left(), y), QPointF(self.area.right(), y))
            painter.setPen(colors.color("text_faint"))
            room = QRectF(0, y - 9, self.area.left() - 8, 18)
            words = f"{100 * level:.0f}"
            painter.drawText(room, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), words)


def inner_area(width: float, height: float) -> QRectF:
    """Returns the part of a plot that is not for words."""
    return QRectF(LEFT_PX, TOP_PX, max(10.0, width - LEFT_PX - RIGHT_PX), max(10.0, height - TOP_PX - BOTTOM_PX))


def share_levels(low: float, high: float = 1.0, most: int = 5) -> list[float]:
    """Returns round shares from at or below `low` to at or above `high`, at most `most` + 1 of them."""
    step = next((each for each in STEPS if (high - low) / each <= most - 1), STEPS[-1])
    first = int(low / step + 1e-9)
    levels = [first * step]
    while levels[-1] < high - 1e-9:
        levels.append(levels[-1] + step)
    return [round(each, 4) for each in levels if each <= 1.0 + 1e-9]
