"""How many images need no looking at: those predicted so surely that the chosen precision is borne out.

What is accepted is what lies above a confidence, one for all classes or one for each. That confidence is the lowest at
which predictions on unseen images (out of fold) were right often enough for the chosen precision to hold with 95 %
certainty (Clopper and Pearson, groups counted as `engine.evaluation.intervals` says). So few labels promise little:
99 % takes 299 right predictions in a row.

Letters: M measured images (out of fold), N other images, K classes.
Source: Geifman and El-Yaniv 2017, "Selective classification for deep neural networks"; we look at every size of the
accepted part and not at log2(M) of them with a correction; what that costs is measured in tests/bench/bench_honesty.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.intervals import Grouped, grouped, smallest_share

DEFAULT_PRECISION: Final = 0.99
OFFERED_PRECISIONS: Final = (0.99, 0.98, 0.97, 0.95, 0.9, 0.8)
"""Where the default cannot be promised yet, the highest of these that can is shown first."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What may be accepted without looking at one precision.

    `thresholds` (K,) holds the confidence from which a prediction of each class is accepted; above 1 where none is.
    `share` of the measured images would be accepted, within `share_interval` (95 %); of those, `precision` were right,
    and `at_least` are with 95 % certainty. `is_accepted` (N,) tells it for the other images, where at most
    `num_wrong_at_most` of the accepted ones are wrong (95 %).
    """

    thresholds: NDArray[np.float64]
    share: float
    share_interval: tuple[float, float]
    num_measured: int
    precision: float
    at_least: float
    is_accepted: NDArray[np.bool_]
    num_wrong_at_most: float


@dataclass(frozen=True, slots=True)
class WorkSaved:
    """Answers `at` for any precision; cheap enough for a slider.

    Measured images: `confidences`, `predicted` class indices, `is_right` and `groups`, all (M,). The other images:
    `other_confidences` and `other_predicted` (N,).
    """

    confidences: NDArray[np.float64]
    predicted: NDArray[np.int64]
    is_right: NDArray[np.bool_]
    groups: Grouped
    other_confidences: NDArray[np.float64]
    other_predicted: NDArray[np.int64]
    num_classes: int

    def at(self, precision: float = DEFAULT_PRECISION, per_class: bool = False) -> Acceptance:
        """Returns what may be accepted at this precision, which holds for all that is accepted, or for each class."""
        thresholds = np.full(self.num_classes, np.inf)
        if per_class:
            for index in range(self.num_classes):
                thresholds[index] = self._threshold(precision, self.predicted == index)
        else:
            thresholds[:] = self._threshold(precision, np.ones(len(self.predicted), np.bool_))
        taken = self.confidences >= thresholds[self.predicted]
        weight = self.groups.weight(taken)
        num_taken, num_right = int(taken.sum()), int((taken & self.is_right).sum())
        at_least = float(smallest_share(num_right * weight, num_taken * weight))
        is_accepted = self.other_confidences >= thresholds[self.other_predicted]
        return Acceptance(
            thresholds=thresholds,
            share=num_taken / max(len(taken), 1),
            share_interval=self.groups.interval(taken),
            num_measured=num_taken,
            precision=num_right / num_taken if num_taken else 0.0,
            at_least=at_least,
            is_accepted=is_accepted,
            num_wrong_at_most=(1 - at_least) * int(is_accepted.sum()),
        )

    def best_precision(self) -> float:
        """Returns the default precision or, where that cannot be promised, the highest offered one that can."""
        for precision in OFFERED_PRECISIONS:
            if self.at(precision).num_measured:
                return precision
        return DEFAULT_PRECISION

    def _threshold(self, precision: float, among: NDArray[np.bool_]) -> float:
        """Returns the lowest confidence above which so many of these images are right with certainty; else infinity."""
        rows = np.flatnonzero(among & (self.confidences > 0))
        rows = rows[np.argsort(-self.confidences[rows], kind="stable")]
        if not len(rows):
            return np.inf
        totals = np.arange(1, len(rows) + 1)
        weight = self.groups.weight(among)
        at_least = smallest_share(np.cumsum(self.is_right[rows]) * weight, totals * weight)
        holds = at_least >= precision
        confidences = self.confidences[rows]
        holds[:-1] &= confidences[:-1] > confidences[1:]  # Equally sure ones are accepted together or not at all.
        return float(confidences[np.flatnonzero(holds)[-1]]) if holds.any() else np.inf


def work_saved(
    confidences: NDArray[np.floating[Any]],
    is_right: NDArray[np.bool_],
    other_confidences: NDArray[np.floating[Any]],
    units: NDArray[Any] | None = None,
    predicted: NDArray[np.int64] | None = None,
    other_predicted: NDArray[np.int64] | None = None,
    num_classes: int = 1,
) -> WorkSaved:
    """Returns the work saved by predictions on M unseen images, for N other images.

    Args:
        confidences: of the measured predictions (M,); 0 where nothing is suggested, which is never accepted.
        is_right: whether each of them was right (M,).
        other_confidences: of the predictions on the other images (N,).
        units: group of each measured image (M,); None = each is one of its own.
        predicted: class of each measured prediction (M,); None where there is no one class.
        other_predicted: class of each other prediction (N,).
        num_classes: K.
    """
    nothing = np.zeros(len(other_confidences), np.int64)
    return WorkSaved(
        confidences=confidences.astype(np.float64),
        predicted=np.zeros(len(confidences), np.int64) if predicted is None else predicted,
        is_right=is_right,
        groups=grouped(is_right, units),
        other_confidences=other_confidences.astype(np.float64),
        other_predicted=nothing if other_predicted is None else other_predicted,
        num_classes=num_classes,
    )
