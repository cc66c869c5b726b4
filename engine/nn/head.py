"""The head: multinomial logistic regression on embeddings, its strength chosen by cross-validation, in plain numpy.

Letters: N labelled images, K classes, D embedding size, F folds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from engine.nn.logistic import Rotation, Solution, rotate, solve

COARSE_STRENGTHS: Final = (1e-5, 1e-4, 1e-3, 1e-2)
_FINE_FACTOR: Final = 10**0.5
_LARGEST_SELECTION: Final = 6_000
"""Above this many images the strength is chosen on a part of them, evenly spread."""

_NUM_SEARCH_AXES: Final = 256
"""The strength is chosen on so many principal axes; the folds and the head that count use all of them."""

_ENOUGH_IMAGES: Final = 500
_ENOUGH_FOLDS: Final = 3
"""With more images than that, so many of the folds tell which strength is best."""

_SEARCH_TOLERANCE: Final = 2e-3
_FINAL_TOLERANCE: Final = 1e-4
_SMALLEST_SPREAD: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Head:
    """A linear classifier on standardised embeddings, float32 throughout.

    logits = ((embedding - mean) / scale) @ weight.T + bias; probabilities = softmax(logits / temperature).
    Shapes: mean (D,), scale (D,), weight (K, D), bias (K,).
    """

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    temperature: float = 1.0

    def logits(self, features: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Returns raw logits (N, K), before the temperature, for embeddings (N, D)."""
        standardised = (features.astype(np.float32) - self.mean) / self.scale
        result: NDArray[np.float32] = np.asarray(standardised @ self.weight.T + self.bias, np.float32)
        return result


@dataclass(frozen=True, slots=True)
class HeadFit:
    """A fitted head (its temperature still 1) and what cross-validation said of it.

    `out_of_fold_logits` (N, K): each row from a model that saw nothing of that image's fold. `strength` is the L2
    strength used for mean cross-entropy on standardised rows of mean squared length 1.
    """

    head: Head
    out_of_fold_logits: NDArray[np.float32]
    strength: float
    num_steps: int


def fit_head(
    features: NDArray[np.floating[Any]],
    targets: NDArray[np.int64],
    num_classes: int,
    folds: NDArray[np.int64],
    *,
    is_class_balanced: bool = True,
    strength: float | None = None,
    start: Head | None = None,
    checkpoint: Callable[[], None] = lambda: None,
) -> HeadFit:
    """Returns the head for labelled embeddings.

    Args:
        features: embeddings (N, D), finite.
        targets: class indices (N,); every class 0..K-1 has at least two images.
        num_classes: K, at least 2.
        folds: fold of each image (N,); images of one fold are held out together.
        is_class_balanced: every class counts alike, however many images it has.
        strength: L2 strength; None = choose by cross-validated log loss.
        start: where to begin, for instance the last head of the same classes: the result is the same, found sooner.
        checkpoint: called between the steps of the search; what it raises ends the fit.
    """
    # One thread: those of OpenBLAS spin while they wait for each other, which beside any other busy process makes a fit
    # of 1,000 images ten times slower (0.9 s against 9.7 s at load 8), and the window with it.
    limit = 1 if len(targets) <= _LARGEST_SELECTION else None
    with threadpool_limits(limit, user_api="blas"):
        return _fit_head(
            np.ascontiguousarray(features, np.float32),
            targets,
            num_classes,
            folds,
            is_class_balanced,
            strength,
            start,
            checkpoint,
        )


def _fit_head(
    rows: NDArray[np.float32],
    targets: NDArray[np.int64],
    num_classes: int,
    folds: NDArray[np.int64],
    is_class_balanced: bool,
    strength: float | None,
    start: Head | None,
    checkpoint: Callable[[], None],
) -> HeadFit:
    mean, scale = standardisation(rows)
    rows = (rows - mean) / scale
    rotation = rotate(rows)
    balance = _balance(targets, num_classes) if is_class_balanced else np.ones(len(targets), np.float32)
    search = _Search(rotation, targets, balance, folds, num_classes, checkpoint)
    if strength is None:
        strength = search.choose_strength()
    is_usable = start is not None and start.weight.shape == (num_classes, rows.shape[1])
    initial = _restart(start, mean, scale, rotation.axes) if is_usable and start is not None else None
    # The folds always begin at zero: `start` has seen the images that they hold out, and would let them peek.
    fold_logits, num_steps = search.out_of_fold(strength)
    final = search.fit_all(strength, initial)
    head = Head(mean, scale, np.ascontiguousarray(final.weights[0] @ rotation.axes.T), final.biases[0])
    return HeadFit(head, fold_logits, strength, num_steps + final.num_steps)


