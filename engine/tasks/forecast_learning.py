"""ForecastLearning: trains the head on parts of the labels and says what more labels should bring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import LabelMode, Run
from engine.errors import TrainingError
from engine.evaluation.learning_curve import LearningForecast, Level, forecast_learning, num_levels, parts_of
from engine.evaluation.metrics import measure
from engine.evaluation.splits import assign_folds, choose_num_folds
from engine.job import Job, JobContext, Priority
from engine.language import tr
from engine.nn.head import fit_head
from engine.nn.training_plan import HEAD
from engine.project import Project
from engine.tasks.embed import source_of_run
from engine.tasks.measured import read_measured

_MORE: Final = tr("Label about six images of most classes, then retrain and look again.")
_MAX_IMAGES: Final = 6_000


@dataclass(frozen=True, slots=True)
class ForecastSnapshot:
    """The labels of a run as the forecast sees them: embeddings (N, D), classes, groups (N,).

    `per_class` are the figures of all images that the run was measured on. `whole` is what the run itself says of the
    images, where it trained no more than the head: the last point of the curve is its own figure then.
    """

    run: Run
    features: NDArray[np.float32]
    targets: NDArray[np.int64]
    units: NDArray[np.int64]
    per_class: list[dict[str, Any]]
    whole: Level | None


class ForecastLearning(Job[ForecastSnapshot, LearningForecast, LearningForecast]):
    """Outcome: the learning curve of a run's labels and its forecast; the active run unless another is named.

    It is the curve of the head on the run's embeddings, a second or a few. Fails with TrainingError where the labels
    are too few, or images have several classes.
    """

    title: ClassVar[str] = tr("Looking ahead")
    priority = Priority.NORMAL

    def __init__(self, project: Project, run: Run | None = None) -> None:
        self.project, self.run = project, run

    def prepare(self) -> ForecastSnapshot:
        run = self.run or self.project.active_run()
        if run is None:
            raise TrainingError(
                tr("This project has no trained model yet."), tr("Label some images and retrain first.")
            )
        if run.mode is LabelMode.SEVERAL:
            raise TrainingError(
                tr("There is no forecast for images with several classes."),
                tr("Look at the figures of each class instead."),
            )
        measured = read_measured(self.project, run)
        hashes = {image.id: image.content_hash for image in self.project.images(measured.image_ids.tolist())}
        source = source_of_run(self.project, run)
        rows = source.rows_of(self.project, (hashes.get(image_id, "") for image_id in measured.image_ids.tolist()))
        kept = np.flatnonzero(rows >= 0)
        if len(kept) > _MAX_IMAGES:  # enough for a curve, and a few seconds
            kept = np.sort(np.random.default_rng(run.seed).choice(kept, _MAX_IMAGES, replace=False))
        targets = measured.targets[kept]
        if not len(kept) or num_levels(targets) < 2:
            raise TrainingError(tr("There are too few labels to say what more of them would bring."), _MORE)
        predicted = measured.probabilities.argmax(axis=1)
        metrics = measure(measured.probabilities, measured.targets, measured.units, True, measured.weights)
        num_folds = len(np.unique(measured.folds))
        whole = None
        if run.depth == HEAD and num_folds > 1:
            whole = Level(len(kept) * (1 - 1 / num_folds), 1.0, predicted[kept] == targets)
        return ForecastSnapshot(
            run, source.file.read(rows[kept]), targets, measured.units[kept], metrics.per_class, whole
        )

    @staticmethod
    def work(snapshot: ForecastSnapshot, context: JobContext) -> LearningForecast:
        run = snapshot.run
        levels = measure_levels(
            snapshot.features,
            snapshot.targets,
            snapshot.units,
            len(run.class_ids),
            bool(run.settings.get("is_class_balanced", True)),
            context.checkpoint,
            context.progress,
            snapshot.whole,
        )
        return forecast_learning(
            run.id, levels, snapshot.targets, snapshot.units, run.class_ids, run.class_names, snapshot.per_class
        )

    def finish(self, result: LearningForecast) -> LearningForecast:
        return result


def measure_levels(
    features: NDArray[np.float32],
    targets: NDArray[np.int64],
    units: NDArray[np.int64],
    num_classes: int,
    is_class_balanced: bool,
    checkpoint: Callable[[], None] = lambda: None,
    progress: Callable[[int, int, str], None] = lambda done, total, note: None,
    whole: Level | None = None,
) -> list[Level]:
    """Returns what trainings on the whole, the halves, the quarters... say of images that they had not seen.

    `whole` is the first of them, where it is known already.
    """
    count = num_levels(targets)
    parts = parts_of(targets, units, count)
    levels = [] if whole is None else [whole]
    total, done = 2**count - 1 - len(levels), 0
    for depth in range(len(levels), count):
        is_right = np.zeros(len(targets), np.bool_)
        shares = []
        for part in range(2**depth):
            progress(done, total, tr("{number:,} images", number=len(targets) // 2**depth))
            checkpoint()
            rows = np.flatnonzero(parts % 2**depth == part)
            names = [str(unit) for unit in units[rows]]
            num_folds = choose_num_folds(targets[rows], names)
            folds = assign_folds(targets[rows], names, names, num_folds)
            fit = fit_head(
                features[rows],
                targets[rows],
                num_classes,
                folds,
                is_class_balanced=is_class_balanced,
                checkpoint=checkpoint,
            )
            is_right[rows] = fit.out_of_fold_logits.argmax(axis=1) == targets[rows]
            shares.append(1 - 1 / num_folds)
            done += 1
        trained_on = len(targets) / 2**depth * float(np.mean(shares))
        levels.append(Level(trained_on, 1 / 2**depth, is_right))
    progress(total, total, "")
    return levels
