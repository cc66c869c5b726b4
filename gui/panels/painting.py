"""Painting: a class key held down, and the arrows give every image that they reach its class."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from gui.panels.key_repeats import KeyRepeats
from gui.panels.labelling import Labelling

HOLD_MS = 200
"""A key that is down for less is a tap: fast typists press the next key before they let go of the last one."""
OTHER_MEANING = (
    Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.AltModifier
)
ARROWS = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)


class Painting(QObject):
    """Watches the keys of the grid and of the single image while a class key is down.

    A press labels and goes on at once, as always. The first arrow after that starts from the image that was labelled,
    not from the one that came next by itself, so that none is left out.
    """

    changed = Signal()
    """It began or ended (for the hint line)."""

    def __init__(self, labelling: Labelling, repeats: KeyRepeats, *views: QWidget) -> None:
        super().__init__(labelling)
        self._labelling = labelling
        self._repeats = repeats
        repeats.released.connect(self._on_key_released)
        self._is_down = False
        self._has_moved = False
        self._hold_timer = QTimer(self, singleShot=True, interval=HOLD_MS)
        self._hold_timer.timeout.connect(self.changed)
        for view in views:
            view.installEventFilter(self)

    @property
    def is_on(self) -> bool:
        """Whether an arrow would paint now."""
        return self._is_down and not self._hold_timer.isActive()

    def press(self, class_id: int) -> None:
        """Labels with a class whose key went down just now."""
        self.release()
        if self._labelling.label(class_id):
            self._is_down = True
            self._hold_timer.start()

    def release(self) -> None:
        """Ends the painting; what was painted is one step of undo."""
        was_on, self._is_down, self._has_moved = self.is_on, False, False
        self._hold_timer.stop()
        if was_on:
            self.changed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self._repeats.watch(event)
        if not self._is_down:
            return False
        if event.type() == QEvent.Type.FocusOut:
            self.release()
        elif isinstance(event, QKeyEvent) and not event.modifiers() & OTHER_MEANING:
            if event.type() == QEvent.Type.KeyPress and event.key() in ARROWS:
                return self._move(watched, event)
        return False

    def _on_key_released(self, key: int) -> None:
        if key not in ARROWS:
            self.release()

    def _move(self, view: QObject, event: QKeyEvent) -> bool:
        if self._hold_timer.isActive() or not isinstance(view, QWidget):
            self.release()
            return False
        if not self._has_moved:
            self._has_moved = True
            self._labelling.back_to_labelled()
        view.keyPressEvent(event)
        self._labelling.paint()
        return True
