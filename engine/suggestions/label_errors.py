"""Suspected label errors: images whose given class a model that had not seen them holds for improbable.

Source: Northcutt, Jiang and Chuang 2021, "Confident learning: estimating uncertainty in dataset labels" (J. Artif.
Intell. Res. 70). Ranked by self-confidence, the probability of the given class, as their "prune by noise rate" does
within a class. On the five development sets with 5 % planted errors that put 93 % of them into the first 10 % of the
list (81 to 100 % by set); the normalised margin 89 %, thresholds per class 92 %, agreement of the ten nearest
neighbours 90 %, self-confidence and agreement together 93 %.

Which of them are called errors is decided by the model and by the nearest images together (`are_likely`). Their rule,
"the other class is as probable as it is on average for images that have it", called right what was merely unusual:
tests/bench/bench_honesty.py prints both. Mean of the five sets, share of what is shown that was planted, share of the
planted that is shown, theirs -> ours: 5 % wrong of all labels 58 -> 84 %, 72 -> 78 %; of 40 per class 50 -> 80 %,
71 -> 76 %; of 14 per class 49 -> 72 %, 68 -> 72 %; with no planted error 156 -> 79 are shown of 3,606.

Letters: N labelled images, K classes, S suspects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LIKELY_ODDS: Final = 30
"""Called an error is what is so many times likelier to have the other class."""
_TRUST_IN_NEIGHBOURS: Final = 0.5
"""The model has seen the neighbours, too: what they say is partly known already."""
_SMALLEST: Final = 1e-6


@dataclass(frozen=True, slots=True)
class LabelErrors:
    """Images that another class fits better, most suspect first: `rows` (S,) and the class `suggested` (S,) for each.

    `given_probabilities` and `probabilities` (S,) are what the model gives the class that it has, and that one.
    """

    rows: NDArray[np.int64]
    suggested: NDArray[np.int64]
    given_probabilities: NDArray[np.float64]
    probabilities: NDArray[np.float64]


def find_label_errors(probabilities: NDArray[np.floating[Any]], targets: NDArray[np.int64]) -> LabelErrors:
    """Returns the suspects among labelled images.

    Args:
        probabilities: out-of-fold, calibrated (N, K).
        targets: the given classes (N,).
    """
    own = probabilities[np.arange(len(targets)), targets].astype(np.float64)
    best = probabilities.argmax(axis=1)
    rows = np.flatnonzero(best != targets)
    rows = rows[np.argsort(own[rows], kind="stable")]
    found = probabilities[rows, best[rows]].astype(np.float64)
    return LabelErrors(rows=rows, suggested=best[rows], given_probabilities=own[rows], probabilities=found)


def evidence(
    errors: LabelErrors, num_agreeing: NDArray[np.integer[Any]], num_given: NDArray[np.integer[Any]]
) -> NDArray[np.float64]:
    """Returns how much speaks for the other class (S,), as the logarithm of its odds: 0 = as much for either.

    Args:
        errors: the suspects.
        num_agreeing: how many of the nearest images have the suggested class (S,).
        num_given: how many have the class that it has (S,).
    """
    model = np.log(np.maximum(errors.probabilities, _SMALLEST) / np.maximum(errors.given_probabilities, _SMALLEST))
    return np.asarray(model + _TRUST_IN_NEIGHBOURS * np.log((num_agreeing + 1) / (num_given + 1)))


def are_likely(
    errors: LabelErrors, num_agreeing: NDArray[np.integer[Any]], num_given: NDArray[np.integer[Any]]
) -> NDArray[np.bool_]:
    """Returns which suspects are probably errors (S,): never one that more of the nearest images say is right."""
    is_strong = evidence(errors, num_agreeing, num_given) >= np.log(LIKELY_ODDS)
    return np.asarray(is_strong & (num_agreeing >= num_given))
