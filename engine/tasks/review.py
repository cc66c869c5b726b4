"""ReviewModel: everything that the Review workspace shows of a run, from what its folder and the project hold.

Nothing is trained here except, where groups matter, the head once more on folds that ignore them. What more labels
would bring is a job of its own (`engine.tasks.forecast_learning`), because it takes a few trainings.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.domain import NO_CLASS, LabelMode, LabelSnapshot, Run, set_confidences
from engine.errors import AppError, TrainingError
from engine.evaluation.intervals import CROSS_VALIDATED, grouped
from engine.evaluation.metrics import Metrics, measure
from engine.evaluation.multi_label import SeveralMetrics, measure_several
from engine.evaluation.reliability import ReliabilityBin, reliability_bins
from engine.evaluation.representation import unlike_of
from engine.evaluation.work_saved import DEFAULT_PRECISION, Acceptance, WorkSaved, work_saved
from engine.job import Job, JobContext, Priority
from engine.language import tr
from engine.nn.run_model import RunModel, read_run
from engine.nn.training_plan import HEAD
from engine.project import Project
from engine.tasks.accepted_labels import with_accuracy_of
from engine.tasks.embed import FeatureSource, source_of_run
from engine.tasks.grouping import grouping_of
from engine.tasks.measured import Judged, Measured, judged_of, read_measured
from engine.tasks.review_parts import Gap, Refit, Suspect, find_suspects, folder_warning, gap_of

__all__ = ["Gap", "Review", "ReviewModel", "Suspect"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Review:
    """A run looked at honestly. Letters: M images that were measured while they were held out, K classes, N others.

    `targets` and columns of `probabilities` (M, K) are in the order of `run.class_ids`; `image_ids`, `confidences`,
    `folds` and `units` (the number of the group that each image was held out with) are (M,). Probabilities are
    calibrated, each from a model that had not seen the image. In runs with several classes per image (`mode`) they are
    independent of each other, `present` and `suggested` (M, K) say which classes an image has and got, `confidences`
    are of that whole set, `several` has the figures and `metrics` is None.

    `saved` answers how much may be accepted at any precision (`saved.at`), for the measured and for the other images
    `other_ids` (N,), which are those without a class; `acceptance` is its answer at the precision that was asked for.
    `grouping_words` says what was held out together ("38 near-duplicates in 17 groups"), "" where nothing was.
    `warnings` are sentences. `test` has the figures of the locked test set, where there is one.
    """

    run: Run
    mode: LabelMode
    image_ids: NDArray[np.int64]
    targets: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    confidences: NDArray[np.float32]
    folds: NDArray[np.int64]
    units: NDArray[np.int64]
    metrics: Metrics | None
    reliability: list[ReliabilityBin]
    saved: WorkSaved
    acceptance: Acceptance
    other_ids: NDArray[np.int64]
    gap: Gap | None = None
    grouping_words: str = ""
    suspects: list[Suspect] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    test: Metrics | None = None
    several: SeveralMetrics | None = None
    present: NDArray[np.bool_] | None = None
    suggested: NDArray[np.bool_] | None = None

    def images_of_cell(self, given: int, predicted: int) -> NDArray[np.int64]:
        """Returns the images of class `given` that were called `predicted` (both 0..K-1), worst first.

        Worst are the surest mistakes; of right ones the least sure.
        """
        called = self.probabilities.argmax(axis=1)
        rows = np.flatnonzero((self.targets == given) & (called == predicted))
        sureness = self.confidences[rows]
        return self.image_ids[rows[np.argsort(sureness if given == predicted else -sureness, kind="stable")]]


@dataclass(frozen=True, slots=True)
class TestImages:
    """The locked test set as the model sees it: `features` (T, D), `targets` (T,) and the group of each image (T,)."""

    features: NDArray[np.float32]
    targets: NDArray[np.int64]
    units: NDArray[np.str_]

    __test__ = False  # pytest takes the name for that of a test


@dataclass(frozen=True, slots=True)
class ReviewSnapshot:
    """What the work sees: the arrays of the run's folder, its predictions of images without a class, and embeddings.

    `features` (M, D) is None where they are gone; `names` and `hashes` are of the measured images. `looks_known` (M,)
    and `others_look_known` (N,) tell which images have a suggestion at all: nothing else is ever accepted.
    """

    run: Run
    model: RunModel
    measured: Measured
    other_ids: NDArray[np.int64]
    other_probabilities: NDArray[np.float32]
    looks_known: NDArray[np.bool_]
    others_look_known: NDArray[np.bool_]
    precision: float
    features: NDArray[np.float32] | None
    names: list[str]
    hashes: list[str]
    dismissed: set[int]
    test: TestImages | None
    warnings: list[str]


class ReviewModel(Job[ReviewSnapshot, Review, Review]):
    """Looks at a run, the active one unless another is named. Runs in the engine thread: it takes a second or so."""

    title: ClassVar[str] = tr("Reviewing the model")
    priority = Priority.INTERACTIVE

    def __init__(self, project: Project, run: Run | None = None, precision: float = DEFAULT_PRECISION) -> None:
        """Raises nothing; without a run the job fails with TrainingError."""
        self.project, self.run, self.precision = project, run, precision

    def prepare(self) -> ReviewSnapshot:
        project = self.project
        run = self.run or project.active_run()
        if run is None:
            raise TrainingError(
                tr("This project has no trained model yet."), tr("Label some images and retrain first.")
            )
        measured = read_measured(project, run)
        records = {image.id: image for image in project.images(measured.image_ids.tolist())}
        # Of images that were removed since there is nothing to show.
        measured = measured.part(np.array([image_id in records for image_id in measured.image_ids.tolist()], np.bool_))
        images = [records[image_id] for image_id in measured.image_ids.tolist()]
        hashes = [image.content_hash for image in images]
        columns = project.columns()
        predictions = project.predictions(run)
        other_ids, other_probabilities = np.empty(0, np.int64), np.empty((0, len(run.class_ids)), np.float32)
        other_scores = None
        if predictions is not None:
            is_other = np.isin(predictions.image_ids, columns.image_ids[columns.class_ids == NO_CLASS])
            other_ids = predictions.image_ids[is_other]
            other_probabilities = predictions.probabilities[is_other].astype(np.float32)
            other_scores = None if predictions.unknown_scores is None else predictions.unknown_scores[is_other]
        limit = np.float32(1 - project.false_alarm_rate())
        source = _source_if_there(project, run)
        features = _features_of(project, source, hashes)
        test, warnings = _test_images(project, run, measured, source)
        return ReviewSnapshot(
            run=run,
            model=read_run(project.run_dir(run), source.weights if source is not None else project.run_dir(run)),
            measured=measured,
            other_ids=other_ids,
            other_probabilities=other_probabilities,
            looks_known=_look_known(measured.unknown_scores, len(measured.image_ids), limit),
            others_look_known=_look_known(other_scores, len(other_ids), limit),
            precision=self.precision,
            features=features,
            names=[image.name for image in images],
            hashes=hashes,
            dismissed=project.dismissed_suspects(),
            test=test,
            warnings=warnings,
        )

    @staticmethod
    def work(snapshot: ReviewSnapshot, context: JobContext) -> Review:
        context.checkpoint()
        is_several = snapshot.run.mode is LabelMode.SEVERAL
        return _review_several(snapshot) if is_several else _review_one(snapshot, context.checkpoint)

    def finish(self, result: Review) -> Review:
        return result


def _look_known(scores: NDArray[np.float32] | None, num_images: int, limit: np.float32) -> NDArray[np.bool_]:
    """Returns which images look like one of the classes; all, where the model cannot tell."""
    return np.ones(num_images, np.bool_) if scores is None else np.asarray(~(scores >= limit))


def _review_one(snapshot: ReviewSnapshot, checkpoint: Callable[[], None]) -> Review:
    run, measured = snapshot.run, snapshot.measured
    probabilities, targets, units = measured.probabilities, measured.targets, measured.units
    confidences = probabilities.max(axis=1)
    is_right = probabilities.argmax(axis=1) == targets
    judged = judged_of(measured)
    looks_known = np.append(snapshot.looks_known, np.ones(len(judged.is_right) - len(targets), np.bool_))
    others = snapshot.other_probabilities
    metrics = measure(probabilities, targets, units, is_cross_validated=True, weights=measured.weights)
    # Nothing is promised of images that are like none of the measured ones.
    is_told = unlike_of(run.settings) is None
    saved = work_saved(
        judged.confidences * looks_known * is_told,
        judged.is_right,
        others.max(axis=1, initial=0) * snapshot.others_look_known,
        judged.units,
        predicted=judged.predicted,
        other_predicted=others.argmax(axis=1),
        num_classes=len(run.class_ids),
    )
    checkpoint()
    gap, warnings = None, list(snapshot.warnings)
    # A fine-tuned network has learned from all of the images: only the head can be fitted on other folds afterwards.
    if snapshot.features is not None and run.depth == HEAD and len(np.unique(targets)) == len(run.class_ids):
        refit = Refit(
            snapshot.features,
            targets,
            len(run.class_ids),
            float(run.settings["strength"]),
            bool(run.settings.get("is_class_balanced", True)),
            checkpoint,
        )
        if len(np.unique(units)) < len(set(snapshot.hashes)):
            gap = gap_of(refit, snapshot.hashes, measured.folds, is_right, measured.weights)
        if run.settings.get("group_by") is None:
            warning = folder_warning(refit, snapshot.names, run.class_names, is_right)
            warnings += [warning] if warning else []
    checkpoint()
    return Review(
        run=run,
        mode=LabelMode.ONE,
        image_ids=measured.image_ids,
        targets=targets,
        probabilities=probabilities,
        confidences=confidences,
        folds=measured.folds,
        units=units,
        metrics=with_accuracy_of(run, metrics),
        reliability=_reliability(judged, len(targets)),
        saved=saved,
        acceptance=saved.at(snapshot.precision),
        other_ids=snapshot.other_ids,
        gap=gap,
        grouping_words=str(run.settings.get("alike") or ""),
        suspects=find_suspects(
            probabilities, targets, measured.image_ids, run.class_ids, snapshot.features, units, snapshot.dismissed
        ),
        warnings=warnings,
        test=_measure_test(snapshot),
    )


def _reliability(judged: Judged, num_measured: int) -> list[ReliabilityBin]:
    """Returns the bins of all predictions that are known to be right or wrong; their rows are of the measured ones."""
    bins = reliability_bins(
        judged.confidences, judged.is_right, grouped(judged.is_right, judged.units, CROSS_VALIDATED)
    )
    return [replace(each, rows=each.rows[each.rows < num_measured]) for each in bins]


def _review_several(snapshot: ReviewSnapshot) -> Review:
    run, measured = snapshot.run, snapshot.measured
    probabilities, units = measured.probabilities, measured.units
    assert measured.present is not None
    assert measured.suggested is not None
    thresholds = np.array(run.thresholds, np.float32)
    confidences = set_confidences(probabilities, measured.suggested)
    is_right = (measured.present == measured.suggested).all(axis=1)
    others = snapshot.other_probabilities
    saved = work_saved(
        confidences * snapshot.looks_known,
        is_right,
        set_confidences(others, others >= thresholds) * snapshot.others_look_known,
        units,
    )
    return Review(
        run=run,
        mode=LabelMode.SEVERAL,
        image_ids=measured.image_ids,
        targets=measured.targets,
        probabilities=probabilities,
        confidences=confidences,
        folds=measured.folds,
        units=units,
        metrics=None,
        reliability=reliability_bins(confidences, is_right, grouped(is_right, units, CROSS_VALIDATED)),
        saved=saved,
        acceptance=saved.at(snapshot.precision),
        other_ids=snapshot.other_ids,
        grouping_words=str(run.settings.get("alike") or ""),
        warnings=snapshot.warnings,
        several=measure_several(
            probabilities, measured.present, measured.suggested, thresholds, units, measured.logits, True
        ),
        present=measured.present,
        suggested=measured.suggested,
    )


def _source_if_there(project: Project, run: Run) -> FeatureSource | None:
    try:
        return source_of_run(project, run)
    except AppError as err:  # the weights are gone: the figures are there all the same
        _log.info("No embeddings for the review of run %d: %s", run.id, err)
        return None


def _features_of(project: Project, source: FeatureSource | None, hashes: list[str]) -> NDArray[np.float32] | None:
    """Returns embeddings (M, D), None where one of them is not in the cache."""
    if source is None or not hashes:
        return None
    rows = source.rows_of(project, hashes)
    return None if rows.min() < 0 else source.file.read(rows)


def _test_images(
    project: Project, run: Run, measured: Measured, source: FeatureSource | None
) -> tuple[TestImages | None, list[str]]:
    """Returns the locked test set for a run that never saw it, and what there is to say about it."""
    test, labels = project.test_set(), project.test_snapshot()
    if test is not None and labels is None:
        return None, [
            tr("The test set was unlocked: its images are trained on now, and nothing can be measured on them.")
        ]
    if labels is None or source is None or labels.mode is LabelMode.SEVERAL:
        return None, []
    if np.isin(labels.image_ids, measured.trained_ids).any():
        return None, [tr("This model was trained before the test set was locked. Retrain to measure on it.")]
    return _images_with_features(project, run, labels, source), []


def _images_with_features(
    project: Project, run: Run, labels: LabelSnapshot, source: FeatureSource
) -> TestImages | None:
    rows = source.rows_of(project, labels.content_hashes)
    there = np.flatnonzero(rows >= 0)
    if not len(there):
        return None
    place_of = {class_id: index for index, class_id in enumerate(run.class_ids)}
    # A class that the model does not know is one more target: always wrong.
    unknown = len(run.class_ids)
    targets = [place_of.get(labels.classes[target].id, unknown) for target in labels.targets[there].tolist()]
    try:
        units = np.array(grouping_of(project, labels, source).units)
    except TrainingError:  # the rule fits none of them: each is one of its own
        units = np.array(labels.content_hashes)
    return TestImages(source.file.read(rows[there]), np.array(targets, np.int64), units[there])


def _measure_test(snapshot: ReviewSnapshot) -> Metrics | None:
    if snapshot.test is None:
        return None
    probabilities = snapshot.model.probabilities(snapshot.test.features)
    return measure(probabilities, snapshot.test.targets, snapshot.test.units)
