"""What more labels should bring: a power law through the accuracies of smaller trainings on the same labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A training on a part of the labels: how many images, how accurate on others, and the 95 % interval of that."""

    num_images: int
    accuracy: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class ClassGain:
    """What the next labels of one class should bring.

    `gain` is in points of the overall accuracy, as a fraction (0.01 = one point), within `interval` (95 %);
    `recall_gain` in the recall of the class itself. `is_worth_it`: more of this class should help noticeably.
    """

    class_id: int
    num_images: int
    recall: float
    gain: float
    interval: tuple[float, float]
    recall_gain: float
    is_worth_it: bool


@dataclass(frozen=True, slots=True)
class LearningForecast:
    """The learning curve of a run's labels, with its forecast.

    `points` are measured, smallest first; the last is all labels. The fitted curve goes through `sizes` (Q,) numbers of
    labelled images, also beyond what there is, with `curve` (Q,) and `band` (Q, 2), its 95 % interval. `next_gain` is
    what `num_next` more labels, spread as now, should add to the accuracy, within `next_interval`. `classes` has the
    most rewarding class first. `sentence` says it in words.
    """

    run_id: int
    points: list[CurvePoint]
    sizes: NDArray[np.float64]
    curve: NDArray[np.float64]
    band: NDArray[np.float64]
    num_next: int
    next_gain: float
    next_interval: tuple[float, float]
    classes: list[ClassGain]
    sentence: str
