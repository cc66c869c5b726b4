"""ExplainImage: where a run looks in one picture. CheckBorders: whether it looks at the edges of many."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import ImageStatus, Run
from engine.errors import ImageError, TrainingError
from engine.evaluation.border import border_warning
from engine.job import Job, JobContext, Priority
from engine.language import tr
from engine.nn.run_model import LABELS_FILE, RUN_FILE
from engine.project import Project
from engine.settings import num_threads
from engine.tasks.predict import RunPlace, run_folder_of

if TYPE_CHECKING:  # it brings ONNX Runtime, which the window's process has no need of
    from engine.nn.explain import Explainer

NUM_CHECKED: Final = 60
"""So many labelled images tell whether a model looks at the edges; a few seconds."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where a run looks in an image for one class.

    `heat` (rows, columns) float32 in 0..1 covers the picture; it is all 0 where nothing speaks for the class. `method`
    is "exact", "gradient" or "occlusion" (see `engine.nn.explain`).
    """

    run_id: int
    image_id: int
    class_id: int
    heat: NDArray[np.float32]
    method: str


@dataclass(frozen=True, slots=True)
class ExplainSnapshot:
    model: RunPlace
    run_id: int
    image_id: int
    class_id: int
    class_index: int
    path: Path


class ExplainImage(Job[ExplainSnapshot, Explanation, Explanation]):
    """Explains one image by the active run, or by another. The network stays loaded for the next image."""

    title: ClassVar[str] = tr("Looking")
    in_worker: ClassVar[bool] = True
    priority = Priority.INTERACTIVE

    def __init__(self, project: Project, image_id: int, class_id: int, run: Run | None = None) -> None:
        self.project, self.image_id, self.class_id, self.run = project, image_id, class_id, run

    def prepare(self) -> ExplainSnapshot:
        run = self.run or self.project.active_run()
        folder = run_folder_of(self.project, run)
        assert run is not None
        if self.class_id not in run.class_ids:
            raise TrainingError(tr("The model does not know this class yet."), tr("Retrain, then look again."))
        images = self.project.images([self.image_id])
        if not images or images[0].status != ImageStatus.READABLE:
            raise ImageError(tr("There is no picture to look at: the file is missing or cannot be read."))
        index = run.class_ids.index(self.class_id)
        place = RunPlace(folder, self.project.folder)
        return ExplainSnapshot(place, run.id, self.image_id, self.class_id, index, images[0].path)

    @staticmethod
    def work(snapshot: ExplainSnapshot, context: JobContext) -> Explanation:
        from engine.images.decode import decode_rgb

        pixels = decode_rgb(snapshot.path)
        context.checkpoint()
        found = _explainer_of(snapshot.model).explain(pixels, snapshot.class_index)
        return Explanation(snapshot.run_id, snapshot.image_id, snapshot.class_id, found.heat(), found.method)

    def finish(self, result: Explanation) -> Explanation:
        return result


@dataclass(frozen=True, slots=True)
class BorderSnapshot:
    """`class_indices` of the images' own classes, in the order of `paths`."""

    model: RunPlace
    paths: list[Path]
    class_indices: list[int]


@dataclass(frozen=True, slots=True)
class BorderEvidence:
    """Of N labelled images: what share of the evidence for their class is on the border, and what if it were even.

    `warning` is a sentence, or None where there is nothing to warn of.
    """

    shares: NDArray[np.float32]
    even: NDArray[np.float32]
    warning: str | None


class CheckBorders(Job[BorderSnapshot, BorderEvidence, BorderEvidence]):
    """Looks at a sample of the labelled images of a run for evidence on the edges of the pictures."""

    title: ClassVar[str] = tr("Looking at the edges")
    in_worker: ClassVar[bool] = True
    is_resumable: ClassVar[bool] = True
    priority = Priority.BACKGROUND

    def __init__(self, project: Project, run: Run | None = None, num_images: int = NUM_CHECKED) -> None:
        self.project, self.run, self.num_images = project, run, num_images

    def prepare(self) -> BorderSnapshot:
        folder = run_folder_of(self.project, self.run)
        image_ids, class_indices = _labelled(folder)
        chosen = np.unique(np.linspace(0, len(image_ids) - 1, min(self.num_images, len(image_ids))).astype(int))
        by_id = {image.id: image for image in self.project.images(image_ids[chosen].tolist())}
        paths, indices = [], []
        for at in chosen:
            image = by_id.get(int(image_ids[at]))
            if image is not None and image.status == ImageStatus.READABLE:
                paths.append(image.path)
                indices.append(int(class_indices[at]))
        return BorderSnapshot(RunPlace(folder, self.project.folder), paths, indices)

    @staticmethod
    def work(snapshot: BorderSnapshot, context: JobContext) -> BorderEvidence:
        from engine.images.decode import decode_rgb

        found: list[tuple[float, float]] = []
        for done, (path, class_index) in enumerate(zip(snapshot.paths, snapshot.class_indices, strict=True)):
            context.checkpoint()
            context.progress(
                done, len(snapshot.paths), tr("{done:,} of {total:,} images", done=done, total=len(snapshot.paths))
            )
            try:
                pixels = decode_rgb(path)
            except ImageError:
                continue
            found.append(_explainer_of(snapshot.model).explain(pixels, class_index).border_share())
        table = np.array(found, np.float32).reshape(-1, 2)
        return BorderEvidence(table[:, 0], table[:, 1], border_warning(table[:, 0], table[:, 1]))

    def finish(self, result: BorderEvidence) -> BorderEvidence:
        return result


def _labelled(run_folder: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the images (N,) that a run learned from and the index of a class that each has.

    Raises:
        TrainingError: the run's files are damaged.
    """
    try:
        with np.load(run_folder / LABELS_FILE) as labels:
            image_ids, targets = labels["image_ids"], labels["targets"]
            if "targets_matrix" in labels and len(labels["targets_matrix"]) == len(targets):
                matrix = labels["targets_matrix"] > 0
                targets = np.where(matrix.any(axis=1), matrix.argmax(axis=1), -1)
    except (OSError, ValueError, KeyError) as err:
        raise TrainingError(
            tr("The model in {folder} is damaged or incomplete.", folder=run_folder),
            tr("Choose another version, or retrain."),
        ) from err
    has_class = targets >= 0
    return image_ids[has_class], targets[has_class]


def _explainer_of(place: RunPlace) -> Explainer:
    """Returns the explainer of a run, kept for the next image."""
    return _loaded(place, (place.run_folder / RUN_FILE).stat().st_mtime_ns if place.run_folder.is_dir() else 0)


@lru_cache(maxsize=1)
def _loaded(place: RunPlace, _changed_at: int) -> Explainer:
    from engine.nn.explain import Explainer
    from engine.nn.run_model import load_run_model

    return Explainer(load_run_model(place.run_folder, place.project_folder), num_threads(has_window=True))
