"""Exact nearest neighbours among up to a million embeddings, without reading them all for each question.

The embeddings are turned onto their principal axes once. What lies on the first axes is kept in memory beside the
length of the rest; from the two follows the smallest distance that an image can have, so that only the few images
whose bound is near enough are read in full. The answer is exact, whatever the axes: bad ones only make it slower.

Letters: N images, D embedding size, A axes kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.suggestions.vectors import unit_vectors

Array = NDArray[np.float32]
ReadRows = Callable[[NDArray[np.int64]], Array]
"""Returns the embeddings (n, D) of some of the rows."""

_NUM_AXES: Final = 96
_NUM_SAMPLED: Final = 20_000
_BLOCK: Final = 8_192
_NEXT_LOOK: Final = 1_024
_FIRST_LOOK: Final = 4
"""So many times the wanted number of images are read first; their distances say how far the others need to be."""

_SLACK: Final = 1e-4
"""Squared distances of vectors of length 1 are known to this in float32."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The nearest images, nearest first: `rows` (k,) and their cosine similarities (k,) in -1..1."""

    rows: NDArray[np.int64]
    similarities: Array


class NeighbourIndex:
    """Finds the embeddings most similar to one of them, by cosine."""

    def __init__(
        self,
        read: ReadRows,
        num_rows: int,
        seed: int = 0,
        checkpoint: Callable[[], None] = lambda: None,
    ) -> None:
        """Reads all embeddings once (a million of 1,280 numbers: 5 GB). `checkpoint` may end that by raising."""
        self._read = read
        generator = np.random.default_rng(seed)
        sample = np.arange(num_rows)
        if num_rows > _NUM_SAMPLED:
            sample = np.sort(generator.choice(num_rows, _NUM_SAMPLED, replace=False))
        sampled = unit_vectors(read(sample))
        self._centre = sampled.sum(axis=0) / np.float32(max(1, len(sampled)))
        self._axes = _principal_axes(sampled - self._centre, _NUM_AXES)
        self._on_axes = np.empty((num_rows, self._axes.shape[1]), np.float32)
        self._rest = np.empty(num_rows, np.float32)
        for start in range(0, num_rows, _BLOCK):
            checkpoint()
            rows = np.arange(start, min(num_rows, start + _BLOCK))
            self._on_axes[rows], self._rest[rows] = self._project(unit_vectors(read(rows)))
        self._squares = np.einsum("ij,ij->i", self._on_axes, self._on_axes) + np.square(self._rest)

    def __len__(self) -> int:
        return len(self._rest)

    def nearest(self, vector: Array, num_wanted: int) -> Neighbours:
        """Returns the `num_wanted` images most similar to an embedding (D,); fewer when there are not so many."""
        num_wanted = min(num_wanted, len(self))
        if num_wanted == 0:
            return Neighbours(np.empty(0, np.int64), np.empty(0, np.float32))
        wanted = unit_vectors(vector[None])[0]
        on_axes, rest = self._project(wanted[None])
        # |a - b|^2 on the axes plus (|rest a| - |rest b|)^2 is never more than the squared distance.
        bounds = self._squares + np.float32(on_axes[0] @ on_axes[0] + rest[0] ** 2)
        bounds -= 2 * (self._on_axes @ on_axes[0])
        bounds -= 2 * rest[0] * self._rest
        possible = np.arange(len(self))
        looked_at, similarities = possible[:0], np.empty(0, np.float32)
        block = _FIRST_LOOK * num_wanted
        while len(possible):
            # Those with the smallest bounds first: each block brings the limit for the others down.
            if len(possible) > block:
                nearest_first = np.argpartition(bounds[possible], block - 1)
                rows, possible = np.sort(possible[nearest_first[:block]]), possible[nearest_first[block:]]
            else:
                rows, possible = possible, possible[:0]
            looked_at = np.concatenate([looked_at, rows])
            similarities = np.concatenate([similarities, unit_vectors(self._read(rows)) @ wanted])
            farthest = 2 - 2 * np.partition(similarities, -num_wanted)[-num_wanted]
            possible = possible[bounds[possible] <= farthest + _SLACK]
            block = _NEXT_LOOK
        order = np.lexsort((looked_at, -similarities))[:num_wanted]
        return Neighbours(looked_at[order], similarities[order])

    def _project(self, vectors: Array) -> tuple[Array, Array]:
        """Returns vectors (n, D) of length 1 on the axes (n, A), and the length of what the axes leave out (n,)."""
        centred = vectors - self._centre
        on_axes = centred @ self._axes
        left = np.einsum("ij,ij->i", centred, centred) - np.einsum("ij,ij->i", on_axes, on_axes)
        return on_axes, np.sqrt(np.maximum(left, 0))


def _principal_axes(centred: Array, num_axes: int) -> Array:
    """Returns orthonormal axes (D, A) along which centred vectors (n, D) differ most."""
    covariance = centred.T @ centred
    _, vectors = np.linalg.eigh(covariance)
    return np.ascontiguousarray(vectors[:, ::-1][:, :num_axes], np.float32)
