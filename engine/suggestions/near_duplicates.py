"""Near-duplicates: the same picture resized, re-encoded, cut or moved a little, among up to 100,000 images.

A pair is looked at when either its embeddings or its fingerprints (see `engine.images.fingerprint`) are alike, and is a
near-duplicate when the fingerprints, laid over each other, show the same detail. The two limits for being looked at let
every planted pair through, the one that decides lies between planted pairs and pairs of different pictures; measured on
the five development sets in tests/bench/bench_honesty.py.

The search for pairs is exact and needs memory for a few thousand images at a time: vectors are compared on their first
principal axes first, where a distance is never larger than the real one, so a pair that is too far apart there is too
far apart. What is left is compared in full.

Letters: N images, D embedding size, P pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from engine.suggestions.alignment import aligned_likeness

EMBEDDING_COSINE: Final = 0.93
FINGERPRINT_COSINE: Final = 0.965
SAME_DETAIL: Final = 0.94
"""Correlation of the aligned fingerprints' detail from which two pictures are the same one."""

_MAX_PER_IMAGE: Final = 8
"""So many of its likest images are looked at for each image: among thousands of cells everything is alike."""
_PAIRS_AT_ONCE: Final = 64

_NUM_AXES: Final = 48
_SAMPLE: Final = 512
_BLOCK: Final = 1024
_EXACT_AT_ONCE: Final = 20_000
_ROUNDING: Final = 1e-4


def near_duplicates(
    features: NDArray[np.floating[Any]],
    fingerprints: NDArray[np.float32],
    first_new: int = 0,
    checkpoint: Callable[[], None] = lambda: None,
) -> NDArray[np.int64]:
    """Returns the pairs (P, 2) of rows that are near-duplicates, smaller row first.

    Args:
        features: embeddings (N, D) of length 1.
        fingerprints: (N, S * S), of the same images.
        first_new: pairs of two rows below it are left out: they were looked at before.
        checkpoint: called every few hundredths of a second; what it raises ends the search.
    """
    if len(features) < 2:
        return np.empty((0, 2), np.int64)
    side = int(np.sqrt(fingerprints.shape[1]))
    plain = fingerprints - fingerprints.mean(axis=1, keepdims=True)
    plain /= np.maximum(np.linalg.norm(plain, axis=1, keepdims=True), 1e-6)
    pairs = np.concatenate(
        [
            _likest(*similar_pairs(features, EMBEDDING_COSINE, first_new, checkpoint), features, plain),
            _likest(*similar_pairs(plain, FINGERPRINT_COSINE, first_new, checkpoint), features, plain),
        ]
    )
    pairs = np.unique(pairs, axis=0)
    is_same = np.zeros(len(pairs), np.bool_)
    pictures = fingerprints.reshape(-1, side, side)
    for start in range(0, len(pairs), _PAIRS_AT_ONCE):
        checkpoint()
        part = slice(start, start + _PAIRS_AT_ONCE)
        likeness = aligned_likeness(pictures[pairs[part, 0]], pictures[pairs[part, 1]])
        is_same[part] = likeness >= SAME_DETAIL
    return pairs[is_same]


def similar_pairs(
    features: NDArray[np.floating[Any]],
    smallest_cosine: float,
    first_new: int = 0,
    checkpoint: Callable[[], None] = lambda: None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Returns all pairs (P, 2) of rows, smaller row first, whose cosine is at least `smallest_cosine`, and that (P,).

    Args:
        features: embeddings (N, D) of length 1 (or 0: those are like nothing).
        smallest_cosine: in -1..1; meant for values near 1, others make too many pairs.
        first_new: pairs of two rows below it are left out: they were looked for before.
        checkpoint: called every few milliseconds; what it raises ends the search.
    """
    rows = np.ascontiguousarray(features, np.float32)
    limit = 2 - 2 * smallest_cosine + _ROUNDING  # of the squared distance
    found: list[NDArray[np.int64]] = []
    cosines: list[NDArray[np.float32]] = []
    with threadpool_limits(1, user_api="blas"):
        axes = _main_axes(rows)
        near = rows @ axes
        half = 0.5 * np.square(near).sum(axis=1)
        # half distance - limit / 2 = (|a|^2 + |b|^2 - limit) / 2 - a.b as one product of longer rows
        left = np.column_stack((-near, half - np.float32(0.5 * limit), np.ones_like(half)))
        right = np.column_stack((near, np.ones_like(half), half))
        for start in range(first_new, len(rows), _BLOCK):
            block = left[start : start + _BLOCK]
            for other in range(0, min(start + _BLOCK, len(rows)), 8 * _BLOCK):
                checkpoint()
                end = min(other + 8 * _BLOCK, start + len(block))
                second, first = np.divmod(np.flatnonzero((block @ right[other:end].T) < 0), end - other)
                first, second = first + other, second + start
                is_earlier = first < second
                for pairs in _pieces(np.column_stack((first[is_earlier], second[is_earlier]))):
                    alike = np.einsum("ij,ij->i", rows[pairs[:, 0]], rows[pairs[:, 1]])
                    kept = alike >= smallest_cosine
                    found.append(pairs[kept])
                    cosines.append(alike[kept])
    if not found:
        return np.empty((0, 2), np.int64), np.empty(0, np.float32)
    return np.concatenate(found), np.concatenate(cosines)


def _likest(
    pairs: NDArray[np.int64],
    _: NDArray[np.float32],
    features: NDArray[np.floating[Any]],
    fingerprints: NDArray[np.float32],
) -> NDArray[np.int64]:
    """Returns the pairs that are among the likest of one of their images, by both kinds of likeness together."""
    if len(pairs) <= _MAX_PER_IMAGE:
        return pairs
    likeness = np.empty(len(pairs), np.float32)
    for start in range(0, len(pairs), _EXACT_AT_ONCE):
        first, second = pairs[start : start + _EXACT_AT_ONCE].T
        both = [np.einsum("ij,ij->i", rows[first], rows[second]) for rows in (features, fingerprints)]
        likeness[start : start + _EXACT_AT_ONCE] = both[0] + both[1]
    kept = np.zeros(len(pairs), np.bool_)
    for column in (0, 1):
        order = np.lexsort((-likeness, pairs[:, column]))
        sorted_rows = pairs[order, column]
        begins = np.r_[0, np.flatnonzero(np.diff(sorted_rows)) + 1]
        lengths = np.diff(np.r_[begins, len(order)])
        rank = np.arange(len(order)) - np.repeat(begins, lengths)
        kept[order[rank < _MAX_PER_IMAGE]] = True
    return pairs[kept]


def _main_axes(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns orthonormal axes (D, A) along which a sample of the rows differs most."""
    sample = rows[np.linspace(0, len(rows) - 1, min(_SAMPLE, len(rows))).astype(np.int64)]
    _, _, axes = np.linalg.svd(sample - sample.mean(axis=0), full_matrices=False)
    return np.ascontiguousarray(axes[:_NUM_AXES].T, np.float32)


def _pieces(pairs: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [pairs[start : start + _EXACT_AT_ONCE] for start in range(0, len(pairs), _EXACT_AT_ONCE)]
