"""Which labelled images are held out together: stratified folds that keep groups whole and stay put as labels grow."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FEW_IMAGES_PER_CLASS = 30


def choose_num_folds(targets: NDArray[np.int64]) -> int:
    """Returns how many folds to make: 10 with few images per class, where leaving out a fifth would hurt, else 5."""
    counts = np.bincount(targets)
    counts = counts[counts > 0]
    return 10 if np.median(counts) < FEW_IMAGES_PER_CLASS else 5


def assign_folds(
    targets: NDArray[np.int64], content_hashes: Sequence[str], groups: Sequence[str] | None = None, num_folds: int = 5
) -> NDArray[np.int64]:
    """Returns the fold (0..num_folds-1) of each image.

    Images of one group share a fold; without `groups`, equal content is a group. The groups of a class are dealt to
    the folds in an order that depends on their names alone, so each class is spread evenly (stratified), the same
    labels always give the same folds, and new labels move few of the old ones: the order is kept, and only what comes
    after an insertion shifts. A group that holds several classes is dealt with its most frequent one.

    Args:
        targets: class indices (N,).
        content_hashes: content hash of each image (N).
        groups: images that must stay together have equal names; None = only equal content does.
        num_folds: at least 2.
    """
    names = list(content_hashes if groups is None else groups)
    members: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        members.setdefault(name, []).append(index)
    by_class: dict[int, list[str]] = {}
    for name, indices in members.items():
        by_class.setdefault(int(np.bincount(targets[indices]).argmax()), []).append(name)
    folds = np.zeros(len(targets), np.int64)
    sizes = np.zeros(num_folds, np.int64)
    for target in sorted(by_class):
        taken = np.zeros(num_folds, np.int64)
        for name in sorted(by_class[target], key=_order):
            preferred = _order(name) % num_folds
            open_folds = np.flatnonzero(taken == taken.min())
            # The hash's own fold if it has room, else the emptiest: even, and mostly unchanged when labels are added.
            fold = preferred if preferred in open_folds else int(open_folds[np.argmin(sizes[open_folds])])
            folds[members[name]] = fold
            taken[fold] += len(members[name])
            sizes[fold] += len(members[name])
    return folds


def _order(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")
