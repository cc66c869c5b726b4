"""What a step does to the columns of the window, shown before the store has made it durable.

Each function returns an `Effect`. It is run again on columns that were read anew while the step was on its way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.domain import NO_CLASS, ImageColumns, Mark, num_class_words, widened
from gui.columns import RowIndex, first_classes, has_class, set_class_bit

Ids = NDArray[np.int64]
Effect = Callable[[ImageColumns, RowIndex], NDArray[np.int64]]
"""Changes columns; returns the rows that are different now."""


def nothing(_columns: ImageColumns, _index: RowIndex) -> NDArray[np.int64]:
    """Leaves all as it is: what the step does is known only to the store."""
    return np.zeros(0, np.int64)


def give(ids: Ids, class_ids: NDArray[np.int32], accepted: bool = False) -> Effect:
    """Gives each image a class: instead of the one it has, or besides those it has. `accepted`: as was suggested.

    Which of the two is the columns' matter: they may be read anew, with the other kind, before the step is saved.
    """

    def apply(columns: ImageColumns, index: RowIndex) -> NDArray[np.int64]:
        known = index.has(ids)
        rows, wanted = index.rows(ids), class_ids[known]
        if not columns.class_bits.shape[1]:
            old = columns.class_ids[rows]
            columns.class_ids[rows] = wanted
            columns.accepted[rows[wanted != old]] = accepted
            return np.asarray(rows[wanted != old])
        changed = np.zeros(len(rows), np.bool_)
        for class_id in np.unique(wanted).tolist():
            of_class = wanted == class_id
            changed[of_class] = ~has_class(columns, rows[of_class], class_id)
            set_class_bit(columns, rows[of_class], class_id, True)
        was_empty = columns.class_ids[rows] == NO_CLASS
        columns.class_ids[rows[was_empty]] = wanted[was_empty]
        columns.accepted[rows[changed]] |= accepted
        return np.asarray(rows[changed])

    return apply


def accept(ids: Ids, class_id: int, refused_ids: Ids) -> Effect:
    """Gives images the class that was suggested, and notes of others that they are not of it: those without a class."""
    give_all = give(ids, np.full(len(ids), class_id, np.int32), accepted=True)

    def apply(columns: ImageColumns, index: RowIndex) -> NDArray[np.int64]:
        rows = index.rows(refused_ids)
        rows = rows[columns.class_ids[rows] == NO_CLASS]
        if len(rows):
            word, bit = divmod(class_id, 64)
            columns.refused_bits = widened(columns.refused_bits, num_class_words(class_id))
            columns.refused_bits[rows, word] |= np.uint64(1 << bit)
        return np.union1d(give_all(columns, index), rows)

    return apply


def give_and_confirm(pair_ids: Ids, pair_classes: NDArray[np.int32], confirmed_ids: Ids) -> Effect:
    """Adds the suggested class to each image of a pair and confirms others or the same, where images have several.

    Of the classes of an image that had none, the one that comes last leads.
    """
    give_all, confirm = give(pair_ids, pair_classes, accepted=True), mark(confirmed_ids, Mark.CONFIRMED, True)

    def apply(columns: ImageColumns, index: RowIndex) -> NDArray[np.int64]:
        return np.union1d(give_all(columns, index), confirm(columns, index))

    return apply


def remove(ids: Ids, class_id: int, palette: Callable[[], Sequence[int]]) -> Effect:
    """Takes one class away; `palette` names the classes in their order, of which the first of the rest leads then."""

    def apply(columns: ImageColumns, index: RowIndex) -> NDArray[np.int64]:
        rows = index.rows(ids)
        rows = rows[has_class(columns, rows, class_id)]
        if not columns.class_bits.shape[1]:
            columns.class_ids[rows] = NO_CLASS
            columns.accepted[rows] = False
            return rows
        set_class_bit(columns, rows, class_id, False)
        led = rows[columns.class_ids[rows] == class_id]
        columns.class_ids[led] = first_classes(columns.class_bits[led], palette())
        return rows

    return apply


def clear(ids: Ids) -> Effect:
    """Takes all classes away, and that the image was confirmed."""

    def apply(columns: ImageColumns, index: RowIndex) -> NDArray[np.int64]:
        rows = index.rows(ids)
        is_other = (columns.class_ids[rows] != NO_CLASS) | (columns.marks[rows] & Mark.CONFIRMED != 0)
        columns.class_ids[rows] = NO_CLASS
        columns.class_bits[rows] = 0
        columns.accepted[rows] = False
        columns.marks[rows] &= ~np.uint8(Mark.CONFIRMED)
        return np.asarray(rows[is_other])

    return apply


def mark(ids: Ids, which: Mark, on: bool) -> Effect:
    """Sets or takes away a mark."""

    def apply(columns: ImageColumns, index: RowIndex) -> NDArray[np.int64]:
        rows = index.rows(ids)
        old = columns.marks[rows]
        columns.marks[rows] = (old | np.uint8(which)) if on else (old & ~np.uint8(which))
        return np.asarray(rows[columns.marks[rows] != old])

    return apply


def call_unknown(threshold: float) -> Effect:
    """Calls images unknown from another score on."""

    def apply(columns: ImageColumns, _index: RowIndex) -> NDArray[np.int64]:
        old = columns.look_unknown()
        columns.unknown_threshold = threshold
        return np.flatnonzero(old != columns.look_unknown())

    return apply


def note(ids: Ids, is_noted: bool) -> Effect:
    """Shows that images carry a note, or that they do no longer."""

    def apply(columns: ImageColumns, index: RowIndex) -> NDArray[np.int64]:
        rows = index.rows(ids)
        old = columns.noted[rows]
        columns.noted[rows] = is_noted
        return np.asarray(rows[old != is_noted])

    return apply
