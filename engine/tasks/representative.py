"""Figures of a training whose labels may not stand for the open images: what is held out, counted and left unsaid.

See `engine.evaluation.representation`, which has the method, and `engine.tasks.accepted_labels`, which counts labels
that a model had a say in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import LabelMode, Predictions, Run
from engine.evaluation.metrics import measure
from engine.evaluation.representation import (
    STACKED,
    UNLIKE,
    odds_weights,
    stack_units,
    unlike_labelled,
)
from engine.language import trn
from engine.store.predictions import read as read_predictions
from engine.tasks.accepted_labels import rows_of
from engine.tasks.grouping import Grouping
from engine.tasks.train_snapshot import TrainSnapshot

_FEWEST_OPEN: Final = 0.1
"""Fewer open images than this share of the labelled ones make no difference to what is measured."""

Found = dict[str, NDArray[Any]]


def with_stacks(
    grouping: Grouping, together: NDArray[np.int64], targets: NDArray[np.int64], num_open: int
) -> tuple[Grouping, NDArray[np.bool_]]:
    """Returns the grouping of a training's images (N) with stacks held out as a whole, and which ones are in stacks.

    A rule for groups of the user's says what belongs together: then nothing is added to it. Nor is there where hardly
    any of the images is open: the labelled ones are all there is then, however they were chosen.
    """
    is_plain = bool(grouping.rule) or num_open < _FEWEST_OPEN * len(targets)
    units = grouping.units if is_plain else stack_units(grouping.units, together, targets)
    in_stacks = np.array(units, object) != np.array(grouping.units, object)
    if not in_stacks.any():
        return grouping, in_stacks
    note = trn(
        "{number:,} image was labelled in stacks. To measure, a whole stack is held back at a time: no image is "
        "predicted from its own look-alikes.",
        "{number:,} images were labelled in stacks. To measure, a whole stack is held back at a time: no image is "
        "predicted from its own look-alikes.",
        int(in_stacks.sum()),
    )
    return replace(grouping, units=units, notes=[*grouping.notes, note]), in_stacks


def units_without_stacks(snapshot: TrainSnapshot) -> list[str]:
    """Returns what belongs together (N) but for having been labelled together."""
    return [
        f"content {content}" if in_stack else unit
        for unit, content, in_stack in zip(
            snapshot.grouping.units, snapshot.content_hashes, snapshot.in_stacks.tolist(), strict=True
        )
    ]


def counted_for_open(snapshot: TrainSnapshot, run: Run, found: Found) -> tuple[Run, Found]:
    """Returns run and held-out predictions with what they say of the images without a class.

    Where a model had a say in more labels than stacks had, the accuracy was counted for that already and stays.
    """
    if snapshot.mode is LabelMode.SEVERAL:
        return run, found
    predictions = read_predictions(snapshot.folder)
    if predictions is None:
        return run, found
    is_open = ~np.isin(predictions.image_ids, snapshot.image_ids)
    unlike = None if predictions.unknown_scores is None else unlike_labelled(predictions.unknown_scores[is_open])
    if unlike is not None:
        told = {"num_unlike": unlike.num_unlike, "num_open": unlike.num_open}
        return replace(run, settings=run.settings | {UNLIKE: told}), found
    num_chosen_by_model = int(snapshot.accepted.sum()) + len(snapshot.refused_ids)
    if snapshot.in_stacks.sum() > num_chosen_by_model:
        return _counted_by_odds(snapshot, run, found, predictions, is_open)
    return run, found


def _counted_by_odds(
    snapshot: TrainSnapshot, run: Run, found: Found, predictions: Predictions, is_open: NDArray[np.bool_]
) -> tuple[Run, Found]:
    probabilities, rows = found["probabilities"], rows_of(snapshot, found["image_ids"])
    others = predictions.probabilities[is_open].astype(np.float32).max(axis=1, initial=0)
    weights = odds_weights(probabilities.max(axis=1), others)
    units = np.array(snapshot.grouping.units)[rows]
    metrics = measure(probabilities, snapshot.targets[rows], units, is_cross_validated=True, weights=weights)
    validation = replace(
        run.validation,
        accuracy=metrics.accuracy,
        accuracy_interval=metrics.accuracy_interval,
        macro_f1=metrics.macro_f1,
        per_class=[figures | {"class": run.class_names[figures["class"]]} for figures in metrics.per_class],
    )
    settings = run.settings | {STACKED: int(snapshot.in_stacks.sum())}
    return replace(run, validation=validation, settings=settings), found | {"weights": weights}
