"""FindDuplicateGroups: which images of a project are near-duplicates of each other, labelled or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.domain import NO_CLASS, ImageRecord, ImageStatus, Mark
from engine.job import Job, JobContext, Priority
from engine.language import tr
from engine.project import Project
from engine.suggestions.keeping import best_first, groups_of_pairs
from engine.tasks.measure_quality import measured_images
from engine.tasks.near_duplicates import Comparison, FindNearDuplicates, KnownPairs

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class DuplicateGroups:
    """`groups` of near-duplicates (image ids, the one worth keeping first), in filing order.

    `num_compared` images were looked at; `num_missing` readable ones wait until they are.
    """

    groups: list[Ids]
    num_compared: int
    num_missing: int


class FindDuplicateGroups(Job[Comparison, KnownPairs, DuplicateGroups]):
    """Compares all images that were looked at. What was compared once is not compared again, nor before a training."""

    title: ClassVar[str] = tr("Looking for near-duplicates")
    in_worker: ClassVar[bool] = True
    priority = Priority.INTERACTIVE

    def __init__(self, project: Project, backbone: str | None = None) -> None:
        self.project = project
        self._search = FindNearDuplicates(project, backbone, compares_all=True)

    def prepare(self) -> Comparison:
        return self._search.prepare()

    @staticmethod
    def work(snapshot: Comparison, context: JobContext) -> KnownPairs:
        return FindNearDuplicates.work(snapshot, context)

    def finish(self, result: KnownPairs) -> DuplicateGroups:
        return _groups_of(self.project, self._search.finish(result))


def _groups_of(project: Project, known: KnownPairs) -> DuplicateGroups:
    readable = [image for image in project.images() if image.status == ImageStatus.READABLE and image.content_hash]
    first_with: dict[str, int] = {}
    copies = []
    for row, image in enumerate(readable):
        first = first_with.setdefault(image.content_hash, row)
        if first != row:  # the very same file twice
            copies.append((first, row))
    rows = np.array([first_with.get(content, -1) for content in known.hashes], np.int64)
    pairs = rows[known.pairs]
    pairs = pairs[(pairs >= 0).all(axis=1)] if len(pairs) else np.empty((0, 2), np.int64)
    pairs = np.concatenate([pairs, np.array(copies, np.int64).reshape(-1, 2)])
    groups = _best_first(project, readable, groups_of_pairs(pairs, len(readable)))
    num_compared = int((rows >= 0).sum())
    return DuplicateGroups(groups, num_compared, len(first_with) - num_compared)


def _best_first(project: Project, images: list[ImageRecord], groups: list[NDArray[np.int64]]) -> list[Ids]:
    """Returns the groups as image ids, each with the image first that is worth keeping most."""
    columns, measured = project.columns(), measured_images(project)
    ids = columns.image_ids.tolist()
    labelled = {ids[row] for row in np.flatnonzero(columns.class_ids != NO_CLASS).tolist()}
    skipped = {ids[row] for row in np.flatnonzero(columns.marks & Mark.SKIPPED).tolist()}
    sharpness_of = dict(zip(measured.image_ids.tolist(), measured.measures[:, 0].tolist(), strict=True))
    ordered = []
    for rows in groups:
        members = [images[row] for row in rows.tolist()]
        order = best_first(
            np.array([image.id in labelled for image in members], np.bool_),
            np.array([image.id in skipped for image in members], np.bool_),
            np.array([image.width_px * image.height_px for image in members], np.int64),
            np.array([sharpness_of.get(image.id, np.nan) for image in members], np.float32),
            np.array([image.size_bytes for image in members], np.int64),
        )
        ordered.append(np.array([members[at].id for at in order.tolist()], np.int64))
    return ordered
