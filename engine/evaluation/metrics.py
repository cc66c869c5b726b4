"""Figures that say how good predictions are. Everything here expects predictions on images the model had not seen.

Letters: N images, K classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import CONFIDENT
from engine.evaluation.intervals import CROSS_VALIDATED, Grouped, grouped

NUM_CALIBRATION_BINS: Final = 15
_SMALLEST_PROBABILITY: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Metrics:
    """Fractions in 0..1; intervals are those of 95 % (see `engine.evaluation.intervals`).

    `confusion[i][j]` counts images of class i predicted as class j. `per_class` has one dictionary per class that has
    images: class index, precision, recall, f1, support, and precision_interval, recall_interval, f1_interval.
    `balanced_accuracy` is the mean of the recalls. `num_confident` counts the predictions that were at least CONFIDENT
    sure, `num_confident_wrong` the wrong ones of them.
    """

    num_images: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    macro_f1: float
    log_loss: float
    ece: float
    per_class: list[dict[str, Any]]
    confusion: NDArray[np.int64]
    num_confident: int
    num_confident_wrong: int
    balanced_accuracy: float


def measure(
    probabilities: NDArray[np.floating[Any]],
    targets: NDArray[np.int64],
    units: NDArray[Any] | None = None,
    is_cross_validated: bool = False,
    weights: NDArray[np.floating[Any]] | None = None,
) -> Metrics:
    """Returns the figures for predictions (N, K) and the true class indices (N,), N > 0.

    A target of K or more is a class that the model does not know: always a wrong prediction, with log loss
    -log(1e-12), and a class of its own in the per-class figures. `units` (N,) names the group of each image, which
    widens the intervals; None = each image is a group of its own. So does `is_cross_validated`: that the predictions
    are out-of-fold ones. `weights` (N,), all above 0, say how often each image counts in accuracy, precision, recall
    and F1, of which all others follow; None = all the same. What is counted (`confusion`, support) stays a number.
    """
    num_known = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    is_right = predicted == targets
    confidences = probabilities.max(axis=1)
    is_confident = confidences >= CONFIDENT
    num_classes = max(num_known, int(targets.max()) + 1)
    confusion = np.zeros((num_classes, num_classes), np.int64)
    np.add.at(confusion, (targets, predicted), 1)
    groups = grouped(is_right, units, CROSS_VALIDATED if is_cross_validated else 1.0)
    per_class = _per_class_figures(confusion, predicted, targets, groups, weights)
    return Metrics(
        num_images=len(targets),
        accuracy=float(np.average(is_right, weights=weights)),
        accuracy_interval=groups.interval(is_right, None, weights),
        macro_f1=float(np.mean([figures["f1"] for figures in per_class])),
        log_loss=log_loss(probabilities, targets),
        ece=expected_calibration_error(confidences, is_right),
        per_class=per_class,
        confusion=confusion,
        num_confident=int(is_confident.sum()),
        num_confident_wrong=int((is_confident & ~is_right).sum()),
        balanced_accuracy=float(np.mean([figures["recall"] for figures in per_class])),
    )


def _per_class_figures(
    confusion: NDArray[np.int64],
    predicted: NDArray[np.int64],
    targets: NDArray[np.int64],
    groups: Grouped,
    weights: NDArray[np.floating[Any]] | None,
) -> list[dict[str, Any]]:
    """Returns the figures of every class with images (rows of the confusion that are not empty).

    Precision is 0 for a class that is never predicted, as scikit-learn's default is. The interval of F1 is that of the
    share of right predictions among the images that are of the class or are called so, J: F1 = 2 J / (1 + J).
    """
    figures = []
    for index in np.flatnonzero(confusion.sum(axis=1)):
        is_class, is_called = targets == index, predicted == index
        support = int(confusion[index].sum())
        num_right, num_of_class, num_called = (
            float(of.sum() if weights is None else weights[of].sum())
            for of in (is_class & is_called, is_class, is_called)
        )
        precision = num_right / num_called if num_called else 0.0
        recall = num_right / num_of_class
        both = groups.interval(is_class & is_called, is_class | is_called, weights)
        figures.append(
            {
                "class": int(index),
                "precision": precision,
                "recall": recall,
                "f1": 2 * precision * recall / (precision + recall) if num_right else 0.0,
                "support": support,
                "precision_interval": list(groups.interval(is_class, is_called, weights)),
                "recall_interval": list(groups.interval(is_called, is_class, weights)),
                "f1_interval": [2 * share / (1 + share) for share in both],
            }
        )
    return figures


def log_loss(probabilities: NDArray[np.floating[Any]], targets: NDArray[np.int64]) -> float:
    """Returns the mean of -log p(true class), with p no smaller than 1e-12 (0 for a class that is not a column)."""
    is_known = targets < probabilities.shape[1]
    chosen = np.zeros(len(targets))
    chosen[is_known] = probabilities[np.flatnonzero(is_known), targets[is_known]]
    return float(-np.log(np.maximum(chosen, _SMALLEST_PROBABILITY)).mean())


def expected_calibration_error(
    confidences: NDArray[np.floating[Any]],
    is_right: NDArray[np.bool_] | NDArray[np.floating[Any]],
    weights: NDArray[np.floating[Any]] | None = None,
) -> float:
    """Returns the mean gap between confidence and accuracy over 15 bins of equal width, weighted by images.

    `is_right` may say how probable it is; `weights` says how much each image counts, None = all the same.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks".
    """
    bins = np.minimum((confidences * NUM_CALIBRATION_BINS).astype(int), NUM_CALIBRATION_BINS - 1)
    counts = np.ones(len(confidences)) if weights is None else weights
    gaps = np.bincount(bins, weights=counts * (is_right.astype(float) - confidences), minlength=NUM_CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / counts.sum())
