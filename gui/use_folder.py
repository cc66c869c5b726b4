"""A whole folder to a table, and into sorted folders: one run of it, with how far and how fast it is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from engine.events import FilesClassified, JobEnded, JobFailed, JobProgressed, JobSucceeded
from engine.exporters.sorted_files import SortPlan
from engine.jobs import JobHandle, Priority
from engine.language import decimal, tr, trn
from gui import wording
from gui.use_session import UseSession

if TYPE_CHECKING:
    from engine.tasks.classify_files import ClassifiedFiles

SHOWN_AT_MOST = 100_000
"""So many files of a folder are shown in the list; of larger ones the rest is only in the table."""


@dataclass(frozen=True, slots=True)
class FolderPlan:
    """What is to be made of the pictures in a folder. `table` is a CSV file; at least one of the two is there."""

    folder: Path
    is_recursive: bool = True
    table: Path | None = None
    is_resumed: bool = False
    sort: SortPlan | None = None


@dataclass(frozen=True, slots=True)
class FolderState:
    """How far a run is. `per_second` is 0 while nobody can tell; `words` says what became of it once it has ended."""

    plan: FolderPlan
    done: int = 0
    total: int = 0
    note: str = ""
    per_second: float = 0.0
    has_ended: bool = False
    has_failed: bool = False
    words: str = ""


class FolderRun(QObject):
    """One run at a time. What it finds is shown in the list as it comes."""

    changed = Signal()

    def __init__(self, use: UseSession) -> None:
        super().__init__(use)
        self._use = use
        self.state: FolderState | None = None
        self.report: ClassifiedFiles | None = None
        self._handle: JobHandle | None = None
        self._token = 0
        self._began_at = 0.0
        self._num_before = 0
        use.bridge.files_classified.connect(self._on_files_classified)
        use.bridge.job_progressed.connect(self._on_progressed)
        use.model_will_change.connect(self.cancel)

    @property
    def is_running(self) -> bool:
        return self._handle is not None

    def start(self, plan: FolderPlan) -> None:
        """Begins; `changed` follows. Another run must not be under way."""
        from engine.tasks.classify_files import ClassifyFiles

        model = self._use.model
        if model is None or self._handle is not None:
            return
        self._token = self._use.next_token()
        self.state, self.report = FolderState(plan, note=tr("looking for pictures")), None
        self._began_at, self._num_before = 0.0, 0
        job = ClassifyFiles(
            model.source,
            [plan.folder],
            run=model.run,
            is_recursive=plan.is_recursive,
            table=plan.table,
            is_resumed=plan.is_resumed,
            sorting=plan.sort,
            token=self._token,
        )
        token = self._token
        self._handle = self._use.bridge.submit(job, Priority.NORMAL, on_end=lambda end: self._on_end(token, end))
        self.changed.emit()

    def cancel(self) -> None:
        """Stops; what is written stays, and can be gone on with."""
        if self._handle is not None:
            self._handle.cancel()

    def put_away(self) -> None:
        """Forgets a run that has ended."""
        if self._handle is None:
            self.state = None
            self.changed.emit()

    # ---- what comes back

    def _on_progressed(self, event: JobProgressed) -> None:
        state = self.state
        if self._handle is None or event.job_id != self._handle.id or state is None:
            return
        now = time.monotonic()
        if event.total and not self._began_at and event.done:
            self._began_at, self._num_before = now, event.done
        spent = now - self._began_at if self._began_at else 0.0
        speed = (event.done - self._num_before) / spent if spent > 1.0 else 0.0
        self.state = FolderState(state.plan, event.done, event.total, event.note, speed)
        self.changed.emit()

    def _on_files_classified(self, event: FilesClassified) -> None:
        if event.token == self._token and self._token and len(self._use.files) < SHOWN_AT_MOST:
            self._use.take(event)

    def _on_end(self, token: int, end: JobEnded) -> None:
        state = self.state
        if token != self._token or state is None:
            return
        self._handle, self._token = None, 0
        if isinstance(end, JobSucceeded):
            self.report = end.result  # type: ignore[assignment]
            assert self.report is not None
            words = ended_words(self.report, state.plan)
        elif isinstance(end, JobFailed):
            words = str(end.error)
        else:
            words = tr("Stopped. What was done is kept; start it again to go on.")
        has_failed = not isinstance(end, JobSucceeded)
        self.state = FolderState(
            state.plan, state.done, state.total, has_ended=True, has_failed=has_failed, words=words
        )
        self.changed.emit()


def progress_words(state: FolderState) -> str:
    """Returns e.g. "1,240 of 12,000 · 48 pictures/s · 4 min left"."""
    if not state.total:
        return state.note[:1].upper() + state.note[1:]
    words = [tr("{done:,} of {total:,}", done=state.done, total=state.total)]
    if state.per_second:
        speed = decimal(state.per_second, ".0f" if state.per_second >= 10 else ".1f")
        words += [
            tr("{speed} pictures/s", speed=speed),
            wording.time_left((state.total - state.done) / state.per_second),
        ]
    return " · ".join(words)


def ended_words(report: ClassifiedFiles, plan: FolderPlan) -> str:
    """Returns what became of a folder, in a sentence or two."""
    words = [trn("{number:,} picture classified", "{number:,} pictures classified", report.num_classified)]
    if report.num_done_before:
        words.append(tr("{num_files:,} were done before", num_files=report.num_done_before))
    if report.num_unknown:
        words.append(tr("{num_files:,} unknown", num_files=report.num_unknown))
    if report.failed:
        words.append(trn("{number:,} file could not be read", "{number:,} files could not be read", len(report.failed)))
    places = []
    if plan.table is not None:
        places.append(plan.table.name)
    if plan.sort is not None:
        places.append(plan.sort.folder.name)
    what = ", ".join(words)
    if len(places) > 1:
        return tr("{what}. In {first} and {second}.", what=what, first=places[0], second=places[1])
    return tr("{what}. In {place}.", what=what, place=places[0]) if places else f"{what}."
