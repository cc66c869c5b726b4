"""The job that puts the images without a class into stacks of look-alikes, on the embeddings that are there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import NO_CLASS, Mark
from engine.errors import TrainingError
from engine.job import Job, JobContext, Priority
from engine.language import tr
from engine.project import Project
from engine.store.feature_file import FeatureFile
from engine.suggestions.clusters import Stacks, stacks_of
from engine.tasks.embed import open_source, source_of_run

Ids = NDArray[np.int64]

LARGEST_POOL: Final = 200_000
"""Of more images without a class so many, chosen at random, are put into stacks."""


@dataclass(frozen=True, slots=True)
class StackSnapshot:
    """`image_ids` and `rows` (N,): the images and where their embeddings are."""

    features: FeatureFile
    image_ids: Ids
    rows: Ids
    seed: int


class StackImages(Job[StackSnapshot, Stacks, Stacks]):
    """Outcome: stacks of the images without a class that were looked at; their `rows` and `neighbours` are image ids.
    None is left out but those that the user skipped or confirmed to have no class."""

    title: ClassVar[str] = tr("Putting look-alikes together")
    in_worker: ClassVar[bool] = True
    priority = Priority.INTERACTIVE

    def __init__(self, project: Project, seed: int = 0) -> None:
        self.project, self.seed = project, seed

    def prepare(self) -> StackSnapshot:
        run = self.project.active_run()
        source = source_of_run(self.project, run) if run is not None else open_source(self.project)
        image_ids, rows = source.embedded_images(self.project)
        columns = self.project.columns()
        place = np.searchsorted(columns.image_ids, image_ids)
        is_done = (columns.class_ids[place] != NO_CLASS) | (columns.marks[place] & (Mark.SKIPPED | Mark.CONFIRMED) != 0)
        image_ids, rows = image_ids[~is_done], rows[~is_done]
        if not len(image_ids):
            raise TrainingError(
                tr("There is no image without a class that was looked at already."),
                tr("Wait until “Looking at new images” is done, then try again."),
            )
        if len(image_ids) > LARGEST_POOL:
            kept = np.sort(np.random.default_rng(self.seed).choice(len(image_ids), LARGEST_POOL, replace=False))
            image_ids, rows = image_ids[kept], rows[kept]
        return StackSnapshot(source.file, image_ids, rows, self.seed)

    @staticmethod
    def work(snapshot: StackSnapshot, context: JobContext) -> Stacks:
        context.checkpoint()
        found = stacks_of(
            lambda rows: snapshot.features.read(snapshot.rows[rows]),
            len(snapshot.image_ids),
            snapshot.seed,
            context.checkpoint,
        )
        ids = snapshot.image_ids
        neighbours = np.where(found.neighbours < 0, 0, ids[found.neighbours])  # no image has the id 0
        return replace(found, rows=ids[found.rows], neighbours=neighbours)

    def finish(self, result: Stacks) -> Stacks:
        return result
