"""The plain probe: how well a backbone's embeddings serve a linear classifier that sees few pictures per class."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

SETS = ("blood_cells", "caltech59", "clothing10", "coffee_leaf", "steel_neu")
MEAN = np.array([0.485, 0.456, 0.406], np.float32) * 255
STD = np.array([0.229, 0.224, 0.225], np.float32) * 255
_BATCH = 32

Embed = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def read_set(folder: Path, side_px: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Returns pictures (N, S, S, 3), each squeezed to a square, and targets (N,) from a folder per class."""
    classes = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    files = [(file, target) for target, name in enumerate(classes) for file in sorted((folder / name).iterdir())]
    pictures = [
        np.asarray(Image.open(file).convert("RGB").resize((side_px, side_px), Image.Resampling.BILINEAR))
        for file, _ in files
    ]
    return np.stack(pictures), np.array([target for _, target in files])


def features_of(pictures: NDArray[np.uint8], embed: Embed) -> NDArray[np.float32]:
    """Returns embeddings (N, D) of length 1."""
    batches = [normalised(pictures[start : start + _BATCH]) for start in range(0, len(pictures), _BATCH)]
    features = np.concatenate([embed(batch) for batch in batches])
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-9)


def normalised(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Returns what a network takes (B, 3, S, S)."""
    return np.ascontiguousarray(((pictures.astype(np.float32) - MEAN) / STD).transpose(0, 3, 1, 2))


def accuracy_at(features: NDArray[np.float32], targets: NDArray[np.int64], num_per_class: int, num_seeds: int) -> float:
    """Returns the accuracy on all other pictures after seeing that many of each class, mean over random choices."""
    splits = []
    for seed in range(num_seeds):
        generator = np.random.default_rng(seed)
        chosen = [generator.permutation(np.flatnonzero(targets == one))[:num_per_class] for one in np.unique(targets)]
        train = np.concatenate(chosen)
        splits.append((train, np.setdiff1d(np.arange(len(targets)), train)))
    return _accuracy(features, targets, splits)


def accuracy_in_folds(features: NDArray[np.float32], targets: NDArray[np.int64], num_folds: int = 5) -> float:
    """Returns the cross-validated accuracy on all pictures."""
    folds = StratifiedKFold(num_folds, shuffle=True, random_state=0)
    return _accuracy(features, targets, folds.split(features, targets))


def _accuracy(
    features: NDArray[np.float32],
    targets: NDArray[np.int64],
    splits: Iterable[tuple[NDArray[np.int64], NDArray[np.int64]]],
) -> float:
    accuracies = []
    for train, test in splits:
        head = LogisticRegression(C=30, max_iter=1000).fit(features[train], targets[train])
        accuracies.append(float((head.predict(features[test]) == targets[test]).mean()))
    return float(np.mean(accuracies))
