"""Whether accepted suggestions flatter the program's own accuracy: `python tests/bench/bench_accepted.py [SET...]`.

A scripted user labels eight images of each class at random, then accepts suggestions in blocks: the 24 surest of each
class at a time, what is wrong labelled by hand ("corrected"), refused and left without a class ("left"), or an eighth
of the images accepted without a look and the 20 least sure labelled by hand ("unseen"). What was refused is not offered
again. The truth is known: the accuracy on images that were never labelled, drawn at random before. Beside it stands
what the program says, and what counting one by one, the labels that are no accepted suggestions, and the program
without the refused images would say; then the calibration error on the unseen images, with and without these.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bench_honesty import Trained, train
from honesty_sets import ImageSet, load_set

from engine.evaluation.metrics import expected_calibration_error
from engine.evaluation.selection import Refused, accuracy_of_all

SETS = ("clothing10", "coffee_leaf", "steel_neu")
FLOWS = ("corrected", "left", "unseen")
MOMENTS = (0.4, 0.7, 0.95)
"""Shares of the images with a label at which the estimates are compared with the truth."""
NAMES = ("program", "one by one", "own only", "without", "inside", "ECE", "ECE without")
NUM_SEEDS, NUM_FIRST, PAGE, NUM_ROUNDS = 3, 8, 24, 12


@dataclass
class Labels:
    """Of all images of a set: class or -1, whether that is an accepted suggestion, or one unseen; what it is not."""

    targets: NDArray[np.int64]
    accepted: NDArray[np.bool_]
    unseen: NDArray[np.bool_]
    refused: NDArray[np.bool_]


def estimates(
    labels: Labels, rows: NDArray[np.int64], open_rows: NDArray[np.int64], trained: Trained, said: NDArray[np.float32]
) -> list[float]:
    """Returns what the program says, from where to where, and what plain counting and the user's own labels say."""
    is_right = trained.out_of_fold.argmax(axis=1) == labels.targets[rows]
    sure, seen, own = trained.out_of_fold.max(axis=1), ~labels.unseen[rows], ~labels.accepted[rows]
    is_refused = labels.refused[open_rows].any(axis=1)
    refused = Refused(said[is_refused], labels.refused[open_rows[is_refused]])
    others = np.concatenate([said[~is_refused].max(axis=1, initial=0), sure[~seen]])
    share, (low, high) = accuracy_of_all(sure[seen], is_right[seen], others, None, refused)
    return [share, low, high, float(is_right.mean()), float(is_right[own].mean())]


def label_more(
    images: ImageSet, labels: Labels, open_rows: NDArray[np.int64], said: NDArray[np.floating[Any]], flow: str
) -> None:
    """One round of the scripted user."""
    sure, called = said.max(axis=1), said.argmax(axis=1)
    if flow == "unseen":
        taken = np.argsort(-sure)[: len(labels.targets) // 12]
        taken = taken[sure[taken] >= 0.9]
        labels.targets[open_rows[taken]] = called[taken]
        labels.accepted[open_rows[taken]] = labels.unseen[open_rows[taken]] = True
        by_hand = [row for row in open_rows[np.argsort(sure)] if labels.targets[row] < 0][:20]
        labels.targets[by_hand] = images.targets[by_hand]
        return
    for index in range(said.shape[1]):
        page = np.flatnonzero((called == index) & ~labels.refused[open_rows, index])
        page = open_rows[page[np.argsort(-sure[page])][:PAGE]]
        is_right = images.targets[page] == index
        labels.targets[page[is_right]] = index
        labels.accepted[page[is_right]] = True
        if flow == "corrected":
            labels.targets[page[~is_right]] = images.targets[page[~is_right]]
        else:
            labels.refused[page[~is_right], index] = True


def trial(images: ImageSet, flow: str, seed: int) -> list[list[float]]:
    """Returns for each moment the share labelled, the truth, and the columns of `NAMES`."""
    order = np.random.default_rng(seed).permutation(len(images.targets))
    pool, test = np.split(order, [round(0.7 * len(order))])
    count, num_classes = len(images.targets), int(images.targets.max()) + 1
    nothing = np.zeros(count, np.bool_)
    labels = Labels(np.full(count, -1), nothing.copy(), nothing.copy(), np.zeros((count, num_classes), np.bool_))
    for index in range(num_classes):
        labels.targets[pool[images.targets[pool] == index][:NUM_FIRST]] = index
    found: list[list[float]] = []
    for _ in range(NUM_ROUNDS):
        rows, open_rows = pool[labels.targets[pool] >= 0], pool[labels.targets[pool] < 0]
        hashes = [images.hashes[row] for row in rows]
        held_out = open_rows[labels.refused[open_rows].any(axis=1)]
        refused = (images.features[held_out], labels.refused[held_out]) if len(held_out) else None
        trained = train(images.features[rows], labels.targets[rows], hashes, hashes, refused)
        said = trained.probabilities(images.features[open_rows])
        share = len(rows) / len(pool)
        if len(found) < len(MOMENTS) and share >= MOMENTS[len(found)]:
            plain = train(images.features[rows], labels.targets[rows], hashes, hashes)
            guess = trained.probabilities(images.features[test])
            truth = guess.argmax(axis=1) == images.targets[test]
            own_error = expected_calibration_error(guess.max(axis=1), truth)
            guess = plain.probabilities(images.features[test])
            error = expected_calibration_error(guess.max(axis=1), truth)
            program, low, high, one_by_one, own = estimates(labels, rows, open_rows, trained, said)
            is_right = plain.out_of_fold.argmax(axis=1) == labels.targets[rows]
            seen, sure = ~labels.unseen[rows], plain.out_of_fold.max(axis=1)
            others = plain.probabilities(images.features[open_rows]).max(axis=1, initial=0)
            without = accuracy_of_all(sure[seen], is_right[seen], np.concatenate([others, sure[~seen]]))[0]
            inside = float(low <= truth.mean() <= high)
            found.append([share, truth.mean(), program, one_by_one, own, without, inside, own_error, error])
        if len(found) == len(MOMENTS) or not len(open_rows):
            break
        label_more(images, labels, open_rows, said, flow)
    return found


def main() -> None:
    print(f"{'set':12} {'flow':10} {'labelled':>8} {'truth':>6} " + " ".join(f"{name:>10}" for name in NAMES))
    errors: dict[str, list[list[float]]] = {flow: [] for flow in FLOWS}
    for name in sys.argv[1:] or SETS:
        images = load_set(name)
        for flow in FLOWS:
            rows = [row for seed in range(NUM_SEEDS) for row in trial(images, flow, seed)]
            for _, truth, *said in rows:
                errors[flow].append([each - truth for each in said[:4]])
            share, truth, *figures = np.mean(rows, axis=0)
            print(
                f"{name:12} {flow:10} {share:8.2f} {truth:6.3f} " + " ".join(f"{one:10.3f}" for one in figures),
                flush=True,
            )
    for flow, found in errors.items():
        mean, size = np.mean(found, axis=0), np.abs(found).mean(axis=0)
        words = "  ".join(
            f"{what} {100 * one:+.1f} ({100 * other:.1f})"
            for what, one, other in zip(NAMES[:4], mean, size, strict=True)
        )
        print(f"{flow}: points off on average (in size): {words}")


if __name__ == "__main__":
    main()
