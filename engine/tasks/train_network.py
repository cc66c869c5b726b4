"""TrainNetwork: trains more of the network than its head where that pays, measured on the same images held out."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from engine.domain import ImageStatus, Run
from engine.job import Job, JobContext, Priority
from engine.language import tr
from engine.nn.training_plan import SCRATCH_FOLDER
from engine.project import Project
from engine.tasks.accepted_labels import wanted_labels
from engine.tasks.embed import ComputeEmbeddings
from engine.tasks.interrupted import Interrupted, labels_of, write_begun
from engine.tasks.network_work import NetworkSnapshot, NetworkWork
from engine.tasks.train import TrainHead
from engine.tasks.train_snapshot import TrainSettings, TrainSnapshot


class TrainNetwork(Job[NetworkSnapshot, Run, Run]):
    """Trains at the depth of the settings and makes the result the active run; "auto" keeps what measures best.

    Stopped and begun again with the same labels and settings, it goes on where it was.
    """

    title: ClassVar[str] = tr("Training the network")
    in_worker: ClassVar[bool] = True
    is_resumable: ClassVar[bool] = True
    priority = Priority.NORMAL

    def __init__(
        self,
        project: Project,
        settings: TrainSettings,
        embedding: ComputeEmbeddings | None = None,
        interrupted: Interrupted | None = None,
    ) -> None:
        """`embedding` is the job before this one in the chain, whose time the run records. `interrupted` is a training
        to go on with, on the labels of when it was begun."""
        self.project, self.settings, self._interrupted = project, settings, interrupted
        self._head = TrainHead(project, settings, embedding)
        self._scratch: Path | None = None

    def prepare(self) -> NetworkSnapshot:
        now = wanted_labels(self.project.snapshot(), self.settings)
        labels = now if self._interrupted is None else labels_of(self.project, self._interrupted)
        head = self._head.prepare(labels)
        if labels.last_step != now.last_step:
            late = tr(
                "It was begun earlier: labels that changed since then are not part of it, press Retrain for those."
            )
            head = replace(head, notes=[*head.notes, late])
        labelled = self.project.images(head.image_ids.tolist())
        readable = [image for image in self.project.images() if image.status == ImageStatus.READABLE]
        is_predicted = set(head.all_image_ids.tolist())
        predicted = [image for image in readable if image.id in is_predicted]
        scratch = self.project.cache_dir / SCRATCH_FOLDER / _key_of(head)
        self._scratch = scratch
        _keep_only(scratch)
        write_begun(scratch, self.settings, labels)
        return NetworkSnapshot(
            head=head,
            paths=[image.path for image in labelled],
            predicted_ids=np.array([image.id for image in predicted], np.int64),
            predicted_paths=[image.path for image in predicted],
            predicted_hashes=[image.content_hash for image in predicted],
            scratch=scratch,
            cache_dir=self.project.cache_dir,
            stamps={image.path: (image.size_bytes, image.mtime_ns) for image in labelled},
        )

    @staticmethod
    def work(snapshot: NetworkSnapshot, context: JobContext) -> Run:
        return NetworkWork(snapshot, context).run()

    def finish(self, result: Run) -> Run:
        run = self._head.finish(result)
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
        return run

    def clean_up(self) -> None:
        self._head.clean_up()


def _key_of(snapshot: TrainSnapshot) -> str:
    """Names what a training depends on: one that was stopped goes on only where all of it is the same."""
    settings = asdict(snapshot.settings)
    for name in ("device", "num_devices"):  # where it is computed is no part of what is computed
        del settings[name]
    parts = {
        "settings": settings,
        "features": snapshot.source.kind.key,
        "labels": sorted(zip(snapshot.content_hashes, snapshot.targets.tolist(), snapshot.grouping.units, strict=True)),
        "classes": snapshot.class_ids,
    }
    return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=10).hexdigest()


def _keep_only(scratch: Path) -> None:
    """Deletes what trainings left behind whose labels or settings are no more those of the user."""
    if scratch.parent.is_dir():
        for other in scratch.parent.iterdir():
            if other != scratch:
                shutil.rmtree(other, ignore_errors=True)


def resume_job(project: Project, interrupted: Interrupted) -> TrainNetwork:
    """Returns the job that goes on with an interrupted training."""
    return TrainNetwork(project, interrupted.settings, interrupted=interrupted)
