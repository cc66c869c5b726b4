"""TrainHead: from the labels of this moment to a new run: head, out-of-fold figures, calibration, predictions."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import LabelMode, LabelSnapshot, Run
from engine.errors import TrainingError
from engine.evaluation.multi_label_folds import choose_num_folds_of_several
from engine.evaluation.splits import choose_num_folds
from engine.files import PendingFolder
from engine.job import Job, JobContext, Priority, QuietContext
from engine.language import tr
from engine.nn.head import Head
from engine.nn.run_model import read_run
from engine.nn.training_plan import FULL, HEAD, ONLY_THE_HEAD, PARTIAL
from engine.own_backbones import RUN_PREFIX
from engine.project import Project
from engine.tasks.accepted_labels import refused_of, wanted_labels
from engine.tasks.embed import ComputeEmbeddings, FeatureSource, missing_images, open_source
from engine.tasks.grouping import grouping_of, usable_labels
from engine.tasks.head_run import fit_and_measure, write_head_run
from engine.tasks.near_duplicates import job_before_training
from engine.tasks.read_files import read_now
from engine.tasks.representative import with_stacks
from engine.tasks.several_labels import refuse_too_few_of_several, usable_labels_of_several
from engine.tasks.train_snapshot import TrainSettings, TrainSnapshot

_LARGEST_DETOUR: Final = 500
"""So many unlabelled images are embedded before a training rather than after it."""

_MOST_MISSING: Final = 0.1
"""A share of the labelled images that may be without embeddings for a training that nobody asked for."""

_STRENGTH_KEEPS_FOR: Final = 0.1
"""A share of more or fewer images for which the last run's strength is used again."""


class TrainHead(Job[TrainSnapshot, Run, Run]):
    """Trains the head on the embedded labelled images; outcome is the new, active run."""

    title: ClassVar[str] = tr("Training")
    priority = Priority.INTERACTIVE

    def __init__(
        self, project: Project, settings: TrainSettings | None = None, embedding: ComputeEmbeddings | None = None
    ) -> None:
        """`embedding` is the job before this one in the chain, whose time the run records."""
        self.project, self.settings, self.embedding = project, settings or TrainSettings(), embedding
        self._pending: PendingFolder | None = None

    def prepare(self, labels: LabelSnapshot | None = None) -> TrainSnapshot:
        """`labels` None = those of this moment."""
        labels = wanted_labels(labels or self.project.snapshot(), self.settings)
        _refuse_too_few(labels)
        source = open_source(self.project, self.settings.backbone)
        rows = source.rows_of(self.project, labels.content_hashes)
        if self.settings.is_automatic and (rows < 0).sum() > _MOST_MISSING * len(rows):
            # With another network or other views all are looked at anew: a model of the first few would be a worse one.
            raise TrainingError(
                tr("Many labelled images are still to be looked at."), tr("Wait until they are, or retrain.")
            )
        grouping = grouping_of(self.project, labels, source)
        rows[list(grouping.tied_to_test)] = -1
        usable = usable_labels_of_several if labels.mode is LabelMode.SEVERAL else usable_labels
        kept, class_positions, notes = usable(labels, rows, grouping)
        grouping = replace(grouping, units=[grouping.units[index] for index in kept])
        targets = _targets_of(labels, kept, class_positions)
        all_image_ids, all_rows = source.embedded_images(self.project)
        num_open = len(all_image_ids) - len(labels.image_ids)
        grouping, in_stacks = with_stacks(grouping, labels.together[kept], targets, num_open)
        class_ids = [labels.classes[position].id for position in class_positions]
        start, strength, chosen_at = self._last_head(source, class_ids, len(kept), grouping.rule, labels.mode)
        run_id = self.project.new_run_id()
        refused_ids, refused_rows, refused = refused_of(labels, self.settings, class_ids, all_image_ids, all_rows)
        self._pending = PendingFolder(_free_folder(self.project.models_dir, run_id))
        report = self.embedding.report if self.embedding else None
        return TrainSnapshot(
            source=source,
            settings=self.settings,
            folder=self._pending.work_path,
            folder_name=self._pending.path.name,
            run_id=run_id,
            image_ids=labels.image_ids[kept],
            content_hashes=[labels.content_hashes[index] for index in kept],
            grouping=grouping,
            targets=targets,
            rows=rows[kept],
            class_ids=class_ids,
            class_names=[labels.classes[position].name for position in class_positions],
            last_step=labels.last_step,
            all_image_ids=all_image_ids,
            all_rows=all_rows,
            start=start,
            strength=strength,
            strength_chosen_at=chosen_at,
            notes=notes + grouping.notes + _notes_on(source.spec.key) + (report.notes if report else []),
            embed_seconds=report.seconds if report else 0.0,
            mode=labels.mode,
            present=labels.targets_matrix[np.ix_(kept, class_positions)],
            confirmed=labels.confirmed[kept],
            accepted=labels.accepted[kept],
            unseen=labels.unseen[kept],
            refused_ids=refused_ids,
            refused_rows=refused_rows,
            refused=refused,
            in_stacks=in_stacks,
        )

    @staticmethod
    def work(snapshot: TrainSnapshot, context: JobContext) -> Run:
        started = time.perf_counter()
        num_classes = len(snapshot.class_ids)
        context.progress(
            0,
            3,
            tr(
                "{num_images:,} images of {num_classes} classes",
                num_images=len(snapshot.targets),
                num_classes=num_classes,
            ),
        )
        has_several = snapshot.mode is LabelMode.SEVERAL
        num_images = len(snapshot.targets)
        num_folds = (
            choose_num_folds_of_several(num_images)
            if has_several
            else choose_num_folds(snapshot.targets, snapshot.grouping.units)
        )
        fitted = fit_and_measure(snapshot, num_folds, context)
        context.progress(2, 3, tr("predicting"))
        story = {"story": ONLY_THE_HEAD} if has_several and snapshot.settings.depth != HEAD else {}
        run = write_head_run(snapshot, fitted, started, story, context)
        context.progress(3, 3, "")
        return run

    def finish(self, result: Run) -> Run:
        assert self._pending is not None
        self._pending.commit()
        return self.project.add_run(result)

    def clean_up(self) -> None:
        if self._pending is not None:
            self._pending.discard()

    def _last_head(
        self, source: FeatureSource, class_ids: list[int], num_images: int, group_rule: str | None, mode: LabelMode
    ) -> tuple[Head | None, float | None, int]:
        """Returns head, strength and the number of images that was chosen on, from the active run where it is near."""
        nothing = (None, None, num_images)
        run = self.project.active_run()
        if run is None or run.class_ids != class_ids or run.weights_hash != source.kind.weights_hash:
            return nothing
        try:
            model = read_run(self.project.run_dir(run), source.weights)
        except TrainingError:
            return nothing
        chosen_at = int(run.settings.get("strength_chosen_at", 0))
        is_near = abs(num_images - chosen_at) <= _STRENGTH_KEEPS_FOR * chosen_at
        is_same = model.preprocessing == source.preprocessing and model.spec.spreads == source.spec.spreads
        is_same = is_same and run.seed == self.settings.seed
        is_same = is_same and run.settings.get("is_class_balanced") == self.settings.is_class_balanced
        is_same = is_same and run.settings.get("group_by") == group_rule and run.mode is mode
        if not (is_near and is_same):
            return nothing
        return model.head, float(run.settings["strength"]), chosen_at


