"""Whether own figures hold after labelling by stacks: `python tests/bench/bench_stack_labels.py [SET...]`.

A scripted user names stacks of look-alikes as they are shown ("stacks"), the easiest first ("easy"), stacks and then
the rest one by one ("mixed": 60 % of the labels from stacks), or labels at random. At about 80, 130 and 250 labels of a
project of 450 images the program's accuracy, interval, work saved and block promises are compared with the truth on the
project's open images and on images outside the project, where a class that nobody labelled is always wrong. "Before"
is cross-validation one by one. Where too many open images look like nothing labelled, the program states no figure for
them ("silent"), and those trials are not among the others. Embeddings are kept (see honesty_sets.py).
"""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bench_honesty import Trained, train
from honesty_sets import SETS, ImageSet, load_set

from engine.evaluation.acceptance import BorneOut
from engine.evaluation.groups import assign_group_folds
from engine.evaluation.intervals import CROSS_VALIDATED, grouped
from engine.evaluation.representation import odds_weights, stack_units, unlike_labelled
from engine.evaluation.splits import choose_num_folds
from engine.evaluation.unknown import UnknownFit, fit_unknown
from engine.evaluation.work_saved import work_saved
from engine.nn.head import fit_head
from engine.suggestions.clusters import stacks_of

FLOWS = ("stacks", "easy", "mixed", "random")
MOMENTS = (80, 130, 250)
NUM_SEEDS, POOL, PAGE, FEWEST_ON_PAGE = 3, 450, 24, 8
FROM_STACKS, LARGEST_SHARE = 0.6, 0.8
UNKNOWN_FROM = 0.95
Rows = NDArray[np.int64]


@dataclass
class Tally:
    """Errors of the accuracy against (open, outside), whether the interval held them, and promises kept."""

    silent: int = 0
    trials: int = 0
    errors: list[tuple[float, float]] = field(default_factory=list)
    inside: list[tuple[bool, bool]] = field(default_factory=list)
    blocks: list[bool] = field(default_factory=list)
    saved: list[bool] = field(default_factory=list)


def step_numbers(images: ImageSet, pool: Rows, wanted: int, flow: str, seed: int) -> Rows:
    """Returns for each image of the pool the step that labelled it, 0 where it is open."""
    rng, targets = np.random.default_rng(seed), images.targets[pool]
    steps, number = np.zeros(len(pool), np.int64), 0
    enough = {"mixed": round(FROM_STACKS * wanted), "random": 0}.get(flow, wanted)
    while (steps > 0).sum() < enough:
        open_rows = np.flatnonzero(steps == 0)
        features = images.features[pool[open_rows]]
        stacks = stacks_of(lambda rows, features=features: features[rows], len(open_rows), seed)
        worth = []
        for members, typical in zip(stacks.members, stacks.num_typical.tolist(), strict=True):
            shown = open_rows[members[:typical]]
            right = shown[targets[shown] == np.bincount(targets[shown]).argmax()]
            if len(right) > 1 + len(shown) - len(right):
                worth.append(((len(shown) - len(right)) / len(right), right))
        if not worth:
            break
        for _, right in sorted(worth, key=lambda each: each[0]) if flow == "easy" else worth:
            if (steps > 0).sum() < enough:
                number += 1
                steps[right] = number
    rest = rng.permutation(np.flatnonzero(steps == 0))[: max(0, wanted - int((steps > 0).sum()))]
    steps[rest] = number + 1 + np.arange(len(rest))
    return steps


def unknown_of(features: NDArray[np.float32], targets: Rows, units: list[str]) -> UnknownFit | None:
    """Returns the unknown score of a training, as engine.tasks.head_run fits it."""
    names = [str(row) for row in range(len(targets))]
    folds = assign_group_folds(targets, names, units, choose_num_folds(targets, units), 0)
    fit = fit_head(features, targets, int(targets.max()) + 1, folds)
    return fit_unknown(features, targets, folds, fit.out_of_fold_logits, fit.head.mean, fit.head.scale)


def main() -> None:
    tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
    for name in sys.argv[1:] or SETS:
        images = load_set(name)
        for flow in FLOWS:
            for seed in range(NUM_SEEDS):
                for wanted in MOMENTS:
                    trial(images, flow, seed, wanted, tallies)
        print(f"{name} done", flush=True)
    heads = (f"{'trials':>7}{'silent':>7}{'off open':>16}{'off outside':>16}{'inside':>13}{'blocks':>8}{'saved':>7}",)
    print(f"{'labels':8}{'method':8}", *heads, sep="")
    for (flow, method), tally in tallies.items():
        off = 100 * np.array(tally.errors or [(np.nan, np.nan)])
        inside = 100 * np.mean(tally.inside or [(np.nan, np.nan)], axis=0)
        cells = [f"{off[:, at].mean():+.1f} ({np.abs(off[:, at]).mean():.1f})" for at in (0, 1)]
        promised = [f"{100 * np.mean(kept):.0f} %" if kept else "none" for kept in (tally.blocks, tally.saved)]
        print(
            f"{flow:8}{method:8}{tally.trials:7}{tally.silent:7}{cells[0]:>16}{cells[1]:>16}"
            f"{f'{inside[0]:.0f}, {inside[1]:.0f} %':>13}{promised[0]:>8}{promised[1]:>7}"
        )


