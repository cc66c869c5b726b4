"""PredictImages: what a run or an exported model says of image files, inside or outside the project."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import DEFAULT_FALSE_ALARM_RATE, ImageStatus, LabelMode, Predictions, Run, set_confidences
from engine.errors import ProjectError, TrainingError
from engine.files import atomic_write_file
from engine.images.scan import walk_images
from engine.job import Job, JobContext, Priority
from engine.language import tr
from engine.nn.run_model import PREDICTIONS_FILE, RunModel, load_run_model, read_run
from engine.project import Project
from engine.tasks.embed import FeatureSource

if TYPE_CHECKING:  # these bring ONNX Runtime, which the window's process has no need of
    from engine.importers.model import ExportedModel
    from engine.nn.classifier import Classifier

_CHUNK: Final = 8192


@dataclass(frozen=True, slots=True)
class ImagePredictions:
    """Predictions for the images that could be read: `names` (N), `probabilities` (N, K); `failed` (name, reason).

    `unknown_scores` (N,) are NaN where the model cannot tell; an image that reaches `unknown_threshold` looks like none
    of the classes. Where images may have several (`mode`), each has those that reach their entry of `thresholds` (K,).
    """

    names: list[str]
    paths: list[Path]
    class_names: list[str]
    probabilities: NDArray[np.float32]
    failed: list[tuple[str, str]]
    unknown_scores: NDArray[np.float32]
    unknown_threshold: float
    mode: LabelMode = LabelMode.ONE
    thresholds: NDArray[np.float32] | None = None

    @property
    def are_unknown(self) -> NDArray[np.bool_]:
        """Which of the images look like none of the classes (N,)."""
        return np.asarray(self.unknown_scores >= np.float32(self.unknown_threshold))

    def classes(self) -> list[list[str]]:
        """Returns the classes of each image, most probable first: one, or where images may have several, any number."""
        ranks = np.argsort(-self.probabilities, axis=1, kind="stable")
        if self.mode is LabelMode.ONE:
            return [[self.class_names[row[0]]] for row in ranks]
        has = self.has_classes()
        return [
            [self.class_names[column] for column in row if of_image[column]]
            for row, of_image in zip(ranks, has, strict=True)
        ]

    def has_classes(self) -> NDArray[np.bool_]:
        """Returns which classes each image has (N, K)."""
        if self.mode is LabelMode.ONE:
            best = self.probabilities.argmax(axis=1)
            return np.asarray(best[:, None] == np.arange(len(self.class_names)))
        assert self.thresholds is not None
        return np.asarray(self.probabilities >= self.thresholds)

    def confidences(self) -> NDArray[np.float32]:
        """Returns how probable it is that each image has exactly its classes (N,)."""
        if self.mode is LabelMode.ONE:
            return np.asarray(self.probabilities.max(axis=1, initial=0), np.float32)
        return set_confidences(self.probabilities, self.has_classes())

    def document(self) -> dict[str, Any]:
        """Returns the JSON document of `graft predict` (DESIGN section 6).

        Each image has its likeliest class, also one that looks unknown. Where images may have several, "classes" lists
        them, and "class" is the first of them or null.
        """
        columns = zip(
            self.names,
            self.classes(),
            self.confidences().tolist(),
            self.are_unknown.tolist(),
            self.unknown_scores.tolist(),
            self.probabilities.tolist(),
            strict=True,
        )
        has_several = self.mode is LabelMode.SEVERAL
        return {
            "predictions": [
                {
                    "image": name,
                    "class": classes[0] if classes else None,
                    **({"classes": classes} if has_several else {}),
                    "confidence": confidence,
                    "unknown": is_unknown,
                    "unknown_score": score if math.isfinite(score) else None,
                    "probabilities": dict(zip(self.class_names, row, strict=True)),
                }
                for name, classes, confidence, is_unknown, score, row in columns
            ],
            "failed": [{"image": name, "reason": reason} for name, reason in self.failed],
        }


@dataclass(frozen=True, slots=True)
class RunPlace:
    """Where a run and the weights that a project brings along lie, and what the project calls unknown."""

    run_folder: Path
    project_folder: Path
    unknown_threshold: float = 1 - DEFAULT_FALSE_ALARM_RATE


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

    title: ClassVar[str] = tr("Predicting")
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
        raise TrainingError(tr("This project has no trained model yet."), tr("Label some images and retrain first."))
    return project.run_dir(run)


def place_of(model: Project | ExportedModel, run: Run | None = None) -> RunPlace | ExportedModel:
    """Returns what `open_classifier` takes, in a form that a worker process can be given.

    Raises:
        TrainingError: the project has no run yet.
    """
    if not isinstance(model, Project):
        return model
    return RunPlace(run_folder_of(model, run), model.folder, 1 - model.false_alarm_rate())


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
        model = load_run_model(place.run_folder, place.project_folder)
        return RunClassifier(replace(model, unknown_threshold=place.unknown_threshold))
    return load_classifier(place)


def images_below(folder: Path) -> tuple[list[str], list[Path], list[tuple[str, str]]]:
    """Returns names below the folder, paths, and what could not be looked at with the reason.

    Raises:
        ProjectError: there is no such folder, or no image in it.
    """
    if not folder.exists():
        raise ProjectError(tr("There is no folder {folder}.", folder=folder), tr("Check the name."))
    if not folder.is_dir():
        raise ProjectError(
            tr("{folder} is a file, not a folder.", folder=folder), tr("Name the folder that holds the images.")
        )
    failed: list[tuple[str, str]] = []
    found = list(walk_images(folder, lambda name, reason: failed.append((name, reason))))
    if not found:
        raise ProjectError(
            tr("There are no images in {folder}.", folder=folder), tr("Choose a folder with JPEG, PNG or other images.")
        )
    return [file.name for file in found], [file.path for file in found], failed


def predict_files(
    classifier: Classifier,
    names: Sequence[str],
    paths: Sequence[Path],
    failed: Sequence[tuple[str, str]],
    context: JobContext,
) -> ImagePredictions:
    """Returns the predictions of a model for image files; those that cannot be read join `failed`.

    The model is closed afterwards.
    """
    context.progress(0, len(paths), tr("loading the model"))
    all_failed, kept = list(failed), []
    rows = [np.empty((0, len(classifier.class_names)), np.float32)]
    scores = [np.empty(0, np.float32)]
    with closing(classifier):
        for block in classifier.blocks(paths, context.checkpoint):
            kept += block.kept
            rows.append(block.probabilities)
            scores.append(block.unknown_scores)
            columns = zip(block.failed, block.reasons, strict=True)
            all_failed += [(names[position], reason) for position, reason in columns]
            done = len(kept) + len(all_failed) - len(failed)
            context.progress(done, len(paths), tr("{done:,} of {total:,} images", done=done, total=len(paths)))
    return ImagePredictions(
        names=[names[position] for position in kept],
        paths=[paths[position] for position in kept],
        class_names=list(classifier.class_names),
        probabilities=np.concatenate(rows),
        failed=all_failed,
        unknown_scores=np.concatenate(scores),
        unknown_threshold=classifier.unknown_threshold,
        mode=classifier.mode,
        thresholds=classifier.thresholds,
    )


def predict_project(
    project: Project, source: FeatureSource, run: RunModel, checkpoint: JobContext | None = None
) -> Predictions:
    """Returns what a run says of all readable images that have an embedding."""
    return predictions_of_rows(source, run, *source.embedded_images(project), checkpoint)


def predictions_of_rows(
    source: FeatureSource,
    run: RunModel,
    image_ids: NDArray[np.int64],
    rows: NDArray[np.int64],
    context: JobContext | None = None,
) -> Predictions:
    """Returns what a run says of images (N,) by their rows (N,) of cached embeddings, reading them in pieces."""
    pieces = []
    for start in range(0, max(1, len(rows)), _CHUNK):
        if context is not None:
            context.checkpoint()
        part = slice(start, start + _CHUNK)
        pieces.append(predictions_of(run, image_ids[part], source.file.read(rows[part])))
    unknown_scores = None
    if run.unknown is not None:
        unknown_scores = np.concatenate([piece.unknown_scores for piece in pieces if piece.unknown_scores is not None])
    return replace(
        pieces[0],
        image_ids=image_ids,
        probabilities=np.concatenate([piece.probabilities for piece in pieces]),
        unknown_scores=unknown_scores,
    )


def predictions_of(run: RunModel, image_ids: NDArray[np.int64], features: NDArray[np.floating[Any]]) -> Predictions:
    """Returns what a run says of images (N,) by their embeddings (N, D)."""
    return Predictions(
        image_ids,
        np.array(run.class_ids, np.int32),
        run.probabilities(features),
        run.thresholds,
        run.unknown_scores(features) if run.unknown is not None else None,
    )


def write_predictions(folder: Path, predictions: Predictions) -> None:
    """Writes predictions.npz in a run's folder, atomically."""
    named = {field.name: getattr(predictions, field.name) for field in fields(predictions)}
    arrays = {name: array for name, array in named.items() if array is not None}
    atomic_write_file(folder / PREDICTIONS_FILE, lambda file: np.savez(file, **arrays))


