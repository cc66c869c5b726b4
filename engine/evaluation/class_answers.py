"""What a model answered for each class where images may have several: yes or no, rightly or not, and beside which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ClassAnswers:
    """Counts of images, over K classes.

    `found` (K,) have the class and were said to, `missed` (K,) have it and were not, `wrong` (K,) were said to have it
    and do not, `left_out` (K,) neither. `mixed` (K, K): class i was missed and class j said wrongly, on one image.
    `together` (K, K): have both classes; `both_found` (K, K): have both and were said to.
    """

    found: Counts
    missed: Counts
    wrong: Counts
    left_out: Counts
    mixed: Counts
    together: Counts
    both_found: Counts

    def no_is_right(self) -> NDArray[np.float64]:
        """Returns (K,): of the images that were not said to have a class, the share that does not; NaN for none."""
        said_no = self.left_out + self.missed
        return np.where(said_no > 0, self.left_out / np.maximum(said_no, 1), np.nan)


def class_answers(present: Bools, suggested: Bools) -> ClassAnswers:
    """Returns the counts of N images that have (N, K) classes and were said to have (N, K)."""
    found, missed = present & suggested, present & ~suggested
    wrong, left_out = ~present & suggested, ~present & ~suggested
    together = _pairs(present, present)
    return ClassAnswers(
        found=found.sum(axis=0),
        missed=missed.sum(axis=0),
        wrong=wrong.sum(axis=0),
        left_out=left_out.sum(axis=0),
        mixed=_pairs(missed, wrong),
        together=together,
        both_found=_pairs(found, found),
    )


def _pairs(first: Bools, second: Bools) -> Counts:
    """Returns (K, K): on how many images class i of the one and class j of the other are there."""
    # As floats, for which numpy has a fast product; single precision counts exactly up to 16 million.
    counted: Counts = np.rint(first.T.astype(np.float32) @ second.astype(np.float32)).astype(np.int64)
    return counted
