"""What to label next: labels needed to come within 5 % of the accuracy with all labels, beside choosing at random.

usage: python tests/bench/bench_strategies.py [NUM_SEEDS] [STRATEGY,...]

Of each development set a third is held out; of the rest a scripted expert labels what the strategy asks for, a few at a
time, and the head is refitted each time. Prints the share of the labels that random choice needs (FIGURES,
"Assistance": at most 0.6). Needs the shared image sets and weights (GRAFT_SHARED, GRAFT_WEIGHTS); embeddings are made
once and kept in the temporary folder.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))
SHARED = Path(os.environ.get("GRAFT_SHARED") or ROOT.parent / "shared")
os.environ.setdefault("GRAFT_WEIGHTS", str(SHARED / "weights"))

from engine.backbones import spec  # noqa: E402
from engine.nn.embed import Embedder  # noqa: E402
from engine.nn.head import fit_head, probabilities_of  # noqa: E402
from engine.suggestions.strategies import STRATEGIES, Pool  # noqa: E402
from engine.weights import find_weights  # noqa: E402

BACKBONE = "mobilenet_v2"
SETS = ("blood_cells", "caltech59", "clothing10", "coffee_leaf", "steel_neu")
CACHE = Path(tempfile.gettempdir(), "graft-bench-embeddings")
HELD_OUT_SHARE = 0.35
ENOUGH_SHARE = 0.95
STRENGTH = 1e-3


def embeddings_of(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns features (N, D) and targets (N,) of a set."""
    file = CACHE / f"{name}-{BACKBONE}-{spec(BACKBONE).embedding_size}.npz"
    if not file.is_file():
        folder = SHARED / "data" / name
        classes = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
        paths = [path for one in classes for path in sorted((folder / one).iterdir())]
        targets = np.array([classes.index(path.parent.name) for path in paths])
        record = spec(BACKBONE)
        with Embedder(record, find_weights(record)) as embedder:
            blocks = list(embedder.blocks(paths))
        CACHE.mkdir(exist_ok=True)
        kept = np.concatenate([block.kept for block in blocks]).astype(np.int64)
        np.savez(file, features=np.concatenate([block.features for block in blocks]), targets=targets[kept])
    stored = np.load(file)
    return stored["features"], stored["targets"]


def labels_needed(name: str, features: np.ndarray, targets: np.ndarray, seed: int) -> float:
    """Returns how many labels the strategy needed, between two refits by linear interpolation."""
    num_classes = int(targets.max()) + 1
    order = np.random.default_rng(seed).permutation(len(features))
    num_held_out = int(HELD_OUT_SHARE * len(order))
    test, train = order[:num_held_out], order[num_held_out:]

    def predict(labelled: np.ndarray) -> tuple[float, np.ndarray]:
        present, own = np.unique(targets[labelled], return_inverse=True)
        folds = np.arange(len(labelled)) % 2
        fit = fit_head(features[labelled], own, len(present), folds, strength=STRENGTH)
        probabilities = np.zeros((len(features), num_classes), np.float32)
        probabilities[:, present] = probabilities_of(fit.head.logits(features))
        return float((probabilities[test].argmax(1) == targets[test]).mean()), probabilities

    enough = ENOUGH_SHARE * predict(train)[0]
    step = max(5, num_classes // 4)
    labelled, probabilities, last = np.empty(0, np.int64), None, (0, 0.0)
    strategy = STRATEGIES[name]
    while True:
        rest = np.setdiff1d(train, labelled)
        can_ask = probabilities is not None or not strategy.needs_model
        rank = strategy.rank if can_ask else STRATEGIES["random"].rank
        known = None if probabilities is None else probabilities[rest]
        asked = rank(Pool(features[rest], known, features[labelled], targets[labelled], seed), step)
        labelled = np.concatenate([labelled, rest[asked]])
        if len(np.unique(targets[labelled])) < 2:
            continue
        accuracy, probabilities = predict(labelled)
        if accuracy >= enough or len(labelled) == len(train):
            share = (enough - last[1]) / max(accuracy - last[1], 1e-9)
            return last[0] + min(1.0, share) * (len(labelled) - last[0])
        last = (len(labelled), accuracy)


def main() -> None:
    """Prints the table."""
    num_seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    names = sys.argv[2].split(",") if len(sys.argv) > 2 else [name for name in STRATEGIES if name != "random"]
    print(f"{BACKBONE}, {num_seeds} seeds, load {os.getloadavg()[0]:.1f}; labels needed / labels that random needs")
    print(f"{'set':12s} {'random':>8s} " + " ".join(f"{name:>8s}" for name in names))
    shares = []
    for set_name in SETS:
        features, targets = embeddings_of(set_name)
        needed = {
            name: np.mean([labels_needed(name, features, targets, seed) for seed in range(num_seeds)])
            for name in ("random", *names)
        }
        shares.append([needed[name] / needed["random"] for name in names])
        columns = " ".join(f"{share:8.2f}" for share in shares[-1])
        print(f"{set_name:12s} {needed['random']:8.0f} {columns}", flush=True)
    print(f"{'mean':12s} {'':8s} " + " ".join(f"{share:8.2f}" for share in np.mean(shares, axis=0)))


if __name__ == "__main__":
    main()
