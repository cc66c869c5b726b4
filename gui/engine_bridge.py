"""The only door between the engine and the Qt event loop: engine queue items become Qt signals here, nowhere else.

Everything is delivered in the GUI thread by one timer, which runs only while there is something to wait for: an idle
program wakes up for nothing.
"""

from __future__ import annotations

import logging
import queue
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from engine.errors import AppError, InternalError, StoreError
from engine.events import (
    EmbeddingsAdded,
    EpochEnded,
    Event,
    FilesClassified,
    ImagesAdded,
    JobCancelled,
    JobEnded,
    JobFailed,
    JobProgressed,
    JobQueued,
    JobStarted,
    JobSucceeded,
)
from engine.jobs import AnyJob, Engine, JobHandle, Priority
from engine.language import tr

log = logging.getLogger("graft.bridge")

DRAIN_INTERVAL_MS = 30
SLICE_S = 0.004
"""After so long with one delivery after the other, keys, timers and paints get their turn."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Delivery:
    """A future that is done, and who wants to know."""

    future: Future[Any]
    on_success: Callable[[Any], None] | None
    on_error: Callable[[AppError], None] | None


class EngineBridge(QObject):
    """Submits jobs and delivers what comes back. Every signal carries the event of the same name from `engine.events`.

    All methods are for the GUI thread.
    """

    job_queued = Signal(object)
    job_started = Signal(object)
    job_progressed = Signal(object)
    job_succeeded = Signal(object)
    job_cancelled = Signal(object)
    job_failed = Signal(object)
    job_ended = Signal(object)
    """Any of the three ends, after the signal of its own."""
    images_added = Signal(object)
    embeddings_added = Signal(object)
    epoch_ended = Signal(object)
    files_classified = Signal(object)
    busy_changed = Signal(bool)

    def __init__(self, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._deliveries: queue.SimpleQueue[_Delivery] = queue.SimpleQueue()
        self._num_pending = 0
        self._end_callbacks: dict[int, Callable[[JobEnded], None]] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(DRAIN_INTERVAL_MS)
        self._timer.timeout.connect(self.drain)

    @property
    def is_active(self) -> bool:
        """Whether the timer runs."""
        return self._timer.isActive()

    def submit(
        self,
        work: AnyJob | Sequence[AnyJob],
        priority: Priority | None = None,
        title: str | None = None,
        on_end: Callable[[JobEnded], None] | None = None,
    ) -> JobHandle:
        """Queues one job, or several as a chain (see `Engine.submit_chain`).

        `on_end` gets the end of just this job, before the signals; `title` is for chains.
        """
        if isinstance(work, Sequence):
            handle = self._engine.submit_chain(work, priority, title)
        else:
            handle = self._engine.submit(work, priority)
        if on_end is not None:
            self._end_callbacks[handle.id] = on_end
        self.wake()
        return handle

    def when_done(
        self,
        future: Future[T],
        on_success: Callable[[T], None] | None = None,
        on_error: Callable[[AppError], None] | None = None,
    ) -> None:
        """Calls exactly one of the two in the GUI thread once the future is done; futures that end in order stay in it.

        What is not an AppError is logged and handed on as an InternalError.
        """
        self._num_pending += 1
        future.add_done_callback(lambda done: self._deliveries.put(_Delivery(done, on_success, on_error)))
        self.wake()

    def wake(self) -> None:
        """Starts draining; needed only after a submission that did not go through the bridge."""
        if not self._timer.isActive():
            self._timer.start()
            self.busy_changed.emit(True)

    def drain(self) -> None:
        """Delivers what has come, the rest a moment later; stops the timer when nothing more is expected."""
        # Asked before the queues are emptied: an end is posted before its job stops counting as busy.
        is_busy = self._engine.is_busy
        began = time.perf_counter()
        while self._deliver_next():
            if time.perf_counter() - began > SLICE_S:
                QTimer.singleShot(0, self.drain)
                return
        if not is_busy and self._num_pending == 0 and not self._engine.is_busy and self._timer.isActive():
            self._timer.stop()
            self.busy_changed.emit(False)

    def _deliver_next(self) -> bool:
        """Delivers one thing, answers to calls before events; returns whether there was any."""
        if (delivery := _next(self._deliveries)) is not None:
            self._deliver_future(delivery)
        elif (event := _next(self._engine.events)) is not None:
            self._deliver(event)
        else:
            return False
        return True

    def _deliver_future(self, delivery: _Delivery) -> None:
        self._num_pending -= 1
        err = _error_of(delivery.future)
        if err is None:
            if delivery.on_success is not None:
                delivery.on_success(delivery.future.result())
        elif delivery.on_error is not None:
            delivery.on_error(err)
        else:
            log.error("A result that nobody waits for was an error: %s", err)

    def _deliver(self, event: Event) -> None:
        match event:
            case JobQueued():
                self.job_queued.emit(event)
            case JobStarted():
                self.job_started.emit(event)
            case JobProgressed():
                self.job_progressed.emit(event)
            case JobSucceeded():
                self._deliver_end(event, self.job_succeeded)
            case JobCancelled():
                self._deliver_end(event, self.job_cancelled)
            case JobFailed():
                self._deliver_end(event, self.job_failed)
            case ImagesAdded():
                self.images_added.emit(event)
            case EmbeddingsAdded():
                self.embeddings_added.emit(event)
            case EpochEnded():
                self.epoch_ended.emit(event)
            case FilesClassified():
                self.files_classified.emit(event)

    def _deliver_end(self, event: JobEnded, signal: Any) -> None:
        on_end = self._end_callbacks.pop(event.job_id, None)
        if on_end is not None:
            on_end(event)
        signal.emit(event)
        self.job_ended.emit(event)


def _next(items: queue.SimpleQueue[T]) -> T | None:
    try:
        return items.get_nowait()
    except queue.Empty:
        return None


def _error_of(future: Future[Any]) -> AppError | None:
    if future.cancelled():
        return StoreError(tr("The project was closed before this was saved."), tr("Open the project and do it again."))
    err = future.exception()
    if err is None or isinstance(err, AppError):
        return err
    log.error("Unexpected error:\n%s", "".join(traceback.format_exception(err)))
    return InternalError(
        tr("Something went wrong inside Graft ({kind}).", kind=type(err).__name__),
        tr("Try again; the log has the details."),
    )
