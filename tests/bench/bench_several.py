"""Several classes per image: what the head is worth, whether its own figures are true, and what confirming brings.

Run it: `python tests/bench/bench_several.py` with the shared folder beside the repository or named in GRAFT_SHARED.
Pictures are put together of four of a set: up to four classes each, some tiles of classes that are never named. Of each
set 700 images are made; what is not drawn to learn from is to test on. Every row is the mean over the sets and five
draws; "inside" says how often the truth lay in the run's own 95 % interval. A quarter of an hour on two busy cores.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.backbones import spec
from engine.evaluation.multi_label import average_precision, measure_several
from engine.evaluation.multi_label_calibration import calibrate, cross_fitted
from engine.evaluation.multi_label_folds import assign_folds_of_several, choose_num_folds_of_several
from engine.nn.embed import Embedder
from engine.nn.head import fit_head
from engine.tasks import several_labels
from engine.weights import find_weights

SHARED = Path(os.environ.get("GRAFT_SHARED") or Path(__file__).resolve().parents[3] / "shared")
SETS = {"clothing10": (8, 2), "caltech59": (12, 2), "coffee_leaf": (4, 1), "steel_neu": (5, 1), "blood_cells": (5, 1)}
"""How many classes of each set are named, and how many are there without a name."""

NUM_IMAGES, NUM_DRAWS = 700, 5
TILE_PX = 224
SHARE_GIVEN = 0.6
"""How many of the classes of an image that is not confirmed were given to it."""

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Figures:
    """What one draw gave: on unseen images, and what the run said itself."""

    mean_average_precision: float
    macro_f1: float
    all_right: float
    ece: float
    own: float
    is_inside: bool


def main() -> None:
    """Prints the tables."""
    os.environ.setdefault("GRAFT_WEIGHTS", str(SHARED / "weights"))
    sets = {name: embedded(name) for name in SETS}
    print(f"{'confirmed images':<22}{'mAP':>8}{'own mAP':>9}{'inside':>8}{'F1':>8}{'all right':>11}{'ECE':>7}")
    for num_images in (40, 100, 300):
        say(str(num_images), [draw(*sets[name], num_images, 1.0, seed) for name in sets for seed in range(NUM_DRAWS)])
    usual = several_labels.ABSENT_IF_UNCONFIRMED
    for share in (0.15, 0.4):
        for weight in (0.0, 0.1, usual, 1.0):
            several_labels.ABSENT_IF_UNCONFIRMED = weight  # type: ignore[misc]
            found = [draw(*sets[name], 300, share, seed) for name in sets for seed in range(NUM_DRAWS)]
            say(f"{share:.0%} of 300, absent {weight}", found)
    several_labels.ABSENT_IF_UNCONFIRMED = usual  # type: ignore[misc]


def embedded(name: str) -> tuple[NDArray[np.float32], Bools]:
    """Returns the embeddings (N, D) and classes (N, K) of pictures made of a set."""
    rng = np.random.default_rng(0)
    num_named, num_nameless = SETS[name]
    folders = sorted(path for path in (SHARED / "data" / name).iterdir() if path.is_dir())[: num_named + num_nameless]
    files = [sorted(folder.iterdir()) for folder in folders]
    shares = np.geomspace(0.45, 0.08, num_named)
    present = rng.random((NUM_IMAGES, num_named)) < shares * 1.6 / shares.sum()
    backbone = spec("mobilenet_v2")
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for index, row in enumerate(present):
            chosen = rng.permutation(np.flatnonzero(row))[:4]
            row[:] = np.isin(np.arange(num_named), chosen)
            tiles = [*chosen, *(num_named + rng.integers(num_nameless, size=4 - len(chosen)))]
            paths.append(Path(folder) / f"{index:04}.jpg")
            put_together([files[tile][rng.integers(len(files[tile]))] for tile in rng.permutation(tiles)], paths[-1])
        with Embedder(backbone, find_weights(backbone)) as embedder:
            return np.concatenate([block.features for block in embedder.blocks(paths)]), present


def put_together(files: list[Path], target: Path) -> None:
    """Writes four pictures as one."""
    picture = Image.new("RGB", (2 * TILE_PX, 2 * TILE_PX))
    for place, file in enumerate(files):
        with Image.open(file) as part:
            tile = part.convert("RGB").resize((TILE_PX, TILE_PX))
        picture.paste(tile, (place % 2 * TILE_PX, place // 2 * TILE_PX))
    picture.save(target, quality=92)


def draw(features: NDArray[np.float32], present: Bools, num_images: int, share: float, seed: int) -> Figures:
    """Trains as `engine.tasks.head_run` does on some of the images and tests on those that are never learned from."""
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(present))
    rows, others = shuffled[:num_images], shuffled[num_images:]
    confirmed = np.arange(num_images) < round(share * num_images)
    given = present[rows] & (confirmed[:, None] | (rng.random((num_images, present.shape[1])) < SHARE_GIVEN))
    is_labelled = confirmed | given.any(axis=1)
    rows, given, confirmed = rows[is_labelled], given[is_labelled], confirmed[is_labelled]
    used = (given[confirmed].sum(axis=0) >= 2) & ((~given[confirmed]).sum(axis=0) >= 2)
    given, names = given[:, used], [str(row) for row in rows]
    folds = assign_folds_of_several(given, confirmed, names, names, choose_num_folds_of_several(len(rows)), seed)
    weights = several_labels.entry_weights(given, confirmed)
    fit = fit_head(features[rows], weights, int(used.sum()), folds)
    logits, complete = fit.out_of_fold_logits[confirmed], given[confirmed]
    probabilities, suggested = cross_fitted(logits, complete, folds[confirmed])
    calibration = calibrate(logits, complete)
    own = measure_several(probabilities, complete, suggested, calibration.thresholds, None, logits, True)
    truth = present[np.ix_(others, used)]
    unseen = calibration.probabilities(fit.head.logits(features[others]))
    found = measure_several(unseen, truth, unseen >= calibration.thresholds, calibration.thresholds)
    value = float(np.nanmean(average_precision(unseen, truth)))
    low, high = own.mean_average_precision_interval
    return Figures(value, found.macro_f1, found.accuracy, found.ece, own.mean_average_precision, low <= value <= high)


def say(what: str, found: list[Figures]) -> None:
    """Prints the means of some draws."""

    def mean(name: str) -> float:
        return float(np.mean([getattr(each, name) for each in found]))

    print(
        f"{what:<22}{mean('mean_average_precision'):8.3f}{mean('own'):9.3f}{mean('is_inside'):8.0%}"
        f"{mean('macro_f1'):8.3f}{mean('all_right'):11.3f}{mean('ece'):7.3f}",
        flush=True,
    )


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"{time.perf_counter() - started:.0f} s")
