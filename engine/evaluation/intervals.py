"""95 % intervals of shares, also where the images come in groups that are right or wrong together.

Images of one group say less than as many images of different groups: each counts for less than one here. How much less
is measured (the intraclass correlation of being right), and then every share of the same predictions takes it into
account. Where every image is a group of its own and was predicted by one model, it is the plain Wilson interval.

Source: Wilson 1927, recommended for small samples by Brown, Cai and DasGupta 2001; the effective number of trials and
its correction for few groups are those of Korn and Graubard 1998, "Confidence intervals for proportions with small
expected number of positive counts estimated from survey data".

Letters: N images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

NORMAL_QUANTILE_95: Final = 1.959964
CROSS_VALIDATED: Final = 0.8
"""How much a cross-validated prediction counts beside one on a test set: the models of the folds share most of their
images, and so their luck. With 1 the truth was inside 90 % of the 95 % intervals, with 0.9 inside 93 %, with 0.8 inside
95 % (156 trials on the five development sets, 30 to 300 labels, truth on 300 to 900 others). Bates, Hastie and
Tibshirani 2023, "Cross-validation: what does it estimate and how well does it do it?", explain it."""

_DOUBT: Final = 3.0
"""The correlation within groups leans towards 1 as if so many groups more had said so."""


def wilson_interval(num_right: float, total: float) -> tuple[float, float]:
    """Returns the 95 % interval of a proportion; (0, 1) for no trials. Both numbers may be effective ones."""
    if total <= 0:
        return 0.0, 1.0
    z2 = NORMAL_QUANTILE_95**2
    share = num_right / total
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = NORMAL_QUANTILE_95 / (1 + z2 / total) * np.sqrt(share * (1 - share) / total + z2 / (4 * total**2))
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def smallest_share(num_right: Any, total: Any, certainty: float = 0.95) -> Any:
    """Returns what proportions are at least, with `certainty` (one-sided, exact); 0 for no trials. Takes arrays too.

    Source: Clopper and Pearson 1934.
    """
    from scipy import special  # here, because the window imports this module before it paints

    right = np.asarray(num_right, np.float64)
    bounds = special.betaincinv(np.maximum(right, 1e-9), total - right + 1, 1 - certainty)
    return np.where(right > 0, bounds, 0.0)


@dataclass(frozen=True, slots=True)
class Grouped:
    """Intervals for shares of the same N predictions; make it with `grouped`.

    `units` (N,) is the group of each, `likeness` how alike the images of a group are in being right, 0..1, and
    `are_single` whether every image is a group of its own. `trust` is what one prediction counts at most.
    """

    units: NDArray[np.int64]
    likeness: float
    are_single: bool = False
    trust: float = 1.0

    def interval(
        self,
        is_right: NDArray[np.bool_],
        among: NDArray[np.bool_] | None = None,
        weights: NDArray[np.floating[Any]] | None = None,
    ) -> tuple[float, float]:
        """Returns the 95 % interval of the share of images that are right, of all or of those in `among` (N,).

        `weights` (N,) says how often each image counts, None = all the same; their effective number is Kish's.
        """
        right = is_right if among is None else is_right[among]
        weight = self.weight(among)
        if weights is not None and len(right):
            counted = weights if among is None else weights[among]
            num_effective = float(counted.sum() ** 2 / np.square(counted).sum()) * weight
            share = float((counted * right).sum() / counted.sum())
            return wilson_interval(share * num_effective, num_effective)
        return wilson_interval(float(right.sum()) * weight, len(right) * weight)

    def weight(self, among: NDArray[np.bool_] | None = None) -> float:
        """Returns how much one of these images counts, 0..1: `trust` where none shares its group with another."""
        if self.are_single:
            return self.trust
        units = self.units if among is None else self.units[among]
        if not len(units):
            return self.trust
        sizes = np.bincount(units)
        sizes = sizes[sizes > 0]
        if sizes.max() == 1:
            return self.trust
        from scipy import special  # here, because the window imports this module before it paints

        design_effect = 1 + (float(np.square(sizes, dtype=np.float64).sum()) / len(units) - 1) * self.likeness
        degrees = max(len(sizes) - 1, 1)
        few_groups = (NORMAL_QUANTILE_95 / float(special.stdtrit(degrees, 0.975))) ** 2
        return self.trust * min(1.0, few_groups / design_effect)


def grouped(is_right: NDArray[np.bool_], units: NDArray[Any] | None = None, trust: float = 1.0) -> Grouped:
    """Returns what gives intervals to the shares of N predictions.

    Args:
        is_right: whether each prediction is right (N,).
        units: name or number of the group of each image (N,); None = each image is a group of its own.
        trust: CROSS_VALIDATED for out-of-fold predictions.
    """
    if units is None:
        return Grouped(np.arange(len(is_right)), 1.0, True, trust)
    _, codes = np.unique(units, return_inverse=True)
    sizes = np.bincount(codes)
    return Grouped(codes.astype(np.int64), _likeness(is_right, codes, sizes), len(sizes) == len(codes), trust)


def _likeness(is_right: NDArray[np.bool_], codes: NDArray[np.int64], sizes: NDArray[np.int64]) -> float:
    """Returns how alike the images of a group are in being right, 0..1; 1 where nothing tells."""
    num_several = int((sizes > 1).sum())
    share = float(is_right.mean()) if len(is_right) else 0.0
    if num_several == 0 or len(sizes) < 2 or share in (0.0, 1.0):
        return 1.0
    num_images = len(is_right)
    surplus = np.bincount(codes, weights=is_right.astype(float)) - share * sizes
    variance = len(sizes) / (len(sizes) - 1) * float(np.square(surplus).sum()) / num_images**2
    design_effect = variance / (share * (1 - share) / num_images)
    mean_size = float(np.square(sizes, dtype=np.float64).sum()) / num_images
    measured = min(1.0, max(0.0, (design_effect - 1) / (mean_size - 1)))
    return (num_several * measured + _DOUBT) / (num_several + _DOUBT)
