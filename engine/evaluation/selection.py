"""The share of right predictions where the labelled images are not a fair sample: suggestions were accepted.

Who accepts suggestions labels the images that the model is sure of; who corrects them, those it is wrong on. So images
are counted as often as images of their confidence come up among all. tests/bench/bench_accepted.py, three sets, three
seeds, points off the truth on average (in size): with wrong suggestions corrected - 1.0 (2.2), where counting one by
one is off + 1.8 (2.8) and the labels that are no accepted suggestions - 18.9 (19.4), because these are the corrections;
with suggestions accepted without a look, which are not measured on, + 2.8 (3.5) against + 6.9 (7.6) and - 6.3 (6.4).
Images of which a suggestion was refused (taken out, and left without a class) were looked at as well: they are counted
as wrong where the model still says what was refused, and else as right with the probability that it gives its class
among those that were not refused (.76 on average, and .81 of them were right). Where wrong ones are taken
out it is + 0.9 (3.1) with them and + 9.1 (9.6) without; were they all counted as wrong, it would be 1.7 points less.

Source: post-stratification (Holt and Smith 1979), with the confidence of unseen predictions as the only stratum; the
effective number of images is Kish's. Letters: M measured images, N others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.intervals import CROSS_VALIDATED, grouped, wilson_interval
from engine.evaluation.metrics import expected_calibration_error
from engine.language import tr, trn

MOST_STRATA: Final = 10
SMALLEST_STRATUM: Final = 5
COUNTED: Final = "accepted_suggestions"
"""In the settings of a run: how many of its labels are, and what the accuracy would be counted one by one."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Predictions on R images without a class: `probabilities` (R, K); `classes` (R, K) were refused of them."""

    probabilities: NDArray[np.floating[Any]]
    classes: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.probabilities)

    @property
    def confidences(self) -> NDArray[np.floating[Any]]:
        """How sure each prediction is (R,)."""
        return np.asarray(self.probabilities.max(axis=1, initial=0))

    @property
    def is_wrong(self) -> NDArray[np.bool_]:
        """Where the predicted class is a refused one (R,); else it may be right."""
        if not len(self):
            return np.zeros(0, np.bool_)
        predicted = self.probabilities.argmax(axis=1)
        return np.asarray(self.classes[np.arange(len(predicted)), predicted])

    @property
    def chances(self) -> NDArray[np.floating[Any]]:
        """How probable it is that each prediction is right (R,), given which classes it cannot be."""
        possible = np.where(self.classes, 0.0, self.probabilities).sum(axis=1)
        return np.asarray(np.where(self.is_wrong, 0.0, self.confidences / np.maximum(possible, 1e-9)))


NOTHING_REFUSED: Final = Refused(np.zeros((0, 1), np.float32), np.zeros((0, 1), np.bool_))


def accuracy_of_all(
    confidences: NDArray[np.floating[Any]],
    is_right: NDArray[np.bool_],
    others: NDArray[np.floating[Any]],
    units: NDArray[Any] | None = None,
    refused: Refused = NOTHING_REFUSED,
) -> tuple[float, tuple[float, float]]:
    """Returns the share that is right of all M + R + N images, with its 95 % interval.

    The interval holds whether the refused images that may be right are all wrong or all right.

    Args:
        confidences: of cross-validated predictions on the measured images (M,), M > 0.
        is_right: whether each of them was right (M,).
        others: confidences of the predictions on all other images (N,).
        units: group of each measured image (M,); None = each is one of its own.
        refused: predictions on R images of which a suggestion was refused.
    """
    weights = weights_of_all(confidences, others, refused)
    num_effective = float(weights.sum() ** 2 / np.square(weights).sum())
    num_effective *= grouped(is_right, units, CROSS_VALIDATED).weight()
    shares = [
        float((weights * np.concatenate([is_right, chances])).sum() / weights.sum())
        for chances in (np.zeros(len(refused)), refused.chances, ~refused.is_wrong)
    ]
    low, share, high = shares
    lowest, _ = wilson_interval(low * num_effective, num_effective)
    _, highest = wilson_interval(high * num_effective, num_effective)
    return share, (lowest, highest)


