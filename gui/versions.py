"""The versions of the model, as the panel shows them, and what the user does to them. Nothing waits for the disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from engine.domain import Run
from engine.errors import AppError, ProjectError
from engine.events import EpochEnded, JobEnded, JobFailed, JobSucceeded
from engine.jobs import Priority
from engine.language import tr
from engine.own_backbones import RUN_PREFIX, has_own_network
from gui.activities import EXPORT, TRAIN
from gui.open_project import READ_ONLY

if TYPE_CHECKING:
    from engine.project import Project
    from engine.project.pruning import PrunePlan
    from engine.tasks.compare_runs import RunComparison
    from gui.session import Session

COMPARE = "compare"


@dataclass(frozen=True, slots=True)
class Version:
    """One line of the list."""

    run: Run
    note: str
    size_bytes: int
    is_missing: bool
    has_network: bool = False
    """It trained more than the head, so that another training can begin with its network."""
    rounds: list[EpochEnded] = field(default_factory=list)
    """Those of its training, empty where only the head was trained."""


class Versions(QObject):
    """Reads the list when it is asked for and after every change."""

    changed = Signal()
    """The list is another one."""
    compared = Signal(object)
    """A RunComparison, or the AppError that kept it from being made."""
    used = Signal(int, int)
    """Another version is in use: its number, and that of the one before."""
    deleted = Signal(object)
    """List of the Runs that were deleted just now."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.rows: list[Version] = []
        self.bin: list[Run] = []
        """What was deleted since the project was opened, oldest deletion first: it can be brought back."""
        self._wanted_pair: tuple[int, int] | None = None
        session.project_closed.connect(self._forget)
        session.work.ended.connect(self._on_ended)

    # ---- reading

    def read(self) -> None:
        """Reads the list anew; `changed` follows."""
        project = self._session.project
        if project is not None:
            self._session.read_in_background(lambda: _read(project), self._take)

    def of_id(self, run_id: int) -> Version | None:
        """Returns a version of the list, None when it is not there."""
        return next((each for each in self.rows if each.run.id == run_id), None)

    def compare(self, first_id: int, second_id: int) -> None:
        """Compares two versions; `compared` follows, unless another comparison is asked for before."""
        from engine.tasks.compare_runs import CompareRuns

        project = self._session.project
        if project is None or self._wanted_pair == (first_id, second_id):
            return
        self._session.work.has_own_view(COMPARE, True)
        self._session.work.cancel_kind(COMPARE)
        self._wanted_pair = (first_id, second_id)
        job = CompareRuns(project, first_id, second_id)
        self._session.work.submit(COMPARE, job, tr("Comparing two versions"), Priority.INTERACTIVE)

    def forget_comparison(self) -> None:
        """Says that no comparison is waited for; one that is under way is not told."""
        self._wanted_pair = None

    def plan_tidying(self, num_newest: int, then: Callable[[PrunePlan], None]) -> None:
        """Tells `then` what a tidying would delete that keeps the newest so many."""
        project = self._session.project
        if project is not None:
            self._session.read_in_background(lambda: project.plan_pruning(num_newest), then)

    # ---- changing

    def use(self, run_id: int) -> None:
        """Makes a version the one in use: its suggestions and figures are shown at once."""
        session, project = self._session, self._session.project
        before = session.run.id if session.run is not None else 0

        def used(_run: Run) -> None:
            session.reload()
            session.work.bring_predictions_up_to_date()
            self.read()
            self.used.emit(run_id, before)

        if project is not None:
            self._change(lambda: project.activate_run(run_id), used)

    def begin_with(self, run_id: int) -> None:
        """Lets the next training begin with the network that a version trained."""
        self._session.backbones.choose(f"{RUN_PREFIX}{run_id}")

    def set_note(self, run_id: int, note: str) -> None:
        """Writes a note on a version; "" takes it away."""
        project = self._session.project
        if project is not None:
            self._change(lambda: project.set_run_note(run_id, note.strip()), lambda _none: self.read())

    def delete(self, run_ids: Sequence[int]) -> None:
        """Deletes versions; `deleted` follows, and `bring_back` undoes it."""
        project = self._session.project
        if project is None:
            return
        if (problem := self._why_busy(run_ids)) is not None:
            self._session.error_raised.emit(problem)
            return
        wanted = list(run_ids)

        def done(runs: list[Run]) -> None:
            self.bin += runs
            self._session.backbones.look_up()  # the network of a deleted version is none to choose any more
            self.read()
            self.deleted.emit(runs)

        self._change(lambda: project.delete_runs(wanted), done)

    def bring_back(self, runs: Sequence[Run]) -> None:
        """Brings deleted versions back."""
        project, wanted = self._session.project, [run for run in runs if run in self.bin]
        if project is None or not wanted:
            return

        def bring() -> None:
            for run in wanted:
                project.undelete_run(run)

        def done(_none: None) -> None:
            self.bin = [run for run in self.bin if run not in wanted]
            self._session.backbones.look_up()
            self.read()

        self._change(bring, done)

    # ---- inside

    def _change(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        session = self._session
        if session.is_read_only:
            session.error_raised.emit(ProjectError(READ_ONLY, tr("Close it elsewhere and open it again.")))
            return

        def failed(error: BaseException) -> None:
            session.error_raised.emit(error)
            self.read()

        session.read_in_background(work, then, failed)

    def _why_busy(self, run_ids: Sequence[int]) -> AppError | None:
        """Returns why these cannot be deleted at this moment: what is under way may be using their files."""
        session = self._session
        has_network = any(each.has_network for each in self.rows if each.run.id in run_ids)
        if session.work.is_running(EXPORT) or (has_network and session.work.is_running(TRAIN)):
            if session.work.is_running(EXPORT):
                message = tr("An export is under way that may need these files.")
            else:
                message = tr("A training is under way that may need these files.")
            return ProjectError(message, tr("Delete them when it is done."))
        return None

    def _take(self, rows: list[Version]) -> None:
        self.rows = rows
        self.changed.emit()

    def _forget(self) -> None:
        self.rows, self.bin, self._wanted_pair = [], [], None
        self.changed.emit()

    def _on_ended(self, kind: str, end: JobEnded) -> None:
        if kind != COMPARE or self._wanted_pair is None or self._session.work.is_running(COMPARE):
            return
        wanted, self._wanted_pair = self._wanted_pair, None
        if isinstance(end, JobFailed):
            self.compared.emit(end.error)
        elif isinstance(end, JobSucceeded):
            found: RunComparison = end.result  # type: ignore[assignment]
            if (found.first.id, found.second.id) == wanted:
                self.compared.emit(found)


def _read(project: Project) -> list[Version]:
    from engine.tasks.curves import read_curves

    notes = project.run_notes()
    return [
        Version(
            run,
            notes.get(run.id, ""),
            project.run_size_bytes(run),
            project.problem_of_run(run) is not None,
            has_own_network(project.run_dir(run)),
            read_curves(project.run_dir(run)),
        )
        for run in reversed(project.runs())
    ]
