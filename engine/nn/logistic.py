"""Solves many L2-penalised logistic regressions on the same rows at once (folds x strengths), in numpy.

One matrix product serves all problems. On principal axes the Hessian is nearly diagonal, so that L-BFGS with a diagonal
preconditioner converges in a dozen steps.

Letters: N rows, R axes, K classes, P problems.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.nn.rotation import Array, Rotation

_MEMORY = 8
_MAX_HALVINGS = 12
_SUFFICIENT_DECREASE = 1e-4


@dataclass(slots=True)
class Solution:
    """Weights (P, K, R) and biases (P, K) of all problems, and how many steps it took."""

    weights: Array
    biases: Array
    num_steps: int


def solve(
    rotation: Rotation,
    targets: NDArray[np.int64] | Array,
    row_weights: Array,
    strengths: Array,
    num_classes: int,
    start: Solution | None = None,
    tolerance: float = 1e-3,
    max_steps: int = 100,
) -> Solution:
    """Minimises, for each problem p, sum_i v_ip L(x_i W + b, y_i) + strength_p / 2 |W|^2; b is not penalised.

    L is the cross-entropy of the softmax or, for targets (N, K), the sum over the classes of the cross-entropy of the
    sigmoid, each entry counted by the size of its target: positive where the class is there, negative where it is not.

    Args:
        rotation: the rows.
        targets: class index of each row (N,), or signed weights (N, K).
        row_weights: v (N, P), each column summing to 1; 0 leaves a row out.
        strengths: L2 strength of each problem (P,).
        num_classes: K.
        start: where to begin; None = zero.
        tolerance: a problem is solved when its largest preconditioned gradient entry is this share of that at zero.
        max_steps: gives up after so many steps; the result is then what was reached.
    """
    num_problems = len(strengths)
    rows = rotation.rows
    shape = (num_problems, num_classes, rows.shape[1] + 1)
    # Curvature of the cross-entropy along each axis, as it is at equal probabilities, plus the penalty; the bias column
    # sees rows of ones.
    is_softmax = targets.ndim == 1
    curvature = (num_classes - 1) / num_classes**2 if is_softmax else 0.25
    scales = np.empty((num_problems, 1, shape[2]), np.float32)
    scales[:, 0, :-1] = 1 / np.sqrt(curvature * rotation.variances[None, :] + strengths[:, None])
    scales[:, 0, -1] = 1 / np.sqrt(curvature)
    point = np.zeros(shape, np.float32)
    if start is not None:
        point[:, :, :-1], point[:, :, -1] = start.weights, start.biases
        point /= scales
    problem = (_Softmax if is_softmax else _Sigmoids)(rows, targets, row_weights, strengths, scales)
    # Measured against the gradient at zero wherever the search begins, so that a good start is not asked for more.
    _, at_zero = problem.loss_and_gradient(np.zeros(shape, np.float32), np.arange(num_problems))
    limits = tolerance * np.maximum(np.abs(at_zero).max(axis=(1, 2)), 1e-12)
    point, num_steps = _minimise(problem, point, limits, max_steps)
    found = point * scales
    return Solution(np.ascontiguousarray(found[:, :, :-1]), np.ascontiguousarray(found[:, :, -1]), num_steps)


class _Problem(ABC):
    """Loss and gradient of all problems at a preconditioned point (P, K, R + 1).

    Rows are the last axis of everything inside, so that sums over the few classes are sums of long vectors.
    """

    def __init__(
        self,
        rows: Array,
        targets: NDArray[np.int64] | Array,
        row_weights: Array,
        strengths: Array,
        scales: Array,
    ) -> None:
        self.rows, self.targets, self.row_weights = rows, targets, np.ascontiguousarray(row_weights.T)
        self.strengths, self.scales = strengths, scales

    def loss_and_gradient(self, point: Array, active: NDArray[np.int64]) -> tuple[NDArray[np.float64], Array]:
        """Returns losses (A,) and gradients (A, K, R + 1) of the `active` problems at their points (A, K, R + 1)."""
        num_active, num_classes, _ = point.shape
        num_rows = len(self.rows)
        scales, strengths = self.scales[active], self.strengths[active]
        actual = point * scales
        weights = np.ascontiguousarray(actual[:, :, :-1])
        logits = (weights.reshape(-1, weights.shape[2]) @ self.rows.T).reshape(num_active, num_classes, num_rows)
        logits += actual[:, :, -1:]
        losses, residuals = self._of_logits(logits, self.row_weights[active])
        losses += 0.5 * strengths * np.square(weights).sum(axis=(1, 2), dtype=np.float64)
        gradient = np.empty_like(point)
        product = residuals.reshape(-1, num_rows) @ self.rows
        gradient[:, :, :-1] = product.reshape(weights.shape) + strengths[:, None, None] * weights
        gradient[:, :, -1] = residuals.sum(axis=2)
        gradient *= scales
        return losses, gradient

    @abstractmethod
    def _of_logits(self, logits: Array, row_weights: Array) -> tuple[NDArray[np.float64], Array]:
        """Returns losses (A,) and their derivatives (A, K, N) at logits (A, K, N), which may be overwritten."""


class _Softmax(_Problem):
    """One class per row: `targets` (N,) are class indices."""

    def _of_logits(self, logits: Array, row_weights: Array) -> tuple[NDArray[np.float64], Array]:
        every = np.arange(logits.shape[2])
        logits -= logits.max(axis=1, keepdims=True)
        chosen = logits[:, self.targets, every]
        np.exp(logits, out=logits)
        totals = logits.sum(axis=1)
        losses: NDArray[np.float64] = ((np.log(totals) - chosen) * row_weights).sum(axis=1, dtype=np.float64)
        logits *= (row_weights / totals)[:, None, :]
        logits[:, self.targets, every] -= row_weights
        return losses, logits


class _Sigmoids(_Problem):
    """Any classes per row: `targets` (N, K) are weights, negative where a class is absent, 0 where it is not known."""

    def _of_logits(self, logits: Array, row_weights: Array) -> tuple[NDArray[np.float64], Array]:
        signed = self.targets.T
        entry_weights = np.abs(signed) * row_weights[:, None, :]
        logits *= np.sign(signed)  # now the margin: how clearly each entry is on its right side
        losses: NDArray[np.float64] = (np.logaddexp(0, -logits) * entry_weights).sum(axis=(1, 2), dtype=np.float64)
        np.clip(logits, -60, 60, out=logits)
        np.exp(logits, out=logits)
        residuals = -entry_weights * np.sign(signed) / (1 + logits)
        return losses, residuals


def _minimise(problem: _Problem, point: Array, limits: Array, max_steps: int) -> tuple[Array, int]:
    """L-BFGS with backtracking, all problems in step; those that are solved drop out."""
    active = np.arange(len(point))
    losses, gradient = problem.loss_and_gradient(point, active)
    state = point.copy()
    moves: list[Array] = []
    turns: list[Array] = []
    num_steps = 0
    x, g, f = point, gradient, losses
    limit = limits.copy()
    while num_steps < max_steps:
        is_open = np.abs(g).max(axis=(1, 2)) > limit[active]
        if not is_open.all():
            state[active] = x
            active, x, g, f = active[is_open], x[is_open], g[is_open], f[is_open]
            moves, turns = [move[is_open] for move in moves], [turn[is_open] for turn in turns]
        if not len(active):
            break
        direction = _direction(g, moves, turns)
        slope = _dot(direction, g)
        new_x, new_g, new_f = _line_search(problem, active, x, g, f, direction, slope)
        moves.append(new_x - x)
        turns.append(new_g - g)
        if len(moves) > _MEMORY:
            del moves[0], turns[0]
        # A problem whose line search found nothing better is as good as float32 allows.
        is_stuck = new_f >= f
        limit[active[is_stuck]] = np.inf
        x, g, f = new_x, new_g, new_f
        num_steps += 1
    state[active] = x
    return state, num_steps


def _line_search(
    problem: _Problem,
    active: NDArray[np.int64],
    x: Array,
    g: Array,
    f: NDArray[np.float64],
    direction: Array,
    slope: NDArray[np.float64],
) -> tuple[Array, Array, NDArray[np.float64]]:
    """Halves each problem's step until its loss falls enough; one that never does stays where it is."""
    new_x, new_g, new_f = x.copy(), g.copy(), f.copy()
    pending = np.arange(len(active))
    step = 1.0
    for _ in range(_MAX_HALVINGS):
        trial = x[pending] + np.float32(step) * direction[pending]
        losses, gradient = problem.loss_and_gradient(trial, active[pending])
        is_good = losses <= f[pending] + _SUFFICIENT_DECREASE * step * slope[pending]
        good = pending[is_good]
        new_x[good], new_g[good], new_f[good] = trial[is_good], gradient[is_good], losses[is_good]
        pending = pending[~is_good]
        if not len(pending):
            break
        step /= 2
    return new_x, new_g, new_f


