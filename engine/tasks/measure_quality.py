"""MeasureQuality: measures every picture of a project once, in the background, and keeps the numbers in the cache."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import ImageError
from engine.images.quality import MEASURES, MEASURES_VERSION, QUALITY_SIDE_PX, measure_file
from engine.job import Job, JobContext, Priority
from engine.language import tr
from engine.project import Project
from engine.store import features
from engine.store.feature_file import FeatureFile
from engine.store.features import FeatureKind

KIND: Final = FeatureKind("quality", "pixels", f"{QUALITY_SIDE_PX}-{MEASURES_VERSION}", len(MEASURES))
_NOT_MEASURED: Final = np.float32(-1)
"""Stands in the file for a picture that cannot be decoded, so that it is not tried again with every start."""
_NUM_READERS: Final = max(1, min(4, os.cpu_count() or 1))
_BLOCK: Final = 64
_KEPT_AT_ONCE: Final = 512
"""After so many pictures their numbers are on the disk: what a cancel or a crash costs."""


@dataclass(frozen=True, slots=True)
class MeasuredImages:
    """Measures (N, M) of images (N,), see `engine.images.quality`; NaN where a picture could not be decoded."""

    image_ids: NDArray[np.int64]
    measures: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PicturesToMeasure:
    """Each content once, with a file that has it."""

    file: FeatureFile
    hashes: list[str]
    paths: list[Path]


class MeasureQuality(Job[PicturesToMeasure, int, int]):
    """Measures the readable images that were not measured yet; outcome is how many. A broken one never stops it."""

    title: ClassVar[str] = tr("Checking the quality of the pictures")
    in_worker: ClassVar[bool] = True
    is_resumable: ClassVar[bool] = True
    priority = Priority.BACKGROUND

    def __init__(self, project: Project) -> None:
        self.project = project

    def prepare(self) -> PicturesToMeasure:
        images = self.project.images(_missing(self.project))
        hashes = [image.content_hash for image in images]
        return PicturesToMeasure(KIND.file(self.project.cache_dir), hashes, [image.path for image in images])

    @staticmethod
    def work(snapshot: PicturesToMeasure, context: JobContext) -> int:
        total = len(snapshot.hashes)
        kept: list[tuple[str, NDArray[np.float32]]] = []
        with ThreadPoolExecutor(_NUM_READERS, thread_name_prefix="quality") as pool:
            for start in range(0, total, _BLOCK):
                context.checkpoint()
                block = slice(start, start + _BLOCK)
                measured = pool.map(_measure, snapshot.paths[block])
                kept += [(name, row) for name, row in zip(snapshot.hashes[block], measured, strict=True) if len(row)]
                done = min(total, start + _BLOCK)
                if kept and (len(kept) >= _KEPT_AT_ONCE or done == total):
                    snapshot.file.append([name for name, _ in kept], np.stack([row for _, row in kept]))
                    kept = []
                context.progress(done, total, tr("{done:,} of {total:,} images", done=done, total=total))
        return total

    def finish(self, result: int) -> int:
        _open(self.project)
        return result

    def clean_up(self) -> None:
        """Keeps what was measured before a cancel: it is on the disk already."""
        _open(self.project)


def measured_images(project: Project) -> MeasuredImages:
    """Returns what is known of the readable images of a project, in filing order."""
    file, set_id = KIND.file(project.cache_dir), _open(project)
    if set_id is None:
        return MeasuredImages(np.empty(0, np.int64), np.empty((0, len(MEASURES)), np.float32))
    image_ids, rows = project.store.call(lambda db: features.embedded_images(db, set_id))
    values = file.read(rows)
    return MeasuredImages(image_ids, np.where(values == _NOT_MEASURED, np.float32(np.nan), values))


def num_to_measure(project: Project) -> int:
    """Returns how many pictures were not measured yet; 0 where nothing can be kept of them."""
    return 0 if project.read_only else len(_missing(project))


def _open(project: Project) -> int | None:
    """Returns the number of the set in the store, with everything indexed that is in its file; None where none is."""
    if project.read_only:
        return project.store.call(lambda db: features.find_set(db, KIND))
    file = KIND.file(project.cache_dir)
    set_id = project.store.call(lambda db: features.open_set(db, KIND, file))
    while project.store.call(lambda db: features.index_new_rows(db, set_id, file)):
        pass
    return set_id


def _missing(project: Project) -> list[int]:
    """Returns an image for each content that was not measured yet."""
    set_id = _open(project)
    assert set_id is not None, "nothing is measured in a project that is open for reading only"
    return project.store.call(lambda db: features.missing_images(db, set_id))


def _measure(path: Path) -> NDArray[np.float32]:
    """Returns the measures (M,) of a file; none of them where it is away for now."""
    try:
        return measure_file(path)
    except ImageError:
        is_there = path.is_file()
        return np.full(len(MEASURES) if is_there else 0, _NOT_MEASURED, np.float32)
