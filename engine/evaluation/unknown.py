"""How strange an image is to a model that knows only its classes: one number in 0..1, calibrated out of fold.

Strangeness is the sum of three signs, each scaled by its spread among known images that were held out: how far the
embedding is from the nearest class for a member of that class, how much it points elsewhere than any class, and how
little the head speaks for any class. The score is the share of held-out known images that are less strange.

What was measured (`tests/bench/bench_unknown.py`; five sets, mobilenet_v2, one class left out in turn) and did not do
better than these signs, of which the class means are all that has to be kept: Mahalanobis distance with a shrunk tied
covariance (Lee et al. 2018) and relative to all images (Ren et al. 2021), distance to the nearest neighbours (Sun et
al. 2022), largest logit and energy alone (Hendrycks et al. 2022; Liu et al. 2020), what the main axes leave over (Wang
et al. 2022), and weights of the signs learned on the other sets, which came out equal.

Letters: N images, K classes, D embedding size, F folds, Q knots.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtr

from engine.domain import CONFIDENT, FALSE_ALARM_RATES
from engine.evaluation.intervals import wilson_interval

Array = NDArray[np.float32]

LEVELS: Final = np.concatenate(
    [
        np.linspace(0, 0.9, 19),
        [0.925, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.9925, 0.995, 0.997, 0.998, 0.999, 0.9995, 1],
    ]
).astype(np.float32)
"""The scores at the knots of a detector, denser where thresholds lie."""

FEWEST_IMAGES: Final = 6
"""With fewer known images held out than that, nothing is said."""

_NUM_SIGNS: Final = 3
_ARRAYS: Final = ("origin", "scale", "means", "spreads", "factors", "knots")
_PRIOR_IMAGES: Final = 5.0
"""The spread of a class counts like so many images that spread as those of all classes do."""

_MAX_CALIBRATION: Final = 256
"""So many of the known images, evenly from the least to the most strange, stand for all of them."""

_MANY: Final = 40
"""Student's distribution of so many degrees of freedom is as good as the normal one, which is quicker."""

_GRID_POINTS: Final = 400
_FEWEST_OF_COMBINATION: Final = 3
_SMALLEST: Final = 1e-12


@dataclass(frozen=True, slots=True)
class UnknownDetector:
    """Turns embeddings (N, D) and logits (N, K) into unknown scores; float32 throughout.

    With v = (embedding - origin) / scale and M = `means` (K, D), the signs are
    log(min_k |v - M_k|^2 / spreads_k), 1 - max_k cos(v, M_k) and -max_k logit_k;
    strangeness = signs @ factors + offset; score = its place among the `knots` (Q,), between them in proportion,
    where LEVELS are the scores. Shapes: origin (D,), scale (D,), spreads (K,), factors (3,). Where images have several
    classes, K counts combinations of classes, and the logits are no sign (their factor is 0).
    """

    origin: Array
    scale: Array
    means: Array
    spreads: Array
    factors: Array
    offset: float
    knots: Array

    def signs(self, features: NDArray[np.floating[Any]], logits: Array) -> Array:
        """Returns the three signs (N, 3)."""
        rows = (features.astype(np.float32) - self.origin) / self.scale
        lengths: Array = np.square(rows).sum(axis=1)
        return _signs(np.asarray(rows @ self.means.T, np.float32), lengths, self.means, self.spreads, logits)

    def strangeness(self, features: NDArray[np.floating[Any]], logits: Array) -> Array:
        """Returns how strange each image is (N,), in no unit."""
        return self.signs(features, logits) @ self.factors + np.float32(self.offset)

    def scores(self, features: NDArray[np.floating[Any]], logits: Array) -> Array:
        """Returns the share of known images that are less strange (N,), in 0..1."""
        return scores_of(self.strangeness(features, logits), self.knots)

    def arrays(self) -> dict[str, Array]:
        """Returns everything as arrays by name, for a file; `from_arrays` reads them."""
        named = {name: getattr(self, name) for name in _ARRAYS}
        named["offset"] = np.array([self.offset], np.float32)
        return {name: np.ascontiguousarray(array, np.float32) for name, array in named.items()}

    @staticmethod
    def from_arrays(arrays: Mapping[str, Array], embedding_size: int) -> UnknownDetector:
        """Returns the detector that `arrays` gave.

        Raises:
            KeyError: an array is missing.
            ValueError: their shapes or values make no sense.
        """
        named = {name: np.asarray(arrays[name], np.float32) for name in (*_ARRAYS, "offset")}
        num_groups = len(named["means"]) if named["means"].ndim == 2 else 0
        shapes = {
            "origin": (embedding_size,),
            "scale": (embedding_size,),
            "means": (num_groups, embedding_size),
            "spreads": (num_groups,),
            "factors": (_NUM_SIGNS,),
            "offset": (1,),
            "knots": LEVELS.shape,
        }
        is_whole = num_groups > 0 and all(named[name].shape == shape for name, shape in shapes.items())
        if not is_whole or not all(np.isfinite(array).all() for array in named.values()):
            raise ValueError("the arrays of the unknown score do not fit together")
        if not ((named["scale"] > 0).all() and (named["spreads"] > 0).all() and (np.diff(named["knots"]) > 0).all()):
            raise ValueError("the arrays of the unknown score make no sense")
        return UnknownDetector(**(named | {"offset": float(named["offset"][0])}))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class UnknownFit:
    """A detector, and the scores (N,) that known images got from detectors and calibrations that had not seen them."""

    detector: UnknownDetector
    out_of_fold_scores: Array

    def document(self, confidences: NDArray[np.floating[Any]]) -> dict[str, Any]:
        """Returns for run.json what each false-alarm rate on offer means, measured on known images held out.

        `confidences` (N,) are those of their predictions. "measured" is the share that is called unknown, with its
        interval; "accept_below" is the score that suggestions must stay below to be accepted unseen.
        """
        found = false_alarms(self.out_of_fold_scores)
        surely_known = self.out_of_fold_scores[confidences >= CONFIDENT]
        for row in found["false_alarms"]:
            row["accept_below"] = accept_below(surely_known, row["rate"])
        return found


