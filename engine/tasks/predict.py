"""PredictImages: what a run or an exported model says of image files, inside or outside the project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import ImageStatus, Run
from engine.errors import ProjectError, TrainingError
from engine.files import atomic_write_file
from engine.images.scan import walk_images
from engine.job import Job, JobContext, Priority
from engine.nn.run_model import PREDICTIONS_FILE, RunModel, load_run_model, read_run
from engine.project import Project
from engine.tasks.embed import FeatureSource

if TYPE_CHECKING:  # these bring ONNX Runtime, which the window's process has no need of
    from engine.importers.model import ExportedModel
    from engine.nn.classifier import Classifier

_CHUNK: Final = 8192


@dataclass(frozen=True, slots=True)
class ImagePredictions:
    """Predictions for the images that could be read: `names` (N), `probabilities` (N, K); `failed` (name, reason)."""

    names: list[str]
    paths: list[Path]
    class_names: list[str]
    probabilities: NDArray[np.float32]
    failed: list[tuple[str, str]]

    def document(self) -> dict[str, Any]:
        """Returns the JSON document of `graft predict` (DESIGN section 6). This version calls nothing unknown."""
        best = self.probabilities.argmax(axis=1) if self.names else np.empty(0, np.int64)
        return {
            "predictions": [
                {
                    "image": name,
                    "class": self.class_names[top],
                    "confidence": float(row[top]),
                    "unknown": False,
                    "unknown_score": None,
                    "probabilities": dict(zip(self.class_names, map(float, row), strict=True)),
                }
                for name, row, top in zip(self.names, self.probabilities, best, strict=True)
            ],
            "failed": [{"image": name, "reason": reason} for name, reason in self.failed],
        }


@dataclass(frozen=True, slots=True)
class RunPlace:
    """Where a run and the weights that a project brings along lie."""

    run_folder: Path
    project_folder: Path


@dataclass(frozen=True, slots=True)
class PredictSnapshot:
    model: RunPlace | ExportedModel
    names: list[str]
    paths: list[Path]
    failed: list[tuple[str, str]]


class PredictImages(Job[PredictSnapshot, ImagePredictions, ImagePredictions]):
    """Predicts the images below a folder or in a list of files.

    With an exported model, or with a project's active run unless another is named.
    """

    title: ClassVar[str] = "Predicting"
    in_worker: ClassVar[bool] = True
    priority = Priority.NORMAL

    def __init__(self, project: Project | ExportedModel, source: Path | Sequence[Path], run: Run | None = None) -> None:
        self.project, self.source, self.run = project, source, run

    def prepare(self) -> PredictSnapshot:
        model = place_of(self.project, self.run)
        failed: list[tuple[str, str]] = []
        if isinstance(self.source, Path):
            names, paths, failed = images_below(self.source)
        else:
            paths = list(self.source)
            names = [str(path) for path in paths]
        return PredictSnapshot(model, names, paths, failed)

    @staticmethod
    def work(snapshot: PredictSnapshot, context: JobContext) -> ImagePredictions:
        classifier = open_classifier(snapshot.model)
        return predict_files(classifier, snapshot.names, snapshot.paths, snapshot.failed, context)

    def finish(self, result: ImagePredictions) -> ImagePredictions:
        return result


def run_folder_of(project: Project, run: Run | None = None) -> Path:
    """Returns the folder of a run, the active one when none is named.

    Raises:
        TrainingError: the project has no run yet.
    """
    run = run or project.active_run()
    if run is None:
        raise TrainingError("This project has no trained model yet.", "Label some images and retrain first.")
    return project.run_dir(run)


def place_of(model: Project | ExportedModel, run: Run | None = None) -> RunPlace | ExportedModel:
    """Returns what `open_classifier` takes, in a form that a worker process can be given.

    Raises:
        TrainingError: the project has no run yet.
    """
    return RunPlace(run_folder_of(model, run), model.folder) if isinstance(model, Project) else model


def open_classifier(place: RunPlace | ExportedModel) -> Classifier:
    """Loads a run or an exported model.

    Raises:
        TrainingError: a file of the run is missing or damaged.
        BackboneError: the run's weights are not on this machine.
        ImportFormatError: the exported model is damaged, or not one of ours.
    """
    from engine.importers.model import load_classifier
    from engine.nn.classifier import RunClassifier

    if isinstance(place, RunPlace):
        return RunClassifier(load_run_model(place.run_folder, place.project_folder))
    return load_classifier(place)


def images_below(folder: Path) -> tuple[list[str], list[Path], list[tuple[str, str]]]:
    """Returns names below the folder, paths, and what could not be looked at with the reason.

    Raises:
        ProjectError: there is no such folder, or no image in it.
    """
    if not folder.exists():
        raise ProjectError(f"There is no folder {folder}.", "Check the name.")
    if not folder.is_dir():
        raise ProjectError(f"{folder} is a file, not a folder.", "Name the folder that holds the images.")
    failed: list[tuple[str, str]] = []
    found = list(walk_images(folder, lambda name, reason: failed.append((name, reason))))
    if not found:
        raise ProjectError(f"There are no images in {folder}.", "Choose a folder with JPEG, PNG or other images.")
    return [file.name for file in found], [file.path for file in found], failed


def predict_files(
    classifier: Classifier,
    names: Sequence[str],
    paths: Sequence[Path],
    failed: Sequence[tuple[str, str]],
    context: JobContext,
) -> ImagePredictions:
    """Returns the predictions of a model for image files; those that cannot be read join `failed`."""
    context.progress(0, len(paths), "loading the model")
    all_failed, kept, rows = list(failed), [], []
    for block in classifier.blocks(paths, context.checkpoint):
        kept += block.kept
        rows.append(block.probabilities)
        all_failed += [(names[position], reason) for position, reason in zip(block.failed, block.reasons, strict=True)]
        done = len(kept) + len(all_failed) - len(failed)
        context.progress(done, len(paths), f"{done:,} of {len(paths):,} images")
    return ImagePredictions(
        names=[names[position] for position in kept],
        paths=[paths[position] for position in kept],
        class_names=list(classifier.class_names),
        probabilities=np.concatenate(rows) if rows else np.empty((0, len(classifier.class_names)), np.float32),
        failed=all_failed,
    )


def predict_project(
    project: Project, source: FeatureSource, run: RunModel, checkpoint: JobContext | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Returns the ids (N,) and probabilities (N, K) of all readable images that have an embedding."""
    readable = [image for image in project.images() if image.status == ImageStatus.READABLE]
    rows = source.rows_of(project, (image.content_hash for image in readable))
    has_row = rows >= 0
    image_ids = np.array([image.id for image in readable], np.int64)[has_row]
    return image_ids, probabilities_of_rows(source, run, rows[has_row], checkpoint)


