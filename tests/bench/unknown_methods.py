"""Published ways to tell unknown images, for bench_unknown.py. Each returns how strange images are, in no unit.

Letters: N known images, M images to judge, K classes, D embedding size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

Array = NDArray[np.float32]
Method = Callable[["Known", Array, Array, Array], Array]
"""Known images, then of those to judge: standardised embeddings (M, D), embeddings of length 1, logits (M, K)."""

NUM_NEIGHBOURS = 3
KEPT_VARIANCE = 0.8


@dataclass
class Known:
    """Labelled images: standardised `rows` and plain `features` (N, D), `targets` (N,)."""

    rows: Array
    features: Array
    targets: NDArray[np.int64]
    num_classes: int

    @cached_property
    def within(self) -> Spread:
        means = np.stack([self.rows[self.targets == target].mean(axis=0) for target in range(self.num_classes)])
        return Spread(self.rows - means[self.targets], means)

    @cached_property
    def overall(self) -> Spread:
        mean = self.rows.mean(axis=0, keepdims=True)
        return Spread(self.rows - mean, mean)


class Spread:
    """A covariance shrunk towards a sphere (Ledoit and Wolf 2004), and Mahalanobis distances by it."""

    def __init__(self, centred: Array, means: Array) -> None:
        self.means = means
        num_rows, size = centred.shape
        products = (centred @ centred.T).astype(np.float64)
        values, vectors = np.linalg.eigh(products)
        kept = values > 1e-6 * values[-1]
        self.values, vectors = values[kept][::-1], vectors[:, kept][:, ::-1]
        self.axes = (vectors / np.sqrt(self.values)).T @ centred
        level = np.trace(products) / num_rows / size
        distance = (products**2).sum() / num_rows**2 - size * level**2
        error = ((np.diag(products) ** 2).sum() / num_rows - (products**2).sum() / num_rows**2) / num_rows
        self.shrinkage = float(np.clip(error / max(distance, 1e-30), 0.01, 1))
        self.level = level

    def distances(self, rows: Array) -> Array:
        """Returns squared distances (M, K) to the means."""
        precision = 1 / ((1 - self.shrinkage) * self.values / len(self.values) + self.shrinkage * self.level)
        rest = 1 / (self.shrinkage * self.level)
        found = []
        for mean in self.means:
            moved = rows - mean
            on_axes = moved @ self.axes.T
            inside = (on_axes**2 * (precision - rest)).sum(axis=1)
            found.append(inside + rest * (moved**2).sum(axis=1))
        return np.stack(found, axis=1)

    def left_over(self, rows: Array) -> Array:
        """Returns the length (M,) of what the main axes do not explain."""
        shares = np.cumsum(self.values) / self.values.sum()
        axes = self.axes[: int(np.searchsorted(shares, KEPT_VARIANCE)) + 1]
        moved = rows - self.means[0]
        return np.sqrt(np.maximum((moved**2).sum(axis=1) - ((moved @ axes.T) ** 2).sum(axis=1), 0))


def largest_probability(known: Known, rows: Array, features: Array, logits: Array) -> Array:
    """Hendrycks and Gimpel 2017."""
    return -np.exp(logits - logsumexp(logits, axis=1, keepdims=True)).max(axis=1)


def largest_logit(known: Known, rows: Array, features: Array, logits: Array) -> Array:
    """Hendrycks et al. 2022."""
    return -logits.max(axis=1)


def energy(known: Known, rows: Array, features: Array, logits: Array) -> Array:
    """Liu et al. 2020."""
    return -logsumexp(logits, axis=1)


def mahalanobis(known: Known, rows: Array, features: Array, logits: Array) -> Array:
    """Lee et al. 2018, with a shrunk tied covariance."""
    return known.within.distances(rows).min(axis=1)


def relative_mahalanobis(known: Known, rows: Array, features: Array, logits: Array) -> Array:
    """Ren et al. 2021."""
    # Shrunk as much as the other, or the two are in different units.
    known.overall.shrinkage = known.within.shrinkage
    return mahalanobis(known, rows, features, logits) - known.overall.distances(rows)[:, 0]


def nearest_neighbours(known: Known, rows: Array, features: Array, logits: Array) -> Array:
    """Sun et al. 2022: mean distance to the nearest on the sphere."""
    likeness = features @ known.features.T
    num_nearest = min(NUM_NEIGHBOURS, likeness.shape[1])
    return -np.partition(likeness, -num_nearest, axis=1)[:, -num_nearest:].mean(axis=1)


def cosine_to_means(known: Known, rows: Array, features: Array, logits: Array) -> Array:
    """One of ours: the angle to the nearest class mean, seen from the middle of the classes."""
    centre = known.within.means.mean(axis=0)
    means, moved = known.within.means - centre, rows - centre
    means, moved = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (means, moved))
    return -(moved @ means.T).max(axis=1)


def residual_and_energy(known: Known, rows: Array, features: Array, logits: Array) -> Array:
    """ViM, Wang et al. 2022: what the main axes leave over, scaled to the logits, beside the energy."""
    factor = logits.max(axis=1).mean() / max(known.overall.left_over(rows).mean(), 1e-9)
    return factor * known.overall.left_over(rows) + energy(known, rows, features, logits)


METHODS: dict[str, Method] = {
    "probability": largest_probability,
    "logit": largest_logit,
    "energy": energy,
    "mahalanobis": mahalanobis,
    "relative m.": relative_mahalanobis,
    "neighbours": nearest_neighbours,
    "cosine": cosine_to_means,
    "vim": residual_and_energy,
}
