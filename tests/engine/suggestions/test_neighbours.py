"""The nearest images are exactly those that comparing with every image gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.suggestions.neighbours import NeighbourIndex

Array = NDArray[np.float32]


def index_of(features: Array) -> NeighbourIndex:
    return NeighbourIndex(lambda rows: features[rows], len(features))


def similarities_to_all(features: Array, vector: Array) -> Array:
    rows = features.astype(np.float64)
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return np.asarray(rows @ (vector.astype(np.float64) / np.linalg.norm(vector)), np.float32)


@settings(max_examples=30, deadline=None)
@given(
    num_rows=st.integers(2, 300),
    num_columns=st.integers(2, 160),
    num_clusters=st.integers(1, 8),
    spread=st.sampled_from([0.001, 0.1, 1.0]),
    num_wanted=st.integers(1, 40),
    seed=st.integers(0, 1000),
)
def test_the_nearest_are_those_a_full_comparison_finds(
    num_rows: int, num_columns: int, num_clusters: int, spread: float, num_wanted: int, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    centres = generator.standard_normal((num_clusters, num_columns))
    noise = spread * generator.standard_normal((num_rows, num_columns))
    features = (centres[generator.integers(0, num_clusters, num_rows)] + noise).astype(np.float32)
    found = index_of(features).nearest(features[0], num_wanted)
    expected = np.sort(similarities_to_all(features, features[0]))[::-1][:num_wanted]
    assert len(found.rows) == len(set(found.rows.tolist())) == min(num_wanted, num_rows)
    np.testing.assert_allclose(found.similarities, expected, atol=1e-5)
    np.testing.assert_allclose(similarities_to_all(features, features[0])[found.rows], found.similarities, atol=1e-5)


def test_only_a_small_part_of_the_images_is_read_again_for_a_question() -> None:
    generator = np.random.default_rng(0)
    axes = generator.standard_normal((40, 512)) * (0.8 ** np.arange(40))[:, None]
    features = (generator.standard_normal((20_000, 40)) @ axes).astype(np.float32)
    read = []
    index = NeighbourIndex(lambda rows: (read.append(len(rows)), features[rows])[1], len(features))
    read.clear()
    index.nearest(features[7], 50)
    assert sum(read) < 2_000


def test_an_image_is_its_own_nearest_and_a_copy_of_it_the_next() -> None:
    features = np.random.default_rng(1).standard_normal((100, 32)).astype(np.float32)
    features[60] = features[20] * 3  # the same direction
    found = index_of(features).nearest(features[20], 2)
    assert sorted(found.rows.tolist()) == [20, 60]
    assert found.similarities == pytest.approx([1, 1], abs=1e-6)


def test_no_images_have_no_neighbours() -> None:
    assert len(index_of(np.empty((0, 8), np.float32)).nearest(np.ones(8, np.float32), 5).rows) == 0


def test_making_the_index_ends_when_it_is_asked_to() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        NeighbourIndex(lambda rows: np.ones((len(rows), 4), np.float32), 10, checkpoint=stop)
