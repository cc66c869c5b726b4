"""What a piece of engine work looks like. Who runs it is the business of `engine.jobs` and `engine.worker`."""

from __future__ import annotations

import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import ClassVar, Generic, Protocol, TypeVar

from engine.errors import AppError, InternalError
from engine.events import Event, JobProgressed
from engine.files import FULL_DISK_ERRORS, disk_error
from engine.language import tr

PROGRESS_INTERVAL_S = 0.05

Snapshot = TypeVar("Snapshot")
Result = TypeVar("Result")
Outcome = TypeVar("Outcome")


class Priority(IntEnum):
    """Lower runs first."""

    INTERACTIVE = 0
    NORMAL = 1
    BACKGROUND = 2


class CancelledError(Exception):
    """Raised by `checkpoint()` inside a job that the user cancelled. Never shown; never caught by a job to carry on."""


class JobContext(Protocol):
    """What a running job may say to the outside. The same protocol in the engine thread and in the worker process."""

    def checkpoint(self) -> None:
        """Raises CancelledError when the job was cancelled. Call it at least every 100 ms of work."""

    def progress(self, done: int, total: int, note: str = "") -> None:
        """Tells how far the work is. Cheap: call it as often as you like, at most 20 a second are passed on."""

    def emit(self, event: Event) -> None:
        """Sends any other event."""


class Job(ABC, Generic[Snapshot, Result, Outcome]):
    """One verb: `prepare` (reads the store), `work` (pure), `finish` (writes the store).

    `prepare` and `finish` run in the engine thread (or, on the command line, in the calling thread). `work` is static
    and sees only the snapshot, so the same code runs in the engine thread or, with `in_worker`, in the spawned worker
    process (snapshot and result are then pickled).
    """

    title: ClassVar[str]
    in_worker: ClassVar[bool] = False
    is_resumable: ClassVar[bool] = False
    """May be stopped at a checkpoint and begun again later (`clean_up`, then `prepare` and `work` anew), to let a more
    urgent job into the worker. What it had done must survive that. For long jobs in the background."""
    priority: Priority = Priority.NORMAL

    @abstractmethod
    def prepare(self) -> Snapshot:
        """Returns everything `work` needs. Raises AppError when there is nothing to do or it cannot be done."""

    @staticmethod
    @abstractmethod
    def work(snapshot: Snapshot, context: JobContext) -> Result:
        """Does the work. Files become visible only when complete: temporary name, fsync, rename."""

    @abstractmethod
    def finish(self, result: Result) -> Outcome:
        """Records the result in the store and returns what JobSucceeded carries."""

    def clean_up(self) -> None:
        """Removes what an unfinished job left on the disk.

        Called in the engine thread when a job that was begun did not succeed: cancelled, failed, or its worker process
        killed in the middle of a write, when no `finally` of `work` could run. `prepare` may not have come to its end.
        """


class RunningContext:
    """The JobContext of a job that is running: passes events to `send`, progress at a bearable rate."""

    def __init__(self, job_id: int, cancelled: threading.Event, send: Callable[[Event], None]) -> None:
        self._job_id = job_id
        self._cancelled = cancelled
        self._send = send
        self._lock = threading.Lock()
        self._held_back: JobProgressed | None = None
        self._last_total = -1
        self._last_sent_at = 0.0

    def checkpoint(self) -> None:
        if self._cancelled.is_set():
            raise CancelledError
        self._send_progress(None)

    def progress(self, done: int, total: int, note: str = "") -> None:
        self._send_progress(JobProgressed(self._job_id, done, total, note))

    def emit(self, event: Event) -> None:
        self._send(event)

    def _send_progress(self, news: JobProgressed | None) -> None:
        """Sends the newest progress when it is time for one; a new phase (another total) and the end never wait."""
        with self._lock:
            current = news or self._held_back
            if current is None:
                return
            now = time.monotonic()
            is_new_phase = current.total != self._last_total
            is_end = current.done >= current.total > 0
            if is_new_phase or is_end or now - self._last_sent_at >= PROGRESS_INTERVAL_S:
                self._held_back, self._last_total, self._last_sent_at = None, current.total, now
                self._send(current)
            else:
                self._held_back = current


class QuietContext:
    """A JobContext for running a job in the foreground with nobody watching."""

    def checkpoint(self) -> None:
        return

    def progress(self, done: int, total: int, note: str = "") -> None:
        return

    def emit(self, event: Event) -> None:
        return


def run_in_foreground(job: Job[Snapshot, Result, Outcome], context: JobContext | None = None) -> Outcome:
    """Runs a whole job in the calling thread and process, and returns its outcome. For the command line and tests.

    Raises:
        AppError: what the job raised; also CancelledError and KeyboardInterrupt pass. What it left behind is removed.
    """
    context = context or QuietContext()
    is_finished = False
    try:
        outcome = job.finish(job.work(job.prepare(), context))
        is_finished = True
    finally:
        if not is_finished:
            job.clean_up()
    return outcome


def failure_of(err: BaseException) -> tuple[AppError, str]:
    """Returns what the user is told of an exception that ended a job, and the traceback when it was a bug of ours."""
    if isinstance(err, AppError):
        return err, ""
    if isinstance(err, OSError) and err.errno in FULL_DISK_ERRORS:
        return disk_error(err, _path_of(err)), ""
    details = "".join(traceback.format_exception(err))
    if isinstance(err, MemoryError):
        return AppError(
            tr("The computer ran out of memory."), tr("Close other programs, or work on fewer images.")
        ), details
    return InternalError(
        tr("Something went wrong inside Graft ({error}).", error=type(err).__name__),
        tr("Your labels are safe; try again, and if it happens again copy the details into a report."),
    ), details


def _path_of(err: OSError) -> Path:
    return Path(err.filename) if isinstance(err.filename, str) else Path.cwd() / "file"
