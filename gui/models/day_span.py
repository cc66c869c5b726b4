"""The days from one to another, as a filter: which of the images of a tree of dates were taken then."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from gui.models.facet_tree import NO_DATE, FacetTree

DAY_LETTERS = len("2024-05-17")


@dataclass(frozen=True, slots=True)
class DaySpan:
    """From `first` to `last`, both included; None is open. Images without a date are in no span but the open one."""

    first: date | None = None
    last: date | None = None

    @classmethod
    def of(cls, first: date | None, last: date | None) -> DaySpan:
        """Returns the span between two days, also where the later one was named first."""
        return cls(last, first) if first is not None and last is not None and last < first else cls(first, last)

    @property
    def is_open(self) -> bool:
        return self.first is None and self.last is None

    def mask(self, dates: FacetTree, rows: NDArray[np.int64] | None = None) -> NDArray[np.bool_]:
        """Returns for all images (or for `rows`) whether they were taken in it."""
        # The newest come first, so days are a range of nodes: two comparisons, however many images and days.
        first = self.first.isoformat() if self.first is not None else "0000-00-00"
        last = self.last.isoformat() if self.last is not None else "9999-99-99"
        start = bisect_left(dates.keys, -_number(last), key=lambda key: -_number(key))
        stop = bisect_right(dates.keys, -max(1, _number(first)), key=lambda key: -_number(key))
        own = dates.node_of_row if rows is None else dates.node_of_row[rows]
        return np.asarray((own >= start) & (own < stop))


ANY_DAY = DaySpan()


def extent(dates: FacetTree) -> DaySpan:
    """Returns the first and the last day on which an image was taken; open where none has a date."""
    days = [key for key in dates.keys if len(key) == DAY_LETTERS]
    return DaySpan(date.fromisoformat(days[-1]), date.fromisoformat(days[0])) if days else ANY_DAY


def _number(key: str) -> int:
    """Returns a number that falls along the keys of a tree of dates: a month stands before its days."""
    return 0 if key == NO_DATE else int(key.replace("-", "").ljust(8, "9"))
