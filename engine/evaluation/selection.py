"""The share of right predictions where the labelled images are not a fair sample: suggestions were accepted.

Who accepts suggestions labels the images that the model is sure of; who corrects them, those it is wrong on. So images
are counted as often as images of their confidence come up among all. tests/bench/bench_accepted.py, three sets, three
seeds, points off the truth on average (in size): with wrong suggestions corrected - 0.4 (2.2), where counting one by
one is off + 2.4 (3.1) and the labels that are no accepted suggestions - 17.9 (18.5), because these are the corrections;
with suggestions accepted without a look, which are not measured on, + 1.8 (3.2) against + 6.2 (6.8) and - 7.6 (7.9).
Where wrong suggestions are taken out and get no class it flatters all the same, + 10.8 (11.2): nothing tells of them.

Source: post-stratification (Holt and Smith 1979), with the confidence of unseen predictions as the only stratum; the
effective number of images is Kish's. Letters: M measured images, N others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.intervals import CROSS_VALIDATED, grouped, wilson_interval
from engine.language import tr, trn

MOST_STRATA: Final = 10
SMALLEST_STRATUM: Final = 5
COUNTED: Final = "accepted_suggestions"
"""In the settings of a run: how many of its labels are, and what the accuracy would be counted one by one."""


def accuracy_of_all(
    confidences: NDArray[np.floating[Any]],
    is_right: NDArray[np.bool_],
    others: NDArray[np.floating[Any]],
    units: NDArray[Any] | None = None,
) -> tuple[float, tuple[float, float]]:
    """Returns the share that is right of all M + N images, with its 95 % interval.

    Args:
        confidences: of cross-validated predictions on the measured images (M,), M > 0.
        is_right: whether each of them was right (M,).
        others: confidences of the predictions on all other images (N,).
        units: group of each measured image (M,); None = each is one of its own.
    """
    num_strata = max(1, min(MOST_STRATA, len(confidences) // SMALLEST_STRATUM))
    edges = np.quantile(np.concatenate([confidences, others]), np.arange(1, num_strata) / num_strata)
    strata = np.digitize(confidences, edges)
    measured = np.bincount(strata, minlength=num_strata)
    everyone = measured + np.bincount(np.digitize(others, edges), minlength=num_strata)
    # A stratum without a measured image has no say: nothing is known of it.
    everyone = np.where(measured > 0, everyone, 0)
    weights = (everyone / np.maximum(measured, 1))[strata]
    share = float((weights * is_right).sum() / weights.sum())
    num_effective = float(weights.sum() ** 2 / np.square(weights).sum())
    num_effective *= grouped(is_right, units, CROSS_VALIDATED).weight()
    return share, wilson_interval(share * num_effective, num_effective)


def words_on(settings: Mapping[str, Any]) -> str:
    """Returns what a run's settings say of accepted suggestions as a sentence, "" where there is nothing to say."""
    if not settings.get("with_accepted", True):
        return tr("Accepted suggestions were left out: neither learned from nor measured on.")
    counted = settings.get(COUNTED)
    if not isinstance(counted, dict):
        return ""
    return trn(
        "1 of the labels is an accepted suggestion. A model was sure of those, so images count as often as equally "
        "sure ones come up in the project (one by one: {plain:.1f} % right). Give those that you took out a class, "
        "too: without them it flatters.",
        "{number:,} labels are accepted suggestions. A model was sure of those, so images count as often as equally "
        "sure ones come up in the project (one by one: {plain:.1f} % right). Give those that you took out a class, "
        "too: without them it flatters.",
        int(counted["num_measured"]),
        plain=100 * float(counted["accuracy_one_by_one"]),
    )
