"""Tells a key that is held down from one that is pressed again and again.

Qt marks the repeats of the system (`isAutoRepeat`), but not always on X11: there a repeat is a release and a press of
the same moment, and Qt recognises them only when both have arrived. A hand cannot press again within a millisecond.
"""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QWidget

from gui.panels.held_key import SAME_MOMENT_MS, Moment, moment_of

WAIT_MS: Final = 30
"""How long a release is not believed: the press of a repeat may be on its way."""


class KeyRepeats(QObject):
    """Sees the keys of whatever has the keyboard in a workspace, before that gets them."""

    def __init__(self, workspace: QWidget) -> None:
        super().__init__(workspace)
        self._workspace = workspace
        self._is_repeat = False
        self._released_key, self._released_at_ms = 0, 0
        self._pressed: tuple[int, Moment] = (0, Moment(0, 0.0))
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._on_focus_changed)

    @property
    def is_repeat(self) -> bool:
        """Whether the key that is on its way now is held down."""
        return self._is_repeat

    @property
    def pressed(self) -> tuple[int, Moment]:
        """The key (Qt.Key) whose shortcut is activated now, and when it was pressed; 0 when that was not seen."""
        return self._pressed

    def take_repeat(self) -> bool:
        """Tells whether the shortcut that is activated now comes from a key that is held down; asked once."""
        was_repeat, self._is_repeat = self._is_repeat, False
        return was_repeat

    def forget(self) -> None:
        """What comes next does not come from a key."""
        self._pressed = (0, Moment(0, 0.0))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.ShortcutOverride:
                self._on_pressed(event)
            elif event.type() == QEvent.Type.KeyRelease:
                self.forget()
                if not event.isAutoRepeat():
                    self._released_key, self._released_at_ms = event.key(), event.timestamp()
        return False

    def _on_pressed(self, event: QKeyEvent) -> None:
        # However late it comes: a busy machine may deliver the press of the same moment much later.
        is_same = event.key() == self._released_key and 0 < event.timestamp() <= self._released_at_ms + SAME_MOMENT_MS
        self._is_repeat = event.isAutoRepeat() or is_same
        self._pressed = (event.key(), moment_of(event))

    def _on_focus_changed(self, before: QWidget | None, now: QWidget | None) -> None:
        self.forget()
        if before is not None:
            before.removeEventFilter(self)
        if now is not None and self._workspace.isAncestorOf(now):
            now.installEventFilter(self)
