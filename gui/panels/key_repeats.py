"""Tells a key that is held down from one that is pressed again and again.

Qt marks the repeats of the system (`isAutoRepeat`), but not always on X11: there a repeat is a release and a press of
the same moment, and Qt recognises them only when both have arrived. A hand cannot press again within a millisecond.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtGui import QKeyEvent

SAME_MOMENT_MS = 1
WAIT_MS = 30
"""How long a release is not believed: the press of a repeat may be on its way."""


class KeyRepeats(QObject):
    """Shown the key events of a view by whoever filters them."""

    released = Signal(int)
    """A key (Qt.Key) was really let go of."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._is_repeat = False
        self._key, self._released_at_ms = 0, 0
        self._last_key = 0
        self._wait = QTimer(self, singleShot=True, interval=WAIT_MS)
        self._wait.timeout.connect(self._on_waited)

    @property
    def is_repeat(self) -> bool:
        """Whether the key that is on its way to the view now is held down."""
        return self._is_repeat

    def take_repeat(self) -> bool:
        """Tells whether the shortcut that is activated now comes from a key that is held down; asked once."""
        was_repeat, self._is_repeat = self._is_repeat, False
        return was_repeat

    def watch(self, event: QEvent) -> None:
        """Looks at an event before the view gets it."""
        if not isinstance(event, QKeyEvent):
            return
        if event.type() == QEvent.Type.ShortcutOverride:
            self._on_pressed(event)
        elif event.type() == QEvent.Type.KeyPress:
            self._is_repeat = False  # no shortcut took it
        elif event.type() == QEvent.Type.KeyRelease and not event.isAutoRepeat():
            self._tell()
            self._key = self._last_key = event.key()
            self._released_at_ms = event.timestamp()
            self._wait.start()

    def _on_pressed(self, event: QKeyEvent) -> None:
        # Not only while it is waited for: a busy machine may deliver the press of the same moment much later.
        is_same = event.key() == self._last_key and 0 < event.timestamp() <= self._released_at_ms + SAME_MOMENT_MS
        self._is_repeat = event.isAutoRepeat() or is_same
        if self._is_repeat and event.key() == self._key:
            self._wait.stop()  # it never was let go of
        else:
            self._tell()

    def _tell(self) -> None:
        """Does not wait any longer for a repeat."""
        if self._wait.isActive():
            self._wait.stop()
            self._on_waited()

    def _on_waited(self) -> None:
        key, self._key = self._key, 0
        self.released.emit(key)
