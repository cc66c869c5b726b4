"""Curves of a training that is under way: loss on the left axis, share of right ones on the right."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.language import decimal, tr, trc
from gui.theme import font, theme

LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 36.0, 44.0, 24.0, 20.0
DOT_PX = 2.5


@dataclass(slots=True)
class Curves:
    """Points (round, value) of one training; `num_rounds` is how many it will have."""

    num_rounds: int = 1
    loss: list[tuple[int, float]] = field(default_factory=list)
    validation_loss: list[tuple[int, float]] = field(default_factory=list)
    accuracy: list[tuple[int, float]] = field(default_factory=list)


class CurvePlot(QWidget):
    """Paints `curves`; each kind has its own dash as well as its own colour."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.curves = Curves()
        self.setFont(font(0.85))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(tr("Curves of the training"))

    def sizeHint(self) -> QSize:
        return QSize(300, 150)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 110)

    def show_curves(self, curves: Curves) -> None:
        """Shows other curves, or the same ones with new points."""
        self.curves = curves
        latest = [f"{name} {decimal(points[-1][1], '.2f')}" for name, points in self._named() if points]
        self.setAccessibleDescription(", ".join(latest) or tr("No rounds yet"))
        self.update()

    def _named(self) -> list[tuple[str, list[tuple[int, float]]]]:
        curves = self.curves
        return [
            (tr("loss"), curves.loss),
            (trc("loss", "held out"), curves.validation_loss),
            (trc("share", "right"), curves.accuracy),
        ]

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors = theme()
        if not self.curves.loss:
            painter.setPen(colors.color("text_faint"))
            words = tr("Curves appear here while more than the head is trained.")
            painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), words)
            return
        area = QRectF(self.rect()).adjusted(LEFT_PX, TOP_PX, -RIGHT_PX, -BOTTOM_PX)
        losses = [value for _, points in self._named()[:2] for _, value in points if math.isfinite(value)]
        top = _nice_top(max(losses, default=1.0))
        painter.setPen(QPen(colors.color("border"), 1))
        for share in (0.0, 0.5, 1.0):
            y = area.bottom() - share * area.height()
            painter.setPen(QPen(colors.color("border"), 1))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(colors.color("text_faint"))
            words = decimal(share * top, "g")
            left = QRectF(0, y - 8, LEFT_PX - 6, 16)
            painter.drawText(left, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), words)
            right = QRectF(area.right() + 6, y - 8, RIGHT_PX - 6, 16)
            painter.drawText(right, int(Qt.AlignmentFlag.AlignVCenter), f"{100 * share:.0f} %")
        painter.setPen(colors.color("text_faint"))
        below = QRectF(area.left(), area.bottom() + 2, area.width(), BOTTOM_PX - 2)
        painter.drawText(below, int(Qt.AlignmentFlag.AlignRight), tr("round {number}", number=self.curves.num_rounds))
        styles = (
            ("text_dim", Qt.PenStyle.SolidLine, top),
            ("warning", Qt.PenStyle.DashLine, top),
            ("accent", Qt.PenStyle.DashDotLine, 1.0),
        )
        x = 4.0
        for (name, points), (color, dash, scale) in zip(self._named(), styles, strict=True):
            pen = QPen(colors.color(color), 2, dash)
            painter.setPen(pen)
            painter.drawLine(QPointF(x, TOP_PX / 2), QPointF(x + 16, TOP_PX / 2))
            painter.setPen(colors.color("text_dim"))
            width = painter.fontMetrics().horizontalAdvance(name)
            painter.drawText(QRectF(x + 20, 0, width + 4, TOP_PX), int(Qt.AlignmentFlag.AlignVCenter), name)
            x += 20 + width + 10
            self._paint_points(painter, pen, points, area, scale)

    def _paint_points(
        self, painter: QPainter, pen: QPen, points: list[tuple[int, float]], area: QRectF, scale: float
    ) -> None:
        rounds = max(self.curves.num_rounds - 1, 1)
        places = [
            QPointF(
                area.left() + (number - 1) / rounds * area.width(),
                area.bottom() - min(value / scale, 1.0) * area.height(),
            )
            for number, value in points
            if math.isfinite(value)
        ]
        if not places:
            return
        painter.setPen(pen)
        painter.drawPolyline(QPolygonF(places))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(pen.color())
        painter.drawEllipse(places[-1], DOT_PX, DOT_PX)


def _nice_top(largest: float) -> float:
    """Returns a round number that is not less, for the top of an axis."""
    if not math.isfinite(largest) or largest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(largest))
    return next(step * power for step in (1.0, 2.0, 4.0, 6.0, 10.0) if step * power >= largest)