def fit_unknown(
    features: NDArray[np.floating[Any]],
    targets: NDArray[np.int64],
    folds: NDArray[np.int64],
    out_of_fold_logits: Array | None,
    mean: Array,
    scale: Array,
) -> UnknownFit | None:
    """Returns a detector for the classes of labelled images; None where there are too few to say anything.

    Args:
        features: embeddings (N, D).
        targets: class index of each (N,), 0..K-1; where images have several, that of their combination.
        folds: fold of each (N,); images of one fold are held out together.
        out_of_fold_logits: what the head says of each image (N, K) when it is held out; None where logits are no sign
            (several classes per image, of which none may be there).
        mean: of the features (D,), as the head standardises them.
        scale: the same.
    """
    if len(targets) < FEWEST_IMAGES:
        return None
    sums = _Sums.of(features, targets, folds, mean, scale)
    signs = np.zeros((len(targets), _NUM_SIGNS), np.float32)
    for place, fold in enumerate(sums.folds):
        held_out = folds == fold
        of_others = sums.classes(without=place)
        logits = None if out_of_fold_logits is None else out_of_fold_logits[held_out]
        detector = _uncalibrated(of_others, mean, scale)
        signs[held_out] = detector.signs(features[held_out], _logits_or_none(logits, int(held_out.sum())))
    detector = _uncalibrated(sums.classes(), mean, scale)
    return calibrated(detector, signs, folds)


def plain_detector(
    features: NDArray[np.floating[Any]], targets: NDArray[np.int64], mean: Array, scale: Array
) -> UnknownDetector:
    """Returns a detector that is not calibrated yet (see `calibrated`), of embeddings (N, D) and their classes (N,)."""
    sums = _Sums.of(features, targets, np.zeros(len(targets), np.int64), mean, scale)
    return _uncalibrated(sums.classes(), mean, scale)


