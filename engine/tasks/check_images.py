"""Jobs that put images into an order worth checking: the strangest first, the likeliest mistakes first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import NO_CLASS, LabelMode
from engine.errors import TrainingError
from engine.job import Job, JobContext, Priority
from engine.language import tr
from engine.project import Project
from engine.store.feature_file import FeatureFile
from engine.suggestions.label_errors import find_label_errors
from engine.suggestions.outliers import strangeness_of
from engine.tasks.embed import open_source, source_of_run
from engine.tasks.measured import read_measured

Ids = NDArray[np.int64]

_FEWEST: Final = 3


@dataclass(frozen=True, slots=True)
class LookedAtImages:
    """Images (N,) and the rows (N,) of their embeddings."""

    features: FeatureFile
    image_ids: Ids
    rows: Ids


class RankStrange(Job[LookedAtImages, Ids, Ids]):
    """Outcome: all images that were looked at, those that are least like any other first. Needs no model."""

    title: ClassVar[str] = tr("Looking for the strangest images")
    in_worker: ClassVar[bool] = True
    priority = Priority.INTERACTIVE

    def __init__(self, project: Project) -> None:
        self.project = project

    def prepare(self) -> LookedAtImages:
        run = self.project.active_run()
        source = source_of_run(self.project, run) if run is not None else open_source(self.project)
        image_ids, rows = source.embedded_images(self.project)
        if len(image_ids) < _FEWEST:
            raise TrainingError(
                tr("There are too few images that were looked at already."),
                tr("Wait until “Looking at new images” is done, then try again."),
            )
        return LookedAtImages(source.file, image_ids, rows)

    @staticmethod
    def work(snapshot: LookedAtImages, context: JobContext) -> Ids:
        rows, place = np.unique(snapshot.rows, return_inverse=True)  # of several copies one is compared

        def tell(done: int) -> None:
            context.checkpoint()
            context.progress(done, len(rows), tr("{done:,} of {total:,} images", done=done, total=len(rows)))

        strangeness = strangeness_of(lambda some: snapshot.features.read(rows[some]), len(rows), checkpoint=tell)
        return snapshot.image_ids[np.argsort(-strangeness[place], kind="stable")]

    def finish(self, result: Ids) -> Ids:
        return result


@dataclass(frozen=True, slots=True)
class HeldOutAnswers:
    """What the model said of labelled images (M,) that it had not seen: `probabilities` (M, K), `targets` (M,)."""

    image_ids: Ids
    targets: NDArray[np.int64]
    probabilities: NDArray[np.float32]


class RankSuspects(Job[HeldOutAnswers, Ids, Ids]):
    """Outcome: labelled images that another class fits better, the most suspect first; not those that were dismissed,
    and not those that have another class by now."""

    title: ClassVar[str] = tr("Looking for mistakes")
    priority = Priority.INTERACTIVE

    def __init__(self, project: Project) -> None:
        self.project = project

    def prepare(self) -> HeldOutAnswers:
        project, run = self.project, self.project.active_run()
        if run is None or run.mode is LabelMode.SEVERAL:
            raise TrainingError(
                tr("Mistakes are found with a model that knows one class per image, and there is none yet."),
                tr("Retrain first, or choose another order."),
            )
        measured = read_measured(project, run)
        columns = project.columns()
        order = np.argsort(columns.image_ids)
        place = np.searchsorted(columns.image_ids, measured.image_ids, sorter=order)
        place = order[np.minimum(place, len(order) - 1)]
        is_there = columns.image_ids[place] == measured.image_ids
        given = np.where(is_there, columns.class_ids[place], NO_CLASS)
        is_open = (given == np.array(run.class_ids)[measured.targets]) & ~np.isin(
            measured.image_ids, sorted(project.dismissed_suspects())
        )
        kept = measured.part(np.asarray(is_open))
        return HeldOutAnswers(kept.image_ids, kept.targets, kept.probabilities)

    @staticmethod
    def work(snapshot: HeldOutAnswers, context: JobContext) -> Ids:
        context.checkpoint()
        if not len(snapshot.image_ids):
            return snapshot.image_ids
        return snapshot.image_ids[find_label_errors(snapshot.probabilities, snapshot.targets).rows]

    def finish(self, result: Ids) -> Ids:
        return result
