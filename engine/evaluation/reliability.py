"""Whether confidence means what it says: of the predictions about this sure, how many are right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.intervals import Grouped

NUM_BINS: Final = 10


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The predictions whose confidence lies from `low` to `high`; `rows` are their places among all, least sure first.

    `accuracy` of them were right, within `interval` (95 %); `confidence` is what they said on average.
    """

    low: float
    high: float
    confidence: float
    accuracy: float
    interval: tuple[float, float]
    rows: NDArray[np.int64]


def reliability_bins(
    confidences: NDArray[np.floating[Any]], is_right: NDArray[np.bool_], groups: Grouped
) -> list[ReliabilityBin]:
    """Returns the bins that hold predictions (N,), of ten equally wide ones, least sure first."""
    places = np.minimum((confidences * NUM_BINS).astype(np.int64), NUM_BINS - 1)
    found = []
    for index in np.unique(places):
        among = places == index
        rows = np.flatnonzero(among)
        found.append(
            ReliabilityBin(
                low=float(index / NUM_BINS),
                high=float((index + 1) / NUM_BINS),
                confidence=float(confidences[among].mean()),
                accuracy=float(is_right[among].mean()),
                interval=groups.interval(is_right, among),
                rows=rows[np.argsort(confidences[rows], kind="stable")],
            )
        )
    return found
