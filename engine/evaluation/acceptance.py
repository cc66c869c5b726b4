"""What to expect when many confident suggestions are accepted unseen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.intervals import Grouped, wilson_interval

FEWEST_MEASURED: Final = 20
"""With fewer confident predictions on unseen images than this, nothing is promised."""
FARTHEST_ALIKE: Final = 0.05
"""Predictions whose confidence differs by more than this say nothing about each other."""
_MANY: Final = 10_000


@dataclass(frozen=True, slots=True)
class Mistakes:
    """How many of the accepted suggestions are probably wrong, and how many at most (95 %)."""

    expected: float
    at_most: float


def expected_mistakes(confidences: NDArray[np.floating[Any]], num_measured: int, num_wrong: int) -> Mistakes | None:
    """Returns what accepting suggestions of these confidences (n,) costs; None where too little was measured.

    Confidence alone is believed only as far as it was borne out: of `num_measured` predictions as confident as these,
    on images that the model had not seen, `num_wrong` were wrong.
    """
    if num_measured < FEWEST_MEASURED:
        return None
    stated = float((1 - confidences.astype(np.float64)).sum())
    seen = num_wrong / num_measured * len(confidences)
    at_most = wilson_interval(num_wrong, num_measured)[1] * len(confidences)
    return Mistakes(max(stated, seen), max(stated, seen, at_most))


@dataclass(frozen=True, slots=True)
class BorneOut:
    """How M predictions on images that the model had not seen turned out; answers what others like them will.

    `confidences`, `predicted` (ids of classes), `is_right` are (M,), and `groups` says how much each of them counts.
    """

    confidences: NDArray[np.float64]
    predicted: NDArray[np.int64]
    is_right: NDArray[np.bool_]
    groups: Grouped

    def with_outcomes(
        self, confidences: NDArray[np.floating[Any]], class_id: int, is_right: NDArray[np.bool_]
    ) -> BorneOut:
        """Returns the same with n more predictions of one class, (n,) each, that the user has judged since."""
        units = self.groups.units.max(initial=-1) + 1 + np.arange(len(confidences))
        return BorneOut(
            np.concatenate([self.confidences, confidences.astype(np.float64)]),
            np.concatenate([self.predicted, np.full(len(confidences), class_id)]),
            np.concatenate([self.is_right, is_right]),
            replace(self.groups, units=np.concatenate([self.groups.units, units])),
        )

    def mistakes(self, confidences: NDArray[np.floating[Any]], class_id: int) -> Mistakes | None:
        """Returns how many predictions of a class, as sure as these (n,), are wrong; None where too little is known.

        Looked at are measured predictions that were as sure, of the same class where there are enough of them.
        `at_most` holds for this very set in 95 % of cases: it allows for chance among n and among those measured.
        """
        if not len(confidences):
            return Mistakes(0.0, 0.0)
        like = self._alike(float(confidences.min()), float(confidences.max()), self.predicted == class_id)
        if like is None:
            like = self._alike(
                float(confidences.min()), float(confidences.max()), np.ones(len(self.predicted), np.bool_)
            )
        if like is None:
            return None
        num_like, num_wrong, weight = int(like.sum()), int((like & ~self.is_right).sum()), self.groups.weight(like)
        stated = float((1 - confidences.astype(np.float64)).sum())
        expected = max(stated, num_wrong / num_like * len(confidences))
        at_most = _largest_count(num_wrong * weight, (num_like - num_wrong) * weight, len(confidences))
        return Mistakes(expected, max(expected, at_most))

    def _alike(self, least: float, most: float, among: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
        """Returns which of these predictions are as sure, or nearly; None where there are too few."""
        distance = np.maximum(np.maximum(least - self.confidences, self.confidences - most), 0.0)
        distance[~among] = np.inf
        if len(distance) < FEWEST_MEASURED:
            return None
        reach = max(0.0, float(np.partition(distance, FEWEST_MEASURED - 1)[FEWEST_MEASURED - 1]))
        return distance <= reach if reach <= FARTHEST_ALIKE else None


def _largest_count(num_wrong: float, num_right: float, total: int) -> float:
    """Returns how many of `total` further predictions are wrong at most, with 95 % certainty.

    The predictive distribution after Jeffreys' prior is beta-binomial; of very many, chance among them plays no part.
    """
    from scipy import special  # here, because the window imports this module before it paints

    wrong, right = num_wrong + 0.5, num_right + 0.5
    if total > _MANY:
        return total * float(special.betaincinv(wrong, right, 0.95))
    counts = np.arange(total + 1)
    log_ways = special.gammaln(total + 1) - special.gammaln(counts + 1) - special.gammaln(total - counts + 1)
    shares = np.exp(log_ways + special.betaln(counts + wrong, total - counts + right) - special.betaln(wrong, right))
    return float(np.searchsorted(np.cumsum(shares), 0.95))


def largest_strangeness(measured: Mapping[str, Any] | None, false_alarm_rate: float) -> float:
    """Returns the unknown score that a suggestion must stay below to be accepted unseen.

    Args:
        measured: what the run says of its unknown score (`Run.unknown`), None where it has none.
        false_alarm_rate: what the project allows.
    """
    for row in (measured or {}).get("false_alarms", []):
        if abs(row["rate"] - false_alarm_rate) < 1e-6 and "accept_below" in row:
            return float(row["accept_below"])
    return 1 - false_alarm_rate
