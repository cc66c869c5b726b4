"""Whether accepted suggestions flatter the program's own accuracy: `python tests/bench/bench_accepted.py [SET...]`.

A scripted user labels eight images of each class at random, then accepts suggestions in blocks: the 24 surest of each
class at a time, what is wrong labelled by hand ("corrected"), left without a class ("left"), or an eighth of the images
accepted without a look and the 20 least sure labelled by hand ("unseen"). The truth is known: the accuracy on images
that were never labelled, drawn at random before. Beside it stands what the program says, what counting one by one would
say, and what the labels say that are no accepted suggestions.
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

from engine.evaluation.selection import accuracy_of_all

SETS = ("clothing10", "coffee_leaf", "steel_neu")
FLOWS = ("corrected", "left", "unseen")
MOMENTS = (0.4, 0.7, 0.95)
"""Shares of the images with a label at which the estimates are compared with the truth."""
NUM_SEEDS, NUM_FIRST, PAGE, NUM_ROUNDS = 3, 8, 24, 12


@dataclass
class Labels:
    """Of all images of a set: class or -1, whether it is an accepted suggestion, whether nobody looked."""

    targets: NDArray[np.int64]
    accepted: NDArray[np.bool_]
    unseen: NDArray[np.bool_]


def estimates(
    images: ImageSet, labels: Labels, rows: NDArray[np.int64], trained: Trained, others: NDArray[np.floating[Any]]
) -> list[float]:
    """Returns what the program says, what plain counting says, and what the user's own labels say."""
    is_right = trained.out_of_fold.argmax(axis=1) == labels.targets[rows]
    sure, seen, own = trained.out_of_fold.max(axis=1), ~labels.unseen[rows], ~labels.accepted[rows]
    said = accuracy_of_all(sure[seen], is_right[seen], np.concatenate([others, sure[~seen]]))[0]
    return [said, float(is_right.mean()), float(is_right[own].mean())]


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
        page = np.flatnonzero(called == index)
        page = open_rows[page[np.argsort(-sure[page])][:PAGE]]
        is_right = images.targets[page] == index
        labels.targets[page[is_right]] = index
        labels.accepted[page[is_right]] = True
        if flow == "corrected":
            labels.targets[page[~is_right]] = images.targets[page[~is_right]]


def trial(images: ImageSet, flow: str, seed: int) -> list[list[float]]:
    """Returns for each moment the share labelled, the truth, and the three estimates."""
    order = np.random.default_rng(seed).permutation(len(images.targets))
    pool, test = np.split(order, [round(0.7 * len(order))])
    count = len(images.targets)
    labels = Labels(np.full(count, -1), np.zeros(count, np.bool_), np.zeros(count, np.bool_))
    for index in range(int(images.targets.max()) + 1):
        labels.targets[pool[images.targets[pool] == index][:NUM_FIRST]] = index
    found: list[list[float]] = []
    for _ in range(NUM_ROUNDS):
        rows, open_rows = pool[labels.targets[pool] >= 0], pool[labels.targets[pool] < 0]
        hashes = [images.hashes[row] for row in rows]
        trained = train(images.features[rows], labels.targets[rows], hashes, hashes)
        said = trained.probabilities(images.features[open_rows])
        share = len(rows) / len(pool)
        if len(found) < len(MOMENTS) and share >= MOMENTS[len(found)]:
            truth = float((trained.probabilities(images.features[test]).argmax(axis=1) == images.targets[test]).mean())
            others = said.max(axis=1, initial=0)
            found.append([share, truth, *estimates(images, labels, rows, trained, others)])
        if len(found) == len(MOMENTS) or not len(open_rows):
            break
        label_more(images, labels, open_rows, said, flow)
    return found


def main() -> None:
    print(f"{'set':12} {'flow':10} {'labelled':>8} {'truth':>6} {'program':>8} {'one by one':>11} {'own only':>9}")
    errors: dict[str, list[list[float]]] = {flow: [] for flow in FLOWS}
    for name in sys.argv[1:] or SETS:
        images = load_set(name)
        for flow in FLOWS:
            rows = [row for seed in range(NUM_SEEDS) for row in trial(images, flow, seed)]
            for _, truth, *said in rows:
                errors[flow].append([each - truth for each in said])
            share, truth, said, plain, own = np.mean(rows, axis=0)
            print(f"{name:12} {flow:10} {share:8.2f} {truth:6.3f} {said:8.3f} {plain:11.3f} {own:9.3f}", flush=True)
    for flow, found in errors.items():
        mean, size = np.mean(found, axis=0), np.abs(found).mean(axis=0)
        words = "  ".join(
            f"{what} {100 * one:+.1f} ({100 * other:.1f})"
            for what, one, other in zip(("program", "one by one", "own only"), mean, size, strict=True)
        )
        print(f"{flow}: points off on average (in size): {words}")


if __name__ == "__main__":
    main()
