"""What people and versions of the model say of images, in one form: one class each, or a set of classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import LabelMode, LabelSnapshot, Predictions, Run, set_confidences
from engine.evaluation.compare import codes_of_sets
from engine.store import predictions

Ids = NDArray[np.int64]
_NO_SETS: Final = np.zeros((0, 0), np.bool_)


@dataclass(frozen=True, slots=True)
class Answers:
    """One answer for each of N images: a class id (N,), or where images have several classes a set of `class_ids`."""

    image_ids: Ids
    best: NDArray[np.int64] | None
    sets: NDArray[np.bool_]
    class_ids: list[int]
    confidences: NDArray[np.float32]

    def of(self, image_ids: Ids) -> Answers:
        """Returns the answers for these images, which are all there."""
        order = np.argsort(self.image_ids)
        rows = order[np.searchsorted(self.image_ids, image_ids, sorter=order)]
        best = self.best[rows] if self.best is not None else None
        sets = self.sets[rows] if self.best is None else self.sets
        return Answers(image_ids, best, sets, self.class_ids, self.confidences[rows])


def labels_seen(run: Run, labels: Mapping[str, NDArray[Any]], into: Mapping[int, int]) -> Answers:
    ids = labels["image_ids"].astype(np.int64)
    certain = np.ones(len(ids), np.float32)
    if run.mode is LabelMode.SEVERAL:
        sets, class_ids = _merged_sets(labels["targets_matrix"].astype(np.bool_), run.class_ids, into)
        return Answers(ids, None, sets, class_ids, certain)
    class_ids = [into.get(class_id, class_id) for class_id in run.class_ids]
    return Answers(ids, np.array(class_ids, np.int64)[labels["targets"]], _NO_SETS, [], certain)


def decided_answers(
    run: Run,
    ids: NDArray[Any],
    probabilities: NDArray[Any],
    into: Mapping[int, int],
    decided: NDArray[np.bool_] | None = None,
) -> Answers:
    """Returns the answers that probabilities (N, K) stand for; merged classes speak for those they went into.

    Args:
        decided: (N, K) which classes each image was given, where that is not a matter of the run's thresholds.
    """
    ids = ids.astype(np.int64)
    if run.mode is LabelMode.SEVERAL:
        said = decided if decided is not None else probabilities >= np.array(run.thresholds, np.float32)
        sets, class_ids = _merged_sets(said, run.class_ids, into)
        return Answers(ids, None, sets, class_ids, set_confidences(probabilities, said))
    found = predictions.with_merged(Predictions(ids, np.array(run.class_ids, np.int32), probabilities), into)
    best = found.probabilities.argmax(axis=1) if len(ids) else np.zeros(0, np.int64)
    confidences = found.probabilities[np.arange(len(ids)), best].astype(np.float32)
    return Answers(ids, found.class_ids.astype(np.int64)[best], _NO_SETS, [], confidences)


def _merged_sets(
    sets: NDArray[np.bool_], class_ids: list[int], into: Mapping[int, int]
) -> tuple[NDArray[np.bool_], list[int]]:
    targets = [into.get(class_id, class_id) for class_id in class_ids]
    kept = list(dict.fromkeys(targets))
    merged = np.zeros((len(sets), len(kept)), np.bool_)
    for column, target in enumerate(targets):
        merged[:, kept.index(target)] |= sets[:, column]
    return merged, kept


def known_labels(labels: LabelSnapshot) -> Answers:
    """Returns the labels of today; where images have several classes, of those on which they are complete."""
    class_ids = [each.id for each in labels.classes]
    certain = np.ones(len(labels.image_ids), np.float32)
    if labels.mode is LabelMode.ONE:
        best = np.array(class_ids, np.int64)[labels.targets]
        return Answers(labels.image_ids, best, _NO_SETS, [], certain)
    kept = labels.confirmed
    return Answers(labels.image_ids[kept], None, labels.targets_matrix[kept], class_ids, certain[kept])


def codes_of(answers: list[Answers]) -> list[NDArray[np.int64]]:
    """Returns for each of several answers to the same images one code per image, equal where the answers are."""
    if all(each.best is not None for each in answers):
        return [each.best for each in answers if each.best is not None]
    columns = {
        class_id: at for at, class_id in enumerate(sorted(set().union(*(_classes_in(each) for each in answers))))
    }
    return codes_of_sets([_as_sets(each, columns) for each in answers])


def _classes_in(answers: Answers) -> list[int]:
    return answers.class_ids if answers.best is None else np.unique(answers.best).tolist()


def _as_sets(answers: Answers, columns: Mapping[int, int]) -> NDArray[np.bool_]:
    sets = np.zeros((len(answers.image_ids), len(columns)), np.bool_)
    if answers.best is None:
        sets[:, [columns[class_id] for class_id in answers.class_ids]] = answers.sets
    else:
        for class_id in np.unique(answers.best).tolist():
            sets[answers.best == class_id, columns[class_id]] = True
    return sets
