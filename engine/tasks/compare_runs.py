"""CompareRuns: what differs between two versions of the model: settings, labels, figures, and which images flipped."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.domain import ImageStatus, LabelMode, LabelSnapshot, Run
from engine.errors import TrainingError
from engine.evaluation.compare import Paired, compare_pairs, find_flips
from engine.job import Job, JobContext, Priority
from engine.language import tr
from engine.nn.run_model import LABELS_FILE, OUT_OF_FOLD_FILE, RUN_FILE
from engine.project import Project
from engine.store import classes, predictions
from engine.tasks.run_answers import Answers, Ids, codes_of, decided_answers, known_labels, labels_seen
from engine.tasks.run_settings import Difference, caveats_on, differing_settings


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

    title: ClassVar[str] = tr("Comparing")
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
    known = known_labels(snapshot.labels)
    shared = np.intersect1d(np.intersect1d(first.measured.image_ids, second.measured.image_ids), known.image_ids)
    truth, of_first, of_second = codes_of([each.of(shared) for each in (known, first.measured, second.measured)])
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
class _ReadRun:
    """What a run's folder holds: run.json, the labels that it saw, what it said of images while they were held out."""

    run: Run
    document: dict[str, Any]
    labels: Answers
    measured: Answers
    units: NDArray[np.int64] | None


def _read(files: RunFiles, into: Mapping[int, int]) -> _ReadRun:
    run, folder = files.run, files.folder
    try:
        document = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
        with np.load(folder / LABELS_FILE) as labels, np.load(folder / OUT_OF_FOLD_FILE) as out_of_fold:
            seen = labels_seen(run, labels, into)
            # Where images have several classes, decided by thresholds that had not seen the image either.
            decided = out_of_fold.get("suggested")
            measured = decided_answers(run, out_of_fold["image_ids"], out_of_fold["probabilities"], into, decided)
            units = labels["units"].astype(np.int64) if "units" in labels else None
    except (OSError, ValueError, KeyError, EOFError, IndexError, zipfile.BadZipFile) as err:
        raise TrainingError(
            tr("The files of version {id} in {folder} are damaged or incomplete.", id=run.id, folder=folder),
            tr("Compare other versions."),
        ) from err
    return _ReadRun(run, document, seen, measured, units)


def _label_changes(first: Answers, second: Answers) -> LabelChanges:
    shared = np.intersect1d(first.image_ids, second.image_ids)
    before, after = codes_of([first.of(shared), second.of(shared)])
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
        decided_answers(run, found.image_ids, found.probabilities, snapshot.into)
        for run, found in ((first, before), (second, after))
    ]
    shared = np.intersect1d(np.intersect1d(before.image_ids, after.image_ids), snapshot.unlabelled)
    one, other = (each.of(shared) for each in said)
    of_first, of_second = codes_of([one, other])
    return len(shared), shared[_surest_first(np.flatnonzero(of_first != of_second), other.confidences)]


def _surest_first(rows: NDArray[np.int64], confidences: NDArray[np.float32]) -> NDArray[np.int64]:
    return rows[np.argsort(-confidences[rows], kind="stable")]


def _units_of(read: _ReadRun, image_ids: Ids) -> NDArray[np.int64] | None:
    """Returns the unit that each image was held out with, None where that was not noted."""
    if read.units is None:
        return None
    order = np.argsort(read.labels.image_ids)
    return read.units[order[np.searchsorted(read.labels.image_ids, image_ids, sorter=order)]]
