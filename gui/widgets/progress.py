"""A slim progress bar; without a known total it moves, to show that something is alive."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.language import tr
from gui.theme import theme

HEIGHT_PX = 6
TICK_MS = 33
STEP = 0.018
SLICE = 0.28


class SlimProgress(QWidget):
    """Shows done of total."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._done = 0
        self._total = 0
        self._phase = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._on_tick)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(HEIGHT_PX)
        self.setAccessibleName(tr("Progress"))

    def set_progress(self, done: int, total: int) -> None:
        """Shows how far it is; `total` 0 means not known."""
        self._done, self._total = done, total
        self.setAccessibleDescription(tr("{done} of {total}", done=done, total=total) if total else "")
        self._start_or_stop()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(220, HEIGHT_PX)

    def showEvent(self, event: QShowEvent) -> None:
        self._start_or_stop()

    def hideEvent(self, event: QHideEvent) -> None:
        self._timer.stop()

    def _start_or_stop(self) -> None:
        if self._total <= 0 and self.isVisible():
            self._timer.start()
        else:
            self._timer.stop()

    def _on_tick(self) -> None:
        self._phase = (self._phase + STEP) % (1.0 + SLICE)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        radius = self.height() / 2
        whole = QRectF(self.rect())
        painter.setBrush(theme().color("track"))
        painter.drawRoundedRect(whole, radius, radius)
        painter.setBrush(theme().color("accent"))
        if self._total > 0:
            part = QRectF(whole)
            part.setWidth(max(whole.width() * min(1.0, self._done / self._total), 2 * radius if self._done else 0.0))
        else:
            left = max(0.0, (self._phase - SLICE) * whole.width())
            right = min(whole.width(), self._phase * whole.width())
            part = QRectF(left, 0, max(0.0, right - left), whole.height())
        painter.drawRoundedRect(part, radius, radius)