def probabilities_of_rows(
    source: FeatureSource, run: RunModel, rows: NDArray[np.int64], context: JobContext | None = None
) -> NDArray[np.float32]:
    """Returns the probabilities (N, K) of cached embeddings, reading them in pieces."""
    pieces = [np.empty((0, len(run.class_ids)), np.float32)]
    for start in range(0, len(rows), _CHUNK):
        if context is not None:
            context.checkpoint()
        pieces.append(run.probabilities(source.file.read(rows[start : start + _CHUNK])))
    return np.concatenate(pieces)


def write_predictions(
    folder: Path,
    image_ids: NDArray[np.int64],
    class_ids: Sequence[int],
    probabilities: NDArray[np.float32],
    *,
    thresholds: NDArray[np.float32] | None = None,
) -> None:
    """Writes predictions.npz in a run's folder, atomically; `thresholds` (K,) where images may have several classes."""
    arrays: dict[str, NDArray[Any]] = {
        "image_ids": image_ids,
        "class_ids": np.array(class_ids, np.int32),
        "probabilities": probabilities,
    }
    if thresholds is not None:
        arrays["thresholds"] = thresholds

    def write(file: Path) -> None:
        np.savez(file, **arrays)  # type: ignore[arg-type]

    atomic_write_file(folder / PREDICTIONS_FILE, write)


def extend_predictions(project: Project, source: FeatureSource) -> None:
    """Brings the predictions of the active run up to date, when it was trained on this kind of embeddings."""
    run = project.active_run()
    if run is None or run.weights_hash != source.kind.weights_hash:
        return
    try:
        model = read_run(project.run_dir(run), source.weights)
    except TrainingError:
        return  # A damaged run must not fail the embedding; the next training replaces it.
    if model.preprocessing != source.preprocessing:
        return
    image_ids, probabilities = predict_project(project, source, model)
    write_predictions(project.run_dir(run), image_ids, model.class_ids, probabilities, thresholds=model.thresholds)
