"""Painting: a class key held down, and the arrows give every image that they reach its class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QWidget

from gui.panels.held_key import ARROWS, HOLD_MS, HeldKey, Moment, moment_of
from gui.panels.key_repeats import WAIT_MS, KeyRepeats
from gui.panels.labelling import Labelling

OTHER_MEANING: Final = (
    Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.AltModifier
)
ENDING: Final = frozenset(
    {
        QEvent.Type.FocusOut,
        QEvent.Type.FocusIn,
        QEvent.Type.WindowActivate,
        QEvent.Type.WindowDeactivate,
        QEvent.Type.WindowBlocked,
        QEvent.Type.ApplicationStateChange,
        QEvent.Type.MouseButtonPress,
        QEvent.Type.MouseButtonDblClick,
        QEvent.Type.NonClientAreaMouseButtonPress,
        QEvent.Type.TouchBegin,
        QEvent.Type.TabletPress,
        QEvent.Type.ContextMenu,
        QEvent.Type.InputMethod,
    }
)
"""What nobody does, or what does not happen, while a key is held for painting, wherever in the program."""


class Painting(QObject):
    """Watches all keys of the program while a class key is down that was pressed over the images.

    A press labels and goes on at once, as always. The first arrow after that starts from the image that was labelled,
    not from the one that came next by itself, so that none is left out. An event that is missed must cost a stroke,
    never a label: a key is held only as long as everything speaks for it (`HeldKey`).
    """

    changed = Signal()
    """It began or ended (for the hint line)."""

    def __init__(self, labelling: Labelling, repeats: KeyRepeats, *views: QWidget) -> None:
        super().__init__(labelling)
        self._labelling = labelling
        self._repeats = repeats
        self._views = views
        self._held = HeldKey()
        self._is_told = self._has_moved = False
        self._hold_timer = self._timer(self._tell)
        self._silence_timer = self._timer(self.release)
        self._release_timer = self._timer(self.release)

    @property
    def is_on(self) -> bool:
        """Whether an arrow would paint now."""
        return self._held.is_down and not self._hold_timer.isActive()

    def press(self, class_id: int) -> None:
        """Labels with a class whose key went down just now; holds it where the images have the keyboard."""
        self.release()
        key, at = self._repeats.pressed
        if self._labelling.label(class_id) and key and QApplication.focusWidget() in self._views:
            self._held.begin(key, at)
            self._hold_timer.start(HOLD_MS)
            self._silence_timer.start(self._held.silent_ms)
            _application().installEventFilter(self)

    def release(self) -> None:
        """Ends the painting; what was painted is one step of undo."""
        self._held.end()
        _application().removeEventFilter(self)
        for timer in (self._hold_timer, self._silence_timer, self._release_timer):
            timer.stop()
        self._has_moved = False
        self._tell()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if not self._held.is_down:
            return False
        if kind in ENDING or (kind is QEvent.Type.Hide and watched in self._views):
            self.release()
        elif isinstance(event, QKeyEvent):
            return self._on_key(watched, event, kind)
        return False

    def _on_key(self, watched: QObject, event: QKeyEvent, kind: QEvent.Type) -> bool:
        key, at, is_repeat = event.key(), moment_of(event), event.isAutoRepeat()
        if kind is QEvent.Type.KeyRelease:
            self._held.see_release(key, at, is_repeat)
        elif key not in ARROWS:
            self._held.see_press(key, at, is_repeat)
        elif event.modifiers() & OTHER_MEANING:
            self.release()
        elif kind is QEvent.Type.KeyPress and isinstance(watched, QWidget):
            return self._move(watched, event, at)
        self._follow()
        return False

    def _follow(self) -> None:
        """Lets the timers wait for what the key must do next."""
        if not self._held.is_down:
            self.release()
        elif self._held.is_released:
            if not self._release_timer.isActive():
                self._release_timer.start(WAIT_MS)
        else:
            self._release_timer.stop()
            self._silence_timer.start(self._held.silent_ms)

    def _move(self, view: QWidget, event: QKeyEvent, at: Moment) -> bool:
        if view not in self._views or not self._held.see_arrow(at):
            self.release()
            return False
        self._follow()
        if not self._has_moved:
            self._has_moved = True
            self._labelling.back_to_labelled()
        view.keyPressEvent(event)
        if self._held.is_down:  # going there may have ended it
            self._labelling.paint()
        return True

    def _tell(self) -> None:
        if self._is_told != self.is_on:
            self._is_told = self.is_on
            self.changed.emit()

    def _timer(self, act: Callable[[], None]) -> QTimer:
        made = QTimer(self, singleShot=True)
        made.timeout.connect(act)
        return made


def _application() -> QCoreApplication:
    application = QCoreApplication.instance()
    assert application is not None
    return application
