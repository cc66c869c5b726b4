"""Whether the program's own figures are true: `python tests/bench/bench_honesty.py [estimate|duplicates|groups|...]`.

Prints the tables of the issue "Honest review": own estimate against truly unseen images, calibration, near-duplicates,
planted groups, planted label errors, work saved, the learning curve's forecast. Everything is computed from embeddings
that are kept (see honesty_sets.py); the first run makes them in a few minutes, later ones take about three.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent))

from honesty_sets import SETS, VARIANTS, ImageSet, cache_folder, load_set, load_variants, own_output
from known_duplicates import KNOWN_PAIRS

from engine.evaluation.calibration import RefusedLogits, cross_fitted_temperatures, fit_temperature
from engine.evaluation.groups import assign_group_folds, held_together
from engine.evaluation.learning_curve import forecast_learning
from engine.evaluation.metrics import Metrics, expected_calibration_error, measure
from engine.evaluation.splits import assign_folds, choose_num_folds
from engine.evaluation.work_saved import work_saved
from engine.images.fingerprint import fingerprint
from engine.nn.head import Head, fit_head, probabilities_of
from engine.suggestions.label_errors import find_label_errors
from engine.suggestions.near_duplicates import near_duplicates
from engine.tasks.forecast_learning import measure_levels
from engine.tasks.review_parts import find_suspects

NUM_TRIALS = 10
"""For each set; five sets make the fifty of the issue."""


@dataclass(frozen=True)
class Trained:
    """What a training gives: the calibrated head, out-of-fold probabilities (N, K), and the figures of them."""

    head: Head
    temperature: float
    out_of_fold: NDArray[np.float32]
    metrics: Metrics

    def probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return probabilities_of(self.head.logits(features), self.temperature)


def train(
    features: NDArray[np.float32],
    targets: NDArray[np.int64],
    hashes: list[str],
    units: list[str],
    refused: tuple[NDArray[np.float32], NDArray[np.bool_]] | None = None,
) -> Trained:
    """Trains and measures as engine.tasks.head_run does; `refused`: features (R, D), and classes that they are not."""
    folds = assign_group_folds(targets, hashes, units, choose_num_folds(targets, units), 0)
    fit = fit_head(features, targets, int(targets.max()) + 1, folds)
    others = RefusedLogits(fit.head.logits(refused[0]), refused[1]) if refused is not None else None
    temperatures = cross_fitted_temperatures(fit.out_of_fold_logits, targets, folds, others)
    out_of_fold = probabilities_of(fit.out_of_fold_logits / temperatures[:, None])
    temperature = fit_temperature(fit.out_of_fold_logits, targets, others)
    metrics = measure(out_of_fold, targets, np.array(units), is_cross_validated=True)
    return Trained(fit.head, temperature, out_of_fold, metrics)


def drawn(
    images: ImageSet, per_class: float, seed: int, most: float = 0.25
) -> tuple[NDArray[np.int64], NDArray[np.int64], ImageSet]:
    """Returns rows to label, drawn at random, the rest, and the set without classes that got fewer than two.

    At most a share of `most` is labelled: the truth on the rest has to be known better than the estimate.
    """
    num_classes = int(images.targets.max()) + 1
    order = np.random.default_rng(seed).permutation(len(images.targets))
    num_labelled = min(round(per_class * num_classes), round(most * len(order)))
    counts = np.bincount(images.targets[order[:num_labelled]], minlength=num_classes)
    kept = np.flatnonzero(counts >= 2)
    is_kept = np.isin(images.targets, kept)
    targets = np.searchsorted(kept, images.targets)
    known = ImageSet(images.name, images.paths, images.hashes, targets, images.features)
    return (
        order[:num_labelled][is_kept[order[:num_labelled]]],
        order[num_labelled:][is_kept[order[num_labelled:]]],
        known,
    )


def row_of(first: str, *others: str) -> str:
    return f"{first:14s}" + "".join(f"{text:>11s}" for text in others)


def bench_estimate() -> None:
    """Own estimate against images that were never labelled, and whether confidence means what it says."""
    print("\nOwn estimate against truly unseen images, and calibration (labels drawn at random)")
    print(row_of("set", "labels", "own", "unseen", "off by", "inside", "ECE own", "ECE unseen"))
    summary: dict[str, list[float]] = {"off": [], "inside": [], "own": [], "unseen": []}
    for name in SETS:
        images = load_set(name)
        for per_class in (10, 40):
            rows = []
            for seed in range(NUM_TRIALS // 2):
                labelled, rest, known = drawn(images, per_class, 100 * per_class + seed)
                hashes = [known.hashes[row] for row in labelled]
                trained = train(known.features[labelled], known.targets[labelled], hashes, hashes)
                found = trained.probabilities(known.features[rest])
                truth = found.argmax(axis=1) == known.targets[rest]
                low, high = trained.metrics.accuracy_interval
                rows.append(
                    (
                        len(labelled),
                        trained.metrics.accuracy,
                        truth.mean(),
                        low <= truth.mean() <= high,
                        trained.metrics.ece,
                        expected_calibration_error(found.max(axis=1), truth),
                    )
                )
            labels, own, unseen, inside, ece_own, ece_unseen = np.array(rows, np.float64).mean(axis=0)
            off_by, share = f"{100 * (own - unseen):+.1f}", f"{100 * inside:.0f} %"
            figures = (f"{100 * own:.1f}", f"{100 * unseen:.1f}", off_by, share, f"{ece_own:.3f}", f"{ece_unseen:.3f}")
            print(row_of(name, f"{labels:.0f}", *figures), flush=True)
            summary["off"] += [row[1] - row[2] for row in rows]
            summary["inside"] += [row[3] for row in rows]
            summary["own"].append(ece_own)
            summary["unseen"].append(ece_unseen)
    off = 100 * np.array(summary["off"])
    print(
        f"over {len(off)} trials: off by {off.mean():+.1f} points on average ({np.abs(off).mean():.1f} without sign), "
        f"truth inside the interval in {100 * np.mean(summary['inside']):.0f} %, ECE on unseen images "
        f"{np.mean(summary['unseen']):.3f}"
    )


def bench_calibration() -> None:
    """Calibration on all labels, by cross-validation: the figure that the window shows."""
    print("\nExpected calibration error with everything labelled (cross-validated, 15 bins)")
    for name in SETS:
        images = load_set(name)
        trained = train(images.features, images.targets, images.hashes, images.hashes)
        figures = f"accuracy {trained.metrics.accuracy:.3f}  ECE {trained.metrics.ece:.3f}"
        print(f"{name:14s}{len(images.targets):6d} labels  {figures}", flush=True)


def bench_duplicates() -> None:
    """Planted near-duplicates that are found, and pairs of different pictures that are taken for one."""
    print(f"\nPlanted near-duplicates ({', '.join(VARIANTS)}) and pairs among different images")
    print(f"{'set':14s}{'planted':>9s}{'found':>8s}{'other images in a pair':>24s}{'seconds':>9s}")
    shares = []
    num_wrong = num_images = 0
    for name in SETS:
        images, (variants, sources, kinds) = load_set(name), load_variants(name)
        prints = fingerprints_of(images, variants)
        features = np.concatenate([images.features, variants.features])
        began = time.perf_counter()
        pairs = near_duplicates(own_output(features), prints)
        seconds = time.perf_counter() - began
        count = len(images.paths)
        names = [str(row) for row in range(len(features))]
        units = held_together(names, [None] * len(names), [(names[one], names[other]) for one, other in pairs])
        found = np.array([units[count + index] == units[source] for index, source in enumerate(sources)])
        own = pairs[(pairs < count).all(axis=1)]
        among = np.unique(own)
        names_below = [path.relative_to(path.parents[1]).as_posix() for path in images.paths]
        is_known = [(name, *sorted((names_below[one], names_below[other]))) in KNOWN_PAIRS for one, other in own]
        num_wrong += len(np.unique(own[~np.array(is_known, np.bool_)]))
        num_images += count
        shares.append(found.mean())
        missed = {kind: int((~found[np.array(kinds) == kind]).sum()) for kind in VARIANTS}
        missed_words = ", ".join(f"{number} {kind}" for kind, number in missed.items() if number)
        print(
            f"{name:14s}{len(found):9d}{100 * found.mean():7.1f}%{len(among):13d} of {count:5d}{seconds:12.1f}"
            f"{'   missed: ' + missed_words if missed_words else ''}",
            flush=True,
        )
    print(
        f"found on average {100 * np.mean(shares):.1f} %; {num_wrong} of {num_images:,} images are wrongly paired with "
        f"another ({num_wrong / num_images:.2%}), the other pairs show the same thing (tests/bench/known_duplicates.py)"
    )


def fingerprints_of(images: ImageSet, variants: ImageSet) -> NDArray[np.float32]:
    file = cache_folder() / f"{images.name}-fingerprints.npy"
    if not file.exists():
        np.save(file, np.stack([fingerprint(path) for path in images.paths + variants.paths]))
    return np.asarray(np.load(file))


def bench_groups() -> None:
    """Each image five more times, re-encoded and moved: what a random split claims, what is shown, and what is true."""
    print("\nPlanted groups: a quarter of each set labelled, each image five more times (resized, re-encoded, moved)")
    print(row_of("set", "random", "shown", "interval", "unseen", "off by", "no copies"))
    offs, changes = [], []
    for name in SETS:
        images, (variants, sources, _) = load_set(name), load_variants(name)
        count = int(sources.max()) + 1
        # The images that have variants are the first of the shuffled set: drawn at random.
        counts = np.bincount(images.targets[:count], minlength=int(images.targets.max()) + 1)
        kept = np.flatnonzero(counts >= 2)
        chosen = np.flatnonzero(np.isin(images.targets[:count], kept))
        chosen_variants = np.flatnonzero(np.isin(sources, chosen))
        features = np.concatenate([images.features[chosen], variants.features[chosen_variants]])
        classes = np.concatenate([images.targets[chosen], variants.targets[chosen_variants]])
        targets = np.searchsorted(kept, classes)
        hashes = [f"{row:032x}" for row in range(len(targets))]
        prints = fingerprints_of(images, variants)
        prints = np.concatenate([prints[chosen], prints[len(images.paths) + chosen_variants]])
        alike = [(hashes[one], hashes[other]) for one, other in near_duplicates(own_output(features), prints)]
        units = held_together(hashes, [None] * len(hashes), alike)
        shown, random = train(features, targets, hashes, units), train(features, targets, hashes, hashes)
        rest = np.arange(count, len(images.targets))
        rest = rest[np.isin(images.targets[rest], kept)]
        truth = shown.probabilities(images.features[rest]).argmax(axis=1) == np.searchsorted(kept, images.targets[rest])
        low, high = shown.metrics.accuracy_interval
        # The same images without their copies tell how far off the draw itself is.
        few, names = np.searchsorted(kept, images.targets[chosen]), hashes[: len(chosen)]
        alone = train(images.features[chosen], few, names, names).metrics.accuracy
        offs.append(shown.metrics.accuracy - truth.mean())
        changes.append(shown.metrics.accuracy - alone)
        claimed, honest, true, plain = (
            f"{100 * value:.1f}" for value in (random.metrics.accuracy, shown.metrics.accuracy, truth.mean(), alone)
        )
        interval, off = f"{100 * low:.0f} to {100 * high:.0f}", f"{100 * offs[-1]:+.1f}"
        print(row_of(name, claimed, honest, interval, true, off, plain), flush=True)
    print(
        f"shown is off by {100 * np.mean(offs):+.1f} points on average ({100 * np.mean(np.abs(offs)):.1f} without "
        f"sign); copies change it by {100 * np.mean(changes):+.1f} ({100 * np.mean(np.abs(changes)):.1f})"
    )


def bench_label_errors() -> None:
    """5 % of the labels are made wrong; how many are in the first tenth of the list, and what Suspects shows."""
    print("\nPlanted label errors (5 % of all labels, another class at random)")
    print(row_of("set", "first 10 %", "shown", "planted", "of planted"))
    shares = []
    for name in SETS:
        images = load_set(name)
        num_classes, of_set = int(images.targets.max()) + 1, []
        for seed in range(3):
            generator = np.random.default_rng(seed)
            targets = images.targets.copy()
            wrong = generator.choice(len(targets), round(0.05 * len(targets)), replace=False)
            targets[wrong] = (targets[wrong] + generator.integers(1, num_classes, len(wrong))) % num_classes
            trained = train(images.features, targets, images.hashes, images.hashes)
            listed = find_label_errors(trained.out_of_fold, targets).rows[: round(0.1 * len(targets))]
            rows = np.arange(len(targets))
            suspects = find_suspects(
                trained.out_of_fold, targets, rows, range(num_classes), images.features, rows, set()
            )
            shown = np.array([each.image_id for each in suspects if each.is_likely], np.int64)
            found = np.isin(shown, wrong)
            of_set.append((np.isin(wrong, listed).mean(), len(shown), found.mean(), found.sum() / len(wrong)))
        shares.append(np.mean(of_set, axis=0))
        first, number, planted, of_planted = shares[-1]
        figures = (f"{100 * value:.1f} %" for value in (planted, of_planted))
        print(row_of(name, f"{100 * first:.1f} %", f"{number:.0f}", *figures), flush=True)
    first, _, planted, of_planted = np.mean(shares, axis=0)
    print(
        f"on average {100 * first:.1f} % in the first tenth; of what is shown {100 * planted:.1f} % was planted, "
        f"{100 * of_planted:.1f} % of the planted"
    )


def bench_work_saved() -> None:
    """Whether what is accepted without looking is as precise as was promised."""
    print("\nWork saved: promised precision against that of what is accepted of unseen images (60 % labelled)")
    print(row_of("precision", "promised", "accepted", "unseen", "right", "kept"))
    for precision in (0.9, 0.95, 0.98, 0.99):
        rows = []
        for name in SETS:
            images = load_set(name)
            for seed in range(NUM_TRIALS // 2):
                labelled, rest, known = drawn(images, 1e9, seed, 0.6)
                hashes = [known.hashes[row] for row in labelled]
                trained = train_once(known, labelled, hashes, seed)
                own, others = trained.out_of_fold, trained.probabilities(known.features[rest])
                saved = work_saved(
                    own.max(axis=1), own.argmax(axis=1) == known.targets[labelled], others.max(axis=1)
                ).at(precision)
                right = (others.argmax(axis=1) == known.targets[rest])[saved.is_accepted]
                if len(right):
                    # Kept: no more wrong ones than chance allows where the promise is true (one-sided 95 %).
                    rows.append((saved.share, saved.is_accepted.mean(), right.mean(), right.mean() >= precision))
        if rows:
            share, unseen, right, kept = np.array(rows, np.float64).mean(axis=0)
            promised = f"{len(rows)} of {len(SETS) * (NUM_TRIALS // 2)}"
            shares = [f"{100 * value:.1f} %" for value in (share, unseen, right, kept)]
            print(row_of(f"{precision:.2f}", promised, *shares), flush=True)


_trained: dict[tuple[str, int], Trained] = {}


def train_once(known: ImageSet, labelled: NDArray[np.int64], hashes: list[str], seed: int) -> Trained:
    """As `train`, remembered: the precisions are asked of the same models."""
    key = known.name, seed
    if key not in _trained:
        _trained[key] = train(known.features[labelled], known.targets[labelled], hashes, hashes)
    return _trained[key]


def bench_forecast() -> None:
    """The forecast for twice the labels against a training on twice the labels."""
    print("\nLearning curve: forecast for twice the labels against what twice the labels gave (truth on the rest)")
    print(row_of("set", "labels", "now", "forecast", "was", "off by", "gain off", "inside"))
    off, gains, inside = [], [], []
    for name in SETS:
        images = load_set(name)
        num_classes = int(images.targets.max()) + 1
        for seed in range(3):
            order = np.random.default_rng(seed).permutation(len(images.targets))
            half = round((0.25 if num_classes < 20 else 0.4) * len(order))
            counts = np.bincount(images.targets[order[:half]], minlength=num_classes)
            kept = np.flatnonzero(counts >= 2)
            targets = np.searchsorted(kept, images.targets)
            some, more, rest = (
                rows[np.isin(images.targets[rows], kept)]
                for rows in (order[:half], order[: 2 * half], order[2 * half :])
            )
            units = np.arange(len(some))
            levels = measure_levels(images.features[some], targets[some], units, len(kept), True)
            ids = list(range(len(kept)))
            forecast = forecast_learning(1, levels, targets[some], units, ids, [str(index) for index in ids])
            now, then = (accuracy_of(images.features, targets, rows, rest) for rows in (some, more))
            said, low, high = (
                float(np.interp(len(more), forecast.sizes, line)) for line in (forecast.curve, *forecast.band.T)
            )
            gain = said - float(np.interp(len(some), forecast.sizes, forecast.curve))
            off.append(said - then)
            gains.append(gain - (then - now))
            inside.append(low <= then <= high)
            figures = [f"{100 * value:.1f}" for value in (now, said, then)]
            errors = [f"{100 * value:+.1f}" for value in (off[-1], gains[-1])]
            print(row_of(name, str(len(some)), *figures, *errors, "yes" if inside[-1] else "no"), flush=True)
    print(
        f"off by {100 * np.mean(off):+.1f} points on average ({100 * np.mean(np.abs(off)):.1f} without sign); the gain "
        f"by {100 * np.mean(gains):+.1f} ({100 * np.mean(np.abs(gains)):.1f}); inside the 95 % band in "
        f"{100 * np.mean(inside):.0f} %"
    )


def accuracy_of(
    features: NDArray[np.float32], targets: NDArray[np.int64], rows: NDArray[np.int64], rest: NDArray[np.int64]
) -> float:
    names = [str(row) for row in rows]
    fit = fit_head(features[rows], targets[rows], int(targets.max()) + 1, assign_folds(targets[rows], names))
    return float((fit.head.logits(features[rest]).argmax(axis=1) == targets[rest]).mean())


BENCHES = {
    "estimate": bench_estimate,
    "calibration": bench_calibration,
    "duplicates": bench_duplicates,
    "groups": bench_groups,
    "errors": bench_label_errors,
    "saved": bench_work_saved,
    "forecast": bench_forecast,
}


def main(names: list[str]) -> None:
    for name in names or BENCHES:
        began = time.perf_counter()
        BENCHES[name]()
        print(f"({name}: {time.perf_counter() - began:.0f} s at load {os.getloadavg()[0]:.1f})", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
