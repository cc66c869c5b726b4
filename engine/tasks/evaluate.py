"""EvaluateModel: the figures of a run or an exported model on images with known classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import LabelMode, Run
from engine.errors import ProjectError, TrainingError
from engine.evaluation.metrics import measure
from engine.evaluation.multi_label import SeveralMetrics, measure_several
from engine.evaluation.selection import COUNTED, num_refused
from engine.evaluation.unknown import called_unknown
from engine.images.scan import display_name
from engine.importers.label_csv import classes_in_csv, classes_of_files
from engine.job import Job, JobContext
from engine.nn.run_model import LABELS_FILE, OUT_OF_FOLD_FILE, read_run
from engine.project import Project
from engine.tasks.predict import ImagePredictions, RunPlace, images_below, open_classifier, place_of, predict_files

if TYPE_CHECKING:
    from engine.importers.model import ExportedModel

NO_CLASS_FOLDER: Final = "It lies in no class folder, so its class is not known."
NOT_ONE_CLASS: Final = "The file of labels does not give it exactly one class."


@dataclass(frozen=True, slots=True)
class EvaluateSnapshot:
    """`names` and `paths` of the images with their true classes; all empty for the model's own out-of-fold figures.

    `are_from_folders`: the truth is a folder per class, and not a file of labels.
    """

    model: RunPlace | ExportedModel
    has_folder: bool
    names: list[str]
    paths: list[Path]
    truths: dict[str, list[str]]
    are_from_folders: bool
    failed: list[tuple[str, str]]


class EvaluateModel(Job[EvaluateSnapshot, dict[str, Any], dict[str, Any]]):
    """Outcome: the JSON document of `graft evaluate` (DESIGN section 6).

    With `folder`: the first folder below it that an image lies in is its true class. A class that the model does not
    know counts: every image of it is a wrong prediction, and it is listed after the model's own classes. With a CSV
    file of `labels` (see `engine.importers.label_csv.classes_in_csv`): only the images in `folder` that it names count,
    with the classes that it gives them; so it is told where images may have several. With `labels` alone: the images
    that it names by full paths, or by paths from its own folder on. Without both: the run's out-of-fold predictions on
    the images that it was trained on; an exported model brings their figures along.
    """

    title: ClassVar[str] = "Evaluating"
    in_worker: ClassVar[bool] = True

    def __init__(
        self,
        project: Project | ExportedModel,
        folder: Path | None = None,
        run: Run | None = None,
        labels: Path | None = None,
    ) -> None:
        self.project, self.folder, self.run, self.labels = project, folder, run, labels

    def prepare(self) -> EvaluateSnapshot:
        model = place_of(self.project, self.run)
        if self.folder is None and self.labels is None:
            return EvaluateSnapshot(model, False, [], [], {}, False, [])
        run = (self.run or self.project.active_run()) if isinstance(self.project, Project) else None
        known = set(run.class_names) if run is not None else set[str]()
        if self.folder is None:
            assert self.labels is not None
            return _named_in_table(model, self.labels, known)
        if self.labels is None and run is not None and run.mode is LabelMode.SEVERAL:
            raise _cannot_be_folders()
        names, paths, failed = images_below(self.folder)
        if self.labels is not None:
            truths, unusable = classes_in_csv(self.labels, names, known)
            failed += unusable
            if not truths:
                raise ProjectError(
                    f"{self.labels.name} names none of the images in {self.folder}.",
                    "It gives images by their path below that folder, or by their file name.",
                )
        else:
            truths = {name: [PurePosixPath(name).parts[0]] for name in names if len(PurePosixPath(name).parts) > 1}
            if not truths:
                raise ProjectError(
                    f"{self.folder} has no folder per class.",
                    "Put the images of each class into a folder of that name below it.",
                )
            failed += [(name, NO_CLASS_FOLDER) for name in names if name not in truths]
        kept = [index for index, name in enumerate(names) if name in truths]
        names, paths = [names[index] for index in kept], [paths[index] for index in kept]
        return EvaluateSnapshot(model, True, names, paths, truths, self.labels is None, failed)

    @staticmethod
    def work(snapshot: EvaluateSnapshot, context: JobContext) -> dict[str, Any]:
        if not snapshot.has_folder:
            return _own_figures(snapshot.model)
        classifier = open_classifier(snapshot.model)
        has_several = classifier.mode is LabelMode.SEVERAL
        if has_several and snapshot.are_from_folders:
            raise _cannot_be_folders()
        failed, usable = list(snapshot.failed), list(range(len(snapshot.names)))
        if not has_several:
            usable = [index for index in usable if len(snapshot.truths[snapshot.names[index]]) == 1]
            failed += [(name, NOT_ONE_CLASS) for name in snapshot.names if len(snapshot.truths[name]) != 1]
        names, paths = [snapshot.names[index] for index in usable], [snapshot.paths[index] for index in usable]
        predicted = predict_files(classifier, names, paths, failed, context)
        if not predicted.names:
            raise ProjectError("None of the images could be read.", "Check the folder.")
        if has_several:
            return _figures_of_several(predicted, [snapshot.truths[name] for name in predicted.names])
        truths = [snapshot.truths[name][0] for name in predicted.names]
        classes = list(classifier.class_names)
        classes += sorted(set(truths) - set(classes))
        positions = {name: index for index, name in enumerate(classes)}
        targets = np.array([positions[truth] for truth in truths], np.int64)
        document = evaluation_document(predicted.probabilities, targets, classes, predicted.failed)
        if np.isfinite(predicted.unknown_scores).all():
            num_known = len(classifier.class_names)
            document["unknown"] = called_unknown(predicted.are_unknown, targets, classes, num_known)
        return document

    def finish(self, result: dict[str, Any]) -> dict[str, Any]:
        return result


def _named_in_table(model: RunPlace | ExportedModel, table: Path, known: set[str]) -> EvaluateSnapshot:
    truths, failed = classes_of_files(table, known)
    if not truths:
        reason = f" The first: {failed[0][0]}: {failed[0][1]}" if failed else ""
        raise ProjectError(
            f"{table.name} names no image that is there.{reason}",
            "It gives images by full paths, or by paths from its own folder on; or name their folder: --images FOLDER.",
        )
    folder = table.absolute().parent
    names = [display_name(str(path.relative_to(folder) if path.is_relative_to(folder) else path)) for path in truths]
    classes = dict(zip(names, truths.values(), strict=True))
    return EvaluateSnapshot(model, True, names, list(truths), classes, False, failed)


def evaluation_document(
    probabilities: NDArray[np.float32],
    targets: NDArray[np.int64],
    classes: Sequence[str],
    failed: Sequence[tuple[str, str]] = (),
    units: NDArray[Any] | None = None,
) -> dict[str, Any]:
    """Returns the document for predictions (N, K) and true class indices (N,) into `classes` (K or more).

    `units` (N,) are the groups that the images were held out by, for out-of-fold predictions.
    """
    metrics = measure(probabilities, targets, units, is_cross_validated=units is not None)
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    size = len(metrics.confusion)
    confusion[:size, :size] = metrics.confusion
    return {
        "num_images": metrics.num_images,
        "accuracy": metrics.accuracy,
        "accuracy_interval": list(metrics.accuracy_interval),
        "macro_f1": metrics.macro_f1,
        "log_loss": metrics.log_loss,
        "ece": metrics.ece,
        "classes": list(classes),
        "confusion": confusion.tolist(),
        "per_class": [
            {
                "class": classes[figures["class"]],
                **{key: figures[key] for key in ("precision", "recall", "f1", "support")},
            }
            for figures in metrics.per_class
        ],
        "failed": [{"image": name, "reason": reason} for name, reason in failed],
    }


def _figures_of_several(predicted: ImagePredictions, truths: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Returns the document for predictions on images with these classes; one that the model does not know is missed."""
    assert predicted.thresholds is not None
    classes = list(predicted.class_names)
    classes += sorted({name for truth in truths for name in truth} - set(classes))
    present = np.array([[name in truth for name in classes] for truth in truths], np.bool_)
    num_more = len(classes) - len(predicted.class_names)
    metrics = measure_several(
        np.pad(predicted.probabilities, ((0, 0), (0, num_more))),
        present,
        np.pad(predicted.has_classes(), ((0, 0), (0, num_more))),
        np.pad(predicted.thresholds, (0, num_more), constant_values=1.0),
    )
    return several_document(metrics, classes, predicted.failed)


