"""Whether labelled images stand for those without a class, and what is counted where they do not quite.

Who names whole stacks of look-alikes labels what is dense and easy first; what is open is harder. Three things follow.
A stack is held out as a whole, or its images would be predicted from their likes (`stack_units`). Each measured image
counts as often as equally sure ones come up (`odds_weights`). And where too many of the open images look like nothing
that is labelled, no figure holds for them: that is said in its stead (`unlike_labelled`).

Measured by tests/bench/bench_stack_labels.py (four sets, three seeds, 80 to 250 labels of 450 images). From stacks
alone the accuracy was 65 to 70 points too high for open images and 40 to 44 for images outside the project: now no
figure is given for them (66 trials of 66). Of stacks with images labelled one by one, 15 trials of 36 are left without
a figure; in the others it is off by - 1.6 (6.8 in size) for images outside the project and + 5.3 (7.5) for the open
ones, which are harder (one by one, all trials: + 14.0 and + 20.6); the interval held the truth in 90 and 100 % (28 and
14), the first page of a class its promise in 93 % (71), the precision without a look in 86 % (42). Labels at random are
as they were: - 0.7 (2.8) and - 0.3 (2.9), no trial left without a figure. Tried and no better: folds whose distances to
the nearest labelled image match those of open images (Linnenbrink et al. 2024), strata of confidence or of distance,
weights by distance as well, and regressions of being right on both.

Source: weighting by the odds of belonging to the population, Bickel, Brückner and Scheffer 2009, "Discriminative
learning under covariate shift"; held-out clusters, Roberts et al. 2017, "Cross-validation strategies for data with
temporal, spatial, hierarchical, or phylogenetic structure".

Letters: M measured images, N open ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import DEFAULT_FALSE_ALARM_RATE
from engine.evaluation.intervals import wilson_interval
from engine.language import tr

UNLIKE: Final = "unlike_labelled"
"""In the settings of a run: how many open images there were and look like none of the labelled ones, if too many do."""
STACKED: Final = "num_in_stacks"
"""In the settings of a run: how many labelled images were chosen together, where they are counted as open ones."""

_TOO_MANY: Final = 2.0
"""So many times the share that looks strange by chance, with 95 % certainty, and figures do not hold for the rest."""
_MOST_OFTEN: Final = 0.95
"""No image counts more than this share of them does at most: one alone must not decide."""
_NUM_STEPS: Final = 25
_RIDGE: Final = 1.0
_NEAR: Final = 1e-4


@dataclass(frozen=True, slots=True)
class Unlike:
    """So many of the open images look like none of the labelled ones: too many for figures to hold for them."""

    num_unlike: int
    num_open: int

    def short_words(self) -> str:
        """Returns it for a line, and what to do."""
        return tr(
            "{num_unlike:,} of {num_open:,} open images look like nothing labelled yet: label some at random",
            num_unlike=self.num_unlike,
            num_open=self.num_open,
        )

    def words(self) -> str:
        """Returns it as a sentence, and what to do."""
        return tr(
            "{num_unlike:,} of {num_open:,} open images look like none of the labelled ones: nothing is promised for "
            "them. Label some at random, or the most useful next.",
            num_unlike=self.num_unlike,
            num_open=self.num_open,
        )


def unlike_labelled(unknown_scores: NDArray[np.floating[Any]]) -> Unlike | None:
    """Returns how many of the open images (N,) look like nothing labelled; None where that is no more than chance."""
    scores = unknown_scores[np.isfinite(unknown_scores)]
    num_unlike = int((scores >= np.float32(1 - DEFAULT_FALSE_ALARM_RATE)).sum())
    at_least, _ = wilson_interval(num_unlike, len(scores))
    return Unlike(num_unlike, len(scores)) if at_least > _TOO_MANY * DEFAULT_FALSE_ALARM_RATE else None


def unlike_of(settings: Mapping[str, Any]) -> Unlike | None:
    """Returns what a run's settings say of open images that look like none of the labelled ones."""
    found = settings.get(UNLIKE)
    return Unlike(int(found["num_unlike"]), int(found["num_open"])) if isinstance(found, dict) else None


def words_on_unlike(settings: Mapping[str, Any]) -> str:
    """Returns it as a sentence, "" where there is nothing to say."""
    found = unlike_of(settings)
    return found.words() if found is not None else ""


def stack_units(units: Sequence[str], together: NDArray[np.int64], targets: NDArray[np.int64]) -> list[str]:
    """Returns what is held out together (M): as `units` say, and images that were chosen together as well.

    Args:
        units: name of what each image belongs with already; those that belong with others stay there.
        together: a number for images that were chosen together, 0 for the rest (M,).
        targets: class of each (M,). A class that was labelled in one go would have nothing left to learn from: its
            images stay as they are.
    """
    names, counts = np.unique(np.array(units), return_counts=True)
    is_alone = np.isin(np.array(units), names[counts == 1])
    found = [
        f"stack {number}" if number and alone else unit
        for unit, number, alone in zip(units, together.tolist(), is_alone.tolist(), strict=True)
    ]
    for index in np.unique(targets):
        members = np.flatnonzero(targets == index).tolist()
        if len({found[member] for member in members}) < 2:
            for member in members:
                found[member] = units[member]
    return found


def odds_weights(confidences: NDArray[np.floating[Any]], others: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Returns how often each measured image (M,) counts to stand for itself and for the N others, 1 at least.

    Args:
        confidences: of predictions on measured images that were held out (M,).
        others: of predictions on open images (N,).
    """
    if not len(others) or not len(confidences):
        return np.ones(len(confidences))
    places = _log_odds(np.concatenate([confidences, others]))
    places = (places - places.mean()) / max(float(places.std()), _NEAR)
    is_open = np.arange(len(places)) >= len(confidences)
    offset, slope = _logistic(places, is_open.astype(np.float64))
    odds = np.exp(np.clip(offset + slope * places[: len(confidences)], -20, 20))
    return np.asarray(1 + np.minimum(odds, np.quantile(odds, _MOST_OFTEN)))


def _log_odds(shares: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    clipped = np.clip(shares.astype(np.float64), _NEAR, 1 - _NEAR)
    return np.log(clipped / (1 - clipped))


def _logistic(places: NDArray[np.float64], is_open: NDArray[np.float64]) -> tuple[float, float]:
    """Returns offset and slope of the log odds of being open, by Newton's method with a weak pull of the slope to 0."""
    design = np.column_stack([np.ones(len(places)), places])
    found = np.array([_log_odds(np.array([is_open.mean()]))[0], 0.0])
    for _ in range(_NUM_STEPS):
        shares = 1 / (1 + np.exp(-design @ found))
        slope = design.T @ (is_open - shares) - np.array([0.0, _RIDGE]) * found
        bend = (design * (shares * (1 - shares))[:, None]).T @ design + np.diag([_NEAR, _RIDGE])
        step = np.linalg.solve(bend, slope)
        found = found + step
        if np.abs(step).max() < _NEAR:
            break
    return float(found[0]), float(found[1])
