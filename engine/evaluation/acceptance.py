"""What to expect when many confident suggestions are accepted unseen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.intervals import wilson_interval

FEWEST_MEASURED: Final = 20
"""With fewer confident predictions on unseen images than this, nothing is promised."""


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
