"""Accepted suggestions in a training: leaving them out, and measuring so that they do not flatter.

A label that was accepted without a look says what a model said: it is learned from and never measured on. Those that
were looked at are true labels of images that a model was sure of: they are measured on, and count only as much as sure
images do among all. Those that were refused and have no class were looked at as well, and are counted, too (see
`engine.evaluation.selection`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import CONFIDENT, DEFAULT_FALSE_ALARM_RATE, LabelMode, LabelSnapshot, Predictions, Run
from engine.evaluation.metrics import Metrics, measure
from engine.evaluation.selection import (
    COUNTED,
    NOTHING_REFUSED,
    Refused,
    accuracy_of_all,
    calibration_error_of_all,
    num_refused,
    weights_of_all,
)
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


def refused_of(
    labels: LabelSnapshot,
    settings: TrainSettings,
    class_ids: Sequence[int],
    image_ids: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Returns images with refused suggestions (R,), their rows (R,), and which of K classes they are not (R, K).

    Of the embedded images (N,), which lie in `rows` (N,) of the feature file. None, where accepted ones are left out.
    """
    is_of_model = np.isin(labels.refused[:, 1], class_ids)
    if not settings.with_accepted or labels.mode is LabelMode.SEVERAL:
        is_of_model[:] = False
    pairs = labels.refused[is_of_model]
    places = np.flatnonzero(np.isin(image_ids, pairs[:, 0]))
    found = image_ids[places]
    order = np.argsort(found)
    pairs = pairs[np.isin(pairs[:, 0], found)]
    refused = np.zeros((len(found), len(class_ids)), np.bool_)
    columns = {class_id: column for column, class_id in enumerate(class_ids)}
    refused[
        order[np.searchsorted(found, pairs[:, 0], sorter=order)],
        np.array([columns[class_id] for class_id in pairs[:, 1].tolist()], np.int64),
    ] = True
    return found, rows[places], refused


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
) -> tuple[Run, NDArray[np.float64] | None]:
    """Returns the run with figures for all images where the measured ones (M,) were partly chosen by a model.

    With it comes how often each of them counts (M,), None where it is once. `others` are the confidences of held-out
    images that are not measured. Where images have one class.
    """
    rows = rows_of(snapshot, measured_ids)
    num_accepted = int(snapshot.accepted[rows].sum())
    _, refused = refused_predictions(snapshot, predictions)
    if not (num_accepted or len(refused)) or predictions is None or snapshot.mode is LabelMode.SEVERAL:
        return run, None
    is_open = ~np.isin(predictions.image_ids, np.concatenate([snapshot.image_ids, snapshot.refused_ids]))
    is_open &= _look_known(predictions)
    confidences = np.concatenate([others, predictions.probabilities[is_open].astype(np.float32).max(axis=1, initial=0)])
    is_right = probabilities.argmax(axis=1) == snapshot.targets[rows]
    units = np.array(snapshot.grouping.units)[rows]
    sure = probabilities.max(axis=1)
    accuracy, interval = accuracy_of_all(sure, is_right, confidences, units, refused)
    counted: dict[str, float] = {"num_measured": num_accepted, "accuracy_one_by_one": run.validation.accuracy}
    weights = weights_of_all(sure, confidences, refused)[: len(rows)]
    metrics = measure(probabilities, snapshot.targets[rows], units, is_cross_validated=True, weights=weights)
    validation = replace(
        run.validation,
        accuracy=accuracy,
        accuracy_interval=interval,
        macro_f1=metrics.macro_f1,
        per_class=[figures | {"class": run.class_names[figures["class"]]} for figures in metrics.per_class],
    )
    if len(refused):
        counted["num_refused"] = len(refused)
        is_confident = refused.confidences >= CONFIDENT
        num_wrong = math.ceil((1 - refused.chances[is_confident]).sum())
        validation = replace(
            validation,
            ece=calibration_error_of_all(sure, is_right, confidences, refused),
            num_confident=validation.num_confident + int(is_confident.sum()),
            num_confident_wrong=validation.num_confident_wrong + num_wrong,
        )
    return replace(run, validation=validation, settings=run.settings | {COUNTED: counted}), weights


def refused_predictions(snapshot: TrainSnapshot, predictions: Predictions | None) -> tuple[NDArray[np.int64], Refused]:
    """Returns the images (R,) of which suggestions were refused, and what the model says of them now.

    Not those that look like none of the classes: nothing is suggested for them any more.
    """
    if predictions is None or not len(snapshot.refused_ids):
        return np.zeros(0, np.int64), NOTHING_REFUSED
    order = np.argsort(snapshot.refused_ids)
    there = np.flatnonzero(np.isin(predictions.image_ids, snapshot.refused_ids) & _look_known(predictions))
    image_ids = predictions.image_ids[there]
    rows = order[np.searchsorted(snapshot.refused_ids, image_ids, sorter=order)]
    return image_ids, Refused(predictions.probabilities[there].astype(np.float32), snapshot.refused[rows])


def _look_known(predictions: Predictions) -> NDArray[np.bool_]:
    if predictions.unknown_scores is None:
        return np.ones(len(predictions.image_ids), np.bool_)
    return np.asarray(~(predictions.unknown_scores >= 1 - DEFAULT_FALSE_ALARM_RATE))


def with_accuracy_of(run: Run, metrics: Metrics) -> Metrics:
    """Returns metrics of a run's measured images with the figures that the run states, where they were counted so."""
    if COUNTED not in run.settings:
        return metrics
    low, high = run.validation.accuracy_interval
    stated = run.validation
    counted = replace(metrics, accuracy=stated.accuracy, accuracy_interval=(low, high))
    if not num_refused(run.settings):
        return counted
    return replace(
        counted, ece=stated.ece, num_confident=stated.num_confident, num_confident_wrong=stated.num_confident_wrong
    )


def rows_of(snapshot: TrainSnapshot, image_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns where these labelled images are in a snapshot."""
    order = np.argsort(snapshot.image_ids)
    return np.asarray(order[np.searchsorted(snapshot.image_ids, image_ids, sorter=order)])
