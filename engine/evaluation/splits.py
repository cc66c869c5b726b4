"""Which labelled images are held out together: stratified folds that keep groups whole and stay put as labels grow."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FEW_IMAGES_PER_CLASS = 30


def choose_num_folds(targets: NDArray[np.int64], units: Sequence[str] | None = None) -> int:
    """Returns how many folds to make: 10 with few images per class, where leaving out a fifth would hurt, else 5.

    Images of one unit count as one: copies of an image do not make up for others.
    """
    if units is not None:
        codes = np.unique(np.array(units), return_inverse=True)[1]
        targets = np.unique(np.column_stack((targets, codes)), axis=0)[:, 0]
    counts = np.bincount(targets)
    counts = counts[counts > 0]
    return 10 if np.median(counts) < FEW_IMAGES_PER_CLASS else 5


def assign_folds(
    targets: NDArray[np.int64],
    content_hashes: Sequence[str],
    groups: Sequence[str] | None = None,
    num_folds: int = 5,
    seed: int = 0,
) -> NDArray[np.int64]:
    """Returns the fold (0..num_folds-1) of each image.

    Images of one group share a fold; without `groups`, equal content is a group. Each group has a favourite fold that
    depends on its name and the seed alone, and gets it unless that fold already holds its share of the class; then it
    gets the fold with the fewest of the class. So every class is spread evenly (stratified), equal labels always give
    equal folds, and new labels move few old ones. A group with several classes counts as its most frequent one.

    Args:
        targets: class indices (N,).
        content_hashes: content hash of each image (N).
        groups: images that must stay together have equal names; None = only equal content does.
        num_folds: at least 2.
        seed: gives other folds of the same quality.
    """
    members: dict[str, list[int]] = {}
    for index, name in enumerate(content_hashes if groups is None else groups):
        members.setdefault(name, []).append(index)
    by_class: dict[int, list[str]] = {}
    for name, indices in members.items():
        by_class.setdefault(int(np.bincount(targets[indices]).argmax()), []).append(name)
    folds = np.zeros(len(targets), np.int64)
    for names in by_class.values():
        numbers = {name: _number(name, seed) for name in names}
        share = -(-sum(len(members[name]) for name in names) // num_folds)
        taken = np.zeros(num_folds, np.int64)
        late = []
        for name in sorted(names, key=numbers.__getitem__):
            favourite = numbers[name] % num_folds
            if taken[favourite] and taken[favourite] + len(members[name]) > share:
                late.append(name)
                continue
            folds[members[name]] = favourite
            taken[favourite] += len(members[name])
        for name in late:
            # Ties go round from the favourite on, or the first folds would get all the small classes.
            order = (np.arange(num_folds) + numbers[name]) % num_folds
            fold = int(order[np.argmin(taken[order])])
            folds[members[name]] = fold
            taken[fold] += len(members[name])
    return folds


def draw_part(targets: NDArray[np.int64], units: Sequence[str], share: float, seed: int = 0) -> NDArray[np.bool_]:
    """Returns which images (N,) a random part has: about `share` of each class, units whole.

    At least two units of a class stay outside, so that it can still be learned and measured. Equal labels and seeds
    give equal parts.
    """
    members: dict[str, list[int]] = {}
    for index, unit in enumerate(units):
        members.setdefault(unit, []).append(index)
    by_class: dict[int, list[str]] = {}
    for unit, indices in members.items():
        by_class.setdefault(int(np.bincount(targets[indices]).argmax()), []).append(unit)
    chosen = np.zeros(len(targets), np.bool_)
    for names in by_class.values():
        wanted = share * sum(len(members[unit]) for unit in names)
        taken = 0
        for unit in sorted(names, key=lambda name: _number(f"test/{name}", seed))[: max(len(names) - 2, 0)]:
            if abs(taken + len(members[unit]) - wanted) < abs(taken - wanted):
                chosen[members[unit]] = True
                taken += len(members[unit])
    return chosen


def _number(name: str, seed: int) -> int:
    """Returns a number below 2**62 that looks random and depends on name and seed alone."""
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 2
