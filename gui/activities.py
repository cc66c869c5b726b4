"""The kinds of work that the engine does for the window, and one job as the model bar shows it."""

from __future__ import annotations

import time
from dataclasses import dataclass

SCAN, READ, EMBED, EXTEND = "scan", "read", "embed", "extend"
TRAIN, EXPORT, DOWNLOAD, PACE = "train", "export", "download", "pace"
REPORT, MAP, STACK = "report", "map", "stack"
REVIEW, FORECAST, BORDERS = "review", "forecast", "borders"
REFIT, QUALITY = "refit", "quality"
COMPARE_LABELLED = "compare_labelled"
QUIET = frozenset({EXTEND, REVIEW, FORECAST, BORDERS, REFIT})
"""What is over soon, or shown where it is wanted; never in the model bar."""
LOOKING = frozenset({READ, EMBED})
"""What suggestions wait for: who cancels it wants none of it until the next training."""
BY_ITSELF = LOOKING | {QUALITY, COMPARE_LABELLED}
"""What goes on without having been asked for, and is shown only when nothing else is going on."""


@dataclass(frozen=True, slots=True)
class Activity:
    """One job as the model bar shows it. `total` is 0 while it is not known."""

    job_id: int
    kind: str
    title: str
    done: int = 0
    total: int = 0
    note: str = ""
    phase_began_at: float = 0.0
    is_cancelling: bool = False

    def seconds_left(self) -> float | None:
        """Returns a guess from the pace so far, or None while it would be worth nothing."""
        spent = time.monotonic() - self.phase_began_at
        if self.total <= 0 or self.done <= 0 or self.done >= self.total or spent < 1.0:
            return None
        return spent * (self.total - self.done) / self.done
