"""The model that is used: a version of the open project, or an exported one; what the window says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.domain import ImageClass, LabelMode, Run
from engine.language import tr, trn
from gui import wording

if TYPE_CHECKING:
    from engine.importers.model import ExportedModel
    from engine.project import Project
    from engine.tasks.read_model import ModelDescription

COLORS = (
    "#f2b134", "#5fc27e", "#e5735c", "#7aa2f7", "#c586f0", "#4fc3c3",
    "#f08fb4", "#b5c94c", "#d99a6c", "#8f9bb3", "#e8d44d", "#6c8cff",
)  # fmt: skip
"""For classes of exported models, which bring none along; the same as new classes of a project get."""
FORMAT_NAMES = {"onnx": "ONNX", "safetensors": "PyTorch (safetensors)"}


@dataclass(frozen=True, slots=True)
class UsedModel:
    """`classes` are in the order of the model's probabilities; their ids are the project's for a project's version.

    Those of an exported model count from 1, and `project_ids` says which class of the open project has the same name
    (0: none). `thresholds` (K entries) are there where images may have several classes.
    """

    source: Project | ExportedModel
    run: Run | None
    title: str
    interval: str
    meaning: str
    facts: str
    place: Path
    classes: tuple[ImageClass, ...]
    project_ids: tuple[int, ...]
    mode: LabelMode
    thresholds: tuple[float, ...]
    unknown_threshold: float
    has_unknown: bool

    @property
    def is_exported(self) -> bool:
        return self.run is None

    def class_by_id(self, class_id: int) -> ImageClass | None:
        return next((each for each in self.classes if each.id == class_id), None)

    def project_id(self, class_id: int) -> int:
        """Returns the class of the open project that a class of the model is, 0 where there is none."""
        at = next((at for at, each in enumerate(self.classes) if each.id == class_id), -1)
        return self.project_ids[at] if at >= 0 else 0


def model_of_project(project: Project, run: Run, classes: Sequence[ImageClass], unknown_threshold: float) -> UsedModel:
    """Returns a version of the open project."""
    by_id = {each.id: each for each in classes}
    own = [
        by_id.get(class_id) or ImageClass(class_id, name, COLORS[at % len(COLORS)], None, at)
        for at, (class_id, name) in enumerate(zip(run.class_ids, run.class_names, strict=True))
    ]
    facts = [
        tr("this project"),
        trn("{number:,} image labelled", "{number:,} images labelled", run.num_images),
        wording.classes(len(own)),
        _unknown_words(unknown_threshold, run.unknown is not None),
    ]
    return UsedModel(
        source=project,
        run=run,
        title=wording.run_title(run),
        interval=wording.run_interval(run),
        meaning=wording.run_meaning(run),
        facts=" · ".join(facts),
        place=project.folder,
        classes=tuple(own),
        project_ids=tuple(class_id if class_id in by_id else 0 for class_id in run.class_ids),
        mode=run.mode,
        thresholds=tuple(run.thresholds),
        unknown_threshold=unknown_threshold,
        has_unknown=run.unknown is not None,
    )


def model_of_export(found: ModelDescription, classes: Sequence[ImageClass]) -> UsedModel:
    """Returns an exported model; `classes` are those of the open project, whose colours it takes over by name."""
    by_name = {each.name: each for each in classes}
    own, project_ids = [], []
    for at, name in enumerate(found.class_names):
        known = by_name.get(name)
        color = known.color if known is not None else COLORS[at % len(COLORS)]
        own.append(ImageClass(at + 1, name, color, known.key if known is not None else None, at))
        project_ids.append(known.id if known is not None else 0)
    name = tr("{name}, version {version}", name=found.name, version=found.version) if found.version else found.name
    score = "" if found.score is None else wording.percent(found.score)
    if score and found.score_is_average_precision:
        score = tr("average precision {score}", score=score)
    facts = [
        tr("exported as {format}", format=FORMAT_NAMES.get(found.model.format, found.model.format)),
        *([found.backbone] if found.backbone else []),
        *([tr("made {date}", date=found.made_at[:10])] if found.made_at else []),
        wording.classes(len(own)),
        _unknown_words(found.unknown_threshold, found.has_unknown),
    ]
    return UsedModel(
        source=found.model,
        run=None,
        title=f"{name}  ·  {score}" if score else name,
        interval=wording.interval(found.interval) if found.interval is not None else "",
        meaning=(
            tr(
                "Share of images that the model got right when it had not seen them in training, with its 95 % "
                "interval, as its project measured it"
            )
            if score
            else tr("The export brings no figures along: nobody knows how good it is.")
        ),
        facts=" · ".join(facts),
        place=found.model.file,
        classes=tuple(own),
        project_ids=tuple(project_ids),
        mode=found.mode,
        thresholds=found.thresholds,
        unknown_threshold=found.unknown_threshold,
        has_unknown=found.has_unknown,
    )


def _unknown_words(threshold: float, has_unknown: bool) -> str:
    if not has_unknown:
        return tr("cannot tell unknown images")
    return tr("unknown: stranger than {percent:.0f} % of known images", percent=100 * threshold)
