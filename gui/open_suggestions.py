"""Which suggestions are open, and how sure: pure functions of the columns, where images have one class."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engine.domain import NO_CLASS, ImageColumns, ImageStatus, Mark
from gui.columns import is_refused

Rows = NDArray[np.int64]


def open_rows(columns: ImageColumns, class_id: int = NO_CLASS) -> Rows:
    """Returns the rows whose suggestion waits to be accepted, of one class or (NO_CLASS) of all, in filing order.

    Not those that look unknown, were refused or skipped or cannot be read.
    """
    is_suggested = columns.predicted_ids == class_id if class_id != NO_CLASS else columns.predicted_ids != NO_CLASS
    rows = np.flatnonzero(is_suggested & (columns.class_ids == NO_CLASS))
    is_out = (columns.marks[rows] & (Mark.SKIPPED | Mark.CONFIRMED) != 0) | columns.look_unknown(rows)
    is_out |= is_refused(columns, rows)
    return np.asarray(rows[~is_out & (columns.statuses[rows] == ImageStatus.READABLE)])


def num_open(columns: ImageColumns, without: NDArray[np.int64], rows_of: Callable[[Rows], Rows]) -> NDArray[np.int64]:
    """Returns per class id how many suggestions are open, not counting the images `without`."""
    # Whole columns, not rows: with a million open suggestions three times as fast.
    is_open = (columns.class_ids == NO_CLASS) & (columns.marks & np.uint8(Mark.SKIPPED | Mark.CONFIRMED) == 0)
    is_open &= (columns.statuses == ImageStatus.READABLE) & ~columns.look_unknown()
    is_open &= ~is_refused(columns)
    is_open[rows_of(without)] = False
    counts = np.bincount(columns.predicted_ids[is_open], minlength=1)
    counts[NO_CLASS] = 0
    return counts


def surest(columns: ImageColumns, rows: Rows, num_wanted: int) -> Rows:
    """Returns the `num_wanted` of these rows with the highest confidence, highest first; equal ones as they were."""
    sureness = columns.confidences[rows]
    if len(rows) > num_wanted:
        least = np.partition(sureness, -num_wanted)[-num_wanted]
        rows = rows[sureness >= least]
        sureness = columns.confidences[rows]
    return rows[np.argsort(-sureness, kind="stable")][:num_wanted]