def weights_of_all(
    confidences: NDArray[np.floating[Any]], others: NDArray[np.floating[Any]], refused: Refused = NOTHING_REFUSED
) -> NDArray[np.float64]:
    """Returns how often each of the M + R images counts in `accuracy_of_all`, the measured ones first."""
    return _weights(np.concatenate([confidences, refused.confidences]), others)


def calibration_error_of_all(
    confidences: NDArray[np.floating[Any]],
    is_right: NDArray[np.bool_],
    others: NDArray[np.floating[Any]],
    refused: Refused,
) -> float:
    """Returns the expected calibration error of all M + R + N images; arguments as in `accuracy_of_all`."""
    sure = np.concatenate([confidences, refused.confidences])
    right = np.concatenate([is_right, refused.chances])
    return expected_calibration_error(sure, right, _weights(sure, others))


def _weights(confidences: NDArray[np.floating[Any]], others: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Returns how often each of M images counts, so that all M + N are represented by images as sure as they are."""
    num_strata = max(1, min(MOST_STRATA, len(confidences) // SMALLEST_STRATUM))
    edges = np.quantile(np.concatenate([confidences, others]), np.arange(1, num_strata) / num_strata)
    strata = np.digitize(confidences, edges)
    measured = np.bincount(strata, minlength=num_strata)
    everyone = measured + np.bincount(np.digitize(others, edges), minlength=num_strata)
    # A stratum without a measured image has no say: nothing is known of it.
    everyone = np.where(measured > 0, everyone, 0)
    return np.asarray((everyone / np.maximum(measured, 1))[strata])


def num_refused(settings: Mapping[str, Any]) -> int:
    """Returns how many images a run counts of which a suggestion was refused."""
    counted = settings.get(COUNTED)
    return int(counted.get("num_refused", 0)) if isinstance(counted, dict) else 0


def words_on(settings: Mapping[str, Any]) -> str:
    """Returns what a run's settings say of accepted suggestions as sentences, "" where there is nothing to say."""
    if not settings.get("with_accepted", True):
        return tr("Accepted suggestions were left out: neither learned from nor measured on.")
    counted = settings.get(COUNTED)
    if not isinstance(counted, dict):
        return ""
    num_accepted, plain = int(counted["num_measured"]), 100 * float(counted["accuracy_one_by_one"])
    if not num_refused(settings):
        return trn(
            "1 of the labels is an accepted suggestion, and those are mostly easy images. The accuracy is what to "
            "expect of all images of the project, the difficult ones included (of the labelled ones {plain:.1f} % are "
            "right). Give those that you took out a class, too, or it comes out too high.",
            "{number:,} labels are accepted suggestions, and those are mostly easy images. The accuracy is what to "
            "expect of all images of the project, the difficult ones included (of the labelled ones {plain:.1f} % are "
            "right). Give those that you took out a class, too, or it comes out too high.",
            num_accepted,
            plain=plain,
        )
    refused = trn(
        "1 image whose suggestion you took out has no class yet: it was looked at, so the accuracy counts it, "
        "too, as wrong where the model still says the same of it. Figures per class are of images with a class "
        "only.",
        "{number:,} images whose suggestions you took out have no class yet: they were looked at, so the accuracy"
        " counts them, too, as wrong where the model still says the same of them. Figures per class are of images"
        " with a class only.",
        num_refused(settings),
    )
    if not num_accepted:
        return refused
    accepted = trn(
        "1 of the labels is an accepted suggestion, and those are mostly easy images. The accuracy is what to expect "
        "of all images of the project, the difficult ones included (of the labelled ones {plain:.1f} % are right).",
        "{number:,} labels are accepted suggestions, and those are mostly easy images. The accuracy is what to expect "
        "of all images of the project, the difficult ones included (of the labelled ones {plain:.1f} % are right).",
        num_accepted,
        plain=plain,
    )
    return f"{accepted} {refused}"
