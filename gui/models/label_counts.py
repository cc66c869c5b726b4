"""Live counts for the palette and the SHOW list, kept current per change instead of counted again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.domain import NO_CLASS, ImageColumns
from gui.models.image_states import NUM_CODES, OF_THE_USER, Show, Trait, codes_of, passing_codes

_BYTE_BITS = (np.arange(256)[:, None] >> np.arange(8)) & 1


class LabelCounts:
    """How many images each class has, and how many each entry of the SHOW list would show."""

    def __init__(self) -> None:
        self.num_images = 0
        self._codes: NDArray[np.uint16] = np.zeros(0, np.uint16)
        self._class_ids: NDArray[np.int32] = np.zeros(0, np.int32)
        self._class_bits: NDArray[np.uint64] = np.zeros((0, 0), np.uint64)
        self._scope: NDArray[np.bool_] | None = None
        self._by_code: NDArray[np.int64] = np.zeros(NUM_CODES, np.int64)
        self._by_class: NDArray[np.int64] = np.zeros(1, np.int64)

    def reset(self, columns: ImageColumns) -> None:
        """Counts everything; 30 ms for 1,000,000 images."""
        self.num_images = len(columns)
        self._codes = codes_of(columns)
        self._class_ids = columns.class_ids.copy()
        self._class_bits = columns.class_bits.copy()
        self._by_class = self._count_classes(slice(None), 1)
        self.set_scope(None)

    def set_scope(self, scope: NDArray[np.bool_] | None) -> None:
        """Counts for the SHOW list only the images of this mask (N,): those of a folder, a day, a search; None is all.

        The counts of the classes stay those of the whole project.
        """
        self._scope = scope
        self._by_code = np.bincount(self._codes if scope is None else self._codes[scope], minlength=NUM_CODES)

    def update(self, columns: ImageColumns, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Takes over what changed in `rows`; costs only those rows. A row may be named more than once.

        Returns:
            The rows whose classes are others, or that the user marked or no longer marks.
        """
        if len(columns) != self.num_images or columns.class_bits.shape != self._class_bits.shape:
            self.reset(columns)
            return np.zeros(0, np.int64)
        rows = _distinct(rows, self.num_images)
        old, new = self._codes[rows], codes_of(columns, rows)
        inside = slice(None) if self._scope is None else self._scope[rows]
        self._by_code += np.bincount(new[inside], minlength=NUM_CODES)
        self._by_code -= np.bincount(old[inside], minlength=NUM_CODES)
        is_other = (old ^ new) & OF_THE_USER != 0
        is_other |= self._class_ids[rows] != columns.class_ids[rows]
        is_other |= (self._class_bits[rows] != columns.class_bits[rows]).any(axis=1)
        before = self._count_classes(rows, len(self._by_class))
        self._codes[rows] = new
        self._class_ids[rows] = columns.class_ids[rows]
        self._class_bits[rows] = columns.class_bits[rows]
        after = self._count_classes(rows, len(before))
        counts = np.zeros(len(after), np.int64)
        counts[: len(self._by_class)] += self._by_class
        counts[: len(before)] -= before
        self._by_class = counts + after
        relabelled: NDArray[np.int64] = rows[is_other]
        return relabelled

    def of(self, wanted: Show | Trait) -> int:
        """Returns how many images of the scope an entry of the SHOW list has."""
        if isinstance(wanted, Trait):
            return self.of_both(Show.ALL, wanted)
        return int(self._by_code[passing_codes(wanted)].sum())

    def of_both(self, show: Show, trait: Trait) -> int:
        """Returns how many images of the scope have a trait and have come that far."""
        return int(self._by_code[passing_codes(show, frozenset({trait}))].sum())

    def of_class(self, class_id: int) -> int:
        """Returns how many images are labelled with a class."""
        return int(self._by_class[class_id]) if NO_CLASS < class_id < len(self._by_class) else 0

    def _count_classes(self, rows: slice | NDArray[np.int64], size: int) -> NDArray[np.int64]:
        """Returns the number of images of each class id among rows; at least `size` numbers."""
        if not self._class_bits.shape[1]:
            return np.bincount(self._class_ids[rows], minlength=size)
        # Byte by byte, lowest first: 256 possible values are counted, then taken apart into their bits.
        octets = np.ascontiguousarray(self._class_bits[rows].astype("<u8", copy=False)).view(np.uint8)
        counts = [np.bincount(octets[:, at], minlength=256) @ _BYTE_BITS for at in range(octets.shape[1])]
        return np.concatenate(counts)


def _distinct(rows: NDArray[np.int64], num_images: int) -> NDArray[np.int64]:
    """Returns each row once, sorted; for many rows thirty times faster than numpy's unique."""
    if len(rows) < 1000:
        return np.unique(rows)
    is_named = np.zeros(num_images, np.bool_)
    is_named[rows] = True
    return np.flatnonzero(is_named)
