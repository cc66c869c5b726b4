"""Stacks of look-alikes: groups of images that can be named with one key, before there is any model and after.

Letters: N images, D embedding size, A axes kept, S stacks, n images of one stack.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.suggestions.vectors import unit_vectors

Array = NDArray[np.float32]
Rows = NDArray[np.int64]
ReadRows = Callable[[Rows], Array]
"""Returns the embeddings (n, D) of some of the rows."""

IMAGES_PER_STACK: Final = 15
"""On average. On five image sets, key presses and pictures to set aside together are fewest between 15 and 20; larger
stacks mix kinds."""
FEWEST_STACKS: Final = 8
"""Of few images the stacks are smaller, down to `_FEWEST_PER_STACK`: there are several kinds also among forty."""
_FEWEST_PER_STACK: Final = 5
MOST_STACKS: Final = 3_000
"""Of very many images the stacks are larger: nobody names more of them."""
LARGEST_STACK: Final = 3
"""So many times the average: what is larger is cut at the next branch, so that a stack can be looked over."""
SMALLEST_STACK: Final = 3
"""Fewer look-alikes are no stack: they stand with the nearest one, as odd ones out."""
NUM_AXES: Final = 128
_NUM_SAMPLED: Final = 10_000
_NUM_KEPT_AXES: Final = 64
_LARGEST_TREE: Final = 4_000
_IMAGES_PER_TREE: Final = 1_500
_BLOCK: Final = 8_192
_ODD: Final = 2.5
"""An image is an odd one out when it lies so many robust standard deviations farther from the middle than most."""
_SMALLEST_WITH_ODD: Final = 5
_MOST_ROUNDS: Final = 100
NUM_NEIGHBOURS: Final = 10
_NEIGHBOUR_BLOCK: Final = 1_024


@dataclass(frozen=True, slots=True)
class Stacks:
    """Images put into stacks; stacks that look alike follow each other, those that stand apart clearly come early.

    `rows` (N,) are the images, stack after stack; stack s is `rows[starts[s]:starts[s + 1]]`, the most typical first.
    The first `num_typical[s]` of it belong together, the others are odd ones out. `points` (N, A) are the images of
    `rows` on the main axes of the embeddings, for `arranged` and `split_in_two`; `neighbours` (N, k) the rows of the
    images that lie nearest to them, for `clearness`, -1 where there are fewer. `clearnesses` (S,) are the stacks'.
    """

    rows: Rows
    starts: Rows
    num_typical: Rows
    points: NDArray[np.float16]
    neighbours: Rows
    clearnesses: Array

    @property
    def members(self) -> list[Rows]:
        """The rows of each stack."""
        return np.split(self.rows, self.starts[1:-1]) if len(self.starts) > 1 else []


def stacks_of(
    read: ReadRows,
    num_images: int,
    seed: int = 0,
    checkpoint: Callable[[], None] = lambda: None,
) -> Stacks:
    """Returns the stacks of the embeddings 0..N - 1, which are read block by block.

    Ward's method on the main axes of the embeddings of length 1. Its tree is cut where there are about as many branches
    as stacks are wanted, so that what is much alike makes large stacks. More than some thousand images are divided by
    k-means first; each part gets a tree of its own, and all are cut at one height. `checkpoint` may end it by raising.
    """
    if num_images == 0:
        none = np.zeros(0, np.int64)
        no_neighbours, no_figures = np.zeros((0, NUM_NEIGHBOURS), np.int64), np.zeros(0, np.float32)
        return Stacks(none, np.zeros(1, np.int64), none, np.zeros((0, 1), np.float16), no_neighbours, no_figures)
    points = _main_axes(read, num_images, seed, checkpoint)
    parts = _parts_of(points, seed, checkpoint)
    trees, neighbours = [], np.full((num_images, NUM_NEIGHBOURS), -1, np.int64)
    for part in parts:
        checkpoint()
        trees.append(_tree_of(points[part]))
        checkpoint()
        near = _neighbours_within(points[part])
        neighbours[part, : near.shape[1]] = part[near]
    at_least = min(FEWEST_STACKS, num_images // _FEWEST_PER_STACK)
    num_wanted = min(MOST_STACKS, max(1, at_least, round(num_images / IMAGES_PER_STACK)))
    height = _cut_height([tree[:, 2] for tree in trees], num_wanted)
    largest = max(SMALLEST_STACK, round(LARGEST_STACK * num_images / num_wanted))
    branches = [part[branch] for part, tree in zip(parts, trees, strict=True) for branch in _cut(tree, height, largest)]
    checkpoint()
    return _finished(points, neighbours, *_with_strays(points, branches))


def arranged(points: NDArray[np.floating[Any]]) -> tuple[Rows, int]:
    """Returns the order of the points (n, A) of one stack, and how many of them are typical.

    The most typical come first. An odd one out lies much farther from the middle than most.
    """
    points = np.asarray(points, np.float32)
    distances = np.linalg.norm(points - np.mean(points, axis=0), axis=1)
    order = np.argsort(distances, kind="stable")
    num_typical = len(order)
    if num_typical >= _SMALLEST_WITH_ODD:
        middle = float(np.median(distances))
        deviation = 1.4826 * float(np.median(np.abs(distances - middle)))
        num_typical = int(np.count_nonzero(distances <= middle + _ODD * max(deviation, 1e-6)))
    return order.astype(np.int64), num_typical


def clearness(rows: Rows, neighbours: Rows) -> float:
    """Returns how clearly a stack stands apart, 0..1: which part of what lies nearest to its images is in it, too.

    `rows` (n,) are its images, `neighbours` (m, k) those nearest to the typical ones of them. It tells mixed stacks
    from pure ones a little better than their spread does, and means the same in all image sets (bench_stacks.py).
    """
    num_counted = min(neighbours.shape[1], len(rows) - 1)
    if num_counted < 1 or not len(neighbours):
        return 1.0
    return float(np.count_nonzero(np.isin(neighbours, rows)) / (num_counted * len(neighbours)))


def split_in_two(points: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Returns which of the points (n, A) belong to the smaller of the two kinds that they fall into best (2-means).

    At least one does, and not all; none do when there are fewer than two points. Begun on both sides of the middle of
    the main axis. By hand, because it answers a key in the window: importing scikit-learn there would take a second.
    """
    points = np.asarray(points, np.float32)
    if len(points) < 2:
        return np.zeros(len(points), np.bool_)
    centred = points - points.mean(axis=0)
    along = centred @ np.linalg.svd(centred, full_matrices=False)[2][0]
    in_second = along > 0
    for _ in range(_MOST_ROUNDS):
        if in_second.all() or not in_second.any():
            in_second = np.arange(len(points)) >= (len(points) + 1) // 2  # all of them are the same
            break
        first, second = centred[~in_second].mean(axis=0), centred[in_second].mean(axis=0)
        nearer = np.linalg.norm(centred - second, axis=1) < np.linalg.norm(centred - first, axis=1)
        if (nearer == in_second).all():
            break
        in_second = nearer
    return np.asarray(in_second if 2 * in_second.sum() <= len(points) else ~in_second)


