"""Finding a piece of text in all image names, and the order by name, without a Python loop over the images."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
CHUNK = 20_000
_SEPARATOR = "\0"  # cannot be part of a file name
_ZERO, _NINE = ord("0"), ord("9")
_WORD_BYTES = 8


KEPT_NAMES = 100_000
"""The block of more names than these is only kept while a search goes on: 35 MB for 1,000,000."""


class NameIndex:
    """All names in one block of bytes, case folded. Built when it is first needed; 0.15 s for 1,000,000 names.

    May be asked from two threads at once; both then compute the same.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._folded: tuple[NDArray[np.uint8], NDArray[Any]] | None = None
        self._order: NDArray[np.int32] | None = None
        self._is_in_order = False
        self._last_find: tuple[str, NDArray[np.bool_]] | None = None

    @property
    def has_order(self) -> bool:
        """Whether `order` answers at once."""
        return self._is_in_order or self._order is not None

    def prepare_search(self) -> None:
        """Makes `find` answer at once."""
        self._block()

    def end_search(self) -> None:
        """Gives the memory back that searching needs, where it is much."""
        self._last_find = None
        if len(self._names) > KEPT_NAMES:
            self._folded = None

    def find(self, text: str) -> NDArray[np.bool_]:
        """Returns a mask of shape (N,): which names contain `text`, upper and lower case alike. Not to be written to.

        The last answer is kept: the same is asked for the list, for the counts, and for every image that is labelled.
        """
        if self._last_find is None or self._last_find[0] != text:
            self._last_find = (text, self._find(text))
        return self._last_find[1]

    def _find(self, text: str) -> NDArray[np.bool_]:
        found = np.zeros(len(self._names), np.bool_)
        needle = np.frombuffer(text.casefold().encode("utf-8", "surrogateescape"), np.uint8)
        block, starts = self._block()
        if not len(needle) or len(block) < len(needle):
            found[:] = not len(needle)
            return found
        last = len(block) - len(needle) + 1
        # The rarest letter first: what is left to compare shrinks at once.
        frequency = np.bincount(block[:: max(1, len(block) // 65_536)], minlength=256)
        order = sorted(range(len(needle)), key=lambda at: int(frequency[needle[at]]))
        hits = np.flatnonzero(block[order[0] : order[0] + last] == needle[order[0]])
        for at in order[1:]:
            hits = hits[block[hits + at] == needle[at]]
        found[np.searchsorted(starts, hits.astype(starts.dtype), side="right") - 1] = True
        return found

    def order(self) -> NDArray[np.int32] | None:
        """Returns the rows in the order of their names, numbers in them by value (img_2 before img_10).

        None means that they are in this order already, which costs no memory. A second or more for 1,000,000 names when
        it is asked for first: not for the GUI thread.
        """
        if not self.has_order:
            had_block = self._folded is not None
            order = natural_order(*self._block()) if len(self._names) else np.zeros(0, np.int32)
            if not had_block:
                self.end_search()
            if np.array_equal(order, np.arange(len(order))):
                self._is_in_order = True
            else:
                self._order = order
        return self._order

    def _block(self) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """Returns the block and where each name starts in it; a separator follows every name."""
        folded = self._folded
        if folded is None:
            names, parts = self._names, []
            for start in range(
                0, len(names), CHUNK
            ):  # one long step would hold the interpreter, and with it the window
                text = _SEPARATOR.join([*names[start : start + CHUNK], ""]).casefold()
                parts.append(text.encode("utf-8", "surrogateescape"))
            block = np.frombuffer(b"".join(parts), np.uint8)
            ends = np.flatnonzero(block == 0)
            dtype = np.int32 if len(block) < 1 << 31 else np.int64
            starts = np.concatenate(([0], ends[:-1] + 1)).astype(dtype)[: len(names)]
            folded = self._folded = (block, starts)
        return folded


def natural_order(block: NDArray[np.uint8], starts: NDArray[Any]) -> NDArray[np.int32]:
    """Returns the rows in natural order; equal names stay as they are.

    Eight bytes of every name are compared at once, and only names that are alike so far are looked at further. All the
    time is spent in numpy, which lets other threads run meanwhile.

    Args:
        block: names, each followed by a zero.
        starts: where each of the N names starts in it.
    """
    bounds = [*starts[::CHUNK].tolist(), len(block)]
    parts = [_with_lengths_of_numbers(block[start:stop]) for start, stop in pairwise(bounds)]
    block = np.concatenate((*parts, np.zeros(_WORD_BYTES, np.uint8)))
    ends = np.flatnonzero(block == 0)[: len(starts)]
    starts = np.concatenate(([0], ends[:-1] + 1)).astype(starts.dtype)
    order = np.arange(len(starts), dtype=np.int32)
    group = np.zeros(len(starts), np.int32)
    places = np.arange(len(starts))  # places in the order that are not settled yet
    offset = 0
    while len(places):
        rows = order[places]
        words = _words(block, starts[rows] + offset)
        sorting = np.lexsort((words, group[places]))
        rows, words = rows[sorting], words[sorting]
        order[places] = rows
        is_first = np.ones(len(places), np.bool_)
        is_first[1:] = (words[1:] != words[:-1]) | (group[places[1:]] != group[places[:-1]])
        firsts = np.maximum.accumulate(np.where(is_first, np.arange(len(places)), 0))
        group[places] = places[firsts]
        is_alone = is_first & np.append(is_first[1:], True)
        has_ended = words & 0xFF == 0
        places = places[~is_alone & ~has_ended]
        offset += _WORD_BYTES
    return order


def _words(block: NDArray[np.uint8], starts: NDArray[Any]) -> NDArray[np.uint64]:
    """Returns eight bytes from each start as one number that compares like them; zeros behind the end of a name."""
    words = np.zeros(len(starts), np.uint64)
    is_open = np.ones(len(starts), np.bool_)
    for at in range(_WORD_BYTES):
        letters = block[starts + at]
        is_open &= letters != 0
        words |= np.where(is_open, letters, 0).astype(np.uint64) << np.uint64(8 * (_WORD_BYTES - 1 - at))
    return words


def _with_lengths_of_numbers(names: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Writes "0" and a byte with its count of digits before each number, so that comparing bytes compares values."""
    is_digit = (names >= _ZERO) & (names <= _NINE)
    edges = np.flatnonzero(np.diff(is_digit, prepend=False, append=False))
    first, stop = edges[::2], edges[1::2]
    # Zeros in front of a number do not count. Every name ends with a separator, so there is always a byte that is none.
    others = np.flatnonzero(names != _ZERO)
    significant = np.minimum(others[np.searchsorted(others, first)], stop)
    steps = np.zeros(len(names) + 1, np.int8)
    steps[first] += 1
    steps[significant] -= 1
    is_kept = np.cumsum(steps[:-1], dtype=np.int8) == 0
    places = np.repeat(significant, 2)
    heads = np.full(len(places), _ZERO, np.uint8)
    heads[1::2] = np.minimum(stop - significant + 1, 255)
    lengthened: NDArray[np.uint8] = np.insert(names, places, heads)[np.insert(is_kept, places, True)]
    return lengthened
