"""Two models on the same images: who is right where the other is wrong, and whether that is more than chance.

Answers come as codes: integers that are equal exactly where the answers are (a class id, or one number for each set of
classes, see `codes_of_sets`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.integer]

SIGNIFICANCE: Final = 0.05
"""Below this chance of being equals, one of two models is called better."""


@dataclass(frozen=True, slots=True)
class Paired:
    """What the images say on which two models were both measured.

    `only_first` and `only_second` count the images that one got right and the other wrong. `p_value` is the chance that
    two equally good models differ at least this much. It counts units, since the images of one unit (near-duplicates,
    one part) stand or fall together: `units_for_first` of them speak for the first model.
    """

    num_images: int
    num_units: int
    both_right: int
    only_first: int
    only_second: int
    units_for_first: int
    units_for_second: int
    p_value: float

    @property
    def is_clear(self) -> bool:
        """Whether one of them is better than chance explains."""
        return self.p_value < SIGNIFICANCE

    @property
    def second_is_better(self) -> bool:
        """Whether the second one is clearly better."""
        return self.is_clear and self.units_for_second > self.units_for_first


@dataclass(frozen=True, slots=True)
class Flips:
    """Rows of the images on which the second model says something else than the first, by what that did."""

    fixed: NDArray[np.int64]
    broken: NDArray[np.int64]
    other_mistake: NDArray[np.int64]

    @property
    def num_rows(self) -> int:
        return len(self.fixed) + len(self.broken) + len(self.other_mistake)


def compare_pairs(
    first_right: NDArray[np.bool_], second_right: NDArray[np.bool_], units: Codes | None = None
) -> Paired:
    """Returns the paired comparison of two models on M images.

    McNemar's exact test, two-sided: among the images that only one got right, each side is as likely under equality.
    With `units` (M,) it is the exact sign test over units that it comes from: a unit speaks for the model that got more
    of its images right. With units of one image both are the same.

    Source: McNemar 1947, Psychometrika 12, 153-157; Dietterich 1998, Neural Computation 10, 1895-1923.
    """
    only_first, only_second = first_right & ~second_right, second_right & ~first_right
    if units is None:
        units = np.arange(len(first_right))
    _, unit_of = np.unique(units, return_inverse=True)
    num_units = int(unit_of.max(initial=-1)) + 1
    lead = np.bincount(unit_of, only_second.astype(np.int64) - only_first, num_units)
    for_first, for_second = int((lead < 0).sum()), int((lead > 0).sum())
    return Paired(
        num_images=len(first_right),
        num_units=num_units,
        both_right=int((first_right & second_right).sum()),
        only_first=int(only_first.sum()),
        only_second=int(only_second.sum()),
        units_for_first=for_first,
        units_for_second=for_second,
        p_value=_sign_test(for_first, for_second),
    )


def find_flips(truth: Codes, first: Codes, second: Codes) -> Flips:
    """Returns on which of M images the answer is another one; all arrays hold codes (M,)."""
    was_right, is_right = first == truth, second == truth
    return Flips(
        fixed=np.flatnonzero(~was_right & is_right),
        broken=np.flatnonzero(was_right & ~is_right),
        other_mistake=np.flatnonzero(~was_right & ~is_right & (first != second)),
    )


def codes_of_sets(matrices: Sequence[NDArray[np.bool_]]) -> list[NDArray[np.int64]]:
    """Returns for each matrix (M, K) of which image has which class one code per image, equal where the sets are.

    All matrices have the same K columns; the codes of different matrices can be compared.
    """
    packed = np.concatenate([np.packbits(matrix, axis=1) for matrix in matrices])
    if not packed.shape[1]:
        return [np.zeros(len(matrix), np.int64) for matrix in matrices]
    _, codes = np.unique(packed, axis=0, return_inverse=True)
    ends = np.cumsum([len(matrix) for matrix in matrices])[:-1]
    return [part.astype(np.int64) for part in np.split(codes.reshape(-1), ends)]


def _sign_test(one: int, other: int) -> float:
    if one + other == 0:
        return 1.0
    from scipy.stats import binomtest  # a third of a second that only a comparison should cost

    return float(binomtest(one, one + other, 0.5).pvalue)
