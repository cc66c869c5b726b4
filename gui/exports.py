"""Exports of the open project's model: which formats were asked for, how far each is, what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from engine.errors import AppError
from engine.events import JobCancelled, JobEnded, JobFailed, JobSucceeded
from engine.exporters.registry import FORMATS, ModelFormat
from engine.extras import EXTRAS, Extra, is_installed, why_not
from engine.jobs import AnyJob, Priority
from engine.language import tr
from gui.activities import EXPORT
from gui.widgets.export_row import WAITING

if TYPE_CHECKING:
    from engine.domain import Run
    from engine.project import Project
    from engine.tasks.export import ExportReport
    from gui.session import Session


class ExportState(StrEnum):
    """What becomes of one format."""

    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One format: what it needs, and how its export goes.

    `missing` is what has to be installed first, `cannot` why that is not possible on this computer. `num_bytes` is
    about how large an export is, 0 while that is not known.
    """

    format: ModelFormat
    missing: Extra | None = None
    cannot: str = ""
    num_bytes: int = 0
    state: ExportState = ExportState.READY
    report: ExportReport | None = None
    error: AppError | None = None


class Exports(QObject):
    """One job for each format, one after the other; each can be cancelled, and none takes another with it."""

    changed = Signal()
    """What `rows` says is another, or how far they are."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._formats: dict[int, str] = {}
        self._weights_bytes = 0
        self.run: Run | None = None
        self.rows: dict[str, ExportRow] = {}
        session.project_closed.connect(self._forget)
        session.work.changed.connect(self._on_progress)
        session.work.ended.connect(self._on_ended)

    @property
    def is_running(self) -> bool:
        """Whether any format is being exported or waits for it."""
        return bool(self._formats)

    def look_up(self, run: Run) -> None:
        """Finds out what can be exported of a version; what is under way, or was just done for it, stays shown."""
        project = self._session.project
        if self.run is None or self.run.id != run.id:
            if self.is_running:
                return
            self.run, self.rows, self._weights_bytes = run, {}, 0
        self._refresh()
        if project is not None:
            self._session.read_in_background(lambda: _weights_bytes(project, run), self._take_size)

    def start(self, names: Sequence[str], folder: Path) -> None:
        """Exports formats, each into a folder of its name in `folder`; what one needs is installed first."""
        from engine.tasks.export import ExportModel
        from engine.tasks.install_extra import InstallExtra

        project = self._session.project
        if project is None or self.run is None:
            return
        for name in names:
            row = self.rows[name]
            jobs: list[AnyJob] = [ExportModel(project, name, folder / name, self.run)]
            if row.missing is not None:
                jobs.insert(0, InstallExtra(row.missing.key))
            handle = self._session.work.submit(
                EXPORT, jobs, tr("Exporting {format}", format=row.format.title), Priority.INTERACTIVE
            )
            self._formats[handle.id] = name
            self.rows[name] = replace(row, state=ExportState.RUNNING, report=None, error=None)
        self.changed.emit()

    def cancel(self, name: str) -> None:
        """Cancels one format."""
        for job_id, found in self._formats.items():
            if found == name:
                self._session.work.cancel_job(job_id)

    def cancel_all(self) -> None:
        """Cancels what is under way and what waits."""
        self._session.work.cancel_kind(EXPORT)

    def progress(self, name: str) -> tuple[int, int, str]:
        """Returns how far a running format is: done, total (0 = not known), and what is going on."""
        job_id = next((each for each, found in self._formats.items() if found == name), 0)
        activity = self._session.work.of_job(job_id)
        if activity is None or not activity.phase_began_at:
            return 0, 0, WAITING
        if activity.is_cancelling:
            return activity.done, activity.total, tr("cancelling")
        return activity.done, activity.total, activity.note

    # ---- inside

    def _refresh(self) -> None:
        for name, record in FORMATS.items():
            extra = EXTRAS.get(record.extra)
            missing = None if extra is None or is_installed(extra) else extra
            row = self.rows.get(name, ExportRow(record))
            self.rows[name] = replace(
                row,
                missing=missing,
                cannot="" if missing is None else why_not(missing),
                num_bytes=record.size_bytes(self._weights_bytes) if self._weights_bytes else 0,
            )
        self.changed.emit()

    def _take_size(self, num_bytes: int) -> None:
        self._weights_bytes = num_bytes
        self._refresh()

    def _on_progress(self) -> None:
        if self._formats:
            self.changed.emit()

    def _on_ended(self, kind: str, end: JobEnded) -> None:
        name = self._formats.pop(end.job_id, None) if kind == EXPORT else None
        if name is None or name not in self.rows:
            return
        row = self.rows[name]
        if isinstance(end, JobSucceeded):
            report: ExportReport = end.result  # type: ignore[assignment]
            self.rows[name] = replace(row, state=ExportState.DONE, report=report)
        elif isinstance(end, JobFailed):
            self.rows[name] = replace(row, state=ExportState.FAILED, error=end.error)
        elif isinstance(end, JobCancelled):
            self.rows[name] = replace(row, state=ExportState.CANCELLED)
        self._refresh()

    def _forget(self) -> None:
        self._formats, self.rows, self.run = {}, {}, None


def _weights_bytes(project: Project, run: Run) -> int:
    from engine.tasks.export import weights_bytes

    return weights_bytes(project, run)
