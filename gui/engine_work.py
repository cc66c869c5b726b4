"""What the engine does for the open project: scans, embeddings, trainings, exports, and how far they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from engine.domain import ImageClass
from engine.events import JobEnded, JobFailed, JobProgressed, JobStarted, JobSucceeded
from engine.jobs import AnyJob, JobHandle, Priority
from engine.project import Project

if TYPE_CHECKING:
    from gui.session import Session


@dataclass(frozen=True, slots=True)
class Activity:
    """One job as the model bar shows it. `total` is 0 while it is not known."""

    job_id: int
    title: str
    is_background: bool
    done: int = 0
    total: int = 0
    note: str = ""
    phase_began_at: float = 0.0
    is_cancelling: bool = False

    def seconds_left(self) -> float | None:
        """Returns a guess from the pace so far, or None while it would be worth nothing."""
        spent = time.monotonic() - self.phase_began_at
        if self.total <= 0 or self.done <= 0 or self.done >= self.total or spent < 1.0:
            return None
        return spent * (self.total - self.done) / self.done


class EngineWork(QObject):
    """Submits the jobs of the window and follows them."""

    changed = Signal()
    """`current()` is another."""
    scan_ended = Signal(object)
    """ScanReport."""
    training_ended = Signal(object)
    """Run."""
    export_ended = Signal(object)
    """What the export task returned."""
    failed = Signal(str)
    """Kind of the job that failed or was cancelled: "scan", "train", "export", "embed"; the error was shown."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._bridge = session.bridge
        self._handles: dict[int, tuple[str, JobHandle]] = {}
        self._activities: dict[int, Activity] = {}
        self._is_embedding_paused = False
        self._bridge.job_started.connect(self._on_job_started)
        self._bridge.job_progressed.connect(self._on_job_progressed)
