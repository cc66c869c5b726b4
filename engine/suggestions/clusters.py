"""Stacks of look-alikes: groups of images that can be named with one key before there is any model.

Letters: N images, D embedding size, S stacks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.suggestions.vectors import unit_vectors

Array = NDArray[np.float32]
Rows = NDArray[np.int64]

IMAGES_PER_STACK: Final = 20
"""What fits on a screen; larger stacks mix kinds, smaller ones save fewer keys."""

_NUM_AXES: Final = 64
_LARGEST_FIT: Final = 50_000
_MOST_STACKS: Final = 2_000
_BATCH: Final = 4_096
_BLOCK: Final = 8_192


@dataclass(frozen=True, slots=True)
class Stacks:
    """`members[s]` are the rows of stack s, the most typical first, so that odd ones out stand at its end; `spreads`
    (S,) is the mean distance to the stack's centre. Stacks that look alike follow each other."""

    members: list[Rows]
    spreads: Array


def stacks_of(
    features: Array,
    seed: int = 0,
    num_stacks: int | None = None,
    checkpoint: Callable[[], None] = lambda: None,
) -> Stacks:
    """Returns the stacks of embeddings (N, D), about `IMAGES_PER_STACK` images each unless their number is given.

    k-means on the first principal axes of the embeddings of length 1; the centres are put in order by Ward's method
    (a dendrogram's leaves), which keeps like beside like. `checkpoint` is called between the steps.
    """
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.decomposition import PCA

    num_images = len(features)
    if num_images == 0:
        return Stacks([], np.empty(0, np.float32))
    if num_stacks is None:
        num_stacks = min(_MOST_STACKS, max(1, round(num_images / IMAGES_PER_STACK)))
    generator = np.random.default_rng(seed)
    chosen = np.arange(num_images)
    if num_images > _LARGEST_FIT:
        chosen = np.sort(generator.choice(num_images, _LARGEST_FIT, replace=False))
    sample = unit_vectors(features[chosen])
    projection = PCA(min(_NUM_AXES, *sample.shape), svd_solver="randomized", random_state=seed)
    points = projection.fit_transform(sample) if num_images > 1 else np.zeros((1, 1))
    checkpoint()
    clustering = MiniBatchKMeans(num_stacks, random_state=seed, n_init=1, batch_size=_BATCH).fit(points)
    labels, distances = np.empty(num_images, np.int64), np.empty(num_images, np.float32)
    for start in range(0, num_images, _BLOCK):
        checkpoint()
        block = slice(start, min(num_images, start + _BLOCK))
        placed = projection.transform(unit_vectors(features[block])) if num_images > 1 else points
        labels[block] = clustering.predict(placed)
        distances[block] = np.linalg.norm(placed - clustering.cluster_centers_[labels[block]], axis=1)
    return _in_order(labels, distances, np.asarray(clustering.cluster_centers_, np.float64))


def _in_order(labels: Rows, distances: Array, centres: NDArray[np.float64]) -> Stacks:
    """Returns the stacks that have members, like beside like."""
    from scipy.cluster.hierarchy import leaves_list, linkage

    present = np.unique(labels)
    leaves = leaves_list(linkage(centres[present], "ward")) if len(present) > 2 else np.arange(len(present))
    rank = np.empty(len(centres), np.int64)
    rank[present[leaves]] = np.arange(len(present))
    order = np.lexsort((distances, rank[labels]))
    sizes = np.bincount(rank[labels], minlength=len(present))
    ends = np.cumsum(sizes)
    spreads = np.bincount(rank[labels], weights=distances, minlength=len(present)) / sizes
    return Stacks(np.split(order, ends[:-1]), spreads.astype(np.float32))
