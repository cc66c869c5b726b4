"""Does the unknown score find a class that nobody named? `python tests/bench/bench_unknown.py [PER_CLASS ...]`.

One class at a time is left out of five real sets (mobilenet_v2); a model is trained on some images of the others, and
the score has to tell unseen images of the class left out from unseen images of the known ones. Prints

1. the area under the ROC curve of the methods side by side (goal: 0.90 on average),
2. how many unseen known images are called unknown at a chosen false-alarm rate, and how many of the class left out,
3. how many suggestions Shift+Space accepts wrongly, before and after what looks strange is left out.

Needs the shared image sets and weights (GRAFT_SHARED, GRAFT_WEIGHTS). PER_CLASS: labelled images of each class, 0 =
four fifths of all. Default: 3 10 25 0.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from honesty_sets import SETS, load_set
from numpy.typing import NDArray
from scipy.stats import rankdata
from unknown_methods import METHODS, Known

from engine.domain import CONFIDENT, DEFAULT_FALSE_ALARM_RATE, FALSE_ALARM_RATES
from engine.evaluation.acceptance import largest_strangeness
from engine.evaluation.calibration import fit_temperature
from engine.evaluation.splits import assign_folds, choose_num_folds
from engine.evaluation.unknown import UnknownFit, fit_unknown
from engine.nn.head import HeadFit, fit_head, probabilities_of

MAX_LEFT_OUT = {"caltech59": 3}
"""Of so many classes each is left out once; of more, as many evenly spread ones."""
DEFAULT_MAX_LEFT_OUT = 5
OURS = "graft"


@dataclass
class Trial:
    """A model of all classes but one, and images that it has not seen: of the known classes, and of the other one."""

    known: Known
    fit: HeadFit
    unknown: UnknownFit
    features: NDArray[np.float32]
    targets: NDArray[np.int64]
    """Of the unseen images; -1 for the class left out."""

    @property
    def is_new(self) -> NDArray[np.bool_]:
        return self.targets < 0


def trials(name: str, per_class: int) -> Iterator[Trial]:
    """Yields a trial for each class left out."""
    images = load_set(name)
    num_classes = int(images.targets.max()) + 1
    num_left_out = min(num_classes, MAX_LEFT_OUT.get(name, DEFAULT_MAX_LEFT_OUT))
    strength = None
    for left_out in np.unique(np.linspace(0, num_classes - 1, num_left_out).astype(int)):
        rng = np.random.default_rng(int(left_out) + 100 * per_class)
        labelled = []
        for target in np.delete(np.arange(num_classes), left_out):
            of_class = rng.permutation(np.flatnonzero(images.targets == target))
            labelled.append(of_class[: min(per_class, len(of_class) // 2) if per_class else len(of_class) * 4 // 5])
        chosen = np.concatenate(labelled)
        targets = images.targets - (images.targets > left_out)
        targets[images.targets == left_out] = -1
        known = targets[chosen]
        folds = assign_folds(known, [images.hashes[row] for row in chosen], num_folds=choose_num_folds(known))
        features = images.features[chosen]
        fit = fit_head(features, known, num_classes - 1, folds, strength=strength)
        strength = fit.strength  # near enough for the next class left out, and half the time
        unknown = fit_unknown(features, known, folds, fit.out_of_fold_logits, fit.head.mean, fit.head.scale)
        assert unknown is not None
        rest = np.setdiff1d(np.arange(len(targets)), chosen)
        material = Known((features - fit.head.mean) / fit.head.scale, features, known, num_classes - 1)
        yield Trial(material, fit, unknown, images.features[rest], targets[rest])


def area(known: NDArray[np.floating[Any]], new: NDArray[np.floating[Any]]) -> float:
    """Returns how often an image of the class left out is stranger than a known one."""
    ranks = rankdata(np.concatenate([known, new]))
    return float((ranks[len(known) :].sum() - len(new) * (len(new) + 1) / 2) / (len(known) * len(new)))


def measure(trial: Trial) -> tuple[dict[str, float], dict[str, float]]:
    """Returns the area of each method, and the shares called unknown and accepted."""
    head = trial.fit.head
    logits = head.logits(trial.features)
    standard = (trial.features - head.mean) / head.scale
    scores = trial.unknown.detector.scores(trial.features, logits)
    found = {name: method(trial.known, standard, trial.features, logits) for name, method in METHODS.items()}
    found[OURS] = trial.unknown.detector.strangeness(trial.features, logits)
    areas = {name: area(values[~trial.is_new], values[trial.is_new]) for name, values in found.items()}
    figures = {}
    for rate in FALSE_ALARM_RATES:
        figures[f"alarm {rate:.2f}"] = float((scores[~trial.is_new] >= 1 - rate).mean())
        figures[f"found {rate:.2f}"] = float((scores[trial.is_new] >= 1 - rate).mean())
    temperature = fit_temperature(trial.fit.out_of_fold_logits, trial.known.targets)
    probabilities = probabilities_of(logits, temperature)
    is_confident = probabilities.max(axis=1) >= CONFIDENT
    is_wrong = probabilities.argmax(axis=1) != trial.targets
    confidences = probabilities_of(trial.fit.out_of_fold_logits, temperature).max(axis=1)
    limit = largest_strangeness(trial.unknown.document(confidences), DEFAULT_FALSE_ALARM_RATE)
    for when, accepted in (("before", is_confident), ("after", is_confident & (scores < limit))):
        figures[f"accepted {when}"] = int(accepted.sum())
        figures[f"wrong {when}"] = int((accepted & is_wrong).sum())
        figures[f"wrong new {when}"] = int((accepted & trial.is_new).sum())
    return areas, figures


def main(regimes: list[int]) -> None:
    table: dict[tuple[str, int], list[tuple[dict[str, float], dict[str, float]]]] = {}
    for per_class in regimes:
        for name in SETS:
            if name == "caltech59" and per_class == 25:
                continue  # it has 20 images of each class
            table[name, per_class] = [measure(trial) for trial in trials(name, per_class)]
            print(f"  {name}, {per_class or 'most'} of each class: done, load {os.getloadavg()[0]:.1f}", flush=True)
    columns = list(table)
    print("\nArea under the ROC curve, one class left out")
    print(f"{'':12s}  mean  " + " ".join(f"{name[:6]:>6s}{per_class or 'all':>4}" for name, per_class in columns))
    rows = {
        method: [np.mean([areas[method] for areas, _ in table[column]]) for column in columns]
        for method in (OURS, *METHODS)
    }
    for method, values in sorted(rows.items(), key=lambda row: -np.mean(row[1])):
        print(f"{method:12s} {np.mean(values):.3f}  " + " ".join(f"{value:10.3f}" for value in values))
    for per_class in regimes:
        values = [value for column, value in zip(columns, rows[OURS], strict=True) if column[1] == per_class]
        print(f"{OURS}, {per_class or 'most'} of each class: {np.mean(values):.3f} on average over the sets")

    print("\nCalled unknown at a false-alarm rate of 1, 5 and 10 %: unseen known images | images of the class left out")
    for column in columns:
        means = _means(table[column])
        alarms = " ".join(f"{100 * means[f'alarm {rate:.2f}']:5.1f}" for rate in FALSE_ALARM_RATES)
        found = " ".join(f"{100 * means[f'found {rate:.2f}']:5.1f}" for rate in FALSE_ALARM_RATES)
        print(f"{column[0]:12s} {column[1] or 'all':>4}  {alarms}  |  {found}")

    print(
        "\nAccepting all suggestions above 95 %, one class without a name: accepted, wrong (of the class without name)"
    )
    for column in columns:
        sums: defaultdict[str, float] = defaultdict(float)
        for _, figures in table[column]:
            for key, value in figures.items():
                sums[key] += value
        parts = [
            f"{when}: {sums[f'accepted {when}']:5.0f}, {sums[f'wrong {when}']:4.0f} ({sums[f'wrong new {when}']:4.0f})"
            for when in ("before", "after")
        ]
        print(f"{column[0]:12s} {column[1] or 'all':>4}  " + "   ".join(parts))


def _means(results: list[tuple[dict[str, float], dict[str, float]]]) -> dict[str, float]:
    return {key: float(np.mean([figures[key] for _, figures in results])) for key in results[0][1]}


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or [3, 10, 25, 0])