def standardisation(rows: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns mean and scale (D,) of the rows (N, D), so that scaled rows have a mean squared length of 1.

    A feature is divided by the geometric mean of its own and the overall spread. Full standardisation blows up features
    that say little, none leaves the loud ones in charge; half way was the best on average over the development sets.
    """
    mean = rows.mean(axis=0)
    spread = rows.std(axis=0)
    overall = float(np.sqrt(np.square(spread, dtype=np.float64).mean()))
    if overall == 0:
        return mean, np.ones_like(mean)
    spread = np.sqrt(np.maximum(spread, _SMALLEST_SPREAD * overall) * overall)
    length = float(np.sqrt(np.square((rows - mean) / spread, dtype=np.float64).sum(axis=1).mean()))
    return mean, (spread * length).astype(np.float32)


def probabilities_of(logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float32]:
    """Returns softmax(logits / temperature) along the last axis."""
    scaled = logits / np.float32(temperature)
    scaled = scaled - scaled.max(axis=-1, keepdims=True)
    exponentials = np.exp(scaled)
    result: NDArray[np.float32] = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return result


class _Search:
    """The folds of one fit: solves all of them at once for any number of strengths."""

    def __init__(
        self,
        rotation: Rotation,
        targets: NDArray[np.int64],
        balance: NDArray[np.float32],
        folds: NDArray[np.int64],
        num_classes: int,
        checkpoint: Callable[[], None],
    ) -> None:
        self.rotation, self.targets, self.balance, self.folds = rotation, targets, balance, folds
        self.num_classes, self.checkpoint = num_classes, checkpoint

    def choose_strength(self) -> float:
        """Returns the strength with the smallest cross-validated log loss: powers of ten first, then between them."""
        part = self._part_for_selection()
        losses = dict(zip(COARSE_STRENGTHS, part._losses(COARSE_STRENGTHS), strict=True))
        best = min(losses, key=lambda strength: losses[strength])
        beside = (best / _FINE_FACTOR, best * _FINE_FACTOR)
        losses |= zip(beside, part._losses(beside), strict=True)
        return float(min(losses, key=lambda strength: losses[strength]))

    def out_of_fold(self, strength: float) -> tuple[NDArray[np.float32], int]:
        """Returns logits (N, K) of each image from the model of the other folds, and the steps it took."""
        logits, num_steps = self._fold_logits((strength,), np.unique(self.folds), _FINAL_TOLERANCE)
        return logits[0], num_steps

    def fit_all(self, strength: float, start: Solution | None = None) -> Solution:
        """Returns the solution on all images."""
        self.checkpoint()
        return self._solve(np.ones((len(self.targets), 1), np.float32), np.array([strength]), start, _FINAL_TOLERANCE)

    def _part_for_selection(self) -> _Search:
        """Returns the same search on fewer rows and axes."""
        num_rows, num_axes = self.rotation.rows.shape
        chosen = np.arange(num_rows)
        if num_rows > _LARGEST_SELECTION:
            chosen = np.linspace(0, num_rows - 1, _LARGEST_SELECTION).astype(np.int64)
        elif num_axes <= _NUM_SEARCH_AXES:
            return self
        rotation = Rotation(
            rows=np.ascontiguousarray(self.rotation.rows[chosen, :_NUM_SEARCH_AXES]),
            axes=self.rotation.axes[:, :_NUM_SEARCH_AXES],
            variances=self.rotation.variances[:_NUM_SEARCH_AXES],
        )
        return _Search(
            rotation, self.targets[chosen], self.balance[chosen], self.folds[chosen], self.num_classes, self.checkpoint
        )

    def _losses(self, strengths: tuple[float, ...]) -> list[float]:
        """Returns the cross-validated log loss of each strength; balanced as the training is."""
        present = np.unique(self.folds)
        if len(self.targets) > _ENOUGH_IMAGES:
            present = present[:_ENOUGH_FOLDS]
        logits, _ = self._fold_logits(strengths, present, _SEARCH_TOLERANCE)
        judged = np.flatnonzero(np.isin(self.folds, present))
        logits = logits[:, judged]
        logits -= logits.max(axis=2, keepdims=True)
        totals = np.log(np.exp(logits).sum(axis=2))
        chosen = logits[:, np.arange(len(judged)), self.targets[judged]]
        weighted: NDArray[np.float64] = ((totals - chosen) * self.balance[judged]).sum(axis=1, dtype=np.float64)
        return [float(value) for value in weighted]

    def _fold_logits(
        self, strengths: tuple[float, ...], present: NDArray[np.int64], tolerance: float
    ) -> tuple[NDArray[np.float32], int]:
        """Returns out-of-fold logits (strengths, N, K) for the images of the folds in `present`."""
        self.checkpoint()
        kept = (self.folds[:, None] != present[None, :]).astype(np.float32)  # (N, F)
        problems = np.repeat(kept, len(strengths), axis=1)
        solution = self._solve(problems, np.tile(strengths, len(present)), None, tolerance)
        logits = np.zeros((len(strengths), len(self.targets), self.num_classes), np.float32)
        for position, fold in enumerate(present):
            held_out = np.flatnonzero(self.folds == fold)
            for index in range(len(strengths)):
                problem = position * len(strengths) + index
                weights, biases = solution.weights[problem], solution.biases[problem]
                logits[index, held_out] = self.rotation.rows[held_out] @ weights.T + biases
        return logits, solution.num_steps

    def _solve(
        self, kept: NDArray[np.float32], strengths: NDArray[np.floating[Any]], start: Solution | None, tolerance: float
    ) -> Solution:
        row_weights = kept * self.balance[:, None]
        # Within each problem again, or leaving out one image of a small class would teach the fold that it is rarer.
        if not np.all(self.balance == 1):
            for target in range(self.num_classes):
                of_class = self.targets == target
                totals = row_weights[of_class].sum(axis=0)
                row_weights[of_class] /= np.maximum(totals, np.float32(1e-12))
        row_weights /= row_weights.sum(axis=0)
        return solve(
            self.rotation, self.targets, row_weights, strengths.astype(np.float32), self.num_classes, start, tolerance
        )


def _balance(targets: NDArray[np.int64], num_classes: int) -> NDArray[np.float32]:
    """Returns a weight for each image so that all classes together weigh the same."""
    counts = np.bincount(targets, minlength=num_classes)
    return (len(targets) / (num_classes * counts[targets])).astype(np.float32)


def _restart(start: Head, mean: NDArray[np.float32], scale: NDArray[np.float32], axes: NDArray[np.float32]) -> Solution:
    """Returns an earlier head as a starting point for rows with another mean, scale and rotation."""
    weight = start.weight * (scale / start.scale)
    bias = start.bias + start.weight @ ((mean - start.mean) / start.scale)
    return Solution((weight @ axes)[None], bias[None], 0)
