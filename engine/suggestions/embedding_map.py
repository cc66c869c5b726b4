"""A flat map of embeddings: look-alikes lie side by side. Arrays only.

t-SNE through openTSNE. Seconds of processor time for 10,000 embeddings of 1,280 numbers (tests/bench/bench_explain.py):
11 here; 60 with umap-learn, which compiles itself first and brings numba and llvmlite along (208 MB); 62 with
scikit-learn's Barnes-Hut t-SNE, which cannot place new images. The first two principal axes are quick and show little.

What makes it quick: 50 principal axes, exact neighbours by scikit-learn, a coarse interpolation grid, 450 steps. One
thread: the same embeddings and seed give the same map, on every run.

Letters: N images, D embedding size, A axes, M images to be placed.

Source: Policar, Strazar and Zupan 2019, "openTSNE"; Linderman et al. 2019 for the interpolation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from engine.language import tr

Floats = NDArray[np.float32]
ReadRows = Callable[[NDArray[np.int64]], Floats]
"""Returns the embeddings (n, D) of some of the images 0..N-1."""
Tell = Callable[[int, int, str], None]
"""Told how far it is: done, total, note. May end the work by raising."""

NUM_AXES: Final = 50
PERPLEXITY: Final = 15
NUM_EARLY, NUM_LATE = 150, 300
MOST_LAID_OUT: Final = 100_000
"""The others are placed beside their neighbours."""

_EARLY_EXAGGERATION: Final = 12
_CELLS_PER_UNIT: Final = 3
"""Width of the interpolation's cells: 3 instead of 1 is five times as fast and gives the same picture."""
_START_SPREAD: Final = 1e-4
_FEW: Final = 2_000
_TINY: Final = 5
_BLOCK: Final = 4_096
_STEPS_AT_A_TIME: Final = 5
_NUM_NEIGHBOURS: Final = 5
_PERCENT_AXES, _PERCENT_NEIGHBOURS = 5, 30


@dataclass(frozen=True, slots=True)
class EmbeddingMap:
    """Places (N, 2) in 0..1 of the images that were laid out, and what is needed to place others beside them.

    `reduced` (N, A) are their embeddings on the axes: (embedding - mean) @ axes, with mean (D,) and axes (D, A).
    """

    places: Floats
    reduced: Floats
    mean: Floats
    axes: Floats


def lay_out(
    read: ReadRows, num_images: int, seed: int = 0, tell: Tell = lambda done, total, note: None
) -> EmbeddingMap:
    """Returns the map of N embeddings, the same for the same embeddings and seed. Raises what `tell` raises."""
    mean, axes = _principal_axes(read, num_images, tell)
    reduced = _reduce(read, num_images, mean, axes)
    if num_images <= _TINY or not np.ptp(reduced, axis=0).any():
        return EmbeddingMap(_into_unit_square(_first_two(reduced)), reduced, mean, axes)
    places = _by_neighbours(reduced, seed, tell)
    return EmbeddingMap(_into_unit_square(places), reduced, mean, axes)


def place(known: EmbeddingMap, embeddings: NDArray[np.floating[Any]]) -> Floats:
    """Returns places (M, 2) for other images: the median of those of their nearest neighbours on the map."""
    if not len(embeddings):
        return np.empty((0, 2), np.float32)
    if len(known.places) <= _NUM_NEIGHBOURS:
        return np.full((len(embeddings), 2), 0.5, np.float32)
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(n_neighbors=_NUM_NEIGHBOURS, algorithm="brute").fit(known.reduced)
    rows = index.kneighbors((embeddings - known.mean) @ known.axes, return_distance=False)
    found: Floats = np.median(known.places[rows], axis=1).astype(np.float32)
    return found