def _cannot_be_folders() -> ProjectError:
    return ProjectError(
        "This model may give an image several classes, and a folder can name only one.",
        "Name a CSV file with the columns image and class as well: --labels FILE.",
    )


def several_document(
    metrics: SeveralMetrics, classes: Sequence[str], failed: Sequence[tuple[str, str]] = ()
) -> dict[str, Any]:
    """As `evaluation_document` where an image may have several classes.

    `accuracy` is the share of images with exactly the right classes, and there is no table of confusions.
    """
    return {
        "mode": LabelMode.SEVERAL.value,
        "num_images": metrics.num_images,
        "accuracy": metrics.accuracy,
        "accuracy_interval": list(metrics.accuracy_interval),
        "mean_average_precision": metrics.mean_average_precision,
        "mean_average_precision_interval": list(metrics.mean_average_precision_interval),
        "macro_f1": metrics.macro_f1,
        "micro_f1": metrics.micro_f1,
        "log_loss": metrics.log_loss,
        "ece": metrics.ece,
        "classes": list(classes),
        "confusion": [],
        "per_class": [figures | {"class": classes[figures["class"]]} for figures in metrics.per_class],
        "failed": [{"image": name, "reason": reason} for name, reason in failed],
    }


def _own_figures(place: RunPlace | ExportedModel) -> dict[str, Any]:
    if not isinstance(place, RunPlace):
        from engine.importers.model import recorded_figures

        return recorded_figures(place)
    run_folder = place.run_folder
    model = read_run(run_folder, Path())
    try:
        with np.load(run_folder / LABELS_FILE) as labels, np.load(run_folder / OUT_OF_FOLD_FILE) as out_of_fold:
            # Of a network only a part of the images may have been held out.
            is_measured = np.isin(labels["image_ids"], out_of_fold["image_ids"])
            places = np.argsort(out_of_fold["image_ids"])
            order = np.argsort(labels["image_ids"][is_measured])
            targets = labels["targets"][is_measured][order]
            probabilities = out_of_fold["probabilities"][places]
            # Runs of earlier versions know no units: each image is one of its own.
            units = labels["units"][is_measured][order] if "units" in labels else np.arange(len(targets))
            if model.thresholds is not None:
                present = labels["targets_matrix"][is_measured][order]
                suggested, scores = out_of_fold["suggested"][places], out_of_fold["logits"][places]
                metrics = measure_several(probabilities, present, suggested, model.thresholds, units, scores, True)
                return several_document(metrics, model.class_names)
    except (OSError, ValueError, KeyError) as err:
        raise TrainingError(
            f"The model in {run_folder} is damaged or incomplete.", "Choose another version, or retrain."
        ) from err
    document = evaluation_document(probabilities, targets, model.class_names, (), units)
    if COUNTED in model.document.get("settings", {}):  # some labels are suggestions, and count as the run says
        stated = model.document["validation"]
        document |= {"accuracy": stated["accuracy"], "accuracy_interval": list(stated["accuracy_interval"])}
        if refused := num_refused(model.document["settings"]):
            document |= {"ece": stated["ece"], "num_refused": refused}
    return document
