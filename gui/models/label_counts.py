"""Live counts for the palette and the SHOW list, kept current per change instead of counted again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.domain import NO_CLASS, ImageColumns
from gui.models.image_filter import ImageFilter, Show, matches
from gui.models.name_index import NameIndex

_KINDS = [show for show in Show if show is not Show.ALL]
_NO_NAMES = NameIndex([])
_MARK_BITS = sum(1 << at for at, show in enumerate(_KINDS) if show in (Show.SKIPPED, Show.UNSURE))


class LabelCounts:
    """How many images each class has, and how many each entry of the SHOW list would show."""

    def __init__(self) -> None:
        self.num_images = 0
        self._codes: NDArray[np.int8] = np.zeros(0, np.int8)
        self._class_ids: NDArray[np.int32] = np.zeros(0, np.int32)
        self._by_code: NDArray[np.int64] = np.zeros(1 << len(_KINDS), np.int64)
        self._by_class: NDArray[np.int64] = np.zeros(1, np.int64)

    def reset(self, columns: ImageColumns) -> None:
        """Counts everything; 30 ms for 1,000,000 images."""
        self.num_images = len(columns)
        self._codes = _codes(columns, None)
        self._class_ids = columns.class_ids.copy()
        self._by_code = np.bincount(self._codes, minlength=1 << len(_KINDS))
        self._by_class = np.bincount(self._class_ids, minlength=1)

    def update(self, columns: ImageColumns, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Takes over what changed in `rows`; costs only those rows. A row may be named more than once.

        Returns:
            The rows whose class is another one or that are skipped or unsure now or no longer.
        """
        if len(columns) != self.num_images:
            self.reset(columns)
            return np.zeros(0, np.int64)
        rows = _distinct(rows, self.num_images)
        codes, class_ids = _codes(columns, rows), columns.class_ids[rows]
        self._by_code += np.bincount(codes, minlength=len(self._by_code))
        self._by_code -= np.bincount(self._codes[rows], minlength=len(self._by_code))
        old = self._class_ids[rows]
        size = max(len(self._by_class), int(max(class_ids.max(initial=0), old.max(initial=0))) + 1)
        self._by_class = np.pad(self._by_class, (0, size - len(self._by_class)))
        self._by_class += np.bincount(class_ids, minlength=size)
        self._by_class -= np.bincount(old, minlength=size)
        is_other = (old != class_ids) | ((self._codes[rows] ^ codes) & _MARK_BITS != 0)
        self._codes[rows] = codes
        self._class_ids[rows] = class_ids
        relabelled: NDArray[np.int64] = rows[is_other]
        return relabelled

    def of(self, show: Show) -> int:
        """Returns how many images an entry of the SHOW list has."""
        if show is Show.ALL:
            return self.num_images
        bit = 1 << _KINDS.index(show)
        return int(self._by_code[np.flatnonzero(np.arange(len(self._by_code)) & bit)].sum())

    def of_class(self, class_id: int) -> int:
        """Returns how many images are labelled with a class."""
        return int(self._by_class[class_id]) if NO_CLASS < class_id < len(self._by_class) else 0


def _distinct(rows: NDArray[np.int64], num_images: int) -> NDArray[np.int64]:
    """Returns each row once, sorted; for many rows thirty times faster than numpy's unique."""
    if len(rows) < 1000:
        return np.unique(rows)
    is_named = np.zeros(num_images, np.bool_)
    is_named[rows] = True
    return np.flatnonzero(is_named)


def _codes(columns: ImageColumns, rows: NDArray[np.int64] | None) -> NDArray[np.int8]:
    """Returns per image a bit for each entry of the SHOW list that it belongs to."""
    codes = np.zeros(len(columns) if rows is None else len(rows), np.int8)
    for bit, show in enumerate(_KINDS):
        codes |= matches(columns, ImageFilter(show), _NO_NAMES, rows).astype(np.int8) << bit
    return codes
