"""What more labels should bring: a power law through the accuracies of smaller trainings on the same labels.

The labels are divided into halves, quarters, eighths. Each part is trained on and measured by cross-validation for
itself, so that every size is measured on the same images: all of them. The share of wrong images e is then fitted by
e(n) = e0 + b * n**-c with e0, b >= 0; how sure that is comes from drawing the images (whole groups) anew.

Letters: N images, L sizes, K classes, B draws.
Source: power laws fit learning curves of classifiers well over a few doublings (Cortes et al. 1993; Hestness et al.
2017, "Deep learning scaling is predictable, empirically"). The exponent leans towards 0.5, the usual one, because three
or four points alone cannot tell it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.intervals import CROSS_VALIDATED, NORMAL_QUANTILE_95, Grouped, grouped
from engine.evaluation.learning_words import NUM_NEXT, ClassGain, judged, sentence

_EXPONENTS: Final = np.linspace(0.1, 1.2, 23)
_USUAL_EXPONENT: Final = 0.5
_EXPONENT_SPREAD: Final = 0.25
_NUM_DRAWS: Final = 300
_SMALLEST_PART: Final = 3
"""Images of a middling class that a part must have to be trained on."""
_MAX_LEVELS: Final = 4
_LAW_ERROR: Final = 0.012
"""By how much the forecast change for twice the labels was off on the development sets, on average."""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A training on a part of the labels: how many images, how accurate on others, and the 95 % interval of that."""

    num_images: int
    accuracy: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class LearningForecast:
    """The learning curve of a run's labels, with its forecast.

    `points` are measured, smallest first; the last is all labels. The fitted curve goes through `sizes` (Q,) numbers of
    labelled images, also beyond what there is, with `curve` (Q,) and `band` (Q, 2), its 95 % interval. `next_gain` is
    what `num_next` more labels, spread as now, should add to the accuracy, within `next_interval`. `classes` has the
    most rewarding class first. `sentence` says it in words.
    """

    run_id: int
    points: list[CurvePoint]
    sizes: NDArray[np.float64]
    curve: NDArray[np.float64]
    band: NDArray[np.float64]
    num_next: int
    next_gain: float
    next_interval: tuple[float, float]
    classes: list[ClassGain]
    sentence: str


@dataclass(frozen=True, slots=True)
class Level:
    """Trainings on equal parts of the labels: which images (N,) were right, from `num_images` in each training."""

    num_images: float
    share: float
    is_right: NDArray[np.bool_]


def num_levels(targets: NDArray[np.int64]) -> int:
    """Returns how often the labels can be halved, the whole counted: 1 where they are too few for a curve."""
    counts = np.bincount(targets)
    middling = float(np.median(counts[counts > 0]))
    levels = 1
    while levels < _MAX_LEVELS and middling / 2**levels >= _SMALLEST_PART:
        levels += 1
    return levels


def parts_of(targets: NDArray[np.int64], units: NDArray[np.int64], levels: int, seed: int = 0) -> NDArray[np.int64]:
    """Returns which of 2 ** (levels - 1) equal parts each image (N,) is in; units stay whole, classes are spread.

    The part modulo 2 ** k is the part of a division into fewer, larger ones: they are nested.
    """
    num_parts = 2 ** (levels - 1)
    parts = np.zeros(len(targets), np.int64)
    names, first, codes = np.unique(units, return_index=True, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(names))
    next_part = np.random.default_rng(seed + 1).integers(num_parts, size=int(targets.max()) + 1)
    part_of = np.zeros(len(names), np.int64)
    for unit in order:
        target = targets[first[unit]]
        part_of[unit] = next_part[target] % num_parts
        next_part[target] += 1
    parts[:] = part_of[codes]
    return parts


