"""CompareRuns: what differs between two versions of the model: settings, labels, figures, and which images flipped."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import ImageStatus, LabelMode, LabelSnapshot, Predictions, Run, set_confidences
from engine.errors import TrainingError
from engine.evaluation.compare import Paired, codes_of_sets, compare_pairs, find_flips
from engine.job import Job, JobContext, Priority
from engine.nn.run_model import LABELS_FILE, OUT_OF_FOLD_FILE, RUN_FILE
from engine.project import Project
from engine.store import classes, predictions
from engine.tasks.run_settings import Difference, caveats_on, differing_settings

Ids = NDArray[np.int64]
_NO_SETS: Final = np.zeros((0, 0), np.bool_)


@dataclass(frozen=True, slots=True)
class LabelChanges:
    """How the labels that the second run learned from differ from those of the first, as image ids."""

    added: Ids
    changed: Ids
    gone: Ids

    @property
    def is_none(self) -> bool:
        return not (len(self.added) or len(self.changed) or len(self.gone))


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Two runs beside each other; `first` is mostly the older one.

    `paired` counts the images that both were measured on, judged by the labels of today; `fixed`, `broken` and
    `other_mistake` are those of them on which the second says something else, the surest first, and
    `other_suggestion` are unlabelled images with another suggestion. All are image ids.
    """

    first: Run
    second: Run
    settings: list[Difference]
    labels: LabelChanges
    paired: Paired
    fixed: Ids
    broken: Ids
    other_mistake: Ids
    other_suggestion: Ids
    num_unlabelled: int
    caveats: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RunFiles:
    """A run and where its files lie."""

    run: Run
    folder: Path


@dataclass(frozen=True, slots=True)
class CompareSnapshot:
    """`labels` are those of today, `unlabelled` the ids of the other readable images; `into` as `classes.merged`."""

    first: RunFiles
    second: RunFiles
    labels: LabelSnapshot
    unlabelled: Ids
    into: dict[int, int]


class CompareRuns(Job[CompareSnapshot, RunComparison, RunComparison]):
    """Reads what two runs said of the images and compares it. Short, so it runs in the engine thread."""

    title: ClassVar[str] = "Comparing"
    priority = Priority.INTERACTIVE

    def __init__(self, project: Project, first_id: int, second_id: int) -> None:
        self.project, self.first_id, self.second_id = project, first_id, second_id

    def prepare(self) -> CompareSnapshot:
        project = self.project
        first, second = project.run(self.first_id), project.run(self.second_id)
        labels, into, columns = project.snapshot(), project.store.call(classes.merged), project.columns()
        is_open = (columns.statuses == ImageStatus.READABLE) & ~np.isin(columns.image_ids, labels.image_ids)
        if labels.mode is LabelMode.ONE:
            is_open &= columns.class_ids == 0
        return CompareSnapshot(
            RunFiles(first, project.run_dir(first)),
            RunFiles(second, project.run_dir(second)),
            labels,
            columns.image_ids[is_open],
            into,
        )

    @staticmethod
    def work(snapshot: CompareSnapshot, context: JobContext) -> RunComparison:
        return compare_runs(snapshot, context)

    def finish(self, result: RunComparison) -> RunComparison:
        return result


def compare_runs(snapshot: CompareSnapshot, context: JobContext) -> RunComparison:
    """Returns the comparison of two runs.

    Raises:
        TrainingError: a file of a run is missing or damaged.
    """
    into = snapshot.into
    first, second = _read(snapshot.first, into), _read(snapshot.second, into)
    context.checkpoint()
    known = _known_labels(snapshot.labels)
    shared = np.intersect1d(np.intersect1d(first.measured.image_ids, second.measured.image_ids), known.image_ids)
    truth, of_first, of_second = _codes([each.of(shared) for each in (known, first.measured, second.measured)])
    flips = find_flips(truth, of_first, of_second)
    confidences = second.measured.of(shared).confidences
    context.checkpoint()
    num_unlabelled, other_suggestion = _other_suggestions(snapshot, first.run, second.run)
    return RunComparison(
        first=first.run,
        second=second.run,
        settings=differing_settings(first.document, second.document),
        labels=_label_changes(first.labels, second.labels),
        paired=compare_pairs(of_first == truth, of_second == truth, _units_of(second, shared)),
        fixed=shared[_surest_first(flips.fixed, confidences)],
        broken=shared[_surest_first(flips.broken, confidences)],
        other_mistake=shared[_surest_first(flips.other_mistake, confidences)],
        other_suggestion=other_suggestion,
        num_unlabelled=num_unlabelled,
        caveats=caveats_on(first.run, second.run),
    )


