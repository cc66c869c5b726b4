"""Jobs: what a piece of engine work looks like, and the engine thread that runs them in order of priority."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import IntEnum
from typing import ClassVar, Generic, Protocol, TypeVar

from engine.events import Event

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

    def progress(self, done: int, total: int, note: str = "") -> None: ...

    def emit(self, event: Event) -> None: ...


class Job(ABC, Generic[Snapshot, Result, Outcome]):
    """One verb: `prepare` (reads the store), `work` (pure), `finish` (writes the store).

    `prepare` and `finish` run in the engine thread (or, on the command line, in the calling thread). `work` is static and
    sees only the snapshot, so the same code runs in the engine thread or, with `in_worker`, in the spawned worker process
    (snapshot and result are then pickled).
    """

    title: ClassVar[str]
    in_worker: ClassVar[bool] = False
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
