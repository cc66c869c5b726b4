"""ReviewModel: everything that the Review workspace shows of a run, from what its folder and the project hold.

Nothing is trained here except, where groups matter, the head once more on folds that ignore them. What more labels
would bring is a job of its own (`engine.tasks.forecast_learning`), because it takes a few trainings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.domain import NO_CLASS, LabelMode, Run
from engine.errors import TrainingError
from engine.evaluation.intervals import grouped
from engine.evaluation.metrics import Metrics, measure
from engine.evaluation.reliability import ReliabilityBin, reliability_bins
from engine.evaluation.work_saved import DEFAULT_PRECISION, Acceptance, WorkSaved, work_saved
from engine.job import Job, JobContext, Priority
from engine.nn.run_model import LABELS_FILE, OUT_OF_FOLD_FILE
from engine.project import Project


@dataclass(frozen=True, slots=True)
class Suspect:
    """An image whose class looks wrong. `score` (0..1) is how sure the model is that the given class is wrong.

    `neighbour_ids` are the labelled images most like it, nearest first, and `neighbour_class_ids` their classes;
    `num_agreeing` of them have the suggested class.
    """

    image_id: int
    given_id: int
    suggested_id: int
    score: float
    neighbour_ids: list[int]
    neighbour_class_ids: list[int]
    num_agreeing: int


@dataclass(frozen=True, slots=True)
class Gap:
    """What a random split would have claimed beside what holds for new groups. `sentence` says it to the user."""

    random_accuracy: float
    grouped_accuracy: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Review:
    """A run looked at honestly. Letters: M images that were measured while they were held out, K classes, N others.

    `targets` and columns of `probabilities` (M, K) are in the order of `run.class_ids`; `image_ids`, `confidences`,
    `folds` and `units` (the number of the group that each image was held out with) are (M,). Probabilities are
    calibrated, each from a model that had not seen the image. In runs with several classes per image (`mode`) they are
    independent of each other, and `metrics` is None.

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
    several: Any | None = None

    def images_of_cell(self, given: int, predicted: int) -> NDArray[np.int64]:
        """Returns the images of class `given` that were called `predicted` (both 0..K-1), worst first.

        Worst are the surest mistakes; of right ones the least sure.
        """
        called = self.probabilities.argmax(axis=1)
        rows = np.flatnonzero((self.targets == given) & (called == predicted))
        sureness = self.confidences[rows]
        return self.image_ids[rows[np.argsort(sureness if given == predicted else -sureness, kind="stable")]]


@dataclass(frozen=True, slots=True)
class ReviewSnapshot:
    """What the work sees: the arrays of the run's folder and its predictions of images without a class."""

    run: Run
    image_ids: NDArray[np.int64]
    targets: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    folds: NDArray[np.int64]
    units: NDArray[np.int64]
    other_ids: NDArray[np.int64]
    other_probabilities: NDArray[np.float32]
    precision: float


class ReviewModel(Job[ReviewSnapshot, Review, Review]):
    """Looks at a run, the active one unless another is named. Runs in the engine thread: it takes a second or less."""

    title: ClassVar[str] = "Reviewing the model"
    priority = Priority.INTERACTIVE

    def __init__(self, project: Project, run: Run | None = None, precision: float = DEFAULT_PRECISION) -> None:
        """Raises nothing; without a run the job fails with TrainingError."""
        self.project, self.run, self.precision = project, run, precision

    def prepare(self) -> ReviewSnapshot:
        run = self.run or self.project.active_run()
        if run is None:
            raise TrainingError("This project has no trained model yet.", "Label some images and retrain first.")
        image_ids, targets, probabilities, folds, units = read_measured(self.project, run)
        columns = self.project.columns()
        unlabelled = columns.image_ids[columns.class_ids == NO_CLASS]
        predictions = self.project.predictions(run)
        other_ids = np.empty(0, np.int64)
        other_probabilities = np.empty((0, len(run.class_ids)), np.float32)
        if predictions is not None:
            is_other = np.isin(predictions.image_ids, unlabelled)
            other_ids = predictions.image_ids[is_other]
            other_probabilities = predictions.probabilities[is_other].astype(np.float32)
        return ReviewSnapshot(
            run, image_ids, targets, probabilities, folds, units, other_ids, other_probabilities, self.precision
        )

    @staticmethod
    def work(snapshot: ReviewSnapshot, context: JobContext) -> Review:
        context.checkpoint()
        probabilities, targets = snapshot.probabilities, snapshot.targets
        confidences = probabilities.max(axis=1)
        is_right = probabilities.argmax(axis=1) == targets
        saved = work_saved(probabilities, targets, snapshot.units, snapshot.other_probabilities)
        return Review(
            run=snapshot.run,
            mode=LabelMode.ONE,
            image_ids=snapshot.image_ids,
            targets=targets,
            probabilities=probabilities,
            confidences=confidences,
            folds=snapshot.folds,
            units=snapshot.units,
            metrics=measure(probabilities, targets, snapshot.units),
            reliability=reliability_bins(confidences, is_right, grouped(is_right, snapshot.units)),
            saved=saved,
            acceptance=saved.at(snapshot.precision),
            other_ids=snapshot.other_ids,
        )

    def finish(self, result: Review) -> Review:
        return result


def read_measured(
    project: Project, run: Run
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Returns image ids, targets, out-of-fold probabilities, folds and units of the images that a run was measured on.

    Runs of earlier versions know no units: then each image is one of its own.

    Raises:
        TrainingError: a file of the run is missing or damaged.
    """
    folder = project.run_dir(run)
    try:
        with np.load(folder / LABELS_FILE) as labels, np.load(folder / OUT_OF_FOLD_FILE) as out_of_fold:
            image_ids = out_of_fold["image_ids"].astype(np.int64)
            # Of a network only a part of the images may have been held out.
            order = np.argsort(labels["image_ids"])
            rows = order[np.searchsorted(labels["image_ids"], image_ids, sorter=order)]
            units = labels["units"][rows] if "units" in labels else np.arange(len(rows))
            return (
                image_ids,
                labels["targets"][rows].astype(np.int64),
                out_of_fold["probabilities"].astype(np.float32),
                labels["folds"][rows].astype(np.int64),
                units.astype(np.int64),
            )
    except (OSError, ValueError, KeyError, IndexError) as err:
        raise TrainingError(
            f"The model in {folder} is damaged or incomplete.", "Choose another version, or retrain."
        ) from err