@dataclass(frozen=True, slots=True)
class _Answers:
    """One answer for each of N images: a class id (N,), or where images have several classes a set of `class_ids`."""

    image_ids: Ids
    best: NDArray[np.int64] | None
    sets: NDArray[np.bool_]
    class_ids: list[int]
    confidences: NDArray[np.float32]

    def of(self, image_ids: Ids) -> _Answers:
        """Returns the answers for these images, which are all there."""
        order = np.argsort(self.image_ids)
        rows = order[np.searchsorted(self.image_ids, image_ids, sorter=order)]
        best = self.best[rows] if self.best is not None else None
        sets = self.sets[rows] if self.best is None else self.sets
        return _Answers(image_ids, best, sets, self.class_ids, self.confidences[rows])


@dataclass(frozen=True, slots=True)
class _ReadRun:
    """What a run's folder holds: run.json, the labels that it saw, what it said of images while they were held out."""

    run: Run
    document: dict[str, Any]
    labels: _Answers
    measured: _Answers
    units: NDArray[np.int64] | None


def _read(files: RunFiles, into: Mapping[int, int]) -> _ReadRun:
    run, folder = files.run, files.folder
    try:
        document = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
        with np.load(folder / LABELS_FILE) as labels, np.load(folder / OUT_OF_FOLD_FILE) as out_of_fold:
            seen = _labels_seen(run, labels, into)
            # Where images have several classes, decided by thresholds that had not seen the image either.
            decided = out_of_fold.get("suggested")
            measured = _decided(run, out_of_fold["image_ids"], out_of_fold["probabilities"], into, decided)
            units = labels["units"].astype(np.int64) if "units" in labels else None
    except (OSError, ValueError, KeyError, EOFError, IndexError, zipfile.BadZipFile) as err:
        raise TrainingError(
            f"The files of version {run.id} in {folder} are damaged or incomplete.", "Compare other versions."
        ) from err
    return _ReadRun(run, document, seen, measured, units)


def _labels_seen(run: Run, labels: Mapping[str, NDArray[Any]], into: Mapping[int, int]) -> _Answers:
    ids = labels["image_ids"].astype(np.int64)
    certain = np.ones(len(ids), np.float32)
    if run.mode is LabelMode.SEVERAL:
        sets, class_ids = _merged_sets(labels["targets_matrix"].astype(np.bool_), run.class_ids, into)
        return _Answers(ids, None, sets, class_ids, certain)
    class_ids = [into.get(class_id, class_id) for class_id in run.class_ids]
    return _Answers(ids, np.array(class_ids, np.int64)[labels["targets"]], _NO_SETS, [], certain)


def _decided(
    run: Run,
    ids: NDArray[Any],
    probabilities: NDArray[Any],
    into: Mapping[int, int],
    decided: NDArray[np.bool_] | None = None,
) -> _Answers:
    """Returns the answers that probabilities (N, K) stand for; merged classes speak for those they went into.

    Args:
        decided: (N, K) which classes each image was given, where that is not a matter of the run's thresholds.
    """
    ids = ids.astype(np.int64)
    if run.mode is LabelMode.SEVERAL:
        said = decided if decided is not None else probabilities >= np.array(run.thresholds, np.float32)
        sets, class_ids = _merged_sets(said, run.class_ids, into)
        return _Answers(ids, None, sets, class_ids, set_confidences(probabilities, said))
    found = predictions.with_merged(Predictions(ids, np.array(run.class_ids, np.int32), probabilities), into)
    best = found.probabilities.argmax(axis=1) if len(ids) else np.zeros(0, np.int64)
    confidences = found.probabilities[np.arange(len(ids)), best].astype(np.float32)
    return _Answers(ids, found.class_ids.astype(np.int64)[best], _NO_SETS, [], confidences)


