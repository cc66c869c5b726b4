"""Writes that the window has already shown and the store has still to make durable, in the order they were made.

One write is under way at a time, so that nothing overtakes a write that failed: a failed one stays at the head of the
queue, is visible, and is tried again every few seconds and on demand. Nothing is dropped because a disk is full.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from engine.domain import ImageColumns
from engine.errors import AppError, DiskError, StoreError
from gui.columns import RowIndex
from gui.engine_bridge import EngineBridge
from gui.save_states import NOT_SAVED, SAVED, SAVING

RETRY_MS = 3000
RETRIED = (StoreError, DiskError)
"""The environment failed (disk full, drive away): the same write may go through later. Anything else never will."""


@dataclass(slots=True)
class Write:
    """One step of the user's on its way to the disk.

    `start` hands it to the project; `apply` makes its effect on columns (again, after they were read anew) and returns
    the rows it touched; `on_saved` gets the store's answer in the GUI thread.
    """

    start: Callable[[], Future[Any]]
    apply: Callable[[ImageColumns, RowIndex], object]
    on_saved: Callable[[Any], None]


class SaveQueue(QObject):
    """Hands writes to the store one after the other and tells how far it is."""

    state_changed = Signal(str)
    failed = Signal(object)
    """A write could not be made for now (AppError); it stays queued. Told once, not at every new attempt."""
    refused = Signal(object)
    """A write can never be made (any exception); it was taken out of the queue."""
    drained = Signal()

    def __init__(self, bridge: EngineBridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._waiting: deque[Write] = deque()
        self._in_flight: Write | None = None
        self._generation = 0
        self._state = SAVED
        self._has_told = False
        self._retry = QTimer(self)
        self._retry.setSingleShot(True)
        self._retry.setInterval(RETRY_MS)
        self._retry.timeout.connect(self.retry)

    @property
    def state(self) -> str:
        return self._state

    @property
    def num_unsaved(self) -> int:
        return len(self._waiting) + (self._in_flight is not None)

    def pending(self) -> list[Write]:
        """Returns the writes that are not durable yet, oldest first."""
        head = [self._in_flight] if self._in_flight is not None else []
        return head + list(self._waiting)

    def push(self, write: Write) -> None:
        self._waiting.append(write)
        if self._state != NOT_SAVED:
            self._set_state(SAVING)
            self._start_next()

    def retry(self) -> None:
        """Tries the oldest unsaved write again now."""
        if self._waiting and self._in_flight is None:
            self._retry.stop()
            self._set_state(SAVING)
            self._start_next()

    def drop_all(self) -> None:
        """Forgets everything that is not saved (the user said so, or the project is gone)."""
        self._generation += 1
        self._waiting.clear()
        self._in_flight = None
        self._retry.stop()
        self._set_state(SAVED)

    def _start_next(self) -> None:
        if self._in_flight is not None or not self._waiting:
            return
        write = self._waiting.popleft()
        self._in_flight = write
        generation = self._generation
        try:
            future = write.start()
        except AppError as error:
            self._on_failed(generation, write, error)
            return
        self._bridge.when_done(
            future,
            lambda answer: self._on_saved(generation, write, answer),
            lambda error: self._on_failed(generation, write, error),
        )

    def _on_saved(self, generation: int, write: Write, answer: Any) -> None:
        if generation != self._generation:
            return
        self._in_flight = None
        write.on_saved(answer)
        self._continue()

    def _on_failed(self, generation: int, write: Write, error: BaseException) -> None:
        if generation != self._generation:
            return
        self._in_flight = None
        if isinstance(error, RETRIED):
            self._waiting.appendleft(write)
            self._set_state(NOT_SAVED)
            self._retry.start()
            if not self._has_told:
                self._has_told = True
                self.failed.emit(error)
            return
        self.refused.emit(error)
        self._continue()

    def _continue(self) -> None:
        self._has_told = False
        if self._waiting:
            self._start_next()
            return
        self._set_state(SAVED)
        self.drained.emit()

    def _set_state(self, state: str) -> None:
        if state != self._state:
            self._state = state
            self.state_changed.emit(state)