def forecast_learning(
    run_id: int,
    levels: Sequence[Level],
    targets: NDArray[np.int64],
    units: NDArray[np.int64],
    class_ids: Sequence[int],
    class_names: Sequence[str],
    per_class: Sequence[Mapping[str, Any]] | None = None,
) -> LearningForecast:
    """Returns the forecast from at least two sizes, the whole first.

    Args:
        run_id: whose labels they are.
        levels: what was measured.
        targets: class of each image (N,).
        units: images of one unit are drawn together (N,).
        class_ids: in the order of the targets (K).
        class_names: likewise.
        per_class: figures of the run that stand beside it (`Metrics.per_class`): no gain is more than what that run
            misses. None = the whole says what is missing.
    """
    right = np.stack([level.is_right for level in levels]).astype(np.float64)  # (L, N)
    draws = _draws(units)  # (B, N): how often each image was drawn; the first row is the images as they are
    num_classes, num_images = len(class_ids), len(targets)
    sizes = np.array([level.num_images for level in levels])
    groups = grouped(levels[0].is_right, units, CROSS_VALIDATED)
    errors = 1 - (draws @ right.T) / draws.sum(axis=1, keepdims=True)  # (B, L)
    curves = _fit(sizes, errors, num_images)
    whole = sizes[0]
    more = whole * (num_images + NUM_NEXT * num_classes) / num_images
    grid = np.geomspace(sizes.min(), max(4 * whole, 1.2 * more), 40)
    on_grid = 1 - curves.at(grid)
    present = groups.interval(levels[0].is_right)
    # Anchored where it was measured: what is forecast is the change from there.
    gains = curves.at(np.array([whole]))[:, 0] - curves.at(np.array([more]))[:, 0]
    scale = num_images / whole
    figures = _figures_of(per_class, targets, levels[0].is_right, num_classes)
    classes = judged(
        [
            _class_gain(target, class_ids, targets, right, draws, levels, curves, groups, figures)
            for target in range(num_classes)
            if figures.num_images[target] and (targets == target).any()
        ]
    )
    low, high = _gain_interval(gains, 1 - present[0], more / whole)
    gain = min(float(gains[0]), 1 - float(right[0].mean()))
    names = dict(zip(class_ids, class_names, strict=True))
    return LearningForecast(
        run_id=run_id,
        points=[
            CurvePoint(round(level.num_images * scale), float(level.is_right.mean()), groups.interval(level.is_right))
            for level in reversed(levels)
        ],
        sizes=grid * scale,
        curve=on_grid[0],
        band=_band(on_grid, on_grid - (1 - curves.at(sizes[:1])), present, np.log2(grid / whole)),
        num_next=NUM_NEXT * num_classes,
        next_gain=gain,
        next_interval=(low, high),
        classes=classes,
        sentence=sentence(classes, names, gain, (low, high)),
    )


