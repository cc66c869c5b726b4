"""How often the model was right when it said how sure it was; every point can be opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from engine.language import tr
from gui import wording
from gui.theme import theme
from gui.widgets.plot_axes import Axes, inner_area, share_levels

REACH_PX = 18
SMALLEST_PX, LARGEST_PX = 3.5, 7.0
FEW = 5
"""A point of fewer images is grey: it says next to nothing."""


@dataclass(frozen=True, slots=True)
class ReliabilityPoint:
    """Images about equally sure: mean confidence, share that was right with its 95 % interval, number."""

    confidence: float
    accuracy: float
    low: float
    high: float
    num_images: int

    @property
    def sentence(self) -> str:
        """The point in words."""
        return tr(
            "{images}: the model said {said:.0f}%, right were {share:.0f}% ({low:.0f}% to {high:.0f}%).",
            images=wording.count(self.num_images, "image"),
            said=100 * self.confidence,
            share=100 * self.accuracy,
            low=100 * self.low,
            high=100 * self.high,
        )


class ReliabilityPlot(QWidget):
    """Points on the dashed line are honest, below it the model is too sure of itself."""

    point_opened = Signal(int)
    """A click or Enter on a point: its place in the list."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._points: list[ReliabilityPoint] = []
        self._current = -1
        self._hovered = -1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(tr("Confidence against how often the model was right"))

    def sizeHint(self) -> QSize:
        return QSize(280, 190)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 140)

    def set_points(self, points: Sequence[ReliabilityPoint]) -> None:
        """Shows other points, least sure first."""
        self._points = list(points)
        self._current = self._hovered = -1
        self.setAccessibleDescription(" ".join(each.sentence for each in self._points))
        self.update()

    def text(self) -> str:
        """Returns the current point in words."""
        return self._points[self._current].sentence if self._current >= 0 else ""

    def place_of(self, index: int) -> QPointF:
        """Returns where a point is."""
        point = self._points[index]
        return self._axes().point(point.confidence, point.accuracy)

    def _axes(self) -> Axes:
        lowest = min((min(each.confidence, each.accuracy) for each in self._points), default=0.5)
        low = share_levels(max(0.0, lowest - 0.02))[0]
        return Axes(inner_area(self.width(), self.height()), low, 1.0, low, 1.0)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors, axes = theme(), self._axes()
        axes.paint_grid(painter, share_levels(axes.y_low))
        painter.setPen(colors.color("text_faint"))
        below = axes.area.adjusted(0, axes.area.height() + 4, 0, 22)
        painter.drawText(below, int(Qt.AlignmentFlag.AlignLeft), tr("said {share:.0f} %", share=100 * axes.x_low))
        painter.drawText(below, int(Qt.AlignmentFlag.AlignRight), tr("said {share:.0f} %", share=100))
        painter.setPen(QPen(colors.color("text_faint"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(axes.point(axes.x_low, axes.y_low), axes.point(1.0, 1.0))
        places = [axes.point(each.confidence, each.accuracy) for each in self._points]
        whisker = colors.color("accent")
        whisker.setAlphaF(0.45)
        painter.setPen(QPen(whisker, 1.5))
        for each in self._points:
            painter.drawLine(axes.point(each.confidence, each.low), axes.point(each.confidence, each.high))
        painter.setPen(QPen(colors.color("accent"), 2))
        painter.drawPolyline(QPolygonF(places))
        most = max((each.num_images for each in self._points), default=1)
        for at, (each, place) in enumerate(zip(self._points, places, strict=True)):
            radius = SMALLEST_PX + (LARGEST_PX - SMALLEST_PX) * (each.num_images / most) ** 0.5
            is_marked = at == self._hovered or (at == self._current and self.hasFocus())
            painter.setPen(QPen(colors.color("text"), 2) if is_marked else Qt.PenStyle.NoPen)
            painter.setBrush(colors.color("accent" if each.num_images >= FEW else "text_faint"))
            painter.drawEllipse(place, radius, radius)
        painter.end()

    def _at(self, point: QPointF) -> int:
        """Returns the point of the plot near a point of the widget, or -1."""
        nearest, reach = -1, float(REACH_PX)
        axes = self._axes()
        for at, each in enumerate(self._points):
            place = axes.point(each.confidence, each.accuracy)
            distance = (place - point).manhattanLength()
            if distance <= reach:
                nearest, reach = at, distance
        return nearest

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        found = self._at(event.position())
        if found != self._hovered:
            self._hovered = found
            self.setCursor(Qt.CursorShape.PointingHandCursor if found >= 0 else Qt.CursorShape.ArrowCursor)
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hovered = -1
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        found = self._at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and found >= 0:
            self._current = found
            self.point_opened.emit(found)
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if self._current < 0 and self._points:
            self._current = 0

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = Qt.Key
        step = {keys.Key_Left: -1, keys.Key_Right: 1}.get(keys(event.key()))
        if step is not None and self._points:
            self._current = max(0, min(len(self._points) - 1, self._current + step))
            self.setToolTip(self.text())
            self.update()
        elif event.key() in (keys.Key_Return, keys.Key_Enter, keys.Key_Space) and self._current >= 0:
            self.point_opened.emit(self._current)
        else:
            event.ignore()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            found = self._at(QPointF(event.pos()))
            if found >= 0:
                words = f"{self._points[found].sentence}\n{tr('Click or Enter: see them')}"
                QToolTip.showText(event.globalPos(), words, self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)
