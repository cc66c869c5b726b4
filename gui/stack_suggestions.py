"""What a model says of a whole stack of images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.domain import ImageClass
from gui.columns import has_open_suggestion

if TYPE_CHECKING:
    from gui.session import Session

AGREEING = 2 / 3
"""A stack has a suggestion when the model suggests one class for at least so many of its images."""


@dataclass(frozen=True, slots=True)
class Suggested:
    """What a model says of a stack: of `num_agreeing` of `num_named` images, with this mean confidence."""

    item: ImageClass
    confidence: float
    num_agreeing: int
    num_named: int


def suggested_for(session: Session, rows: NDArray[np.int64]) -> Suggested | None:
    """Returns the class that the model suggests for most of these rows of the columns, None where there is none."""
    if session.has_several_classes:
        return None  # whether a class alone is meant is not said
    columns = session.columns
    predicted = columns.predicted_ids[rows]
    class_ids, numbers = np.unique(predicted[has_open_suggestion(columns, rows)], return_counts=True)
    if not len(numbers) or numbers.max() < AGREEING * len(rows):
        return None
    item = session.class_by_id(int(class_ids[numbers.argmax()]))
    if item is None:  # deleted since the model was trained
        return None
    is_agreeing = (predicted == item.id) & has_open_suggestion(columns, rows)
    return Suggested(item, float(columns.confidences[rows[is_agreeing]].mean()), int(is_agreeing.sum()), len(rows))


def agreement_on(session: Session, rows: NDArray[np.int64]) -> float | None:
    """Returns for which part of these rows the model predicts the same class, 0..1; None where it says nothing."""
    predicted = session.columns.predicted_ids[rows]
    if session.has_several_classes or not predicted.all() or not len(rows):
        return None
    return float(np.unique(predicted, return_counts=True)[1].max() / len(rows))
