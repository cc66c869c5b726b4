"""The learning curve: how good the model was with fewer labels, and what more of them should bring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.language import tr
from gui.theme import theme
from gui.widgets.plot_axes import Axes, inner_area, share_levels

DOT_PX = 3.5


@dataclass(frozen=True, slots=True)
class LearningPoint:
    """So many labels, the share that is right with them, and its 95 % interval."""

    num_labels: float
    accuracy: float
    low: float
    high: float


class LearningPlot(QWidget):
    """What was measured is a line with dots, what is forecast a dashed line in a band."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._measured: list[LearningPoint] = []
        self._forecast: list[LearningPoint] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(tr("Learning curve"))

    def sizeHint(self) -> QSize:
        return QSize(280, 180)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 130)

    def set_curve(self, measured: Sequence[LearningPoint], forecast: Sequence[LearningPoint]) -> None:
        """Shows other points; both ascend in the number of labels."""
        self._measured, self._forecast = list(measured), list(forecast)
        words = [
            tr("{num_labels:.0f} labels: {share:.0f}% right", num_labels=each.num_labels, share=100 * each.accuracy)
            for each in self._measured
        ]
        words += [
            tr(
                "forecast for {num_labels:.0f} labels: {low:.0f}% to {high:.0f}%",
                num_labels=each.num_labels,
                low=100 * each.low,
                high=100 * each.high,
            )
            for each in self._forecast[-1:]
        ]
        self.setAccessibleDescription(". ".join(words))
        self.setToolTip("\n".join(words))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        every = self._measured + self._forecast
        if not every:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors = theme()
        lowest = min([each.accuracy for each in self._measured] + [each.low for each in self._forecast])
        highest = max([each.accuracy for each in self._measured] + [each.high for each in self._forecast])
        levels = share_levels(max(0.0, lowest - 0.01), highest)
        last = max(each.num_labels for each in every)
        area = inner_area(self.width(), self.height())
        axes = Axes(area, 0.0, last, levels[0], max(levels[-1], highest))
        axes.paint_grid(painter, levels)
        painter.setPen(colors.color("text_faint"))
        below = area.adjusted(0, area.height() + 4, 0, 22)
        painter.drawText(below, int(Qt.AlignmentFlag.AlignLeft), "0")
        painter.drawText(below, int(Qt.AlignmentFlag.AlignRight), tr("{num_labels:,.0f} labels", num_labels=last))
        if self._forecast:
            band = colors.color("accent")
            band.setAlphaF(0.22)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(band)
            upper = [axes.point(each.num_labels, each.high) for each in self._forecast]
            lower = [axes.point(each.num_labels, each.low) for each in reversed(self._forecast)]
            painter.drawPolygon(QPolygonF(upper + lower))
            painter.setPen(QPen(colors.color("accent"), 1.5, Qt.PenStyle.DashLine))
            middle = [axes.point(each.num_labels, each.accuracy) for each in self._forecast]
            painter.drawPolyline(QPolygonF(middle))
        places = [axes.point(each.num_labels, each.accuracy) for each in self._measured]
        painter.setPen(QPen(colors.color("accent"), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF(places))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colors.color("accent"))
        for place in places:
            painter.drawEllipse(place, DOT_PX, DOT_PX)
        painter.end()
