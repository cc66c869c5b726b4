"""What is known of a key that went down: whether it still is. Whatever speaks against it ends it, for good."""

from __future__ import annotations

import time
from typing import Final, NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

HOLD_MS: Final = 200
"""A key that is down for less is a tap: fast typists press the next key before they let go of the last one."""
SAME_MOMENT_MS: Final = 1
SILENT_MS: Final = 1_500
"""So long a key is believed to be down that nothing is heard of. Systems repeat within a second, if at all."""
SILENT_REPEATS_MS: Final = 400
"""So long when the system had begun to repeat it: then it would go on, until another key is pressed."""
SILENT_MOVES_MS: Final = 5_000
"""So long after an arrow, which takes the repeating over."""
ARROWS: Final = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)


class Moment(NamedTuple):
    """When a key event happened: by the system's clock (ms, 0 where it does not say), and when it was seen (ms).

    Events wait while the window is busy: what is asked must hold by both clocks.
    """

    stamp_ms: int
    seen_ms: float

    def spans(self, earlier: Moment) -> tuple[float, ...]:
        """Returns how long ago another moment was, by each clock that knows."""
        seen = self.seen_ms - earlier.seen_ms
        return (seen, self.stamp_ms - earlier.stamp_ms) if self.stamp_ms > 0 and earlier.stamp_ms > 0 else (seen,)


def moment_of(event: QKeyEvent) -> Moment:
    """Returns when a key event happened; called while it is delivered."""
    return Moment(event.timestamp(), time.monotonic() * 1000)


class HeldKey:
    """Is shown all key events of the program from the press on, and told to `end` by whatever else happens.

    A release may be the first half of a repeat (`key_repeats`); until that is known, nothing may be done to images.
    """

    def __init__(self) -> None:
        self.key = 0
        """The key (Qt.Key); 0 when none is believed to be down."""
        self._pressed = self._heard = Moment(0, 0.0)
        self._released: Moment | None = None
        self._has_repeated = self._has_moved = False

    @property
    def is_down(self) -> bool:
        return self.key != 0

    @property
    def is_released(self) -> bool:
        """Whether a release was seen that may yet turn out to be half of a repeat."""
        return self._released is not None

    @property
    def silent_ms(self) -> int:
        """How long it is still believed when nothing more is heard."""
        return SILENT_MOVES_MS if self._has_moved else SILENT_REPEATS_MS if self._has_repeated else SILENT_MS

    def begin(self, key: int, at: Moment) -> None:
        """The key went down, this moment."""
        self.end()
        self.key, self._pressed, self._heard = key, at, at

    def end(self) -> None:
        """It is up, or nobody knows."""
        self.key, self._released = 0, None
        self._has_repeated = self._has_moved = False

    def see_press(self, key: int, at: Moment, is_repeat: bool) -> None:
        """Another press of this key, or one of another key; arrows are `see_arrow`'s."""
        is_same = at.stamp_ms > 0 and at.stamp_ms == self._heard.stamp_ms
        if key != self.key:
            self.end()
        elif self._released is not None and not is_repeat:
            if 0 < at.stamp_ms <= self._released.stamp_ms + SAME_MOMENT_MS:
                self._hear_repeat(at)
            else:
                self.end()
        elif is_repeat:
            self._hear_repeat(at)
        elif not is_same:  # its release was missed
            self.end()

    def see_release(self, key: int, at: Moment, is_repeat: bool) -> None:
        """A key went up; while another key's does, nobody knows which of them is meant."""
        if is_repeat or key in ARROWS or not self.is_down:
            return
        if key != self.key:
            self.end()
        elif self._released is None:
            self._released = at

    def see_arrow(self, at: Moment) -> bool:
        """Tells whether an arrow that is pressed now may paint; if not, this ends it."""
        if not self.is_down:
            return False
        is_held = min(at.spans(self._pressed)) >= HOLD_MS
        is_silent = max(at.spans(self._heard)) > self.silent_ms
        if self._released is not None or not is_held or is_silent:
            self.end()
            return False
        self._heard, self._has_moved = at, True
        return True

    def _hear_repeat(self, at: Moment) -> None:
        self._heard, self._released, self._has_repeated = at, None, True
