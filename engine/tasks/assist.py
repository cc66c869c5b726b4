"""Jobs that put images into an order worth labelling: most useful next, or most similar to one.

All of them work on the embeddings that are there; images that were not looked at yet wait until they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import NO_CLASS, Mark
from engine.errors import TrainingError
from engine.job import Job, JobContext, Priority
from engine.language import tr
from engine.project import Project
from engine.store.feature_file import FeatureFile
from engine.suggestions.neighbours import NeighbourIndex
from engine.suggestions.strategies import STRATEGIES, Pool
from engine.tasks.embed import FeatureSource, open_source, source_of_run

Ids = NDArray[np.int64]

_NOT_LOOKED_AT: Final = tr("Wait until “Looking at new images” is done, then try again.")


def _source_of(project: Project) -> FeatureSource:
    """Returns the embeddings of the active run, or of the chosen backbone while there is none."""
    run = project.active_run()
    return source_of_run(project, run) if run is not None else open_source(project)


@dataclass(frozen=True, slots=True)
class RankSnapshot:
    """`pool_ids` (N,), their rows and `probabilities` (N, K) or None; rows and targets of the labelled images (M,)."""

    strategy: str
    num_wanted: int
    seed: int
    features: FeatureFile
    pool_ids: Ids
    pool_rows: Ids
    probabilities: NDArray[np.float32] | None
    labelled_rows: Ids
    targets: Ids


class RankImages(Job[RankSnapshot, Ids, Ids]):
    """Outcome: the images to label next by a query strategy, the most useful first. Skipped ones are left out.

    With `among` only these images are asked for.
    """

    title: ClassVar[str] = tr("Choosing what to label next")
    in_worker: ClassVar[bool] = True
    priority = Priority.INTERACTIVE

    def __init__(
        self,
        project: Project,
        strategy: str = "guided",
        num_wanted: int = 200,
        seed: int = 0,
        among: Ids | None = None,
    ) -> None:
        self.project, self.strategy, self.num_wanted, self.seed = project, strategy, num_wanted, seed
        self.among = among

    def prepare(self) -> RankSnapshot:
        project, source = self.project, _source_of(self.project)
        image_ids, rows = source.embedded_images(project)
        columns = project.columns()
        place = np.searchsorted(columns.image_ids, image_ids)
        class_ids, marks = columns.class_ids[place], columns.marks[place]
        in_pool = (class_ids == NO_CLASS) & (marks & (Mark.SKIPPED | Mark.CONFIRMED) == 0)
        if self.among is not None:
            in_pool &= np.isin(image_ids, self.among)
        if not in_pool.any():
            raise TrainingError(tr("There is no image without a class that was looked at already."), _NOT_LOOKED_AT)
        is_labelled = class_ids != NO_CLASS
        probabilities = _probabilities_of(project, image_ids[in_pool])
        if probabilities is None and STRATEGIES[self.strategy].needs_model:
            raise TrainingError(
                tr("“{title}” asks a model, and there is none yet.", title=STRATEGIES[self.strategy].title),
                tr("Retrain first, or choose another order."),
            )
        return RankSnapshot(
            strategy=self.strategy,
            num_wanted=self.num_wanted,
            seed=self.seed,
            features=source.file,
            pool_ids=image_ids[in_pool],
            pool_rows=rows[in_pool],
            probabilities=probabilities,
            labelled_rows=rows[is_labelled],
            targets=np.unique(class_ids[is_labelled], return_inverse=True)[1].astype(np.int64),
        )

    @staticmethod
    def work(snapshot: RankSnapshot, context: JobContext) -> Ids:
        context.checkpoint()
        pool = Pool(
            snapshot.features.read(snapshot.pool_rows),
            snapshot.probabilities,
            snapshot.features.read(snapshot.labelled_rows),
            snapshot.targets,
            snapshot.seed,
        )
        context.checkpoint()
        return snapshot.pool_ids[STRATEGIES[snapshot.strategy].rank(pool, snapshot.num_wanted)]

    def finish(self, result: Ids) -> Ids:
        return result


@dataclass(frozen=True, slots=True)
class SimilarImages:
    """Images most similar to one, nearest first and without itself, and their cosine similarities, both (k,)."""

    image_ids: Ids
    similarities: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SimilarSnapshot:
    features: FeatureFile
    num_rows: int
    row: int
    image_id: int
    image_ids: Ids
    rows: Ids
    num_wanted: int


class FindSimilar(Job[SimilarSnapshot, SimilarImages, SimilarImages]):
    """Outcome: the images most similar to one of them. The first question reads all embeddings, later ones a few."""

    title: ClassVar[str] = tr("Finding similar images")
    in_worker: ClassVar[bool] = True
    priority = Priority.INTERACTIVE

    def __init__(self, project: Project, image_id: int, num_wanted: int = 200) -> None:
        self.project, self.image_id, self.num_wanted = project, image_id, num_wanted

    def prepare(self) -> SimilarSnapshot:
        source = _source_of(self.project)
        image_ids, rows = source.embedded_images(self.project)
        own = np.flatnonzero(image_ids == self.image_id)
        if not len(own):
            raise TrainingError(tr("This image was not looked at yet."), _NOT_LOOKED_AT)
        row = int(rows[own[0]])
        return SimilarSnapshot(
            source.file, source.file.num_rows(), row, self.image_id, image_ids, rows, self.num_wanted
        )

    @staticmethod
    def work(snapshot: SimilarSnapshot, context: JobContext) -> SimilarImages:
        file = snapshot.features
        context.progress(0, 1, "")
        index = _index_of(file, snapshot.num_rows, context.checkpoint)
        # Rows of images that were deleted, and several images of one content, make the two numberings differ.
        num_spare = snapshot.num_rows - len(np.unique(snapshot.rows)) + 1
        vector = file.read(np.array([snapshot.row]))[0]
        found = index.nearest(vector, snapshot.num_wanted + num_spare)
        rank = np.full(snapshot.num_rows, len(found.rows), np.int64)
        rank[found.rows] = np.arange(len(found.rows))
        order = np.argsort(rank[snapshot.rows], kind="stable")
        order = order[(rank[snapshot.rows[order]] < len(found.rows)) & (snapshot.image_ids[order] != snapshot.image_id)]
        order = order[: snapshot.num_wanted]
        return SimilarImages(snapshot.image_ids[order], found.similarities[rank[snapshot.rows[order]]])

    def finish(self, result: SimilarImages) -> SimilarImages:
        return result


def _probabilities_of(project: Project, image_ids: Ids) -> NDArray[np.float32] | None:
    """Returns the active run's probabilities (N, K) of these images; None when it has not seen all of them."""
    predictions = project.predictions()
    if predictions is None or not len(predictions.image_ids):
        return None
    order = np.argsort(predictions.image_ids)
    known = predictions.image_ids[order]
    place = np.minimum(np.searchsorted(known, image_ids), len(known) - 1)
    if not np.array_equal(known[place], image_ids):
        return None
    return np.asarray(predictions.probabilities[order[place]], np.float32)


_kept_index: dict[tuple[str, int, str], NeighbourIndex] = {}
"""The index of the last question, in the worker process: making it takes far longer than asking it."""


def _index_of(file: FeatureFile, num_rows: int, checkpoint: Callable[[], None]) -> NeighbourIndex:
    newest = file.hashes(num_rows - 1)[0]
    key = str(file.data_path), num_rows, newest
    if key not in _kept_index:
        _kept_index.clear()
        _kept_index[key] = NeighbourIndex(file.read, num_rows, checkpoint=checkpoint)
    return _kept_index[key]