def _main_axes(read: ReadRows, num_images: int, seed: int, checkpoint: Callable[[], None]) -> Array:
    """Returns the images (N, A) on the axes along which a sample of them differs most."""
    from sklearn.decomposition import PCA

    chosen = np.arange(num_images)
    if num_images > _NUM_SAMPLED:
        chosen = np.sort(np.random.default_rng(seed).choice(num_images, _NUM_SAMPLED, replace=False))
    sample = unit_vectors(read(chosen))
    if num_images == 1:
        return np.zeros((1, 1), np.float32)
    checkpoint()
    projection = PCA(min(NUM_AXES, *sample.shape), svd_solver="randomized", random_state=seed).fit(sample)
    points = np.empty((num_images, projection.n_components_), np.float32)
    for start in range(0, num_images, _BLOCK):
        checkpoint()
        rows = np.arange(start, min(num_images, start + _BLOCK))
        points[rows] = projection.transform(unit_vectors(read(rows)))
    return points


def _parts_of(points: Array, seed: int, checkpoint: Callable[[], None]) -> list[Rows]:
    """Divides the images so that each part is small enough for a tree; parts that are alike follow each other."""
    if len(points) <= _LARGEST_TREE:
        return [np.arange(len(points))]
    from sklearn.cluster import MiniBatchKMeans

    checkpoint()
    num_parts = -(-len(points) // _IMAGES_PER_TREE)
    clustering = MiniBatchKMeans(num_parts, random_state=seed, n_init=1, batch_size=4_096).fit(points)
    labels = clustering.labels_
    parts = []
    for at in _leaves(_tree_of(np.asarray(clustering.cluster_centers_, np.float32))).tolist():
        part = np.flatnonzero(labels == at)
        if 0 < len(part) < len(points):
            parts += [part[inner] for inner in _parts_of(points[part], seed, checkpoint)]
        elif len(part):  # all are the same: any division is as good
            parts += np.array_split(part, num_parts)
    return parts


def _tree_of(points: Array) -> NDArray[np.float64]:
    """Returns Ward's tree of points (n, A) as scipy's linkage matrix (n - 1, 4)."""
    from scipy.cluster.hierarchy import linkage

    return np.asarray(linkage(points, "ward") if len(points) > 1 else np.zeros((0, 4)))


def _leaves(tree: NDArray[np.float64]) -> Rows:
    """Returns the points of a tree in the order of its branches."""
    from scipy.cluster.hierarchy import leaves_list

    return np.asarray(leaves_list(tree) if len(tree) else [0], np.int64)


def _cut_height(heights: list[NDArray[np.float64]], num_wanted: int) -> float:
    """Returns the height at which trees fall into that many branches, or into one each where that is more."""
    merged = np.sort(np.concatenate(heights))
    num_merges = len(merged) + len(heights) - num_wanted
    return float(merged[min(num_merges, len(merged)) - 1]) if num_merges > 0 and len(merged) else -1.0


def _cut(tree: NDArray[np.float64], height: float, largest: int) -> list[Rows]:
    """Returns the branches (each an array of points) that lie below a height and are not too large, in order."""
    leaves = _leaves(tree)
    num_leaves = len(leaves)
    branches, todo, first = [], [2 * num_leaves - 2], 0
    while todo:
        node = todo.pop()
        size, is_whole = 1, True
        if node >= num_leaves:
            left, right, its_height, its_size = tree[node - num_leaves].tolist()
            size, is_whole = int(its_size), its_height <= height and its_size <= largest
        if is_whole:
            branches.append(leaves[first : first + size])
            first += size
        else:
            todo += [int(right), int(left)]
    return branches


def _with_strays(points: Array, branches: list[Rows]) -> tuple[list[Rows], list[Rows]]:
    """Returns the branches that are large enough, and for each of them the images of smaller ones that lie nearest."""
    kept = [branch for branch in branches if len(branch) >= SMALLEST_STACK]
    strays = [branch for branch in branches if len(branch) < SMALLEST_STACK]
    if not kept:
        return branches, [np.zeros(0, np.int64)] * len(branches)
    middles = np.stack([points[branch].mean(axis=0) for branch in kept])
    near: list[list[Rows]] = [[] for _ in kept]
    for stray in strays:
        near[int(np.argmin(np.linalg.norm(middles - points[stray].mean(axis=0), axis=1)))].append(stray)
    return kept, [np.concatenate([*each, np.zeros(0, np.int64)]).astype(np.int64) for each in near]


def _neighbours_within(points: Array) -> Rows:
    """Returns for each of the points (n, A) which others lie nearest, the first `NUM_NEIGHBOURS` or fewer."""
    kept = points[:, :_NUM_KEPT_AXES]
    number = min(NUM_NEIGHBOURS, len(points) - 1)
    sizes = np.einsum("na,na->n", kept, kept)
    found = np.zeros((len(points), number), np.int64)
    for start in range(0, len(points) if number else 0, _NEIGHBOUR_BLOCK):
        block = np.arange(start, min(len(points), start + _NEIGHBOUR_BLOCK))
        distances = sizes - 2 * kept[block] @ kept.T
        distances[np.arange(len(block)), block] = np.inf
        found[block] = np.argpartition(distances, number - 1, axis=1)[:, :number]
    return found


def _clear_first(middles: Array, clearnesses: Array) -> Rows:
    """Returns an order in which stacks that look alike follow each other: of two branches the clearer one first."""
    tree, number = _tree_of(middles), len(middles)
    order = [[at] for at in range(number)]
    figures = clearnesses.astype(np.float64).tolist()
    for first, second in tree[:, :2].astype(np.int64).tolist():
        if figures[second] > figures[first]:
            first, second = second, first
        num_first, num_second = len(order[first]), len(order[second])
        order.append(order[first] + order[second])
        figures.append((figures[first] * num_first + figures[second] * num_second) / (num_first + num_second))
        order[first] = order[second] = []  # lengths are asked for once
    return np.array(order[-1], np.int64)


def _finished(points: Array, neighbours: Rows, branches: list[Rows], strays: list[Rows]) -> Stacks:
    rows, num_typical, clearnesses = [], [], []
    for branch, stray in zip(branches, strays, strict=True):
        order, number = arranged(points[branch])
        own = np.concatenate([branch[order], stray])
        rows.append(own)
        num_typical.append(number)
        clearnesses.append(clearness(own, neighbours[own[:number]]))
    middles = np.stack([points[branch].mean(axis=0) for branch in branches])
    figures = np.array(clearnesses, np.float32)
    ranks = _clear_first(middles, figures)
    in_order = np.concatenate([rows[at] for at in ranks.tolist()])
    return Stacks(
        rows=in_order,
        starts=np.concatenate([[0], np.cumsum([len(rows[at]) for at in ranks.tolist()])]).astype(np.int64),
        num_typical=np.array(num_typical, np.int64)[ranks],
        points=points[in_order, :_NUM_KEPT_AXES].astype(np.float16),
        neighbours=neighbours[in_order],
        clearnesses=figures[ranks],
    )
