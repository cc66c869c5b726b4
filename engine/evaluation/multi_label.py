"""Figures for predictions where an image may have several classes. All of it on images the model had not seen.

The interval of an average precision is that of a proportion among the images that have the class, whose precisions it
is the mean of. Drawing the images anew (bootstrap) covers too little: of 150 simulated sets each, with 5 to 80 images
of the class, it held the true value in 32 to 93 %, this one in 95 to 99 %.
Source: Boyd, Eng and Page 2013, "Area under the precision-recall curve: point estimates and confidence intervals".

Letters: N images, K classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import CONFIDENT, set_confidences
from engine.evaluation.intervals import CROSS_VALIDATED, Grouped, grouped, wilson_interval
from engine.evaluation.metrics import expected_calibration_error

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

_SMALLEST_PROBABILITY: Final = 1e-12
_NUM_BLOCKS: Final = 20
_ENOUGH_IMAGES: Final = 2_000


@dataclass(frozen=True, slots=True)
class SeveralMetrics:
    """Fractions in 0..1; intervals are those of 95 %.

    `accuracy` is the share of images with exactly the right classes. `mean_average_precision` and `macro_f1` are means
    over the classes, `micro_f1` counts every entry of every image alike; `log_loss` is the mean over all entries of
    the cross-entropy of one class, and `ece` the calibration error of all entries.

    `per_class` has one dictionary per class: class index, average_precision, precision, recall, f1, each of them with
    its interval (`precision_interval` ...), support (images that have it), and threshold. Average precision and recall
    of a class that no image has are NaN, and it is left out of the means.

    `num_confident` counts the images whose set of classes was at least CONFIDENT sure, `num_confident_wrong` those of
    them whose set was not exactly right.
    """

    num_images: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    mean_average_precision: float
    mean_average_precision_interval: tuple[float, float]
    macro_f1: float
    micro_f1: float
    log_loss: float
    ece: float
    per_class: list[dict[str, Any]]
    num_confident: int
    num_confident_wrong: int


def measure_several(
    probabilities: NDArray[np.floating[Any]],
    present: Bools,
    suggested: Bools,
    thresholds: NDArray[np.floating[Any]],
    units: NDArray[Any] | None = None,
    scores: NDArray[np.floating[Any]] | None = None,
    is_cross_validated: bool = False,
) -> SeveralMetrics:
    """Returns the figures for predictions on N > 0 images whose classes are all known.

    Args:
        probabilities: calibrated, of each class for itself (N, K).
        present: which classes the images have (N, K).
        suggested: which classes the model gave them (N, K), with thresholds that saw nothing of the image.
        thresholds: those of the final model (K,), for the table only.
        units: name or number of the group of each image (N,), which widens the intervals; None = none has a group.
        scores: what average precision ranks the images by (N, K): logits before a calibration that differs from fold to
            fold, which would shuffle them; None = the probabilities.
        is_cross_validated: the predictions are out-of-fold ones, which widens the intervals.
    """
    trust = CROSS_VALIDATED if is_cross_validated else 1.0
    is_right = (present == suggested).all(axis=1)
    is_confident = set_confidences(probabilities, suggested) >= CONFIDENT
    entries = np.clip(np.where(present, probabilities, 1 - probabilities), _SMALLEST_PROBABILITY, 1)
    scores = probabilities if scores is None else scores
    averages = average_precision(scores, present)
    per_class = [
        _class_figures(at, float(averages[at]), present[:, at], suggested[:, at], units, trust)
        | {"threshold": float(thresholds[at])}
        for at in range(present.shape[1])
    ]
    with_images = [figures for figures in per_class if figures["support"]]
    mean_average, interval = float("nan"), (0.0, 1.0)
    if with_images:
        values = np.array([figures["average_precision"] for figures in with_images])
        limits = np.array([figures["average_precision_interval"] for figures in with_images])
        mean_average = float(values.mean())
        interval = mean_interval(values, limits, _togetherness(scores, present, units))
    num_right, num_entries = int((present & suggested).sum()), int(present.sum()) + int(suggested.sum())
    return SeveralMetrics(
        num_images=len(present),
        accuracy=float(is_right.mean()),
        accuracy_interval=grouped(is_right, units, trust).interval(is_right),
        mean_average_precision=mean_average,
        mean_average_precision_interval=interval,
        macro_f1=float(np.mean([figures["f1"] for figures in with_images])) if with_images else float("nan"),
        micro_f1=2 * num_right / num_entries if num_entries else 1.0,
        log_loss=float(-np.log(entries).mean()),
        ece=binary_calibration_error(probabilities, present),
        per_class=per_class,
        num_confident=int(is_confident.sum()),
        num_confident_wrong=int((is_confident & ~is_right).sum()),
    )


def average_precision(scores: NDArray[np.floating[Any]], present: Bools) -> Floats:
    """Returns the average precision of each class (K,) for scores (N, K); NaN for a class that no image has.

    The mean, over the images that have the class, of the precision among those that score at least as high, as in
    scikit-learn.
    """
    return np.array([_average_precision(scores[:, at], present[:, at]) for at in range(present.shape[1])], np.float64)


def binary_calibration_error(probabilities: NDArray[np.floating[Any]], present: Bools) -> float:
    """Returns the mean gap between the probability of a class and how often it is there, over all entries (N, K)."""
    return expected_calibration_error(probabilities.ravel(), present.ravel())


def _average_precision(scores: NDArray[np.floating[Any]], present: Bools) -> float:
    if not present.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    ordered, is_there = scores[order], present[order]
    # Images with equal scores come in together: what counts is the precision behind the last of them.
    last_of_equals = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    ends = last_of_equals[np.searchsorted(last_of_equals, np.flatnonzero(is_there))]
    return float((np.cumsum(is_there)[ends] / (ends + 1)).mean())


def _togetherness(scores: NDArray[np.floating[Any]], present: Bools, units: NDArray[Any] | None) -> float:
    """Returns how many times the variance of the mean average precision is that of independent classes, at least 1.

    Measured by leaving out a part of the images (whole groups) at a time: a hard image is hard for all its classes.
    """
    codes = np.arange(len(present)) if units is None else np.unique(units, return_inverse=True)[1]
    blocks = np.random.default_rng(0).permutation(int(codes.max()) + 1)[codes] % _NUM_BLOCKS
    chosen = np.flatnonzero(np.arange(len(present)) < _ENOUGH_IMAGES)
    scores, present, blocks = scores[chosen], present[chosen], blocks[chosen]
    parts = [blocks != block for block in np.unique(blocks)]
    found = np.stack([average_precision(scores[part], present[part]) for part in parts])
    found = found[:, np.isfinite(found).all(axis=0)]
    apart = found.var(axis=0).sum() / max(1, found.shape[1]) ** 2
    return max(1.0, float(found.mean(axis=1).var() / apart)) if apart > 0 else 1.0


def _class_figures(
    at: int, average: float, present: Bools, suggested: Bools, units: NDArray[Any] | None, trust: float
) -> dict[str, Any]:
    num_right, num_suggested, support = int((present & suggested).sum()), int(suggested.sum()), int(present.sum())
    precision = num_right / num_suggested if num_suggested else 0.0
    recall = num_right / support if support else float("nan")
    groups = grouped(present == suggested, units, trust)
    found = support * groups.weight(present)
    return {
        "class": at,
        "average_precision": float(average),
        "average_precision_interval": list(wilson_interval(average * found, found)),
        "precision": precision,
        "precision_interval": list(groups.interval(present, suggested)),
        "recall": recall,
        "recall_interval": list(groups.interval(suggested, present)),
        "f1": 2 * num_right / (num_suggested + support) if num_suggested + support else 0.0,
        "f1_interval": list(_f1_interval(present, suggested, groups)),
        "support": support,
    }


def _f1_interval(present: Bools, suggested: Bools, groups: Grouped) -> tuple[float, float]:
    """Returns the interval of F1 = 2 s / (1 + s) from that of s, the share of right ones among all that either has."""
    low, high = groups.interval(present & suggested, present | suggested)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def mean_interval(values: Floats, intervals: Floats, togetherness: float = 1.0) -> tuple[float, float]:
    """Returns the interval of the mean of K figures (K,) that were measured on the same images, from theirs (K, 2).

    `togetherness` is how many times the variance of the mean is that of independent figures.
    Source: Zou and Donner 2008, "Construction of confidence limits about effect measures" (MOVER): the squared
    distances to the limits add up as variances do, and stay as lopsided as they are.
    """
    reach = np.sqrt(togetherness * np.square(intervals - values[:, None]).sum(axis=0)) / len(values)
    return max(0.0, float(values.mean() - reach[0])), min(1.0, float(values.mean() + reach[1]))
