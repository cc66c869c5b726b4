"""Look-ups and updates on the window's image columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.domain import NO_CLASS, Change, ImageColumns, Mark, class_ids_of, num_class_words, widened
from engine.domain import has_class as bits_have_class


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


def has_class(columns: ImageColumns, rows: NDArray[np.int64], class_id: int) -> NDArray[np.bool_]:
    """Tells for each of these rows whether the image has a class, be it its only one or one of several."""
    if columns.class_bits.shape[1]:
        return bits_have_class(columns.class_bits[rows], class_id)
    return np.asarray(columns.class_ids[rows] == class_id)


def class_ids_at(columns: ImageColumns, row: int) -> list[int]:
    """Returns the classes of one image, in the order of their ids; empty when it has none."""
    if columns.class_bits.shape[1]:
        return class_ids_of(columns.class_bits[row].tolist())
    class_id = int(columns.class_ids[row])
    return [class_id] if class_id != NO_CLASS else []


def is_done(columns: ImageColumns, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tells for each of these rows whether the image is labelled: it has a class, or is confirmed to have none."""
    has_any = columns.class_ids[rows] != NO_CLASS
    return np.asarray(has_any | (columns.marks[rows] & Mark.CONFIRMED != 0))


def has_open_suggestion(columns: ImageColumns, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tells for each of these rows whether a suggestion waits to be accepted: the image has no class yet.

    Where images have several classes, one that has some is still open until it is confirmed; that it has none may be
    suggested as well. Nothing is suggested for what looks like none of the classes, and nothing that was refused.
    """
    is_open = (columns.marks[rows] & Mark.CONFIRMED == 0) & ~columns.look_unknown(rows)
    if columns.class_bits.shape[1]:
        return np.asarray(is_open & ~np.isnan(columns.confidences[rows]))
    is_open &= (columns.predicted_ids[rows] != NO_CLASS) & (columns.class_ids[rows] == NO_CLASS)
    return np.asarray(is_open & ~is_refused(columns, rows))


def is_refused(columns: ImageColumns, pick: slice | NDArray[np.int64] = slice(None)) -> NDArray[np.bool_]:
    """Tells for each image (of `pick`) whether somebody said that it is not of the class that the model suggests.

    Where images have one class.
    """
    bits, predicted = columns.refused_bits[pick], columns.predicted_ids[pick]
    found = np.zeros(len(bits), np.bool_)
    if columns.class_bits.shape[1]:
        return found
    rows = np.flatnonzero(bits.any(axis=1))  # few: of a million images nearly all have none
    words, places = np.divmod(predicted[rows], 64)
    is_there = words < bits.shape[1]
    rows, words, places = rows[is_there], words[is_there], places[is_there].astype(np.uint64)
    found[rows] = bits[rows, words] >> places & np.uint64(1) != 0
    return found


def suggested_ids_at(columns: ImageColumns, row: int) -> list[int]:
    """Returns the classes that are suggested for one image and that it has not got, in the order of their ids.

    Where images have several classes. Empty where nothing is open, and where none are suggested.
    """
    if not has_open_suggestion(columns, np.array([row]))[0]:
        return []
    return class_ids_of((columns.predicted_bits[row] & ~columns.class_bits[row]).tolist())


def is_none_suggested(columns: ImageColumns, row: int) -> bool:
    """Tells whether the model thinks that an image without a class has none (where images have several classes)."""
    has_any = bool(columns.class_bits[row].any()) or bool(columns.predicted_bits[row].any())
    return not has_any and bool(has_open_suggestion(columns, np.array([row]))[0])


def agrees_with_suggestion(columns: ImageColumns, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tells for each of these rows whether every class that the image has is also suggested."""
    return np.asarray(~(columns.class_bits[rows] & ~columns.predicted_bits[rows]).any(axis=1))


def set_class_bit(columns: ImageColumns, rows: NDArray[np.int64], class_id: int, on: bool) -> None:
    """Gives images one more class, or takes one of several away. `class_ids` is not touched."""
    columns.class_bits = widened(columns.class_bits, num_class_words(class_id))
    word, bit = divmod(class_id, 64)
    mask = np.uint64(1 << bit)
    old = columns.class_bits[rows, word]
    columns.class_bits[rows, word] = old | mask if on else old & ~mask


def count_bits(class_bits: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Returns per class id (0..64 W - 1) how many of the images (M, W) have it."""
    if not class_bits.shape[1]:
        return np.zeros(1, np.int64)
    # Byte by byte, lowest first: its 256 values are counted, then taken apart into their bits.
    octets = np.ascontiguousarray(class_bits.astype("<u8", copy=False)).view(np.uint8)
    of_bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    counts = [np.bincount(octets[:, at], minlength=256) @ of_bits for at in range(octets.shape[1])]
    return np.concatenate(counts)


def first_classes(class_bits: NDArray[np.uint64], order: Sequence[int]) -> NDArray[np.int32]:
    """Returns for bits (M, W) the class of each image (M,) that comes first in the order of the palette.

    Where an image has none of the palette (it is not known here yet, or no longer), that with the lowest id.
    """
    found = np.zeros(len(class_bits), np.int32)
    for word in reversed(range(class_bits.shape[1])):
        values = class_bits[:, word]
        lowest = values & (~values + np.uint64(1))
        has_any = values != 0
        found[has_any] = word * 64 + np.log2(lowest[has_any].astype(np.float64)).astype(np.int32)
    for class_id in reversed(order):
        found[bits_have_class(class_bits, class_id)] = class_id
    return found


def apply_change(columns: ImageColumns, index: RowIndex, change: Change) -> NDArray[np.int64]:
    """Writes what the store says into the columns; returns the rows that are different now."""
    known = index.has(change.image_ids)
    rows = index.rows(change.image_ids[known])
    class_ids, marks, noted = change.class_ids[known], change.marks[known], change.noted[known]
    accepted = change.accepted[known]
    different = (columns.class_ids[rows] != class_ids) | (columns.marks[rows] != marks) | (columns.noted[rows] != noted)
    columns.class_ids[rows] = class_ids
    columns.marks[rows] = marks
    columns.noted[rows] = noted
    different |= columns.accepted[rows] != accepted
    columns.accepted[rows] = accepted
    different |= _apply_bits(columns, rows, class_ids, change.class_bits[known])
    different |= _apply_refusals(columns, rows, change.refused_bits[known])
    return np.asarray(rows[different])


def _apply_refusals(
    columns: ImageColumns, rows: NDArray[np.int64], refused_bits: NDArray[np.uint64]
) -> NDArray[np.bool_]:
    """Takes over what is refused of images; returns for each of the rows whether that is other now."""
    columns.refused_bits = widened(columns.refused_bits, refused_bits.shape[1])
    wanted = widened(refused_bits, columns.refused_bits.shape[1])
    different = (columns.refused_bits[rows] != wanted).any(axis=1)
    columns.refused_bits[rows] = wanted
    return np.asarray(different)


def _apply_bits(
    columns: ImageColumns, rows: NDArray[np.int64], class_ids: NDArray[np.int32], class_bits: NDArray[np.uint64]
) -> NDArray[np.bool_]:
    """Takes over all classes of images; returns for each of the rows whether they are others now.

    Right after a change between one class per image and several, columns and store may not be of one kind. The columns
    are read anew then; until that is done they stay what they are, and in themselves right.
    """
    if not columns.class_bits.shape[1]:
        return np.zeros(len(rows), np.bool_)
    columns.class_bits = widened(columns.class_bits, class_bits.shape[1])
    old = columns.class_bits[rows]
    if class_bits.shape[1]:
        columns.class_bits[rows] = widened(class_bits, columns.class_bits.shape[1])
    else:
        columns.class_bits[rows] = 0
        for class_id in np.unique(class_ids[class_ids != NO_CLASS]).tolist():
            set_class_bit(columns, rows[class_ids == class_id], class_id, True)
    return np.asarray((widened(old, columns.class_bits.shape[1]) != columns.class_bits[rows]).any(axis=1))


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
        | (target.noted != source.noted)
        | (target.accepted != source.accepted)
        | ~np.isclose(target.confidences, source.confidences, rtol=0.0, atol=0.0, equal_nan=True)
        | ~np.isclose(target.unknown_scores, source.unknown_scores, rtol=0.0, atol=0.0, equal_nan=True)
        | (target.look_unknown() != source.look_unknown())
    )
    num_words = max(target.refused_bits.shape[1], source.refused_bits.shape[1])
    different |= (widened(target.refused_bits, num_words) != widened(source.refused_bits, num_words)).any(axis=1)
    if target.class_bits.shape == source.class_bits.shape:
        different |= (target.class_bits != source.class_bits).any(axis=1)
    else:
        different[:] = True
    if target.predicted_bits.shape == source.predicted_bits.shape:
        different |= (target.predicted_bits != source.predicted_bits).any(axis=1)
    for name in ImageColumns.__slots__:
        setattr(target, name, getattr(source, name))
    return np.flatnonzero(different)
