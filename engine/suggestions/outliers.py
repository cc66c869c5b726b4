"""Outliers: images that are far from all others, found without a model.

Letters: N images, D embedding size, k neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.suggestions.vectors import unit_vectors

Array = NDArray[np.float32]
ReadRows = Callable[[NDArray[np.int64]], Array]
"""Returns the embeddings (n, D) of some of the images."""

NUM_NEIGHBOURS: Final = 10
_MOST_COMPARED: Final = 10_000
"""Of more images so many, chosen at random, are those that all are compared with."""
_BLOCK: Final = 1_024


def strangeness_of(
    read: ReadRows,
    num_images: int,
    seed: int = 0,
    checkpoint: Callable[[int], None] = lambda _done: None,
) -> Array:
    """Returns how far each image is from its nearest neighbours: mean cosine distance (N,) to k of them, 0..2.

    Of several, so that two copies of an odd picture do not hide each other. 100,000 images of 1,280 numbers take about
    40 s of one core and 150 MB. Source: Ramaswamy et al. 2000, "Efficient algorithms for mining outliers from large
    data sets" (there the distance to the k-th neighbour only).

    Args:
        checkpoint: called with the number of images that are done; what it raises ends the search.
    """
    compared = np.arange(num_images)
    if num_images > _MOST_COMPARED:
        compared = np.sort(np.random.default_rng(seed).choice(num_images, _MOST_COMPARED, replace=False))
    num_nearest = min(NUM_NEIGHBOURS, len(compared) - 1)
    strangeness = np.zeros(num_images, np.float32)
    if num_nearest < 1:
        return strangeness
    references = np.ascontiguousarray(unit_vectors(read(compared)).T)
    for start in range(0, num_images, _BLOCK):
        checkpoint(start)
        rows = np.arange(start, min(num_images, start + _BLOCK))
        distances = 1 - unit_vectors(read(rows)) @ references
        own = np.searchsorted(compared, rows)
        is_compared = compared[np.minimum(own, len(compared) - 1)] == rows
        distances[is_compared, own[is_compared]] = np.inf  # no image is its own neighbour
        strangeness[rows] = np.partition(distances, num_nearest - 1, axis=1)[:, :num_nearest].mean(axis=1)
    return strangeness
