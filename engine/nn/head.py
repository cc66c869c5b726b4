"""The head: a linear classifier on embeddings, its strength chosen by cross-validation, in plain numpy.

Where images have several classes it is one logistic regression per class.

What was tried on the five development sets (mobilenet_v2; 3, 10 and all images per class) and did not pay, so that
nobody need try again: averaging it with ridge regression onto the classes (+.003 with three seeds, nothing with five)
or with shrunk discriminant analysis (+.003, worse log loss on steel_neu); whitening the features by half or wholly,
within classes or over all (-.001 to -.005, and worse log loss); pooled features of earlier layers (+.000 to +.001);
beginning at the ridge solution (no fewer steps). What pays has to become part of the embedding: the spread of blocks
over the picture (`engine.nn.spreads`). With 10 images per class, six seeds, the spreads of the last blocks with 96, 160
and 320 channels gave +.010, that of one of them +.002 to +.004; square roots of the features +.002, their spread or
maximum beside the mean +.005. With three seeds and each block's spreads of length 1 beside the means of length 1 it is
+.011, of length 1.4 +.013, of length 2 +.014 (but a third less with all images); a fourth block +.001, blocks of three
resolutions instead +.000, square roots of the spreads -.003.

Why the estimate lies below what is found on other images where labels are few: with 10 images per class, 40 draws, it
is 3.1 (coffee_leaf), 1.5 (clothing10) and 1.6 points (blood_cells, classes counted alike) lower, a point of which is
that its models learn from nine of ten; twenty folds or one for each image are lower still (a class that lacks an image
loses to those that are complete). A single draw of 50 to 100 images is off by 5 to 7 points either way, which is chance
and what the interval says.

Letters: N labelled images, K classes, D embedding size, F folds, R axes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from engine.nn.logistic import Solution, solve
from engine.nn.rotation import Array, Rotation, rotate

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
_ROUGH_TOLERANCE: Final = 1e-2
_FOLD_TOLERANCE: Final = 1e-3
_FINAL_TOLERANCE: Final = 1e-4
_SMALLEST_SPREAD: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Head:
    """A linear classifier on standardised embeddings, float32 throughout.

    logits = ((embedding - mean) / scale) @ weight.T + bias; probabilities = softmax(logits / temperature). Where images
    may have several classes: the sigmoid of each; their calibration is part of weight and bias (see `calibrated`).
    Shapes: mean (D,), scale (D,), weight (K, D), bias (K,).
    """

    mean: Array
    scale: Array
    weight: Array
    bias: Array
    temperature: float = 1.0

    def logits(self, features: NDArray[np.floating[Any]]) -> Array:
        """Returns raw logits (N, K), before the temperature, for embeddings (N, D)."""
        standardised = (features.astype(np.float32) - self.mean) / self.scale
        result: Array = np.asarray(standardised @ self.weight.T + self.bias, np.float32)
        return result

    def calibrated(self, slopes: Array, offsets: Array) -> Head:
        """Returns the head whose logits are slopes (K,) times those of this one, plus offsets (K,)."""
        return replace(self, weight=self.weight * slopes[:, None], bias=self.bias * slopes + offsets)


@dataclass(frozen=True, slots=True)
class HeadFit:
    """A fitted head (its temperature still 1) and what cross-validation said of it.

    `out_of_fold_logits` (N, K): each row from a model that saw nothing of that image's fold. `strength` is the L2
    strength used for mean cross-entropy on standardised rows of mean squared length 1.
    """

    head: Head
    out_of_fold_logits: Array
    strength: float
    num_steps: int


def fit_head(
    features: NDArray[np.floating[Any]],
    targets: NDArray[np.int64] | Array,
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
        targets: class indices (N,); every class 0..K-1 has at least two images. Where images have several classes, the
            weight of each entry (N, K): positive where the class is there, negative where it is not, 0 where that is
            not known.
        num_classes: K, at least 2 (1 with several classes per image).
        folds: fold of each image (N,); images of one fold are held out together.
        is_class_balanced: every class counts alike, however many images it has. Plays no part with several classes.
        strength: L2 strength; None = choose by cross-validated log loss.
        start: where to begin, for instance the last head of the same classes: the result is the same, found sooner.
        checkpoint: called between the steps of the search; what it raises ends the fit.
    """
    # One thread: those of OpenBLAS spin while they wait for each other, which beside any other busy process makes a fit
    # of 1,000 images ten times slower (0.9 s against 9.7 s at load 8), and the window with it.
    limit = 1 if len(targets) <= _LARGEST_SELECTION else None
    with threadpool_limits(limit, user_api="blas"):
        rows = np.ascontiguousarray(features, np.float32)
        is_balanced = is_class_balanced and targets.ndim == 1
        weights = balance_of(targets, num_classes) if is_balanced else np.ones(len(rows), np.float32)
        weights /= weights.sum()
        mean, scale = standardisation(rows, weights)
        rotation = rotate((rows - mean) / scale, weights)
        search = _Search(rotation, targets, folds, num_classes, checkpoint)
        if strength is None:
            strength = search.choose_strength()
        is_usable = start is not None and start.weight.shape == (num_classes, rows.shape[1])
        initial = _restart(start, mean, scale, rotation) if is_usable and start is not None else None
        # The folds always begin at zero: `start` has seen the images that they hold out, and would let them peek.
        logits, middle = search.out_of_fold(strength)
        final = search.fit_all(strength, initial if initial is not None else middle)
        head = Head(mean, scale, rotation.to_columns(final.weights[0]), final.biases[0])
        return HeadFit(head, logits, strength, middle.num_steps + final.num_steps)


