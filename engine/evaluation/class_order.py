"""The order of the classes in a confusion matrix that brings together what is mixed up."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_MOST_FOR_BEST: Final = 300
"""With more classes the order of the branches is left as the clustering finds it: the best one costs K**3 and more."""


def order_by_similarity(confusion: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns an order of the classes (K,) in which those that are taken for each other are neighbours.

    The leaves of an average-linkage clustering on the share of mix-ups in both directions, in their best order.

    Args:
        confusion: counts (K, K), rows are the true classes.
    """
    num_classes = len(confusion)
    if num_classes < 3:
        return np.arange(num_classes)
    from scipy.cluster.hierarchy import leaves_list, linkage  # takes longer to import than to run
    from scipy.spatial.distance import squareform

    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    distances = 1.0 - np.minimum(1.0, shares + shares.T)
    np.fill_diagonal(distances, 0.0)
    tree = linkage(squareform(distances), "average", optimal_ordering=num_classes <= _MOST_FOR_BEST)
    return np.asarray(leaves_list(tree), dtype=np.int64)
