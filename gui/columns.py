"""Look-ups and updates on the window's image columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.domain import Change, ImageColumns


class RowIndex:
    """Finds the row of an image id: a binary search, so a million images cost two arrays and no dictionary."""

    def __init__(self, image_ids: NDArray[np.int64]) -> None:
        self._order = np.argsort(image_ids, kind="stable")
        self._sorted = image_ids[self._order]

    def row(self, image_id: int) -> int:
        """Returns the row of one image, -1 when it is not there."""
        place = int(np.searchsorted(self._sorted, image_id))
        if place >= len(self._sorted) or self._sorted[place] != image_id:
            return -1
        return int(self._order[place])

    def has(self, image_ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tells for each id whether it is there."""
        if not len(self._sorted):
            return np.zeros(len(image_ids), np.bool_)
        places = np.minimum(np.searchsorted(self._sorted, image_ids), len(self._sorted) - 1)
        return np.asarray(self._sorted[places] == image_ids)

    def rows(self, image_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the rows of those images that are there, in the order given."""
        known = image_ids[self.has(image_ids)]
        return np.asarray(self._order[np.searchsorted(self._sorted, known)], dtype=np.int64)


def apply_change(
    columns: ImageColumns, index: RowIndex, change: Change, leave: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Writes what the store says into the columns.

    Args:
        leave: images with newer writes under way; they stay as they are.

    Returns:
        The rows that are different now.
    """
    known = index.has(change.image_ids)
    if leave is not None and len(leave):
        known &= ~np.isin(change.image_ids, leave)
    rows = index.rows(change.image_ids[known])
    class_ids, marks = change.class_ids[known], change.marks[known]
    different = (columns.class_ids[rows] != class_ids) | (columns.marks[rows] != marks)
    columns.class_ids[rows] = class_ids
    columns.marks[rows] = marks
    return np.asarray(rows[different])


def same_images(one: ImageColumns, other: ImageColumns) -> bool:
    """Tells whether both have the same images in the same order."""
    return len(one) == len(other) and bool(np.array_equal(one.image_ids, other.image_ids))


def take_values(target: ImageColumns, source: ImageColumns) -> NDArray[np.int64]:
    """Copies all columns of `source` into `target` (same images) and returns the rows whose look changed."""
    different = (
        (target.class_ids != source.class_ids)
        | (target.marks != source.marks)
        | (target.statuses != source.statuses)
        | (target.predicted_ids != source.predicted_ids)
        | ~np.isclose(target.confidences, source.confidences, rtol=0.0, atol=0.0, equal_nan=True)
    )
    for name in ImageColumns.__slots__:
        setattr(target, name, getattr(source, name))
    return np.flatnonzero(different)