def standardisation(rows: Array, weights: Array | None = None) -> tuple[Array, Array]:
    """Returns mean and scale (D,) of the rows (N, D), so that scaled rows have a mean squared length of 1.

    A feature is divided by the geometric mean of its own and the overall spread. Full standardisation blows up features
    that say little, none leaves the loud ones in charge; half way was the best on average over the development sets.
    `weights` (N,), which sum to 1, say how much each row counts; None = alike.
    """
    if weights is None:
        weights = np.full(len(rows), 1 / len(rows), np.float32)
    mean: Array = weights @ rows
    variances: Array = weights @ np.square(rows - mean)
    overall = float(np.sqrt(variances.mean(dtype=np.float64)))
    if overall == 0:
        return mean, np.ones_like(mean)
    spread = np.sqrt(np.maximum(np.sqrt(variances), _SMALLEST_SPREAD * overall) * overall)
    length = float(np.sqrt((variances / np.square(spread)).sum(dtype=np.float64)))
    return mean, (spread * length).astype(np.float32)


def balance_of(targets: NDArray[Any], num_classes: int) -> Array:
    """Returns a weight for each image so that all classes together weigh the same."""
    counts = np.bincount(targets, minlength=num_classes)
    return np.asarray(len(targets) / (num_classes * counts[targets]), np.float32)


def probabilities_of(logits: Array, temperature: float = 1.0) -> Array:
    """Returns softmax(logits / temperature) along the last axis."""
    scaled = logits / np.float32(temperature)
    scaled = scaled - scaled.max(axis=-1, keepdims=True)
    exponentials = np.exp(scaled)
    result: Array = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return result


def sigmoid(logits: Array) -> Array:
    """Returns the probability of each class on its own, where images may have several."""
    result: Array = np.float32(0.5) * (np.float32(1) + np.tanh(np.float32(0.5) * logits))
    return result


