"""MapImages: where each image lies on a flat map on which look-alikes lie side by side."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import ImageStatus, Run
from engine.errors import DiskError, TrainingError
from engine.files import atomic_write_file
from engine.job import Job, JobContext, Priority
from engine.language import tr
from engine.project import Project
from engine.store.feature_file import FeatureFile
from engine.suggestions.embedding_map import MOST_LAID_OUT, EmbeddingMap, lay_out, place
from engine.tasks.embed import open_source, source_of_run

MAPS_FOLDER: Final = "maps"
_VERSION: Final = 1
_ENOUGH_LAID_OUT: Final = 0.5
"""A map on which fewer than this share of the images were laid out is made anew."""
_BLOCK: Final = 8_192


@dataclass(frozen=True, slots=True)
class ImageMap:
    """Places (N, 2) in 0..1 of images (N,). `num_missing` readable images have no embedding yet.

    `num_placed` came after the map was made and were put beside their neighbours; nothing else moved for them.
    """

    image_ids: NDArray[np.int64]
    places: NDArray[np.float32]
    num_placed: int
    num_missing: int


@dataclass(frozen=True, slots=True)
class MapSnapshot:
    """Images (N,) with the rows (N,) of their embeddings in `features`; `file` keeps the map."""

    image_ids: NDArray[np.int64]
    rows: NDArray[np.int64]
    features: FeatureFile
    file: Path
    seed: int
    is_anew: bool
    num_missing: int


class MapImages(Job[MapSnapshot, ImageMap, ImageMap]):
    """Lays the images out by the embeddings of a run, or by the chosen backbone while there is no run.

    The map is kept with those embeddings: the next time it is there at once, and images that came since are placed
    without moving the others, unless `is_anew` is asked for or most of the images came since.
    """

    title: ClassVar[str] = tr("Making the map")
    in_worker: ClassVar[bool] = True
    priority = Priority.NORMAL

    def __init__(self, project: Project, run: Run | None = None, is_anew: bool = False, seed: int = 0) -> None:
        self.project, self.run, self.is_anew, self.seed = project, run, is_anew, seed

    def prepare(self) -> MapSnapshot:
        project, run = self.project, self.run or self.project.active_run()
        source = source_of_run(project, run) if run is not None else open_source(project)
        readable = [image for image in project.images() if image.status == ImageStatus.READABLE]
        rows = source.rows_of(project, (image.content_hash for image in readable))
        has_row = rows >= 0
        if not has_row.any():
            raise TrainingError(
                tr("None of the images was looked at yet."),
                tr("Wait until “Looking at new images” is done, then try again."),
            )
        image_ids = np.array([image.id for image in readable], np.int64)[has_row]
        file = project.cache_dir / MAPS_FOLDER / f"{source.kind.key}-{self.seed}-v{_VERSION}.npz"
        num_missing = int((~has_row).sum())
        return MapSnapshot(image_ids, rows[has_row], source.file, file, self.seed, self.is_anew, num_missing)

    @staticmethod
    def work(snapshot: MapSnapshot, context: JobContext) -> ImageMap:
        rows = np.unique(snapshot.rows)  # the same picture twice has the same place

        def tell(done: int, total: int, note: str) -> None:
            context.checkpoint()
            context.progress(done, total, note)

        known = None if snapshot.is_anew else _read(snapshot.file)
        if known is None or np.isin(rows, known[0]).mean() < _ENOUGH_LAID_OUT:
            chosen = rows
            if len(rows) > MOST_LAID_OUT:
                chosen = np.sort(np.random.default_rng(snapshot.seed).choice(rows, MOST_LAID_OUT, replace=False))
            made = lay_out(lambda some: snapshot.features.read(chosen[some]), len(chosen), snapshot.seed, tell)
            known = chosen, made
            with contextlib.suppress(OSError, DiskError):  # the next time it is made again
                _write(snapshot.file, *known)
        known_rows, made = known
        places = np.empty((len(rows), 2), np.float32)
        is_known = np.isin(rows, known_rows)
        places[is_known] = made.places[np.searchsorted(known_rows, rows[is_known])]
        others = np.flatnonzero(~is_known)
        for start in range(0, len(others), _BLOCK):
            tell(start, len(others), tr("placing new images"))
            some = others[start : start + _BLOCK]
            places[some] = place(made, snapshot.features.read(rows[some]))
        at = np.searchsorted(rows, snapshot.rows)
        return ImageMap(snapshot.image_ids, places[at], int((~is_known)[at].sum()), snapshot.num_missing)

    def finish(self, result: ImageMap) -> ImageMap:
        return result


def _write(file: Path, rows: NDArray[np.int64], made: EmbeddingMap) -> None:
    """Keeps a map; `rows` are the rows of its embeddings, ascending."""
    file.parent.mkdir(parents=True, exist_ok=True)

    def write(target: Path) -> None:
        np.savez(target, rows=rows, places=made.places, reduced=made.reduced, mean=made.mean, axes=made.axes)

    atomic_write_file(file, write)


def _read(file: Path) -> tuple[NDArray[np.int64], EmbeddingMap] | None:
    """Returns what `_write` wrote; None where there is nothing of use, since it can be made again."""
    try:
        with np.load(file) as arrays:
            made = EmbeddingMap(arrays["places"], arrays["reduced"], arrays["mean"], arrays["axes"])
            rows: NDArray[np.int64] = arrays["rows"]
    except (OSError, ValueError, KeyError):
        return None
    return (rows, made) if len(rows) == len(made.places) == len(made.reduced) else None