def _band(
    curves: NDArray[np.float64],
    changes: NDArray[np.float64],
    present: tuple[float, float],
    doublings: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Returns the 95 % interval (Q, 2) of curves (B, Q) whose first row is the fit.

    Three doubts add up as squares: how accurate the model is now (its own interval `present`, which holds for few
    mistakes too), how much that changes (`changes` (B, Q) of the draws), and whether a power law is right at all.
    """
    centre = changes[0]
    now = float(np.mean(present))
    law = NORMAL_QUANTILE_95 * _LAW_ERROR * np.abs(doublings)
    low = np.hypot(np.hypot(now - present[0], centre - np.quantile(changes, 0.025, axis=0)), law)
    high = np.hypot(np.hypot(present[1] - now, np.quantile(changes, 0.975, axis=0) - centre), law)
    band: NDArray[np.float64] = np.clip(np.column_stack((curves[0] - low, curves[0] + high)), 0, 1)
    return band


@dataclass(frozen=True, slots=True)
class _Curves:
    """Fitted curves of B draws: e0, b and c, each (B,)."""

    floor: NDArray[np.float64]
    height: NDArray[np.float64]
    exponent: NDArray[np.float64]

    def at(self, sizes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns the shares of wrong images (B, Q) at sizes (Q,)."""
        return self.floor[:, None] + self.height[:, None] * sizes[None, :] ** -self.exponent[:, None]


def _fit(
    sizes: NDArray[np.float64],
    errors: NDArray[np.float64],
    num_images: float,
    exponent: NDArray[np.float64] | None = None,
) -> _Curves:
    """Fits curves to errors (B, L) at sizes (L,), measured on so many images; `exponent` (B,) None = find it too."""
    variance = np.maximum(errors.mean(axis=1) * (1 - errors.mean(axis=1)), 0.01) / max(num_images, 1.0)
    tried = _EXPONENTS[:, None] * np.ones(len(errors)) if exponent is None else exponent[None, :]
    best = np.full(len(errors), np.inf)
    found = [np.zeros(len(errors)) for _ in range(3)]
    for exponents in tried:
        basis = sizes[None, :] ** -exponents[:, None]  # (B, L)
        centred = basis - basis.mean(axis=1, keepdims=True)
        height = (centred * errors).sum(axis=1) / np.maximum(np.square(centred).sum(axis=1), 1e-12)
        height = np.maximum(height, 0.0)
        floor = (errors - height[:, None] * basis).mean(axis=1)
        through_zero = (basis * errors).sum(axis=1) / np.maximum(np.square(basis).sum(axis=1), 1e-12)
        height = np.where(floor < 0, through_zero, height)
        floor = np.maximum(floor, 0.0)
        misfit = np.square(errors - floor[:, None] - height[:, None] * basis).sum(axis=1) / variance
        cost = misfit + np.square((exponents - _USUAL_EXPONENT) / _EXPONENT_SPREAD)
        is_better = cost < best
        best = np.where(is_better, cost, best)
        found = [np.where(is_better, new, old) for new, old in zip((floor, height, exponents), found, strict=True)]
    return _Curves(*found)


def _class_gain(
    target: int,
    class_ids: Sequence[int],
    targets: NDArray[np.int64],
    right: NDArray[np.float64],
    draws: NDArray[np.float64],
    levels: Sequence[Level],
    curves: _Curves,
    groups: Grouped,
    figures: _Figures,
) -> ClassGain:
    """Returns the gain of one class from the recall of its own images; the exponent is that of all classes together.

    A fitted curve need not go through what was measured: the gain is no more than what is missing there.
    """
    among = targets == target
    count = int(among.sum())
    weights = draws[:, among]
    totals = np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    errors = 1 - (weights @ right[:, among].T) / totals
    sizes = np.array([level.num_images / len(targets) * count for level in levels])
    fitted = _fit(sizes, errors, count * groups.weight(among), curves.exponent)
    more = sizes[0] * (count + NUM_NEXT) / count
    recall_gains = fitted.at(sizes[:1])[:, 0] - fitted.at(np.array([more]))[:, 0]
    share = count / len(targets)
    gains = recall_gains * share
    _, most_wrong = groups.interval(levels[0].is_right <= 0, among)
    low, high = _gain_interval(gains, most_wrong * share, (count + NUM_NEXT) / count)
    missing = 1 - float(figures.recall[target])
    return ClassGain(
        class_id=class_ids[target],
        num_images=int(figures.num_images[target]),
        recall=float(figures.recall[target]),
        f1=float(figures.f1[target]),
        gain=min(float(gains[0]), missing * share),
        interval=(min(low, missing * share), high),
        recall_gain=min(float(recall_gains[0]), missing),
    )


@dataclass(frozen=True, slots=True)
class _Figures:
    """Of each class, (K,): how many images were measured, and how well it was recognised."""

    num_images: NDArray[np.int64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]


def _figures_of(
    per_class: Sequence[Mapping[str, Any]] | None,
    targets: NDArray[np.int64],
    is_right: NDArray[np.bool_],
    num_classes: int,
) -> _Figures:
    """Returns the figures as arrays; where there are none only recall is known, from the images (N,) themselves."""
    if per_class is None:
        counts = np.bincount(targets, minlength=num_classes)
        recall = np.bincount(targets, weights=is_right, minlength=num_classes) / np.maximum(counts, 1)
        return _Figures(counts, recall, recall)
    found = _Figures(np.zeros(num_classes, np.int64), np.zeros(num_classes), np.zeros(num_classes))
    for each in per_class:
        index = int(each["class"])
        found.num_images[index], found.recall[index], found.f1[index] = each["support"], each["recall"], each["f1"]
    return found


def _draws(units: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns weights (B, N): the images as they are, then drawn anew by units."""
    generator = np.random.default_rng(0)
    _, codes = np.unique(units, return_inverse=True)
    num_units = int(codes.max()) + 1
    drawn = generator.multinomial(num_units, np.full(num_units, 1 / num_units), size=_NUM_DRAWS)
    return np.vstack([np.ones(len(units)), drawn[:, codes]]).astype(np.float64)


def _gain_interval(gains: NDArray[np.float64], most_wrong: float, factor: float) -> tuple[float, float]:
    """Returns the 95 % interval of a gain (B,), whose first entry is the fit, for `factor` times the labels.

    Where hardly an image was wrong, drawing them anew makes no other mistakes: then `most_wrong`, the share of wrong
    images that is possible at most, and the usual exponent say how much there may be to gain.
    """
    low, high = np.quantile(gains, (0.025, 0.975))
    law = NORMAL_QUANTILE_95 * _LAW_ERROR * min(float(np.log2(factor)), 1.0) * min(1.0, most_wrong / 0.1)
    low = max(0.0, gains[0] - float(np.hypot(gains[0] - low, law)))
    high = gains[0] + float(np.hypot(high - gains[0], law))
    return low, max(high, most_wrong * (1 - factor**-_USUAL_EXPONENT))