def extend_predictions(project: Project, source: FeatureSource) -> None:
    """Brings the predictions of the active run up to date, when it was trained on this kind of embeddings."""
    run = project.active_run()
    if run is None or run.weights_hash != source.kind.weights_hash:
        return
    try:
        model = read_run(project.run_dir(run), source.weights)
    except TrainingError:
        return  # A damaged run must not fail the embedding; the next training replaces it.
    if model.preprocessing != source.preprocessing or model.spec.spreads != source.spec.spreads:
        return
    found, known = predict_project(project, source, model), project.predictions(run)
    write_predictions(project.run_dir(run), found if known is None else _with_those_of_others(found, known, project))


def _with_those_of_others(found: Predictions, known: Predictions, project: Project) -> Predictions:
    """Adds what was predicted before of images that have no embedding now, because the cache was deleted, say.

    They are embedded again in the background; until then their suggestions stay.
    """
    readable = [image.id for image in project.images() if image.status == ImageStatus.READABLE]
    rows = np.flatnonzero(np.isin(known.image_ids, readable) & ~np.isin(known.image_ids, found.image_ids))
    has_scores = found.unknown_scores is not None
    is_alike = np.array_equal(known.class_ids, found.class_ids) and has_scores == (known.unknown_scores is not None)
    if not len(rows) or not is_alike:
        return found
    scores = None
    if found.unknown_scores is not None and known.unknown_scores is not None:
        scores = np.concatenate([found.unknown_scores, known.unknown_scores[rows]])
    return replace(
        found,
        image_ids=np.concatenate([found.image_ids, known.image_ids[rows]]),
        probabilities=np.concatenate([found.probabilities, known.probabilities[rows]]),
        unknown_scores=scores,
    )
