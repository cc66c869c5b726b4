"""A histogram with two handles, for the darkest and the brightest value that are shown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.language import tr
from gui.theme import theme

HANDLE_PX, TRACK_PX, HEIGHT_PX = 7.0, 4.0, 84
NUM_BINS = 64
STEP, LARGE_STEP = 0.005, 0.05


class RangeSlider(QWidget):
    """Two values in 0..1, `low` < `high`. Drag a handle, or what lies between them; arrow keys move `high`, with Shift
    `low`, and Up and Down both.
    """

    range_changed = Signal(float, float)
    """By the user."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._low, self._high = 0.0, 1.0
        self._bins: NDArray[np.float64] = np.zeros(NUM_BINS)
        self._held = ""
        self._held_at = 0.0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Darkest and brightest value"))
        self.setToolTip(tr("Drag a handle, or what lies between. Keys: Ctrl+Shift+arrows"))

    def sizeHint(self) -> QSize:
        return QSize(240, HEIGHT_PX)

    def set_range(self, low: float, high: float) -> None:
        """Shows these values; they may lie outside the histogram."""
        self._low, self._high = low, high
        self.setAccessibleDescription(tr("from {low:.0f}% to {high:.0f}%", low=100 * low, high=100 * high))
        self.update()

    def set_histogram(self, counts: NDArray[np.int64]) -> None:
        """Shows how often each brightness is there; heights by the square root, so that rare ones can be seen."""
        roots = np.sqrt(counts.astype(np.float64))
        # One value that most pixels have (a black border) must not flatten the others.
        largest = float(np.sort(roots)[-2:].min()) if len(roots) > 1 else 0.0
        self._bins = np.minimum(1.0, roots / largest) if largest > 0 else np.zeros(len(roots))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self._area()
        painter.setPen(Qt.PenStyle.NoPen)
        low, high = self._x(self._low), self._x(self._high)
        painter.setBrush(QColor(colors.field))
        painter.drawRoundedRect(area, 4, 4)
        shape = QPainterPath(area.bottomLeft())
        for at, height in enumerate(self._bins):
            x = area.left() + area.width() * (at + 0.5) / len(self._bins)
            shape.lineTo(x, area.bottom() - (area.height() - 4) * float(height))
        shape.lineTo(area.bottomRight())
        painter.setBrush(QColor(colors.text_faint))
        painter.drawPath(shape)
        shade = QColor(colors.panel)
        shade.setAlpha(170)
        painter.setBrush(shade)  # what is shown as plain black or white
        painter.drawRect(QRectF(area.left(), area.top(), low - area.left(), area.height()))
        painter.drawRect(QRectF(high, area.top(), area.right() - high, area.height()))
        track = area.bottom() + 12
        painter.setBrush(QColor(colors.track))
        painter.drawRoundedRect(QRectF(area.left(), track - TRACK_PX / 2, area.width(), TRACK_PX), 2, 2)
        painter.setBrush(QColor(colors.accent))
        painter.drawRect(QRectF(low, track - TRACK_PX / 2, high - low, TRACK_PX))
        for x, fill in ((low, "#000000"), (high, "#ffffff")):
            painter.setPen(QPen(QColor(colors.accent), 1.0))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, track))
            painter.setPen(QPen(QColor(colors.accent), 3.0 if self.hasFocus() else 2.0))
            painter.setBrush(QColor(fill))
            painter.drawEllipse(QPointF(x, track), HANDLE_PX - 1, HANDLE_PX - 1)
            painter.setBrush(QColor(colors.accent))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        x = event.position().x()
        low, high = self._x(self._low), self._x(self._high)
        near_low, near_high = abs(x - low), abs(x - high)
        if low + HANDLE_PX < x < high - HANDLE_PX and min(near_low, near_high) > 3 * HANDLE_PX:
            self._held = "both"
        else:
            # Where both handles lie on each other, the side decides.
            self._held = "low" if near_low < near_high or (near_low == near_high and x < low) else "high"
        self._held_at = self._value(x)
        if self._held != "both":
            self._move(self._held, self._held_at - (self._low if self._held == "low" else self._high))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held:
            value = self._value(event.position().x())
            self._move(self._held, value - self._held_at)
            self._held_at = value

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._held = ""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = Qt.Key
        sign = {keys.Key_Left: -1, keys.Key_Right: 1, keys.Key_Down: -1, keys.Key_Up: 1}.get(keys(event.key()))
        if sign is None:
            event.ignore()
            return
        is_large = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        is_low = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        both = event.key() in (keys.Key_Up, keys.Key_Down)
        self._move("both" if both else "low" if is_low else "high", sign * (LARGE_STEP if is_large else STEP))

    def event(self, event: QEvent) -> bool:
        # Arrows with Ctrl or Shift are this slider's while it has the focus, whatever the window uses them for.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            keys = Qt.Key
            if event.key() in (keys.Key_Left, keys.Key_Right, keys.Key_Up, keys.Key_Down):
                event.accept()
                return True
        return super().event(event)

    def _move(self, what: str, by: float) -> None:
        low, high = self._low, self._high
        if what in ("low", "both"):
            low += by
        if what in ("high", "both"):
            high += by
        least = 0.002
        if what == "low":
            low = min(low, high - least)
        elif what == "high":
            high = max(high, low + least)
        if (low, high) != (self._low, self._high):
            self.set_range(low, high)
            self.range_changed.emit(low, high)

    def _area(self) -> QRectF:
        return QRectF(HANDLE_PX, 0, self.width() - 2 * HANDLE_PX, self.height() - 22)

    def _x(self, value: float) -> float:
        area = self._area()
        return area.left() + area.width() * min(1.0, max(0.0, value))

    def _value(self, x: float) -> float:
        area = self._area()
        return min(1.0, max(0.0, (x - area.left()) / max(1.0, area.width())))
