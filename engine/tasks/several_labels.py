"""Which labels of a project with several classes per image a training can use."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import LabelSnapshot
from engine.errors import TrainingError
from engine.language import tr, trn
from engine.tasks.grouping import Grouping, quoted

ABSENT_IF_UNCONFIRMED: Final = 0.25
"""How much it counts that an image has not got a class while it is not confirmed.

Not nothing: most of what was not given is not there, and a class whose every known image has it is not learned. Not
all: what the user has not come to yet would be taught as absent. Calibration, thresholds and figures are of confirmed
images only, so a wrong guess here costs accuracy, never honesty.

Measured on five sets of pictures put together of four (`tests/bench/bench_several.py`: mobilenet_v2, 300 labelled
images, 15 or 40 % of them confirmed, of the others every class given with probability 0.6): mean average precision on
unseen images .719 and .745 at a quarter, .688 and .739 at nothing, .711 and .737 at all; .784 with all of them
confirmed. Weighing a class's images with and without it alike cost .010 to .019.
"""

_CONFIRM: Final = tr("Give images all of their classes and confirm them with Enter, then retrain.")


def refuse_too_few_of_several(labels: LabelSnapshot) -> None:
    """Raises TrainingError for labels that cannot be trained on whatever their embeddings are."""
    if not labels.classes:
        raise TrainingError(tr("No image has a class yet."), _CONFIRM)
    if len(labels.classes) < 2:
        raise TrainingError(
            tr("Only one class, “{name}”, is in use.", name=labels.classes[0].name),
            tr(
                "Label images of a second class. To tell only whether an image has one class or not, use one class per "
                "image, with a second class for those without."
            ),
        )
    if not labels.confirmed.any():
        raise TrainingError(
            tr("No image is confirmed yet, so nothing says which classes an image has not got."),
            tr(
                "When an image has all of its classes, confirm it with Enter; confirm at least two with and two "
                "without each class, then retrain."
            ),
        )
    complete = labels.targets_matrix[labels.confirmed]
    if complete.all():
        raise TrainingError(
            tr("Every confirmed image has every class, so there is nothing to tell apart."),
            tr("Confirm images that lack a class too, with Enter, then retrain."),
        )


def usable_labels_of_several(
    labels: LabelSnapshot, rows: NDArray[np.int64], grouping: Grouping
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[str]]:
    """Returns which labelled images can be used, the positions of their classes (ascending), and notes for the user.

    A class needs two confirmed images (of different content, or of two groups) that have it, and two that have not:
    one of each to learn from and one to be measured on.

    Raises:
        TrainingError: fewer than two classes have that many.
    """
    is_embedded = rows >= 0
    complete = np.flatnonzero(is_embedded & labels.confirmed)
    if not len(complete):
        raise TrainingError(
            tr("None of the confirmed images could be read."), tr("Rescan the image folder, then retrain.")
        )
    units = np.array(grouping.units)[complete]
    matrix = labels.targets_matrix[complete]
    num_with = np.array([len(np.unique(units[column])) for column in matrix.T])
    num_without = np.array([len(np.unique(units[~column])) for column in matrix.T])
    is_used = (num_with >= 2) & (num_without >= 2)
    too_few_have, too_few_lack = _reasons(grouping)
    rare = [each.name for each, with_it in zip(labels.classes, num_with, strict=True) if with_it < 2]
    common = [
        each.name
        for each, with_it, without in zip(labels.classes, num_with, num_without, strict=True)
        if with_it >= 2 and without < 2
    ]
    if is_used.sum() < 2:
        reasons = [tr("{names}: {reason}", names=quoted(rare), reason=too_few_have)] if rare else []
        reasons += [tr("{names}: {reason}", names=quoted(common), reason=too_few_lack)] if common else []
        raise TrainingError(
            tr("Fewer than two classes can be learned ({reasons}).", reasons="; ".join(reasons)),
            tr("Confirm at least two images with and two without each class (Enter), then retrain."),
        )
    notes = [_left_out(rare, too_few_have)] if rare else []
    notes += [_left_out(common, too_few_lack)] if common else []
    positions = np.flatnonzero(is_used)
    says_something = labels.confirmed | labels.targets_matrix[:, positions].any(axis=1)
    kept = np.flatnonzero(is_embedded & says_something)
    num_open = int((~labels.confirmed[kept]).sum())
    if num_open:
        notes.append(
            trn(
                "{number:,} labelled image is not confirmed: what it lacks counts little, and nothing is measured "
                "there.",
                "{number:,} labelled images are not confirmed: what they lack counts little, and nothing is measured "
                "there.",
                num_open,
            )
        )
    return kept, positions, notes


def entry_weights(present: NDArray[np.bool_], confirmed: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Returns what each entry (N, K) counts: positive where the class is there, negative where it is not."""
    absent = np.where(confirmed[:, None], -1.0, -ABSENT_IF_UNCONFIRMED)
    return np.where(present, 1.0, absent).astype(np.float32)


def _reasons(grouping: Grouping) -> tuple[str, str]:
    """Returns what is said of classes that too few images have, and of those that too few lack."""
    if grouping.rule is None:
        return tr("fewer than two confirmed images have it"), tr("fewer than two confirmed images lack it")
    return (
        tr("fewer than two groups of confirmed images have it"),
        tr("fewer than two groups of confirmed images lack it"),
    )


def _left_out(names: list[str], reason: str) -> str:
    return trn(
        "{names} is not part of the model: {reason}.",
        "{names} are not part of the model: {reason}.",
        len(names),
        names=quoted(names),
        reason=reason,
    )
