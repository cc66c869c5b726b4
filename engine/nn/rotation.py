"""Rows on their principal axes: what makes many penalised fits on the same rows cheap.

Under an L2 penalty only the directions in which the rows differ matter, of which there are no more than rows; and on
their principal axes the Hessian of a logistic loss is nearly diagonal.

Letters: N rows, D columns, R axes (at most min(N, D)), K classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.nn.symmetric_eigen import symmetric_eigen

Array = NDArray[np.float32]

_SMALLEST_EIGENVALUE: Final = 1e-6
"""Directions with less than this share of the largest variance are noise of float32 and are dropped."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """Rows on axes: `rows` (N, R) = original rows @ axes (D, R), axes orthonormal.

    The axes are those of the rows times the square roots of their `weights` (N,), which sum to 1; `variances` (R,) are
    the weighted means of squares on each axis, largest first. The axes themselves are `source`.T @ `mixing`: with fewer
    rows than columns they would cost more to write down than everything else here.
    """

    rows: Array
    weights: Array
    variances: Array
    source: Array
    mixing: Array

    def to_columns(self, on_axes: Array) -> Array:
        """Returns weights (K, D) on the original columns for weights (K, R) on the axes."""
        return np.ascontiguousarray((on_axes @ self.mixing.T) @ self.source, np.float32)

    def to_axes(self, on_columns: Array) -> Array:
        """Returns weights (K, R) on the axes for weights (K, D) on the original columns."""
        return np.asarray((on_columns @ self.source.T) @ self.mixing, np.float32)

    def part(self, chosen: NDArray[np.int64], num_axes: int) -> Rotation:
        """Returns some of the rows on the first axes."""
        rows = np.ascontiguousarray(self.rows[chosen, :num_axes])
        weights = self.weights[chosen] / self.weights[chosen].sum()
        return Rotation(rows, weights, self.variances[:num_axes], self.source, self.mixing[:, :num_axes])


def rotate(rows: Array, weights: Array) -> Rotation:
    """Rotates rows (N, D), weighted by `weights` (N,), onto their principal axes, dropping axes without variance."""
    num_rows, num_columns = rows.shape
    roots = np.sqrt(weights / weights.sum())[:, None]
    weighted = rows * roots
    if num_rows <= num_columns:
        # Single precision is far more exact than what becomes of it.
        values, vectors = _largest_first(*symmetric_eigen(weighted @ weighted.T))
        lengths = np.sqrt(values)
        return Rotation(
            rows=np.ascontiguousarray(vectors * lengths / roots),
            weights=(roots * roots)[:, 0],
            variances=values,
            source=weighted,
            mixing=np.ascontiguousarray(vectors / lengths),
        )
    values, vectors = _largest_first(*symmetric_eigen(weighted.T @ weighted))
    return Rotation(
        rows=np.ascontiguousarray(rows @ vectors),
        weights=(roots * roots)[:, 0],
        variances=values,
        source=np.ascontiguousarray(vectors.T),
        mixing=np.eye(len(values), dtype=np.float32),
    )


def _largest_first(values: Array, vectors: Array) -> tuple[Array, Array]:
    keep = values > _SMALLEST_EIGENVALUE * max(float(values[-1]), 1e-30)
    return values[keep][::-1].astype(np.float32), vectors[:, keep][:, ::-1].astype(np.float32)