def combinations_of(present: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Returns a number for the combination of classes that each image (N,) has, given them all (N, K).

    For `fit_unknown`. Combinations of few images are one: their means would say little.
    """
    _, codes, counts = np.unique(present, axis=0, return_inverse=True, return_counts=True)
    is_rare = counts[codes] < _FEWEST_OF_COMBINATION
    return np.unique(np.where(is_rare, -1, codes), return_inverse=True)[1].astype(np.int64)


def calibrated(detector: UnknownDetector, signs: Array, folds: NDArray[np.int64]) -> UnknownFit:
    """Returns a detector calibrated on the signs (N, 3) of known images held out; `folds` (N,) says which together."""
    factors, offset = _weights_of(signs)
    strangeness = signs @ factors + np.float32(offset)
    knots = knots_of(strangeness)
    scores = np.empty(len(signs), np.float32)
    for fold in np.unique(folds):
        held_out = folds == fold
        others = strangeness[~held_out]
        # Calibrated by the other folds: the share above a threshold set on these very images would be a promise kept
        # by construction.
        scores[held_out] = scores_of(strangeness[held_out], knots_of(others) if len(others) > 1 else knots)
    return UnknownFit(replace(detector, factors=factors, offset=offset, knots=knots), scores)


def scores_of(strangeness: Array, knots: Array) -> Array:
    """Returns the scores (N,) of strangeness (N,): between two knots in proportion, at the ends 0 and 1."""
    widths = np.diff(knots)
    inside = np.clip(strangeness[:, None] - knots[:-1], 0, widths)
    return np.asarray((inside * (np.diff(LEVELS) / widths)).sum(axis=1), np.float32)


def knots_of(strangeness: Array) -> Array:
    """Returns the strangeness (Q,) that the shares LEVELS of known images stay below, strictly ascending.

    A smoothed distribution: around each image one of Student's, the wider the fewer images there are, so that a dozen
    of them claim no certainty that only a thousand give.
    """
    values = np.sort(strangeness.astype(np.float64))
    num_images = len(values)
    if num_images > _MAX_CALIBRATION:
        values = np.quantile(values, (np.arange(_MAX_CALIBRATION) + 0.5) / _MAX_CALIBRATION)
    # No less than float32 needs to tell the knots apart.
    spread = max(float(values.std(ddof=1)), 5e-3 * (1 + float(np.abs(values).max())))
    width = 1.06 * spread * num_images ** (-1 / 3)
    freedom = max(1, num_images - 1)
    reach = 8 * width + spread * (4 + 60 / freedom)
    grid = np.linspace(values[0] - reach, values[-1] + reach, _GRID_POINTS)
    places = (grid[:, None] - values) / width
    shares = (stdtr(freedom, places) if freedom < _MANY else ndtr(places)).mean(axis=1)
    shares = (shares - shares[0]) / (shares[-1] - shares[0])
    knots = np.interp(LEVELS, shares, grid)
    least = 1e-4 * spread
    knots = np.maximum.accumulate(knots - least * np.arange(len(knots))) + least * np.arange(len(knots))
    return np.asarray(knots, np.float32)


def accept_below(scores: Array, rate: float) -> float:
    """Returns the score that all but a share `rate` of confident predictions (N,) on known images stay below.

    An image of a class that nobody has named is often confidently taken for another one, and then looks less strange
    than an unsure one; but it still looks stranger than what is as confident and right.
    """
    if len(scores) < FEWEST_IMAGES:
        return 1 - rate
    limit = float(np.interp(1 - rate, LEVELS, knots_of(scores)))
    return min(limit, 1 - rate)


def false_alarms(scores: NDArray[np.floating[Any]]) -> dict[str, Any]:
    """Returns what share of known images with these out-of-fold scores is called unknown, at each rate on offer."""
    known = scores[np.isfinite(scores)]
    alarms = []
    for rate in FALSE_ALARM_RATES:
        count = int((known >= np.float32(1 - rate)).sum())
        share = count / len(known) if len(known) else 0.0
        alarms.append({"rate": rate, "measured": share, "interval": list(wilson_interval(count, len(known)))})
    return {"num_images": len(known), "false_alarms": alarms}


def called_unknown(
    are_unknown: NDArray[np.bool_], targets: NDArray[np.int64], class_names: Sequence[str], num_known: int
) -> dict[str, Any]:
    """Returns how many images with known truth (N,) were called unknown, for the document of `graft evaluate`.

    Args:
        are_unknown: which were (N,).
        targets: their true classes (N,), indices into `class_names`.
        class_names: the classes that the model knows, then those that only the images have.
        num_known: how many classes the model knows.
    """

    def counted(chosen: NDArray[np.bool_]) -> dict[str, Any]:
        total, called = int(chosen.sum()), int(are_unknown[chosen].sum())
        share = called / total if total else None
        return {"num_images": total, "called_unknown": share, "interval": list(wilson_interval(called, total))}

    is_new = targets >= num_known
    new_classes = np.unique(targets[is_new]).tolist()
    return {
        "known": counted(~is_new),
        "new": counted(is_new),
        "new_classes": [{"class": class_names[index], **counted(targets == index)} for index in new_classes],
    }


@dataclass(frozen=True, slots=True)
class _Classes:
    """Counts (K,), means (K, D) and mean squared lengths (K,) of standardised embeddings."""

    counts: NDArray[np.float64]
    means: NDArray[np.float64]
    lengths: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums by fold and class, from which the classes without any one fold follow without looking at images again.

    Shapes: folds (F,), counts (F, K), totals (F, K, D), squares (F, K).
    """

    folds: NDArray[np.int64]
    counts: NDArray[np.float64]
    totals: NDArray[np.float64]
    squares: NDArray[np.float64]

    @staticmethod
    def of(
        features: NDArray[np.floating[Any]],
        targets: NDArray[np.int64],
        folds: NDArray[np.int64],
        mean: Array,
        scale: Array,
    ) -> _Sums:
        present = np.unique(folds)
        num_classes = int(targets.max()) + 1
        counts = np.zeros((len(present), num_classes))
        totals = np.zeros((len(present), num_classes, features.shape[1]))
        squares = np.zeros((len(present), num_classes))
        for place, fold in enumerate(present):
            held_out = folds == fold
            rows = (features[held_out].astype(np.float32) - mean) / scale
            members = (targets[held_out] == np.arange(num_classes)[:, None]).astype(np.float32)
            counts[place] = members.sum(axis=1)
            totals[place] = members @ rows
            squares[place] = members @ np.square(rows).sum(axis=1)
        return _Sums(present, counts, totals, squares)

    def classes(self, without: int | None = None) -> _Classes:
        """Returns the classes of all folds, or of all but one; those without an image are left out."""
        kept = np.arange(len(self.folds)) != (-1 if without is None else without)
        counts = self.counts[kept].sum(axis=0)
        has_images = counts > 0
        counts = counts[has_images]
        means = self.totals[kept].sum(axis=0)[has_images] / counts[:, None]
        return _Classes(counts, means, self.squares[kept].sum(axis=0)[has_images] / counts)


def _uncalibrated(classes: _Classes, mean: Array, scale: Array) -> UnknownDetector:
    centre = classes.means.mean(axis=0)
    means = classes.means - centre
    inside = np.maximum(classes.lengths - np.square(classes.means).sum(axis=1), 0)
    # An image is nearer to a mean that it is part of than to one that it is not: as if each had been left out.
    counts = classes.counts
    inside *= np.square(counts / np.maximum(counts - 1, 1))
    weights = np.where(counts > 1, counts, 0)
    overall = float((inside * weights).sum() / weights.sum()) if weights.any() else 1.0
    spreads = (inside * weights + overall * _PRIOR_IMAGES) / (weights + _PRIOR_IMAGES)
    return UnknownDetector(
        origin=np.asarray(mean + centre * scale, np.float32),
        scale=np.asarray(scale, np.float32),
        means=np.asarray(means, np.float32),
        spreads=np.asarray(np.maximum(spreads, _SMALLEST), np.float32),
        factors=np.zeros(_NUM_SIGNS, np.float32),
        offset=0.0,
        knots=np.linspace(0, 1, len(LEVELS), dtype=np.float32),
    )


def _signs(dots: Array, lengths: Array, means: Array, spreads: Array, logits: Array) -> Array:
    sizes = np.square(means).sum(axis=1)
    distances = np.maximum(lengths[:, None] - 2 * dots + sizes, np.float32(_SMALLEST))
    norms = np.sqrt(np.maximum(sizes, np.float32(_SMALLEST)))
    cosines = (dots / norms).max(axis=1) / np.sqrt(np.maximum(lengths, np.float32(_SMALLEST)))
    return np.stack([np.log((distances / spreads).min(axis=1)), 1 - cosines, -logits.max(axis=1)], axis=1)


def _logits_or_none(logits: Array | None, num_images: int) -> Array:
    """A sign that is the same for all images gets no weight."""
    return np.zeros((num_images, 1), np.float32) if logits is None else logits


def _weights_of(signs: Array) -> tuple[Array, float]:
    spreads = signs.std(axis=0, dtype=np.float64)
    factors = np.where(spreads > 1e-6, 1 / np.maximum(spreads, 1e-6), 0).astype(np.float32)
    return factors, -float(signs.mean(axis=0, dtype=np.float64) @ factors)
