"""Query strategies: which unlabelled images to label next, by name.

A strategy is a function and a record in STRATEGIES. Adding one is adding both here, or in a module of its own that this
one imports.

How many labels each needed to come within 5 % of the accuracy with all labels, beside random choice = 1 (mobilenet_v2,
mean over the five development sets, five seeds): see `tests/bench/bench_strategies.py`.

Letters: N unlabelled images, M labelled images, K classes, D embedding size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.language import tr
from engine.suggestions.vectors import unit_vectors

Array = NDArray[np.float32]
Rows = NDArray[np.int64]

_LARGEST_POOL: Final = 50_000
"""Of more images than these a strategy that compares images looks at so many, chosen at random."""

_NUM_AXES: Final = 64
_LARGEST_CLUSTERING: Final = 500
_NUM_NEIGHBOURS: Final = 20
_FIRST_ROUND: Final = 10
_FIRST_LABELS: Final = 20
_FIRST_PER_CLASS: Final = 2
_SMALLEST: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Pool:
    """What a strategy may look at.

    `features` (N, D) and `probabilities` (N, K) are those of the unlabelled images; probabilities are None while there
    is no model. `labelled_features` (M, D) and `targets` (M,) are the labels so far.
    """

    features: Array
    probabilities: Array | None
    labelled_features: Array
    targets: Rows
    seed: int = 0

    @property
    def num_classes(self) -> int:
        """The number of classes with a label."""
        return len(np.unique(self.targets))


@dataclass(frozen=True, slots=True)
class Strategy:
    """A rule under its name. `rank(pool, num_wanted)` returns so many rows of the pool (fewer where there are no more),
    the most useful first, each at most once. `explanation` is a sentence for the user. `needs_model`: it can say
    nothing without probabilities."""

    name: str
    title: str
    explanation: str
    needs_model: bool
    rank: Callable[[Pool, int], Rows]


def rank_random(pool: Pool, num_wanted: int) -> Rows:
    """Any image is as likely as any other, which is what an honest test set needs."""
    order: Rows = np.random.default_rng(pool.seed).permutation(len(pool.features))
    return order[:num_wanted]


def rank_by_margin(pool: Pool, num_wanted: int) -> Rows:
    """The smallest gap between the two most probable classes first (Scheffer et al. 2001)."""
    return _smallest(margins_of(_probabilities(pool)), num_wanted)


def rank_by_entropy(pool: Pool, num_wanted: int) -> Rows:
    """The probabilities most evenly spread over all classes first."""
    probabilities = _probabilities(pool)
    return _smallest((probabilities * np.log(probabilities + _SMALLEST)).sum(axis=1), num_wanted)


def rank_typical(pool: Pool, num_wanted: int) -> Rows:
    """The most typical image of each large region without a label.

    As many clusters are made as there will be labels; the largest without a label comes first, and of each the image
    with the nearest neighbours. A long ranking is made in rounds, each as long as all before it, so that its beginning
    is as good as a short one. Source: Hacohen et al., "Active Learning on a Budget" (2022), TypiClust.
    """
    chosen = _looked_at(pool)
    points = _on_axes(np.concatenate([pool.labelled_features, pool.features[chosen]]), pool.seed)
    num_labelled = len(pool.labelled_features)
    known, rest = np.arange(num_labelled), np.arange(num_labelled, len(points))
    num_wanted = min(num_wanted, len(rest))
    while (num_ranked := len(known) - num_labelled) < num_wanted:
        num_next = min(max(_FIRST_ROUND, len(known)), num_wanted - num_ranked)
        ranked = _typical_of_regions(points, known, rest, num_next, pool.seed)
        known, rest = np.concatenate([known, ranked]), np.setdiff1d(rest, ranked)
    return chosen[known[num_labelled:] - num_labelled]


def _typical_of_regions(points: Array, known: Rows, rest: Rows, num_wanted: int, seed: int) -> Rows:
    """Returns `num_wanted` of the points in `rest`, the most typical of each cluster with the fewest known ones."""
    from sklearn.cluster import MiniBatchKMeans

    num_clusters = min(len(known) + num_wanted, _LARGEST_CLUSTERING)
    clustering = MiniBatchKMeans(num_clusters, random_state=seed, n_init=1, batch_size=2048).fit(points)
    labels = clustering.labels_.astype(np.int64)
    typicality = _typicality(points, labels)[rest]
    num_known, sizes = (np.bincount(rows, minlength=num_clusters) for rows in (labels[known], labels))
    # Within a cluster the most typical first; the first of every cluster comes before the second of any.
    own = labels[rest]
    by_cluster = np.lexsort((-typicality, own))
    starts = np.searchsorted(own[by_cluster], np.arange(num_clusters))
    turn = np.empty(len(rest), np.int64)
    turn[by_cluster] = np.arange(len(rest)) - starts[own[by_cluster]]
    order = np.lexsort((-sizes[own], turn + num_known[own]))
    return rest[order[:num_wanted]]


def rank_diverse(pool: Pool, num_wanted: int) -> Rows:
    """Always the image farthest from all that are labelled or chosen (k-centre greedy, Sener and Savarese 2018)."""
    chosen = _looked_at(pool)
    points = _on_axes(np.concatenate([pool.labelled_features, pool.features[chosen]]), pool.seed)
    labelled, points = points[: len(pool.labelled_features)], points[len(pool.labelled_features) :]
    squares = np.einsum("ij,ij->i", points, points)
    distances = np.full(len(points), np.inf, np.float32)
    for known in labelled:
        distances = np.minimum(distances, squares - 2 * (points @ known) + known @ known)
    order: list[int] = []
    for _ in range(min(num_wanted, len(points))):
        # Without any label the first is the one nearest to the middle.
        is_first = not order and not len(labelled)
        farthest = int(squares.argmin()) if is_first else int(distances.argmax())
        order.append(farthest)
        distances = np.minimum(distances, squares - 2 * (points @ points[farthest]) + squares[farthest])
        distances[order] = -np.inf
    return chosen[np.array(order, np.int64)]


def rank_guided(pool: Pool, num_wanted: int) -> Rows:
    """Typical images until every class has a few labels, then those the model hesitates on, rare classes preferred."""
    if pool.probabilities is None or is_cold_start(len(pool.targets), pool.num_classes):
        return rank_typical(pool, num_wanted)
    counts = np.bincount(pool.targets, minlength=pool.probabilities.shape[1])
    need = 1 / np.sqrt(counts + 1.0)
    hesitation = (1 - margins_of(pool.probabilities)) * (pool.probabilities @ need)
    return _smallest(-hesitation, num_wanted)


def rank_rare(pool: Pool, num_wanted: int) -> Rows:
    """In turn the likeliest image of each class, classes with few labels more often, so that all grow to one size.

    At every turn comes the class with the fewest labels, counting those that the ranking has already been given.
    """
    probabilities = _probabilities(pool)
    num_classes = probabilities.shape[1]
    counts = np.bincount(pool.targets, minlength=num_classes)[:num_classes].astype(np.int64)
    likeliest = np.argsort(-probabilities, axis=0, kind="stable")
    places = np.zeros(num_classes, np.int64)
    is_taken = np.zeros(len(probabilities), np.bool_)
    order: list[int] = []
    for _ in range(min(num_wanted, len(probabilities))):
        rarest = int(counts.argmin())
        while is_taken[likeliest[places[rarest], rarest]]:
            places[rarest] += 1
        row = int(likeliest[places[rarest], rarest])
        is_taken[row] = True
        counts[rarest] += 1
        order.append(row)
    return np.array(order, np.int64)


def is_cold_start(num_labels: int, num_classes: int) -> bool:
    """Tells whether there are too few labels to ask a model what it hesitates on."""
    return num_labels < max(_FIRST_LABELS, _FIRST_PER_CLASS * num_classes)


def margins_of(probabilities: Array) -> NDArray[np.float64]:
    """Returns the gap (N,) between the two largest probabilities of each row (N, K); 1 where there is one class."""
    if probabilities.shape[1] < 2:
        return np.ones(len(probabilities))
    two = np.partition(probabilities, -2, axis=1)[:, -2:]
    return np.asarray(two[:, 1] - two[:, 0], np.float64)


STRATEGIES: Final[dict[str, Strategy]] = {
    strategy.name: strategy
    for strategy in (
        Strategy(
            "guided",
            tr("Most useful next"),
            tr("What helps the model most: typical images of every kind, later those it hesitates on."),
            False,
            rank_guided,
        ),
        Strategy(
            "typical",
            tr("Typical and diverse"),
            tr("One typical image of every kind that has no label yet: the best beginning."),
            False,
            rank_typical,
        ),
        Strategy(
            "diverse",
            tr("Most different"),
            tr("Always the image least like any that has a label: nothing is overlooked, oddities come early."),
            False,
            rank_diverse,
        ),
        Strategy(
            "margin",
            tr("Torn between two classes"),
            tr("Images for which two classes are almost equally likely: they sharpen the border between the two."),
            True,
            rank_by_margin,
        ),
        Strategy(
            "entropy",
            tr("Could be anything"),
            tr("Images for which many classes are about equally likely."),
            True,
            rank_by_entropy,
        ),
        Strategy(
            "rare",
            tr("Rare classes first"),
            tr("Images that are probably of the classes with the fewest labels, so that all classes grow alike."),
            True,
            rank_rare,
        ),
        Strategy(
            "random",
            tr("At random"),
            tr("Any image, by lot: the only honest choice for a test set."),
            False,
            rank_random,
        ),
    )
}


def _probabilities(pool: Pool) -> Array:
    assert pool.probabilities is not None, "this strategy needs a model"
    return pool.probabilities


def _smallest(values: NDArray[np.floating], num_wanted: int) -> Rows:
    return np.argsort(values, kind="stable")[:num_wanted].astype(np.int64)


def _looked_at(pool: Pool) -> Rows:
    """Returns the rows of the pool that are compared with each other, in order."""
    if len(pool.features) <= _LARGEST_POOL:
        return np.arange(len(pool.features))
    return np.sort(np.random.default_rng(pool.seed).choice(len(pool.features), _LARGEST_POOL, replace=False))


def _on_axes(features: Array, seed: int) -> Array:
    """Returns unit embeddings (n, D) on their first principal axes."""
    from sklearn.decomposition import PCA

    unit = unit_vectors(features)
    num_axes = min(_NUM_AXES, *unit.shape)
    if num_axes < 2:
        return unit
    axes: Array = PCA(num_axes, svd_solver="randomized", random_state=seed).fit_transform(unit).astype(np.float32)
    return axes


def _typicality(points: Array, labels: Rows) -> NDArray[np.float64]:
    """Returns 1 / mean distance (n,) of each point to its 20 nearest in the same cluster."""
    typicality = np.zeros(len(points))
    order = np.argsort(labels, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
        own = points[members[: _LARGEST_POOL // 10]]
        squares = np.einsum("ij,ij->i", own, own)
        distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * own @ own.T, 0))
        num = min(_NUM_NEIGHBOURS, len(own) - 1)
        nearest = np.partition(distances, num, axis=1)[:, : num + 1].sum(axis=1) / max(1, num)
        typicality[members[: len(own)]] = 1 / (nearest + _SMALLEST)
    return typicality