class _Search:
    """The folds of one fit: solves all of them at once for any number of strengths."""

    def __init__(
        self,
        rotation: Rotation,
        targets: NDArray[np.int64] | Array,
        folds: NDArray[np.int64],
        num_classes: int,
        checkpoint: Callable[[], None],
    ) -> None:
        self.rotation, self.targets, self.folds = rotation, targets, folds
        self.num_classes, self.checkpoint = num_classes, checkpoint

    def choose_strength(self) -> float:
        """Returns the strength with the smallest cross-validated log loss: powers of ten first, then between them."""
        part = self._part_for_selection()
        losses = dict(zip(COARSE_STRENGTHS, part._losses(COARSE_STRENGTHS), strict=True))
        best = min(losses, key=lambda strength: losses[strength])
        beside = (best / _FINE_FACTOR, best * _FINE_FACTOR)
        losses |= zip(beside, part._losses(beside), strict=True)
        return float(min(losses, key=lambda strength: losses[strength]))

    def out_of_fold(self, strength: float) -> tuple[Array, Solution]:
        """Returns logits (N, K) of each image from the model of the other folds, and the mean of these models.

        That mean is near the model of all images: a good place to begin its search.
        """
        logits, found = self._fold_logits((strength,), np.unique(self.folds), _FOLD_TOLERANCE)
        middle = Solution(
            found.weights.mean(axis=0, keepdims=True), found.biases.mean(axis=0, keepdims=True), found.num_steps
        )
        return logits[0], middle

    def fit_all(self, strength: float, start: Solution | None = None) -> Solution:
        """Returns the solution on all images."""
        self.checkpoint()
        everything = np.ones((len(self.targets), 1), np.float32)
        return self._solve(everything, np.array([strength]), start, _FINAL_TOLERANCE)

    def _part_for_selection(self) -> _Search:
        """Returns the same search on fewer rows and axes."""
        num_rows, num_axes = self.rotation.rows.shape
        chosen = np.arange(num_rows)
        if num_rows > _LARGEST_SELECTION:
            chosen = np.linspace(0, num_rows - 1, _LARGEST_SELECTION).astype(np.int64)
        elif num_axes <= _NUM_SEARCH_AXES:
            return self
        rotation = self.rotation.part(chosen, _NUM_SEARCH_AXES)
        return _Search(rotation, self.targets[chosen], self.folds[chosen], self.num_classes, self.checkpoint)

    def _losses(self, strengths: tuple[float, ...]) -> list[float]:
        """Returns the cross-validated log loss of each strength; balanced as the training is."""
        present = np.unique(self.folds)
        if len(self.targets) > _ENOUGH_IMAGES:
            present = present[:_ENOUGH_FOLDS]
        logits, _ = self._fold_logits(strengths, present, _SEARCH_TOLERANCE)
        judged = np.flatnonzero(np.isin(self.folds, present))
        losses = _log_losses(logits[:, judged], self.targets[judged])
        return [float(value) for value in losses @ self.rotation.weights[judged].astype(np.float64)]

    def _fold_logits(
        self, strengths: tuple[float, ...], present: NDArray[np.int64], tolerance: float
    ) -> tuple[Array, Solution]:
        """Returns out-of-fold logits (strengths, N, K) for the images of the folds in `present`, and all models."""
        self.checkpoint()
        kept = (self.folds[:, None] != present[None, :]).astype(np.float32)  # (N, F)
        problems = np.repeat(kept, len(strengths), axis=1)
        all_strengths = np.tile(strengths, len(present))
        start = self._solve_roughly(problems, all_strengths) if len(self.targets) > _LARGEST_SELECTION else None
        solution = self._solve(problems, all_strengths, start, tolerance)
        logits = np.zeros((len(strengths), len(self.targets), self.num_classes), np.float32)
        for position, fold in enumerate(present):
            held_out = np.flatnonzero(self.folds == fold)
            shift = _odds_held_out(self.targets, self.folds == fold)
            for index in range(len(strengths)):
                problem = position * len(strengths) + index
                weights, biases = solution.weights[problem], solution.biases[problem]
                logits[index, held_out] = self.rotation.rows[held_out] @ weights.T + (biases + shift)
        return logits, solution

    def _solve_roughly(self, kept: Array, strengths: NDArray[np.floating[Any]]) -> Solution | None:
        """Returns where to begin with many images: the solution on the few axes that matter most, which costs a part.

        None where there are no more axes than that.
        """
        num_axes = self.rotation.rows.shape[1]
        if num_axes <= _NUM_SEARCH_AXES:
            return None
        everything = np.arange(len(self.targets))
        few = _Search(
            self.rotation.part(everything, _NUM_SEARCH_AXES),
            self.targets,
            self.folds,
            self.num_classes,
            self.checkpoint,
        )
        found = few._solve(kept, strengths, None, _ROUGH_TOLERANCE)
        weights = np.zeros((*found.weights.shape[:2], num_axes), np.float32)
        weights[:, :, :_NUM_SEARCH_AXES] = found.weights
        return Solution(weights, found.biases, found.num_steps)

    def _solve(
        self, kept: Array, strengths: NDArray[np.floating[Any]], start: Solution | None, tolerance: float
    ) -> Solution:
        row_weights = kept * self.rotation.weights[:, None]
        if self.targets.ndim == 1 and np.ptp(self.rotation.weights) > 0:
            # Balanced within each problem again, or leaving out one image of a small class would teach the fold that
            # it is rarer.
            for target in range(self.num_classes):
                of_class = self.targets == target
                totals = row_weights[of_class].sum(axis=0)
                row_weights[of_class] /= np.maximum(totals, np.float32(1e-12))
        row_weights /= row_weights.sum(axis=0)
        return solve(
            self.rotation, self.targets, row_weights, strengths.astype(np.float32), self.num_classes, start, tolerance
        )


def _odds_held_out(targets: NDArray[np.int64] | Array, held_out: NDArray[np.bool_]) -> Array | np.float32:
    """Returns by how much leaving out these rows lowered the log odds of each class (K,), by signed weights (N, K).

    Nothing with one class per image, where the rows are balanced anew in every fold.

    Without one of a few images of a class the rest teach that it is rarer, just where it is asked about: pooled over
    the folds, images that have the class would come out below others as good. The odds of the rows learned from shift
    the logits of a logistic regression as a whole (King and Zeng 2001, "Logistic regression in rare events data").
    """
    if targets.ndim == 1:
        return np.float32(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        logits = [
            np.log(np.maximum(rows, 0).sum(axis=0)) - np.log(np.maximum(-rows, 0).sum(axis=0))
            for rows in (targets, targets[~held_out])
        ]
        return np.asarray(np.nan_to_num(logits[0] - logits[1], nan=0.0, posinf=0.0, neginf=0.0), np.float32)


def _log_losses(logits: Array, targets: NDArray[np.int64] | Array) -> NDArray[np.float64]:
    """Returns the loss (strengths, N) of each image at logits (strengths, N, K)."""
    if targets.ndim == 2:
        losses = np.logaddexp(0, -np.sign(targets) * logits) * np.abs(targets)
        return np.asarray(losses.sum(axis=2), np.float64)
    logits = logits - logits.max(axis=2, keepdims=True)
    chosen = logits[:, np.arange(len(targets)), targets]
    return np.asarray(np.log(np.exp(logits).sum(axis=2)) - chosen, np.float64)


def _restart(start: Head, mean: Array, scale: Array, rotation: Rotation) -> Solution:
    """Returns an earlier head as a starting point for rows with another mean, scale and rotation."""
    weight = start.weight * (scale / start.scale)
    bias = start.bias + start.weight @ ((mean - start.mean) / start.scale)
    return Solution(rotation.to_axes(weight)[None], bias[None], 0)
