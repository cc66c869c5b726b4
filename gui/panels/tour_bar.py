"""The strip under the workspaces that leads through the first loop: the step, how far it is, and a way out."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from engine.language import tr
from gui.theme import paint_icon, theme
from gui.tour import Step, Tour
from gui.widgets.buttons import button
from gui.widgets.text import ElidedLabel

DOT_PX, GAP_PX = 8, 14
NUM_STEPS = int(Step.DONE)


class StepDots(QWidget):
    """One dot for each step: done, now, to come."""

    def __init__(self) -> None:
        super().__init__()
        self._step = 0
        self.setFixedSize(NUM_STEPS * GAP_PX, 24)

    def set_step(self, step: int) -> None:
        """Marks the step that is asked for (from 0)."""
        self._step = step
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        colors, painter = theme(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for at in range(NUM_STEPS):
            place = QRectF(at * GAP_PX + (GAP_PX - DOT_PX) / 2, (self.height() - DOT_PX) / 2, DOT_PX, DOT_PX)
            painter.setPen(QColor(colors.accent if at <= self._step else colors.text_faint))
            painter.setBrush(QColor(colors.accent) if at < self._step else Qt.BrushStyle.NoBrush)
            painter.drawEllipse(place)


class TourBar(QWidget):
    """Hidden while there is no tour."""

    def __init__(self, tour: Tour, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tour = tour
        self.setAccessibleName(tr("Guided first loop"))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.title = ElidedLabel()
        font = self.title.font()
        font.setBold(True)
        self.title.setFont(font)
        self.detail = ElidedLabel(role="dim")
        self.dots = StepDots()
        self.progress = ElidedLabel(role="dim")
        self.try_button = button(tr("Try some pictures"), "primary", tooltip=tr("Shows what the model says of them"))
        self.try_button.clicked.connect(tour.try_pictures)
        self.leave_button = button(tr("Leave the tour"), "chip", tooltip=tr("Help › Guided first loop brings it back"))
        self.leave_button.clicked.connect(tour.end)
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(self.title)
        texts.addWidget(self.detail)
        row = QHBoxLayout(self)
        row.setContentsMargins(48, 10, 16, 10)
        row.setSpacing(16)
        row.addLayout(texts, 1)
        row.addWidget(self.progress)
        row.addWidget(self.try_button)
        row.addWidget(self.dots)
        row.addWidget(self.leave_button)
        tour.changed.connect(self._show)
        self._show()

    def minimumSizeHint(self) -> QSize:
        return QSize(320, super().minimumSizeHint().height())

    def _show(self) -> None:
        step, text = self._tour.step, self._tour.text()
        if step is not None and text is not None:
            done, wanted = self._tour.progress()
            self.title.setText(text.title if step is Step.DONE else f"{step + 1}   {text.title}")
            self.detail.setText(text.detail)
            self.progress.setText(tr("{done} of {wanted}", done=done, wanted=wanted) if wanted else "")
            self.progress.setVisible(bool(wanted))
            self.try_button.setVisible(step is Step.TAKE)
            self.dots.set_step(step)
            self.leave_button.setText(tr("Close") if step is Step.DONE else tr("Leave the tour"))
            where = tr("Step {number} of {num_steps}", number=step + 1, num_steps=NUM_STEPS)
            if step is Step.DONE:
                where = tr("Done")
            self.setAccessibleDescription(f"{where}. {text.title}. {text.detail} {self.progress.text()}")
        self.setVisible(step is not None)

    def paintEvent(self, event: QPaintEvent) -> None:
        colors, painter = theme(), QPainter(self)
        painter.fillRect(self.rect(), QColor(colors.card))
        painter.fillRect(0, 0, 3, self.height(), QColor(colors.accent))
        painter.fillRect(0, 0, self.width(), 1, QColor(colors.border))
        sign = "check-circle" if self._tour.step is Step.DONE else "leaf"
        paint_icon(painter, sign, QRectF(16, self.height() / 2 - 11, 22, 22), "accent")
