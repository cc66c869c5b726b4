"""Two fields for the days from one to another; an empty field is open."""

from __future__ import annotations

from datetime import date

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from engine.language import tr
from gui.days import day_text, moved, read_day
from gui.models.day_span import DaySpan
from gui.widgets.text import text_label

STEP_DELAY_MS = 150
STEPS = {
    Qt.Key.Key_Up: (1, 0),
    Qt.Key.Key_Down: (-1, 0),
    Qt.Key.Key_PageUp: (0, 1),
    Qt.Key.Key_PageDown: (0, -1),
}
"""Days and months that a key goes on."""


class DayField(QLineEdit):
    """One of the two. What is no date is said, and changes nothing."""

    day_entered = Signal()
    """`day` is another one now."""
    wrong_changed = Signal()

    def __init__(self, is_last: bool) -> None:
        super().__init__()
        self.day: date | None = None
        self.nearest: date | None = None
        """Where the arrow keys begin in an empty field."""
        self._is_last = is_last
        self._timer = QTimer(self, singleShot=True, interval=STEP_DELAY_MS)
        self._timer.timeout.connect(self.read)
        self.setPlaceholderText(tr("Until") if is_last else tr("From"))
        self.setAccessibleName(tr("Taken until") if is_last else tr("Taken from"))
        self.setProperty("role", "day")
        self._set_is_wrong(False)
        self.editingFinished.connect(self.read)
        self.textEdited.connect(lambda _text: self._set_is_wrong(False))

    def set_day(self, day: date | None) -> None:
        """Shows a day, or nothing for None, without telling."""
        self._timer.stop()
        self.day = day
        self.setText(day_text(day) if day is not None else "")
        self._set_is_wrong(False)

    def read(self) -> bool:
        """Takes what stands there; returns whether that is a day, or nothing."""
        self._timer.stop()
        text = self.text().strip()
        day = read_day(text, self._is_last) if text else None
        self._set_is_wrong(bool(text) and day is None)
        if text and day is None:
            return False
        before, text = self.day, day_text(day) if day is not None else ""
        self.day = day
        if text != self.text():
            self.setText(text)
        if day != before:
            self.day_entered.emit()
        return True

    def event(self, event: QEvent) -> bool:
        # Escape takes back what is being typed before it means anything to the window.
        is_escape = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape
        if is_escape and event.type() == QEvent.Type.ShortcutOverride and self._is_being_changed():
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = STEPS.get(Qt.Key(event.key()))
        if step is not None and not event.modifiers():
            self._step(*step)
        elif event.key() == Qt.Key.Key_Escape and self._is_being_changed():
            self.set_day(self.day)
        else:
            super().keyPressEvent(event)

    @property
    def is_wrong(self) -> bool:
        """Whether what was entered is no date."""
        return bool(self.property("invalid"))

    def _step(self, num_days: int, num_months: int) -> None:
        now = read_day(self.text(), self._is_last)
        wanted = moved(now, num_days, num_months) if now is not None else self.nearest
        if wanted is not None:
            self.setText(day_text(wanted))
            self._set_is_wrong(False)
            self._timer.start()

    def _is_being_changed(self) -> bool:
        return self.text() != (day_text(self.day) if self.day is not None else "")

    def _set_is_wrong(self, on: bool) -> None:
        example = day_text(date(2024, 5, 31))
        if on:
            tip = tr("This is no date. Write it like {example}, 5/2024 or 2024", example=example)
        elif self._is_last:
            tip = tr("Only images taken until this day: {example}, 5/2024 or 2024. Empty: no end", example=example)
        else:
            tip = tr("Only images taken from this day on: {example}, 5/2024 or 2024. Empty: no start", example=example)
        self.setToolTip(tip)
        self.setAccessibleDescription(tip)
        if self.property("invalid") is not on:
            self.setProperty("invalid", on)
            self.style().unpolish(self)
            self.style().polish(self)
            self.wrong_changed.emit()


class DaySpanFields(QWidget):
    """From and until. Enter goes on from the first to the second and from there back to the images."""

    span_chosen = Signal(object)
    """A DaySpan."""
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.first, self.last = DayField(is_last=False), DayField(is_last=True)
        self.problem = text_label(role="warning", wrap=True)
        self.problem.hide()
        line = QHBoxLayout()
        line.setSpacing(3)
        line.addWidget(self.first, 1)
        line.addWidget(text_label("–", "dim"))
        line.addWidget(self.last, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 4)
        layout.setSpacing(4)
        layout.addLayout(line)
        layout.addWidget(self.problem)
        for field in (self.first, self.last):
            field.day_entered.connect(lambda: self.span_chosen.emit(self.span))
            field.wrong_changed.connect(self._show_problem)
        self.first.returnPressed.connect(self._on_first_returned)
        self.last.returnPressed.connect(self._on_last_returned)

    @property
    def span(self) -> DaySpan:
        """The days in force."""
        return DaySpan.of(self.first.day, self.last.day)

    def set_span(self, span: DaySpan) -> None:
        """Shows a span without choosing it; what is being typed stays."""
        for field, day in ((self.first, span.first), (self.last, span.last)):
            if field.day != day:
                field.set_day(day)

    def set_extent(self, extent: DaySpan) -> None:
        """Says between which days there are images."""
        self.first.nearest, self.last.nearest = extent.first, extent.last

    def _on_first_returned(self) -> None:
        if self.first.read():
            self.last.setFocus(Qt.FocusReason.TabFocusReason)

    def _on_last_returned(self) -> None:
        if self.last.read():
            self.left.emit()

    def _show_problem(self) -> None:
        wrong = next((field for field in (self.first, self.last) if field.is_wrong), None)
        self.problem.setText(wrong.toolTip() if wrong is not None else "")
        self.problem.setVisible(wrong is not None)