def _by_neighbours(reduced: Floats, seed: int, tell: Tell) -> NDArray[Any]:
    """Returns the places (N, 2) that t-SNE gives."""
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors
    from threadpoolctl import threadpool_limits

    perplexity = min(PERPLEXITY, (len(reduced) - 1) / 3)
    neighbours, distances = _nearest(reduced, int(3 * perplexity), tell)
    method = "bh" if len(reduced) < _FEW else "fft"
    # A second thread gains nothing in these steps, and would make sums depend on the order of its results.
    with threadpool_limits(1):
        affinities = PerplexityBasedNN(
            knn_index=PrecomputedNeighbors(neighbours, distances), perplexity=perplexity, n_jobs=1
        )
        found = TSNEEmbedding(
            _first_two(reduced) * (_START_SPREAD / max(float(reduced[:, 0].std()), 1e-12)),
            affinities,
            negative_gradient_method=method,
            n_jobs=1,
            random_state=seed,
            ints_in_interval=_CELLS_PER_UNIT,
        )
        total = NUM_EARLY + NUM_LATE
        for done in range(0, total, _STEPS_AT_A_TIME):
            share = _PERCENT_NEIGHBOURS + (100 - _PERCENT_NEIGHBOURS) * done // total
            tell(share, 100, tr("laying out the map"))
            is_early = done < NUM_EARLY
            settings = {"exaggeration": _EARLY_EXAGGERATION, "momentum": 0.5} if is_early else {"momentum": 0.8}
            found.optimize(_STEPS_AT_A_TIME, inplace=True, **settings)
    return np.asarray(found)


def _nearest(reduced: Floats, count: int, tell: Tell) -> tuple[NDArray[np.int64], Floats]:
    """Returns the nearest others of each image (N, count), nearest first, and how far they are."""
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(n_neighbors=count + 1, algorithm="brute").fit(reduced)
    rows = np.empty((len(reduced), count), np.int64)
    distances = np.empty((len(reduced), count), np.float32)
    for start in range(0, len(reduced), _BLOCK):
        share = (_PERCENT_NEIGHBOURS - _PERCENT_AXES) * start // len(reduced)
        tell(_PERCENT_AXES + share, 100, tr("looking for look-alikes"))
        block = np.arange(start, min(len(reduced), start + _BLOCK))
        far, near = index.kneighbors(reduced[block])
        # Itself is among them, though not always first: others may be exactly the same picture.
        is_self = near == block[:, None]
        is_self[~is_self.any(axis=1), -1] = True
        rows[block] = near[~is_self].reshape(len(block), count)
        distances[block] = far[~is_self].reshape(len(block), count)
    return rows, distances


def _principal_axes(read: ReadRows, num_images: int, tell: Tell) -> tuple[Floats, Floats]:
    """Returns the mean (D,) and the axes (D, A) along which the embeddings differ most, each pointing one way."""
    total: NDArray[np.float64] | None = None
    products: NDArray[np.float64] | None = None
    for start in range(0, num_images, _BLOCK):
        tell(_PERCENT_AXES * start // num_images, 100, tr("reading embeddings"))
        block = read(np.arange(start, min(num_images, start + _BLOCK)))
        total = block.sum(axis=0, dtype=np.float64) if total is None else total + block.sum(axis=0, dtype=np.float64)
        products = (block.T @ block).astype(np.float64) if products is None else products + block.T @ block
    assert total is not None
    assert products is not None
    mean = total / num_images
    size = len(mean)
    largest = (max(0, size - NUM_AXES), size - 1)
    _, vectors = eigh(products / num_images - np.outer(mean, mean), subset_by_index=largest)
    axes = vectors[:, ::-1]
    # An axis may come out either way round; the same map needs the same one.
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])] < 0, -1, 1)
    return mean.astype(np.float32), np.ascontiguousarray(axes, np.float32)


def _reduce(read: ReadRows, num_images: int, mean: Floats, axes: Floats) -> Floats:
    reduced = np.empty((num_images, axes.shape[1]), np.float32)
    for start in range(0, num_images, _BLOCK):
        rows = np.arange(start, min(num_images, start + _BLOCK))
        reduced[rows] = (read(rows) - mean) @ axes
    return reduced


def _first_two(reduced: Floats) -> Floats:
    flat = np.zeros((len(reduced), 2), np.float32)
    flat[:, : reduced.shape[1]] = reduced[:, :2]
    return flat


def _into_unit_square(places: NDArray[Any]) -> Floats:
    """Returns places moved and scaled, both directions alike, so that all lie in 0..1 around the middle."""
    low, high = places.min(axis=0), places.max(axis=0)
    span = float((high - low).max()) or 1.0
    scaled: Floats = ((places - (low + high) / 2) / span + 0.5).astype(np.float32)
    return scaled
