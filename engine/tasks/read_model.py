"""ReadModel: what an exported model says of itself, told only after it has been loaded and everything in it checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from engine.domain import LabelMode
from engine.errors import ImportFormatError
from engine.importers.model import ExportedModel, find_model, load_classifier, model_document, recorded_figures
from engine.job import Job, JobContext, Priority
from engine.language import tr


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """An exported model that can be used. `score` and `interval` (fractions) are None where it brings no figures.

    `score_is_average_precision`: where images may have several classes. `version` is the number that it had in its
    project, 0 where it says none. `made_at` is ISO 8601, UTC, or empty.
    """

    model: ExportedModel
    name: str
    version: int
    made_at: str
    backbone: str
    class_names: tuple[str, ...]
    mode: LabelMode
    thresholds: tuple[float, ...]
    unknown_threshold: float
    has_unknown: bool
    num_images: int = 0
    score: float | None = None
    interval: tuple[float, float] | None = None
    score_is_average_precision: bool = False


class ReadModel(Job[Path, ModelDescription, ModelDescription]):
    """Opens the exported model that a path names: its folder, its model file or its model.json."""

    title: ClassVar[str] = tr("Opening the model")
    in_worker: ClassVar[bool] = True
    priority = Priority.INTERACTIVE

    def __init__(self, path: Path) -> None:
        self.path = path

    def prepare(self) -> Path:
        return self.path.absolute()

    @staticmethod
    def work(snapshot: Path, context: JobContext) -> ModelDescription:
        return describe_model(snapshot)

    def finish(self, result: ModelDescription) -> ModelDescription:
        return result


def describe_model(path: Path) -> ModelDescription:
    """Returns what the exported model at a path is.

    Raises:
        ImportFormatError: there is none, it is damaged, or it is of a kind that is never opened.
    """
    model = find_model(path)
    if model is None:
        raise ImportFormatError(
            tr("There is no exported model in {path}.", path=path),
            tr("Choose the folder of an ONNX or safetensors export, or its .onnx or .safetensors file."),
        )
    classifier = load_classifier(model)
    document = model_document(model)
    try:
        figures: dict[str, Any] | None = recorded_figures(model)
    except ImportFormatError:
        figures = None
    is_several = classifier.mode is LabelMode.SEVERAL
    score_name = "mean_average_precision" if is_several else "accuracy"
    run = _part(document, "run")
    version = run.get("id")
    return ModelDescription(
        model=model,
        name=_text(run.get("project")) or model.file.absolute().parent.name,
        version=version if isinstance(version, int) and not isinstance(version, bool) and version > 0 else 0,
        made_at=_text(run.get("made_at")),
        backbone=_text(_part(document, "backbone").get("name")),
        class_names=tuple(classifier.class_names),
        mode=classifier.mode,
        thresholds=() if classifier.thresholds is None else tuple(classifier.thresholds.tolist()),
        unknown_threshold=classifier.unknown_threshold,
        has_unknown=isinstance(document.get("unknown"), dict),
        num_images=0 if figures is None else figures["num_images"],
        score=None if figures is None else figures[score_name],
        interval=None if figures is None else tuple(figures[f"{score_name}_interval"]),
        score_is_average_precision=is_several,
    )


def _part(document: dict[str, Any], name: str) -> dict[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str:
    return " ".join(value.split())[:80] if isinstance(value, str) else ""
