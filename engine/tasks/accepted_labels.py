"""Accepted suggestions in a training: leaving them out, and measuring so that they do not flatter.

A label that was accepted without a look says what a model said: it is learned from and never measured on. Those that
were looked at are true labels of images that a model was sure of: they are measured on, and count only as much as sure
images do among all (see `engine.evaluation.selection`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import DEFAULT_FALSE_ALARM_RATE, LabelMode, LabelSnapshot, Predictions, Run
from engine.evaluation.metrics import Metrics
from engine.evaluation.selection import COUNTED, accuracy_of_all
from engine.language import trn
from engine.store.snapshot import part
from engine.tasks.train_snapshot import TrainSettings, TrainSnapshot

FEWEST_MEASURED: Final = 10
"""With fewer labels than this that somebody looked at, all are measured on, and a note says that it flatters."""


def wanted_labels(labels: LabelSnapshot, settings: TrainSettings) -> LabelSnapshot:
    """Returns the labels that a training with these settings learns from."""
    if settings.with_accepted or not labels.accepted.any():
        return labels
    return part(labels, ~labels.accepted)


def is_measured(snapshot: TrainSnapshot, measured_ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Returns which of the held-out images (M,) figures may be taken from: those that somebody looked at.

    All, where a class or nearly everything would be left without any.
    """
    rows = rows_of(snapshot, measured_ids)
    kept = ~snapshot.unseen[rows]
    targets = snapshot.targets[rows]
    if kept.sum() < FEWEST_MEASURED or len(np.unique(targets[kept])) < len(np.unique(targets)):
        return np.ones(len(rows), np.bool_)
    return kept


def notes_on(snapshot: TrainSnapshot, num_left_out: int) -> list[str]:
    """Returns what is to be said of accepted suggestions in a training that measured without so many of them."""
    num_unseen = int(snapshot.unseen.sum())
    if not num_unseen:
        return []
    if num_left_out:
        return [
            trn(
                "{number:,} suggestion was accepted without a look: learned from, and not measured on.",
                "{number:,} suggestions were accepted without a look: learned from, and not measured on.",
                num_unseen,
            )
        ]
    return [
        trn(
            "{number:,} suggestion was accepted without a look, and too few labels are left to measure on without "
            "them: figures flatter.",
            "{number:,} suggestions were accepted without a look, and too few labels are left to measure on without "
            "them: figures flatter.",
            num_unseen,
        )
    ]


def counted_fairly(
    snapshot: TrainSnapshot,
    run: Run,
    measured_ids: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    others: NDArray[np.float32],
    predictions: Predictions | None,
) -> Run:
    """Returns the run with an accuracy for all images where the measured ones (M,) were partly chosen by a model.

    `others` are the confidences of held-out images that are not measured. Where images have one class.
    """
    rows = rows_of(snapshot, measured_ids)
    num_accepted = int(snapshot.accepted[rows].sum())
    if not num_accepted or predictions is None or snapshot.mode is LabelMode.SEVERAL:
        return run
    is_open = ~np.isin(predictions.image_ids, snapshot.image_ids)
    if predictions.unknown_scores is not None:
        is_open &= ~(predictions.unknown_scores >= 1 - DEFAULT_FALSE_ALARM_RATE)
    confidences = np.concatenate([others, predictions.probabilities[is_open].astype(np.float32).max(axis=1, initial=0)])
    is_right = probabilities.argmax(axis=1) == snapshot.targets[rows]
    units = np.array(snapshot.grouping.units)[rows]
    accuracy, interval = accuracy_of_all(probabilities.max(axis=1), is_right, confidences, units)
    counted = {"num_measured": num_accepted, "accuracy_one_by_one": run.validation.accuracy}
    validation = replace(run.validation, accuracy=accuracy, accuracy_interval=interval)
    return replace(run, validation=validation, settings=run.settings | {COUNTED: counted})


def with_accuracy_of(run: Run, metrics: Metrics) -> Metrics:
    """Returns metrics of a run's measured images with the accuracy that the run states, where that was counted so."""
    if COUNTED not in run.settings:
        return metrics
    low, high = run.validation.accuracy_interval
    return replace(metrics, accuracy=run.validation.accuracy, accuracy_interval=(low, high))


def rows_of(snapshot: TrainSnapshot, image_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns where these labelled images are in a snapshot."""
    order = np.argsort(snapshot.image_ids)
    return np.asarray(order[np.searchsorted(snapshot.image_ids, image_ids, sorter=order)])
