"""ClassifyFiles: streams what a run or an exported model says of image files; memory does not grow with their number.

The one way to classify files for the command line, the window and whatever else asks for many: decoding overlaps the
forward pass, a broken file never stops the others, and what was asked for beside (a table, sorted copies) is on the
disk before anybody is told of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, overload

from engine.domain import LabelMode, Run
from engine.events import FilePrediction, FilesClassified
from engine.exporters.sorted_files import Sorter, SortPlan
from engine.job import Job, JobContext, Priority
from engine.language import tr
from engine.nn.run_model import HEAD_FILE
from engine.project import Project
from engine.tasks.find_images import FoundImages, find_images
from engine.tasks.kept_classifier import kept_classifier
from engine.tasks.predict import ImagePredictions, RunPlace, place_of
from engine.tasks.prediction_table import PredictionTable
from engine.weights import file_sha256

if TYPE_CHECKING:  # these bring ONNX Runtime, which the window's process has no need of
    from engine.importers.model import ExportedModel
    from engine.nn.classifier import ClassifiedBlock, Classifier


@dataclass(frozen=True, slots=True)
class ClassifySnapshot:
    model: RunPlace | ExportedModel
    sources: Sequence[str | Path]
    is_recursive: bool
    table: Path | None
    is_resumed: bool
    sorting: SortPlan | None
    token: int = 0


@dataclass(frozen=True, slots=True)
class ClassifiedFiles:
    """What became of all files. `num_done_before` had a row in the table that was gone on with.

    `counts` says how many files each class got, the likeliest one of each file; those that look unknown count in
    `num_unknown` alone, and those without any class in neither. `failed` holds (name, reason). `mode`, `thresholds`
    and `unknown_threshold` are the model's, as in `engine.nn.classifier.Classifier`.
    """

    class_names: tuple[str, ...]
    mode: LabelMode
    unknown_threshold: float
    num_classified: int
    num_done_before: int
    num_unknown: int
    counts: dict[str, int]
    failed: list[tuple[str, str]]
    model_name: str = ""


class ClassifyFiles(Job[ClassifySnapshot, ClassifiedFiles, ClassifiedFiles]):
    """Emits `FilesClassified` block by block, in the order of the files. See the module.

    With an exported model, or with a project's active run unless another is named. A table that was cut off by a crash
    or a cancel stays beside its place as `<name>.part`, and `is_resumed` goes on with it, or with a complete table of
    the same model to which images have been added.
    """

    title: ClassVar[str] = tr("Classifying")
    in_worker: ClassVar[bool] = True
    priority = Priority.NORMAL

    def __init__(
        self,
        model: Project | ExportedModel,
        sources: Sequence[str | Path],
        run: Run | None = None,
        is_recursive: bool = True,
        table: Path | None = None,
        is_resumed: bool = False,
        sorting: SortPlan | None = None,
        token: int = 0,
    ) -> None:
        """`sources` are files, folders and patterns (see `engine.tasks.find_images`); `token` comes back in events."""
        self.model, self.sources, self.run, self.is_recursive = model, sources, run, is_recursive
        self.table, self.is_resumed, self.sorting, self.token = table, is_resumed, sorting, token

    def prepare(self) -> ClassifySnapshot:
        place, sources = place_of(self.model, self.run), list(self.sources)
        return ClassifySnapshot(
            place, sources, self.is_recursive, self.table, self.is_resumed, self.sorting, self.token
        )

    @staticmethod
    def work(snapshot: ClassifySnapshot, context: JobContext) -> ClassifiedFiles:
        context.progress(0, 0, tr("looking for images"))
        skip = frozenset() if snapshot.sorting is None else frozenset({snapshot.sorting.folder.resolve()})
        found = find_images(snapshot.sources, snapshot.is_recursive, skip, context.checkpoint)
        context.progress(0, 0, tr("loading the model"))
        classifier, name = kept_classifier(snapshot.model), model_name(snapshot.model)
        with ExitStack() as stack:
            table = None
            if snapshot.table is not None:
                table = PredictionTable(
                    snapshot.table, classifier.class_names, name, classifier.mode, snapshot.is_resumed
                )
                stack.callback(table.close)
            sorter = None
            if snapshot.sorting is not None:
                sorter = stack.enter_context(Sorter(replace(snapshot.sorting, model=name), classifier.class_names))
            result = replace(_classify(classifier, found, table, sorter, snapshot.token, context), model_name=name)
            if table is not None:
                table.complete()
        return result

    def finish(self, result: ClassifiedFiles) -> ClassifiedFiles:
        return result


def model_name(place: RunPlace | ExportedModel) -> str:
    """Returns what tells the versions of models apart in a table: a name and the start of a hash."""
    if isinstance(place, RunPlace):
        return f"{place.run_folder.name} {file_sha256(place.run_folder / HEAD_FILE)[:8]}"
    return f"{place.file.absolute().parent.name} {file_sha256(place.file)[:8]}"


def prediction_document(
    prediction: FilePrediction, class_names: Sequence[str], mode: LabelMode = LabelMode.ONE
) -> dict[str, Any]:
    """Returns an entry of the JSON document of `graft predict` (DESIGN section 6) for a file that was classified.

    It has its likeliest class, also when it looks unknown. Where images may have several, "classes" lists them, and
    "class" is the first of them or null.
    """
    has_several = mode is LabelMode.SEVERAL
    return {
        "image": prediction.name,
        "class": prediction.classes[0] if prediction.classes else None,
        **({"classes": list(prediction.classes)} if has_several else {}),
        "confidence": prediction.confidence,
        "unknown": prediction.is_unknown,
        "unknown_score": prediction.unknown_score if math.isfinite(prediction.unknown_score) else None,
        "probabilities": dict(zip(class_names, prediction.probabilities, strict=True)),
    }


def _classify(
    classifier: Classifier,
    found: FoundImages,
    table: PredictionTable | None,
    sorter: Sorter | None,
    token: int,
    context: JobContext,
) -> ClassifiedFiles:
    class_names = tuple(classifier.class_names)
    names, locations = _not_done(found, table)
    num_done = len(found.names) - len(names)
    failed, num_unknown, num_classified = list(found.failed), 0, 0
    counts = dict.fromkeys(class_names, 0)
    total = len(names)
    context.progress(0, total, tr("0 of {total:,} images", total=total))
    for block in classifier.blocks(_Paths(locations), context.checkpoint):
        predictions = block_predictions(classifier, block, names, locations)
        if sorter is not None:
            for said in predictions:
                if not said.reason:
                    sorter.place(said.path, said.classes[0] if said.classes else None, said.confidence, said.is_unknown)
                    context.checkpoint()
        if table is not None:
            table.add(predictions)
        for prediction in predictions:
            if prediction.reason:
                failed.append((prediction.name, prediction.reason))
                continue
            num_classified += 1
            num_unknown += prediction.is_unknown
            if prediction.classes and not prediction.is_unknown:
                counts[prediction.classes[0]] += 1
        context.emit(FilesClassified(class_names, classifier.mode, tuple(predictions), token))
        done = num_classified + len(failed) - len(found.failed)
        context.progress(done, total, tr("{done:,} of {total:,} images", done=done, total=total))
    return ClassifiedFiles(
        class_names=class_names,
        mode=classifier.mode,
        unknown_threshold=classifier.unknown_threshold,
        num_classified=num_classified,
        num_done_before=num_done,
        num_unknown=num_unknown,
        counts=counts,
        failed=failed,
    )


def _not_done(found: FoundImages, table: PredictionTable | None) -> tuple[list[str], list[str]]:
    """Returns names and locations of the files that have no row yet."""
    if table is None or not table.done:
        return found.names, found.locations
    rows = table.done.copy()
    left = []
    for index, name in enumerate(found.names):
        # Counted, since names that are not UTF-8 may look the same.
        if rows[name] > 0:
            rows[name] -= 1
        else:
            left.append(index)
    return [found.names[index] for index in left], [found.locations[index] for index in left]


def block_predictions(
    classifier: Classifier, block: ClassifiedBlock, names: Sequence[str], locations: Sequence[str]
) -> list[FilePrediction]:
    """Returns what became of the files of one block, in their order."""
    said = ImagePredictions(
        names=[names[position] for position in block.kept],
        paths=[Path(locations[position]) for position in block.kept],
        class_names=list(classifier.class_names),
        probabilities=block.probabilities,
        failed=[],
        unknown_scores=block.unknown_scores,
        unknown_threshold=classifier.unknown_threshold,
        mode=classifier.mode,
        thresholds=classifier.thresholds,
    )
    columns = zip(
        block.kept,
        said.paths,
        said.names,
        said.classes(),
        said.confidences().tolist(),
        said.are_unknown.tolist(),
        said.unknown_scores.tolist(),
        said.probabilities.tolist(),
        strict=True,
    )
    by_position = {
        position: FilePrediction(path, name, tuple(classes), confidence, is_unknown, score, tuple(row))
        for position, path, name, classes, confidence, is_unknown, score, row in columns
    }
    for position, reason in zip(block.failed, block.reasons, strict=True):
        path, name = Path(locations[position]), names[position]
        by_position[position] = FilePrediction(path, name, (), math.nan, False, math.nan, (), reason)
    return [by_position[position] for position in sorted(by_position)]


class _Paths(Sequence[Path]):
    """Paths that are made when they are asked for: a million of them as text takes a fraction of the memory."""

    def __init__(self, locations: Sequence[str]) -> None:
        self._locations = locations

    def __len__(self) -> int:
        return len(self._locations)

    @overload
    def __getitem__(self, index: int) -> Path: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Path]: ...
    def __getitem__(self, index: int | slice) -> Path | Sequence[Path]:
        return _Paths(self._locations[index]) if isinstance(index, slice) else Path(self._locations[index])
