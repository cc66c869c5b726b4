"""How images lie in stacks: arrays that are never changed, only replaced, so that each step can be taken back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.suggestions.clusters import NUM_NEIGHBOURS, Stacks, arranged, clearness, split_in_two

Ids = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """M images in S stacks, stack after stack; within each the most typical first and the odd ones out last.

    `starts` (S + 1,) says where each stack begins; `are_odd` and `are_aside` (M,) which images stand apart and which
    naming leaves out; `points` (M, A), `neighbours` (M, k) and `clearnesses` (S,) are the engine's (see
    `clusters.Stacks`).
    """

    image_ids: Ids
    starts: Ids
    are_odd: Bools
    are_aside: Bools
    points: NDArray[np.float16]
    neighbours: Ids
    clearnesses: NDArray[np.float32]

    @staticmethod
    def of(found: Stacks) -> Arrangement:
        """Returns what the engine found; odd ones out are set aside."""
        sizes = np.diff(found.starts)
        place = np.arange(len(found.rows)) - np.repeat(found.starts[:-1], sizes)
        are_odd = np.asarray(place >= np.repeat(found.num_typical, sizes))
        return Arrangement(
            found.rows,
            found.starts,
            are_odd,
            are_odd.copy(),
            found.points,
            found.neighbours,
            found.clearnesses,
        )

    @staticmethod
    def empty() -> Arrangement:
        """Returns no stacks at all."""
        none = np.zeros(0, np.int64)
        are_none = np.zeros(0, np.bool_)
        return Arrangement(
            none,
            np.zeros(1, np.int64),
            are_none,
            are_none,
            np.zeros((0, 1), np.float16),
            np.zeros((0, NUM_NEIGHBOURS), np.int64),
            np.zeros(0, np.float32),
        )

    @property
    def num_stacks(self) -> int:
        return len(self.starts) - 1

    @property
    def stack_of(self) -> Ids:
        """Returns for each image the number of its stack."""
        return np.repeat(np.arange(self.num_stacks), np.diff(self.starts))

    def span(self, stack: int) -> slice:
        """Returns where the images of a stack stand."""
        return slice(int(self.starts[stack]), int(self.starts[stack + 1]))

    def counts(self, mask: Bools) -> Ids:
        """Returns for each stack how many of its images are in the mask (M,)."""
        sums = np.concatenate([[0], np.cumsum(mask)])
        return np.asarray(sums[self.starts[1:]] - sums[self.starts[:-1]], np.int64)

    def with_aside(self, stack: int, image_ids: Ids, on: bool) -> Arrangement:
        """Sets images of a stack aside, or takes them in again."""
        span = self.span(stack)
        are_aside = self.are_aside.copy()
        are_aside[span] = np.where(np.isin(self.image_ids[span], image_ids), on, are_aside[span])
        return replace(self, are_aside=are_aside)

    def merged(self, stacks: Ids) -> Arrangement:
        """Makes one stack of several; it stands where the first of them stood."""
        numbers = np.arange(self.num_stacks)
        numbers[stacks] = stacks.min()
        return self._regrouped(numbers[self.stack_of], [int(stacks.min())])

    def postponed(self, stacks: Ids) -> Arrangement:
        """Puts stacks behind all others."""
        numbers = np.arange(self.num_stacks)
        numbers[stacks] += self.num_stacks
        return self._regrouped(numbers[self.stack_of], [])

    def split(self, stack: int, are_open: Bools) -> Arrangement:
        """Makes two stacks of one by what is alike among those images in `are_open` (M,); the smaller one is second."""
        span, keys = self.span(stack), 2 * self.stack_of
        inside = np.arange(span.start, span.stop)[are_open[span]]
        if len(inside) < 2:
            return self
        keys[inside[split_in_two(self.points[inside])]] += 1
        return self._regrouped(keys, [2 * stack, 2 * stack + 1])

    def _regrouped(self, keys: Ids, touched: list[int]) -> Arrangement:
        """Puts images of the same key together, in the order of the keys; `touched` stacks are arranged anew."""
        order = np.argsort(keys, kind="stable")
        present, firsts = np.unique(keys[order], return_index=True)
        starts = np.append(firsts, len(keys)).astype(np.int64)
        clearnesses = self.clearnesses[self.stack_of[order[firsts]]]
        were_odd, were_aside = self.are_odd, self.are_aside
        are_odd = were_odd.copy()
        for key in touched:
            stack = int(np.searchsorted(present, key))
            own = order[starts[stack] : starts[stack + 1]]
            inner, num_typical = arranged(self.points[own])
            own = own[inner]
            clearnesses[stack] = clearness(self.image_ids[own], self.neighbours[own[:num_typical]])
            order[starts[stack] : starts[stack + 1]] = own
            are_odd[own[:num_typical]], are_odd[own[num_typical:]] = False, True
        # What the user set aside or took in stays so, whatever is odd now.
        are_aside = np.where(were_odd == were_aside, are_odd, were_aside)
        return Arrangement(
            self.image_ids[order],
            starts,
            are_odd[order],
            are_aside[order],
            self.points[order],
            self.neighbours[order],
            clearnesses,
        )


@dataclass(frozen=True, slots=True)
class ShownStacks:
    """What is still to be named of an arrangement: P images in T stacks, in the order of the arrangement.

    `numbers` (T,) are the stacks' numbers there, `rows` (P,) the images' rows of the columns; `num_typical` (T,) images
    of each stack come before its odd ones.
    """

    numbers: Ids
    image_ids: Ids
    rows: Ids
    starts: Ids
    num_typical: Ids
    are_aside: Bools
    clearnesses: NDArray[np.float32]

    @staticmethod
    def of(arrangement: Arrangement, rows: Ids, are_open: Bools) -> ShownStacks:
        """Returns the stacks of which something would be named; `rows` and `are_open` (M,) are the arrangement's."""
        numbers = np.flatnonzero(arrangement.counts(are_open & ~arrangement.are_aside))
        in_stack = np.zeros(arrangement.num_stacks, np.bool_)
        in_stack[numbers] = True
        mask = are_open & np.repeat(in_stack, np.diff(arrangement.starts))
        return ShownStacks(
            numbers=numbers,
            image_ids=arrangement.image_ids[mask],
            rows=rows[mask],
            starts=np.append(0, np.cumsum(arrangement.counts(mask)[numbers])).astype(np.int64),
            num_typical=arrangement.counts(mask & ~arrangement.are_odd)[numbers],
            are_aside=arrangement.are_aside[mask],
            clearnesses=arrangement.clearnesses[numbers],
        )

    def __len__(self) -> int:
        return len(self.numbers)

    def span(self, index: int) -> slice:
        """Returns where the images of a stack stand."""
        return slice(int(self.starts[index]), int(self.starts[index + 1]))

    def index_of(self, position: int) -> int:
        """Returns the stack of a position."""
        return int(np.searchsorted(self.starts, position, "right")) - 1

    def named(self, index: int) -> Ids:
        """Returns the images that naming a stack gives the class."""
        span = self.span(index)
        return self.image_ids[span][~self.are_aside[span]]

    def named_rows(self, index: int) -> Ids:
        """Returns the rows of these images."""
        span = self.span(index)
        return self.rows[span][~self.are_aside[span]]
