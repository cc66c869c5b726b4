"""What the engine does for the open project: scans, embeddings, trainings, exports, and how far they are.

Engine tasks are imported when they are first needed, so that the window paints before anything heavy is loaded.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from engine.errors import InternalError
from engine.events import EmbeddingsAdded, JobEnded, JobFailed, JobProgressed, JobStarted, JobSucceeded
from engine.jobs import AnyJob, JobHandle, Priority
from engine.language import tr
from gui.activities import (
    BY_ITSELF,
    DOWNLOAD,
    EMBED,
    EXTEND,
    LOOKING,
    QUIET,
    READ,
    REPORT,
    SCAN,
    TRAIN,
    Activity,
)

if TYPE_CHECKING:
    from engine.backbones import BackboneSpec
    from engine.project import Project
    from engine.tasks.interrupted import Interrupted
    from gui.session import Session

FIRST_LOOK = 2048
"""After so many files were read the window shows what is known of them, then after twice as many..."""
FIRST_EXTENSION = 128
"""After so many new embeddings the suggestions are extended while the rest is embedded, then after twice as many..."""


class EngineWork(QObject):
    """Submits the jobs of the open project and follows them to their ends."""

    changed = Signal()
    """`current()` is another."""
    scan_ended = Signal(object)
    """A ScanReport."""
    images_failed = Signal(object)
    """Images that could not be looked at: list of (name, reason). They are unreadable from now on."""
    training_ended = Signal(object)
    """The new Run."""
    ended = Signal(str, object)
    """Kind of a job and its JobEnded event, however it ended; after the signals above."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._handles: dict[int, JobHandle] = {}
        self._activities: dict[int, Activity] = {}
        self._is_looking_stopped = False
        self._is_preparing_training = False
        self._training_jobs: list[AnyJob] = []
        self._embedding_jobs: list[AnyJob] = []
        self._kinds_with_view: set[str] = set()
        self._num_embedded = 0
        self._next_extension = FIRST_EXTENSION
        self._next_look = FIRST_LOOK
        self._has_more_to_embed = False
        bridge = session.bridge
        bridge.job_started.connect(self._on_job_started)
        bridge.job_progressed.connect(self._on_job_progressed)
        bridge.embeddings_added.connect(self._on_embeddings_added)
        session.backbones.changed.connect(self._on_backbone_changed)

    # ---- what is going on

    def current(self) -> Activity | None:
        """Returns the job to show: what the user asked for before what happens by itself."""
        if self._is_preparing_training:
            return Activity(0, TRAIN, tr("Training"), note=tr("getting ready"))
        shown = [
            each
            for each in self._activities.values()
            if each.kind not in QUIET and (each.phase_began_at or each.kind not in BY_ITSELF)
        ]
        return min(shown, key=lambda each: (each.kind in BY_ITSELF, not each.phase_began_at, each.job_id), default=None)

    def is_running(self, kind: str) -> bool:
        """Tells whether a job of that kind is waiting or under way."""
        if kind == TRAIN and self._is_preparing_training:
            return True
        return any(each.kind == kind for each in self._activities.values())

    @property
    def is_busy(self) -> bool:
        """Whether any job is waiting or under way, shown or not."""
        return bool(self._activities) or self._is_preparing_training

    def of_kind(self, kind: str) -> Activity | None:
        """Returns the job of a kind, None when there is none."""
        return next((each for each in self._activities.values() if each.kind == kind), None)

    def of_job(self, job_id: int) -> Activity | None:
        """Returns a job by its id, None when it has ended."""
        return self._activities.get(job_id)

    def cancel_job(self, job_id: int) -> None:
        """Cancels one job, unless it has ended."""
        if job_id in self._handles:
            self._update(job_id, is_cancelling=True)
            self._handles[job_id].cancel()

    def cancel(self) -> None:
        """Cancels the job that is shown."""
        if self._is_preparing_training:
            self._end_preparing()
            return
        activity = self.current()
        if activity is None:
            return
        self._is_looking_stopped |= activity.kind in LOOKING
        self._activities[activity.job_id] = replace(activity, is_cancelling=True)
        self.changed.emit()
        self._handles[activity.job_id].cancel()

    def cancel_kind(self, kind: str) -> None:
        """Cancels the jobs of one kind."""
        for activity in [each for each in self._activities.values() if each.kind == kind]:
            self._update(activity.job_id, is_cancelling=True)
            self._handles[activity.job_id].cancel()

    def cancel_all(self) -> list[JobHandle]:
        """Cancels everything and returns the handles to wait for."""
        handles = list(self._handles.values())
        for handle in handles:
            handle.cancel()
        self._is_looking_stopped = False
        self._is_preparing_training = False
        return handles

    # ---- jobs

    def bring_predictions_up_to_date(self) -> None:
        """After another version came into use: lets it suggest for images that came since it was last in use."""
        from engine.tasks.extend import ExtendPredictions

        project = self._session.project
        if project is not None and not project.read_only and self._session.run is not None:
            self.submit(EXTEND, ExtendPredictions(project), tr("Predicting"), Priority.NORMAL)
            self.look_at_new_images()

    def has_own_view(self, kind: str, on: bool) -> None:
        """Says that a dialog shows how jobs of a kind end, so that their failures are not told twice."""
        (self._kinds_with_view.add if on else self._kinds_with_view.discard)(kind)

    def add_folder(self, folder: Path, classes_from_folders: bool) -> None:
        from engine.tasks.scan import ScanFolder

        project = self._session.project
        if project is not None:
            self.submit(
                SCAN, ScanFolder(project, folder, classes_from_folders), tr("Looking for images"), Priority.NORMAL
            )

    def rescan(self) -> None:
        from engine.tasks.scan import Rescan

        project = self._session.project
        if project is not None:
            self.submit(SCAN, Rescan(project), tr("Looking for changes"), Priority.NORMAL)

    def look_at_new_images(self) -> None:
        """Reads what was only filed so far, then embeds, both in the background; unless the user stopped that."""
        project = self._session.project
        if project is None or project.read_only or self._is_looking_stopped or self.is_running(READ):
            return

        def prepare() -> Sequence[AnyJob]:
            from engine.tasks.read_files import read_jobs

            return read_jobs(project)

        self._session.read_in_background(prepare, self._start_looking)

    def look_again(self) -> None:
        """The same, also after the user stopped it."""
        self._is_looking_stopped = False
        self.look_at_new_images()

    def _start_looking(self, jobs: Sequence[AnyJob]) -> None:
        if not jobs:
            self.embed()
        elif not self.is_running(READ):
            self.cancel_kind(EMBED)  # it can do more when they are read, and is begun again then
            self._next_look = FIRST_LOOK
            self.submit(READ, jobs, tr("Reading images"), Priority.BACKGROUND)

    def embed(self) -> None:
        """Starts looking at the images in the background, unless the user stopped that or weights are missing."""
        from engine.tasks.embed import ComputeEmbeddings, EmbedForActiveRun

        session = self._session
        project, backbone = session.project, session.backbones.chosen
        if project is None or project.read_only or backbone is None or self._is_looking_stopped:
            return
        if self.is_running(EMBED):
            self._has_more_to_embed = True  # it knows nothing of the images that came after its start
        elif not self.is_running(READ) and not self.is_running(TRAIN):
            self._has_more_to_embed = False
            jobs: list[AnyJob] = [ComputeEmbeddings(project, backbone.key)]
            if session.run is not None:  # it may look with another network, or other views, than are chosen now
                jobs.append(EmbedForActiveRun(project, backbone.key))
            self._embedding_jobs = jobs
            self.submit(EMBED, jobs, tr("Looking at new images"), Priority.BACKGROUND)

    def _on_backbone_changed(self) -> None:
        if len(self._session.columns):
            self.look_at_new_images()

    def retrain(self) -> None:
        """Trains on the labels as soon as they are saved. Background work makes room and goes on afterwards."""
        if self._session.project is None or self.is_running(TRAIN):
            return
        self._is_preparing_training = True
        self.changed.emit()
        self._session.when_saved(self._prepare_training)

    def _prepare_training(self) -> None:
        project, backbone = self._session.project, self._session.backbones.chosen
        if project is None or not self._is_preparing_training:
            return

        choice = self._session.training.for_engine()

        def prepare() -> list[AnyJob]:
            from engine.tasks.train import retrain_jobs
            from engine.tasks.train_snapshot import TrainSettings

            return retrain_jobs(project, TrainSettings(backbone.key if backbone is not None else None, **choice))

        self._session.read_in_background(prepare, self._start_training, self._on_not_trainable)

    def _start_training(self, jobs: list[AnyJob]) -> None:
        if self._is_preparing_training:
            self._is_looking_stopped = False
            # A training of the network takes minutes: an export may go before it, and it goes on afterwards.
            is_short = not jobs[-1].is_resumable
            self._training_jobs = jobs
            self.submit(TRAIN, jobs, tr("Training"), Priority.INTERACTIVE if is_short else Priority.NORMAL)
            self._end_preparing()

    def resume_training(self, interrupted: Interrupted) -> None:
        """Goes on with a training of the network that was stopped."""
        project = self._session.project
        if project is None or self.is_running(TRAIN):
            return
        self._is_preparing_training = True
        self.changed.emit()

        def prepare() -> list[AnyJob]:
            from engine.tasks.train_network import resume_job

            return [resume_job(project, interrupted)]

        self._session.read_in_background(prepare, self._start_training, self._on_not_trainable)

    @property
    def can_pause(self) -> bool:
        """Whether the training that is under way goes on later where it is stopped now."""
        return self.is_running(TRAIN) and bool(self._training_jobs) and self._training_jobs[-1].is_resumable

    def _on_not_trainable(self, error: BaseException) -> None:
        self._end_preparing()
        self._session.error_raised.emit(error)

    def _end_preparing(self) -> None:
        self._is_preparing_training = False
        self.changed.emit()

    def download(self, spec: BackboneSpec) -> None:
        """Fetches the weights of a backbone; `ended` follows."""
        from engine.tasks.download import DownloadWeights

        if not self.is_running(DOWNLOAD):
            title = tr("Downloading {backbone}", backbone=spec.display_name)
            self.submit(DOWNLOAD, DownloadWeights(spec.key), title, Priority.INTERACTIVE)

    def write_report(self, file: Path) -> None:
        """Writes the report on the active run; `ended` follows."""
        from engine.tasks.report import WriteReport

        project = self._session.project
        if project is not None and not self.is_running(REPORT):
            self.submit(REPORT, WriteReport(project, file), tr("Writing the report"), Priority.INTERACTIVE)

    def submit(self, kind: str, work: AnyJob | Sequence[AnyJob], title: str, priority: Priority) -> JobHandle:
        """Queues a job or chain under a kind; errors are shown, `ended` tells the end."""
        session = self._session
        project = session.project
        handle = session.bridge.submit(
            work,
            priority,
            title=title if isinstance(work, Sequence) else None,
            on_end=lambda end: self._on_end(kind, project, end),
        )
        self._handles[handle.id] = handle
        self._activities[handle.id] = Activity(handle.id, kind, title)
        self.changed.emit()
        return handle

    # ---- what comes back

    def _on_job_started(self, event: JobStarted) -> None:
        self._update(event.job_id, phase_began_at=time.monotonic())

    def _on_job_progressed(self, event: JobProgressed) -> None:
        activity = self._activities.get(event.job_id)
        if activity is None:
            return
        is_new_phase = event.total != activity.total or event.done < activity.done
        began = time.monotonic() if is_new_phase or not activity.phase_began_at else activity.phase_began_at
        self._update(event.job_id, done=event.done, total=event.total, note=event.note, phase_began_at=began)
        if activity.kind == READ and event.done > self._next_look:
            self._next_look = 2 * event.done
            self._session.reload()

    def _on_embeddings_added(self, event: EmbeddingsAdded) -> None:
        """Lets the suggestions grow while a large folder is being embedded, ever more seldom."""
        project = self._session.project
        self._num_embedded += event.num_images
        if project is None or self._session.run is None or not self.is_running(EMBED) or self.is_running(EXTEND):
            return
        if self._num_embedded >= self._next_extension:
            from engine.tasks.extend import ExtendPredictions

            self._next_extension = 2 * self._num_embedded
            self.submit(EXTEND, ExtendPredictions(project), tr("Predicting"), Priority.NORMAL)

    def _update(self, job_id: int, **values: Any) -> None:
        activity = self._activities.get(job_id)
        if activity is not None:
            self._activities[job_id] = replace(activity, **values)
            self.changed.emit()

    def _on_end(self, kind: str, project: Project | None, end: JobEnded) -> None:
        self._handles.pop(end.job_id, None)
        self._activities.pop(end.job_id, None)
        self.changed.emit()
        if self._session.project is not project:
            return
        if isinstance(end, JobFailed) and (kind not in self._kinds_with_view or end.details):
            self._session.error_raised.emit(InternalError(str(end.error), end.details) if end.details else end.error)
        elif isinstance(end, JobSucceeded):
            self._on_success(kind, end.result)
        if kind == EMBED:
            self._num_embedded, self._next_extension = 0, FIRST_EXTENSION
        if isinstance(end, JobSucceeded) and (kind == READ or (kind == EMBED and self._has_more_to_embed)):
            self.embed()
        elif kind in (SCAN, TRAIN):
            self.look_at_new_images()
        self.ended.emit(kind, end)

    def _on_success(self, kind: str, result: object) -> None:
        if kind == SCAN:
            self._session.reload()
            self.scan_ended.emit(result)
        elif kind == READ:
            self._session.reload()
            self._tell_failed([result])
        elif kind in (EMBED, EXTEND):
            # The end of an embedding, too, extends the active run's predictions to the new images.
            self._session.refresh_predictions()
            if kind == EMBED:
                self._tell_failed([getattr(job, "report", None) for job in self._embedding_jobs])
                self._embedding_jobs = []
        elif kind == TRAIN:
            self._session.reload()
            # A training looks at the missing images itself; what it found out is in the jobs before the last.
            self._tell_failed([getattr(job, "report", None) for job in self._training_jobs])
            self._training_jobs = []
            self.training_ended.emit(result)

    def _tell_failed(self, reports: Sequence[object]) -> None:
        failed = [entry for report in reports for entry in getattr(report, "failed", ())]
        if failed:
            self._session.reload()
            self.images_failed.emit(failed)
