"""Which labels of a project with several classes per image a training can use."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import LabelSnapshot
from engine.errors import TrainingError
from engine.tasks.grouping import Grouping

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

_CONFIRM: Final = "Give images all of their classes and confirm them with Enter, then retrain."


def refuse_too_few_of_several(labels: LabelSnapshot) -> None:
    """Raises TrainingError for labels that cannot be trained on whatever their embeddings are."""
    if not labels.classes:
        raise TrainingError("No image has a class yet.", _CONFIRM)
    if len(labels.classes) < 2:
        raise TrainingError(
            f"Only one class, “{labels.classes[0].name}”, is in use.",
            "Label images of a second class. To tell only whether an image has one class or not, use one class per "
            "image, with a second class for those without.",
        )
    if not labels.confirmed.any():
        raise TrainingError(
            "No image is confirmed yet, so nothing says which classes an image has not got.",
            "When an image has all of its classes, confirm it with Enter; confirm at least two with and two without "
            "each class, then retrain.",
        )
    complete = labels.targets_matrix[labels.confirmed]
    if complete.all():
        raise TrainingError(
            "Every confirmed image has every class, so there is nothing to tell apart.",
            "Confirm images that lack a class too, with Enter, then retrain.",
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
        raise TrainingError("None of the confirmed images could be read.", "Rescan the image folder, then retrain.")
    units = np.array(grouping.units)[complete]
    matrix = labels.targets_matrix[complete]
    num_with = np.array([len(np.unique(units[column])) for column in matrix.T])
    num_without = np.array([len(np.unique(units[~column])) for column in matrix.T])
    is_used = (num_with >= 2) & (num_without >= 2)
    unit = "confirmed images" if grouping.rule is None else "groups of confirmed images"
    rare = [each.name for each, with_it in zip(labels.classes, num_with, strict=True) if with_it < 2]
    common = [
        each.name
        for each, with_it, without in zip(labels.classes, num_with, num_without, strict=True)
        if with_it >= 2 and without < 2
    ]
    if is_used.sum() < 2:
        reasons = [f"{_names(rare)}: fewer than two {unit} have it"] if rare else []
        reasons += [f"{_names(common)}: fewer than two {unit} lack it"] if common else []
        raise TrainingError(
            f"Fewer than two classes can be learned ({'; '.join(reasons)}).",
            "Confirm at least two images with and two without each class (Enter), then retrain.",
        )
    notes = [_left_out(rare, f"fewer than two {unit} have it")] if rare else []
    notes += [_left_out(common, f"fewer than two {unit} lack it")] if common else []
    positions = np.flatnonzero(is_used)
    says_something = labels.confirmed | labels.targets_matrix[:, positions].any(axis=1)
    kept = np.flatnonzero(is_embedded & says_something)
    num_open = int((~labels.confirmed[kept]).sum())
    if num_open:
        images = "1 labelled image is" if num_open == 1 else f"{num_open:,} labelled images are"
        lacks = "it lacks" if num_open == 1 else "they lack"
        notes.append(f"{images} not confirmed: what {lacks} counts little, and nothing is measured there.")
    return kept, positions, notes


def entry_weights(present: NDArray[np.bool_], confirmed: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Returns what each entry (N, K) counts: positive where the class is there, negative where it is not."""
    absent = np.where(confirmed[:, None], -1.0, -ABSENT_IF_UNCONFIRMED)
    return np.where(present, 1.0, absent).astype(np.float32)


def _left_out(names: list[str], reason: str) -> str:
    verb = "is not part of the model" if len(names) == 1 else "are not part of the model"
    return f"{_names(names)} {verb}: {reason}."


def _names(names: list[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)
