"""What block verification remembers: the page, what came of it, and how it was before."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

NO_IDS = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Page:
    """What is looked at: images that a run takes for a class, the surest first; those of `out` are not accepted."""

    class_id: int
    run_id: int
    image_ids: NDArray[np.int64] = field(default_factory=lambda: NO_IDS)
    confidences: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    out: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Tally:
    """What has come of a pass so far: images accepted unchanged on a page, taken out, and accepted without a look."""

    num_accepted: int = 0
    num_out: int = 0
    num_unseen: int = 0
    num_classes: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the user said of a page: which of its predictions, as sure as they were, were right."""

    class_id: int
    confidences: NDArray[np.float32]
    is_right: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A page that was accepted, with everything as it was before: undoing the step brings it back."""

    page: Page
    tally: Tally
    aside: NDArray[np.int64]
    image_ids: NDArray[np.int64]
    outcomes: tuple[Outcome, ...]
