"""Figures that say how good predictions are. Everything here expects predictions on images the model had not seen.

Letters: N images, K classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import CONFIDENT

NUM_CALIBRATION_BINS: Final = 15
NORMAL_QUANTILE_95: Final = 1.959964
_SMALLEST_PROBABILITY: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Metrics:
    """Fractions in 0..1; `accuracy_interval` is the 95 % Wilson interval.

    `confusion[i][j]` counts images of class i predicted as class j. `per_class` has one dictionary per class that has
    images: class index, precision, recall, f1, support and the Wilson interval of the recall. `num_confident` counts
    the predictions that were at least CONFIDENT sure, `num_confident_wrong` the wrong ones of them.
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


def measure(probabilities: NDArray[np.floating[Any]], targets: NDArray[np.int64]) -> Metrics:
    """Returns the figures for predictions (N, K) and the true class indices (N,), N > 0.

    A target of K or more is a class that the model does not know: always a wrong prediction, with log loss
    -log(1e-12), and a class of its own in the per-class figures.
    """
    num_known = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    is_right = predicted == targets
    confidences = probabilities.max(axis=1)
    is_confident = confidences >= CONFIDENT
    num_classes = max(num_known, int(targets.max()) + 1)
    confusion = np.zeros((num_classes, num_classes), np.int64)
    np.add.at(confusion, (targets, predicted), 1)
    per_class = per_class_figures(confusion)
    num_right = int(is_right.sum())
    return Metrics(
        num_images=len(targets),
        accuracy=num_right / len(targets),
        accuracy_interval=wilson_interval(num_right, len(targets)),
        macro_f1=float(np.mean([figures["f1"] for figures in per_class])),
        log_loss=log_loss(probabilities, targets),
        ece=expected_calibration_error(confidences, is_right),
        per_class=per_class,
        confusion=confusion,
        num_confident=int(is_confident.sum()),
        num_confident_wrong=int((is_confident & ~is_right).sum()),
    )


def per_class_figures(confusion: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Returns precision, recall, F1 and support of every class with images (rows of the confusion that are not empty).

    Precision is 0 for a class that is never predicted, as scikit-learn's default is.
    """
    figures = []
    for index in np.flatnonzero(confusion.sum(axis=1)):
        num_right = int(confusion[index, index])
        support, num_predicted = int(confusion[index].sum()), int(confusion[:, index].sum())
        precision = num_right / num_predicted if num_predicted else 0.0
        recall = num_right / support
        figures.append(
            {
                "class": int(index),
                "precision": precision,
                "recall": recall,
                "f1": 2 * precision * recall / (precision + recall) if num_right else 0.0,
                "support": support,
                "recall_interval": list(wilson_interval(num_right, support)),
            }
        )
    return figures


def wilson_interval(num_right: int, total: int) -> tuple[float, float]:
    """Returns the 95 % interval of a proportion; (0, 1) for no trials.

    Source: Wilson 1927; recommended for small samples by Brown, Cai and DasGupta 2001.
    """
    if total == 0:
        return 0.0, 1.0
    z2 = NORMAL_QUANTILE_95**2
    share = num_right / total
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = NORMAL_QUANTILE_95 / (1 + z2 / total) * np.sqrt(share * (1 - share) / total + z2 / (4 * total**2))
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def log_loss(probabilities: NDArray[np.floating[Any]], targets: NDArray[np.int64]) -> float:
    """Returns the mean of -log p(true class), with p no smaller than 1e-12 (0 for a class that is not a column)."""
    is_known = targets < probabilities.shape[1]
    chosen = np.zeros(len(targets))
    chosen[is_known] = probabilities[np.flatnonzero(is_known), targets[is_known]]
    return float(-np.log(np.maximum(chosen, _SMALLEST_PROBABILITY)).mean())


def expected_calibration_error(confidences: NDArray[np.floating[Any]], is_right: NDArray[np.bool_]) -> float:
    """Returns the mean gap between confidence and accuracy over 15 bins of equal width, weighted by images.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks".
    """
    bins = np.minimum((confidences * NUM_CALIBRATION_BINS).astype(int), NUM_CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, weights=is_right.astype(float) - confidences, minlength=NUM_CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(confidences))
