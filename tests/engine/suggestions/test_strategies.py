"""What to label next: every strategy ranks the pool it is given, and finds what it is made to find."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.suggestions.strategies import STRATEGIES, Pool, margins_of


def pool_of_kinds(
    sizes: list[int], labelled: tuple[int, ...] = (), num_classes: int = 3, seed: int = 0, spread: float = 0.05
) -> tuple[Pool, np.ndarray]:
    """Returns a pool of images of several kinds, with one label of each kind in `labelled`, and the kind of each."""
    generator = np.random.default_rng(seed)
    centres = generator.standard_normal((len(sizes), 16))
    kinds = np.repeat(np.arange(len(sizes)), sizes)
    features = (centres[kinds] + spread * generator.standard_normal((len(kinds), 16))).astype(np.float32)
    probabilities = generator.dirichlet(np.ones(num_classes), len(kinds)).astype(np.float32)
    known = np.array(labelled, np.int64)
    return Pool(features, probabilities, centres[known].astype(np.float32), known % num_classes, seed), kinds


@pytest.mark.parametrize("name", STRATEGIES)
@settings(max_examples=15, deadline=None)
@given(sizes=st.lists(st.integers(1, 30), min_size=1, max_size=5), num_wanted=st.integers(0, 60), data=st.data())
def test_a_ranking_names_so_many_different_images_of_the_pool(
    name: str, sizes: list[int], num_wanted: int, data: st.DataObject
) -> None:
    labelled = data.draw(st.lists(st.integers(0, len(sizes) - 1), max_size=8))
    pool, kinds = pool_of_kinds(sizes, tuple(labelled))
    ranked = STRATEGIES[name].rank(pool, num_wanted)
    assert len(ranked) == min(num_wanted, len(kinds))
    assert len(set(ranked.tolist())) == len(ranked)
    assert all(0 <= row < len(kinds) for row in ranked)
    np.testing.assert_array_equal(ranked, STRATEGIES[name].rank(pool, num_wanted))


@pytest.mark.parametrize("name", ["typical", "diverse", "guided"])
def test_the_first_images_are_one_of_each_kind(name: str) -> None:
    pool, kinds = pool_of_kinds([60, 40, 30, 20])
    assert sorted(kinds[STRATEGIES[name].rank(pool, 4)].tolist()) == [0, 1, 2, 3]


def test_typical_images_come_from_the_kinds_without_a_label_first() -> None:
    pool, kinds = pool_of_kinds([60, 40, 30, 20], labelled=(0, 2))
    assert sorted(kinds[STRATEGIES["typical"].rank(pool, 2)].tolist()) == [1, 3]


def test_a_typical_image_lies_in_the_middle_of_its_kind_not_at_its_edge() -> None:
    pool, _ = pool_of_kinds([200], spread=0.5)
    first = STRATEGIES["typical"].rank(pool, 1)[0]
    unit = pool.features / np.linalg.norm(pool.features, axis=1, keepdims=True)
    distances = np.linalg.norm(unit - unit.mean(axis=0), axis=1)
    assert (distances < distances[first]).mean() < 0.25


def test_hesitation_comes_before_certainty() -> None:
    pool, _ = pool_of_kinds([3], num_classes=3)
    sure, torn, lost = [0.9, 0.05, 0.05], [0.5, 0.49, 0.01], [0.35, 0.33, 0.32]
    pool = Pool(pool.features, np.array([sure, torn, lost], np.float32), pool.labelled_features, pool.targets)
    assert STRATEGIES["margin"].rank(pool, 3).tolist() == [1, 2, 0]
    assert STRATEGIES["entropy"].rank(pool, 3).tolist() == [2, 1, 0]


def test_with_a_few_labels_of_each_class_the_guide_asks_what_the_model_hesitates_on_and_rare_classes_first() -> None:
    features = np.zeros((3, 4), np.float32)
    probabilities = np.array([[0.98, 0.01, 0.01], [0.5, 0.48, 0.02], [0.02, 0.48, 0.5]], np.float32)
    targets = np.array([0] * 30 + [1] * 30 + [2] * 2)
    pool = Pool(features, probabilities, np.zeros((62, 4), np.float32), targets)
    assert STRATEGIES["guided"].rank(pool, 3).tolist() == [2, 1, 0]


def test_rare_classes_are_asked_for_in_turn_by_their_likeliest_images_until_all_have_as_many() -> None:
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.1, 0.9], [0.6, 0.4]], np.float32)
    pool = Pool(np.zeros((5, 4), np.float32), probabilities, np.zeros((4, 4), np.float32), np.array([0, 0, 0, 1]))
    assert STRATEGIES["rare"].rank(pool, 4).tolist() == [3, 2, 0, 4]


def test_of_a_huge_pool_any_part_may_be_chosen_in_seconds() -> None:
    generator = np.random.default_rng(0)
    features = generator.standard_normal((60_000, 8)).astype(np.float32)
    pool = Pool(features, None, features[:2], np.array([0, 1]))
    ranked = STRATEGIES["typical"].rank(pool, 50)
    assert len(set(ranked.tolist())) == 50
    assert ranked.max() > 50_000


def test_margins_need_two_classes() -> None:
    assert margins_of(np.ones((2, 1), np.float32)).tolist() == [1, 1]