def trial(images: ImageSet, flow: str, seed: int, wanted: int, tallies: dict[tuple[str, str], Tally]) -> None:
    """Labels once, trains, and compares for both methods."""
    order = np.random.default_rng(seed).permutation(len(images.targets))
    size = min(POOL, round(0.65 * len(order)))
    pool, outside = order[:size], order[size:]
    if wanted > LARGEST_SHARE * size:
        return
    steps = step_numbers(images, pool, wanted, flow, seed)
    counts = np.bincount(images.targets[pool[steps > 0]], minlength=int(images.targets.max()) + 1)
    classes = np.flatnonzero(counts >= 2)
    if len(classes) < 2:
        return
    chosen = np.flatnonzero((steps > 0) & np.isin(images.targets[pool], classes))
    own, opened = pool[chosen], pool[steps == 0]
    targets, names = np.searchsorted(classes, images.targets[own]), [images.hashes[row] for row in own]
    sizes = np.bincount(steps[chosen])
    together = np.where(sizes[steps[chosen]] >= 3, steps[chosen], 0)
    for method, units in (("before", names), ("now", stack_units(names, together, targets))):
        trained = train(images.features[own], targets, names, units)
        unknown = unknown_of(images.features[own], targets, names)
        tally = tallies[flow, method]
        tally.trials += 1
        said, truth = {}, {}
        for where, rows in (("open", opened), ("outside", outside)):
            said[where] = trained.probabilities(images.features[rows])
            truth[where] = classes[said[where].argmax(axis=1)] == images.targets[rows]
        scores = np.zeros(len(opened), np.float32)
        if unknown is not None:
            scores = unknown.detector.scores(images.features[opened], trained.head.logits(images.features[opened]))
        if method == "now" and unlike_labelled(scores) is not None:
            tally.silent += 1
            continue
        is_right, sure = trained.out_of_fold.argmax(axis=1) == targets, trained.out_of_fold.max(axis=1)
        groups = grouped(is_right, np.array(units), CROSS_VALIDATED)
        has_stacks = method == "now" and list(units) != names
        weights = odds_weights(sure, said["open"].max(axis=1)) if has_stacks else np.ones(len(sure))
        share, (low, high) = float(np.average(is_right, weights=weights)), groups.interval(is_right, None, weights)
        true = truth["open"].mean(), truth["outside"].mean()
        tally.errors.append((share - true[0], share - true[1]))
        tally.inside.append((low <= true[0] <= high, low <= true[1] <= high))
        judge_promises(tally, trained, targets, units, said["open"], truth["open"], scores, unknown)


def judge_promises(
    tally: Tally,
    trained: Trained,
    targets: Rows,
    units: list[str],
    said: NDArray[np.float32],
    truth: NDArray[np.bool_],
    scores: NDArray[np.float32],
    unknown: UnknownFit | None,
) -> None:
    """Whether the first page of each class has no more mistakes than promised, and what is accepted is as precise."""
    predicted, sure = trained.out_of_fold.argmax(axis=1), trained.out_of_fold.max(axis=1)
    is_right, looks_known = predicted == targets, scores < UNKNOWN_FROM
    borne_out = BorneOut(sure.astype(float), predicted, is_right, grouped(is_right, np.array(units), CROSS_VALIDATED))
    for index in range(said.shape[1]):
        page = np.flatnonzero((said.argmax(axis=1) == index) & looks_known)
        page = page[np.argsort(-said.max(axis=1)[page])][:PAGE]
        found = borne_out.mistakes(said.max(axis=1)[page], index) if len(page) >= FEWEST_ON_PAGE else None
        if found is not None:
            tally.blocks.append(int((~truth[page]).sum()) <= found.at_most)
    own_known = np.ones(len(sure)) if unknown is None else unknown.out_of_fold_scores < UNKNOWN_FROM
    saved = work_saved(sure * own_known, is_right, said.max(axis=1) * looks_known, np.array(units))
    precision = saved.best_precision()
    is_accepted = saved.at(precision).is_accepted
    if is_accepted.any():
        tally.saved.append(bool(truth[is_accepted].mean() >= precision))


if __name__ == "__main__":
    main()