def _direction(gradient: Array, moves: list[Array], turns: list[Array]) -> Array:
    """The L-BFGS two-loop recursion for each problem (Nocedal and Wright, algorithm 7.4)."""
    direction = -gradient
    if not moves:
        return direction
    factors = []
    curvatures = [np.maximum(_dot(move, turn), 1e-30) for move, turn in zip(moves, turns, strict=True)]
    for move, turn, curvature in zip(reversed(moves), reversed(turns), reversed(curvatures), strict=True):
        factor = (_dot(move, direction) / curvature).astype(np.float32)[:, None, None]
        direction -= factor * turn
        factors.append(factor)
    scale = curvatures[-1] / np.maximum(_dot(turns[-1], turns[-1]), 1e-30)
    direction *= np.where(curvatures[-1] > 1e-30, scale, 1.0).astype(np.float32)[:, None, None]
    for move, turn, curvature, factor in zip(moves, turns, curvatures, reversed(factors), strict=True):
        back = (_dot(turn, direction) / curvature).astype(np.float32)[:, None, None]
        direction += (factor - back) * move
    return direction


def _dot(a: Array, b: Array) -> NDArray[np.float64]:
    products: NDArray[np.float64] = np.einsum("pij,pij->p", a, b).astype(np.float64)
    return products