def _merged_sets(
    sets: NDArray[np.bool_], class_ids: list[int], into: Mapping[int, int]
) -> tuple[NDArray[np.bool_], list[int]]:
    targets = [into.get(class_id, class_id) for class_id in class_ids]
    kept = list(dict.fromkeys(targets))
    merged = np.zeros((len(sets), len(kept)), np.bool_)
    for column, target in enumerate(targets):
        merged[:, kept.index(target)] |= sets[:, column]
    return merged, kept


def _known_labels(labels: LabelSnapshot) -> _Answers:
    """Returns the labels of today; where images have several classes, of those on which they are complete."""
    class_ids = [each.id for each in labels.classes]
    certain = np.ones(len(labels.image_ids), np.float32)
    if labels.mode is LabelMode.ONE:
        best = np.array(class_ids, np.int64)[labels.targets]
        return _Answers(labels.image_ids, best, _NO_SETS, [], certain)
    kept = labels.confirmed
    return _Answers(labels.image_ids[kept], None, labels.targets_matrix[kept], class_ids, certain[kept])


def _codes(answers: list[_Answers]) -> list[NDArray[np.int64]]:
    """Returns for each of several answers to the same images one code per image, equal where the answers are."""
    if all(each.best is not None for each in answers):
        return [each.best for each in answers if each.best is not None]
    columns = {
        class_id: at for at, class_id in enumerate(sorted(set().union(*(_classes_in(each) for each in answers))))
    }
    return codes_of_sets([_as_sets(each, columns) for each in answers])


def _classes_in(answers: _Answers) -> list[int]:
    return answers.class_ids if answers.best is None else np.unique(answers.best).tolist()


def _as_sets(answers: _Answers, columns: Mapping[int, int]) -> NDArray[np.bool_]:
    sets = np.zeros((len(answers.image_ids), len(columns)), np.bool_)
    if answers.best is None:
        sets[:, [columns[class_id] for class_id in answers.class_ids]] = answers.sets
    else:
        for class_id in np.unique(answers.best).tolist():
            sets[answers.best == class_id, columns[class_id]] = True
    return sets


def _label_changes(first: _Answers, second: _Answers) -> LabelChanges:
    shared = np.intersect1d(first.image_ids, second.image_ids)
    before, after = _codes([first.of(shared), second.of(shared)])
    return LabelChanges(
        added=np.setdiff1d(second.image_ids, first.image_ids),
        changed=shared[before != after],
        gone=np.setdiff1d(first.image_ids, second.image_ids),
    )


def _other_suggestions(snapshot: CompareSnapshot, first: Run, second: Run) -> tuple[int, Ids]:
    """Returns how many unlabelled images both predict, and those whose suggestion is another one, the surest first."""
    before, after = predictions.read(snapshot.first.folder), predictions.read(snapshot.second.folder)
    if before is None or after is None:
        return 0, np.zeros(0, np.int64)
    said = [
        _decided(run, found.image_ids, found.probabilities, snapshot.into)
        for run, found in ((first, before), (second, after))
    ]
    shared = np.intersect1d(np.intersect1d(before.image_ids, after.image_ids), snapshot.unlabelled)
    one, other = (each.of(shared) for each in said)
    of_first, of_second = _codes([one, other])
    return len(shared), shared[_surest_first(np.flatnonzero(of_first != of_second), other.confidences)]


def _surest_first(rows: NDArray[np.int64], confidences: NDArray[np.float32]) -> NDArray[np.int64]:
    return rows[np.argsort(-confidences[rows], kind="stable")]


def _units_of(read: _ReadRun, image_ids: Ids) -> NDArray[np.int64] | None:
    """Returns the unit that each image was held out with, None where that was not noted."""
    if read.units is None:
        return None
    order = np.argsort(read.labels.image_ids)
    return read.units[order[np.searchsorted(read.labels.image_ids, image_ids, sorter=order)]]