def retrain_jobs(
    project: Project, settings: TrainSettings | None = None, embed_all: bool = False
) -> list[Job[Any, Any, Any]]:
    """Returns the chain behind Retrain: embed what is missing, then train; the last outcome is the Run.

    Labelled images are embedded first. The unlabelled ones come along when they are few or `embed_all` is set; else a
    ComputeEmbeddings afterwards embeds them and extends the run's predictions.

    Raises:
        TrainingError: these labels cannot be trained on.
        BackboneError: the backbone is not known or has no weights on this machine.
    """
    settings = settings or TrainSettings()
    read_now(project, QuietContext(), None if embed_all else project.snapshot().image_ids.tolist())
    labels = wanted_labels(project.snapshot(), settings)
    _refuse_too_few(labels)
    if labels.mode is LabelMode.SEVERAL and settings.depth in (PARTIAL, FULL):
        raise TrainingError(ONLY_THE_HEAD, tr("Choose the depth head or auto, or use one class per image."))
    source = open_source(project, settings.backbone)
    settings = replace(settings, backbone=source.spec.key)
    labelled = set(labels.image_ids.tolist())
    missing, _ = missing_images(project, source)
    first = [image.image_id for image in missing if image.image_id in labelled]
    rest = [image.image_id for image in missing if image.image_id not in labelled]
    wanted = first + rest if embed_all or len(rest) <= _LARGEST_DETOUR else first
    embedding = ComputeEmbeddings(project, source.spec.key, wanted, Priority.INTERACTIVE) if wanted else None
    training: Job[Any, Any, Any] = TrainHead(project, settings, embedding)
    if settings.depth != HEAD and labels.mode is LabelMode.ONE:
        from engine.tasks.train_network import TrainNetwork  # builds on this module

        training = TrainNetwork(project, settings, embedding)
    comparison = job_before_training(project, source)
    return [job for job in (embedding, comparison, training) if job is not None]


def _notes_on(backbone: str) -> list[str]:
    if not backbone.startswith(RUN_PREFIX):
        return []
    number = backbone.removeprefix(RUN_PREFIX)
    return [
        tr(
            "The network of version {number} has learned from images of this project before: on those, figures "
            "flatter.",
            number=number,
        )
    ]


def _refuse_too_few(labels: LabelSnapshot) -> None:
    """Raises TrainingError for labels that cannot be trained on whatever their embeddings are."""
    if labels.mode is LabelMode.SEVERAL:
        refuse_too_few_of_several(labels)
        return
    if not len(labels.image_ids):
        raise TrainingError(
            tr("No image has a class yet."), tr("Label at least two images of each of two classes, then retrain.")
        )
    if len(labels.classes) < 2:
        raise TrainingError(
            tr("All labelled images are of one class, “{name}”.", name=labels.classes[0].name),
            tr("A model tells classes apart: label at least two images of a second class, then retrain."),
        )


def _targets_of(
    labels: LabelSnapshot, kept: NDArray[np.int64], class_positions: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Returns the class of each image among those of the model; where it may have several the first, or -1."""
    if labels.mode is LabelMode.ONE:
        return np.searchsorted(class_positions, labels.targets[kept]).astype(np.int64)
    present = labels.targets_matrix[np.ix_(kept, class_positions)]
    return np.where(present.any(axis=1), present.argmax(axis=1), -1).astype(np.int64)


def _free_folder(models_dir: Path, run_id: int) -> Path:
    """Returns a folder that is free: a database that came back from a backup may know fewer runs than there are."""
    number = run_id
    while (models_dir / f"run-{number:04d}").exists():
        number += 1
    return models_dir / f"run-{number:04d}"
