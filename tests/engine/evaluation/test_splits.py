"""Folds keep groups whole, spread every class, and stay put as labels grow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.evaluation.splits import assign_folds, choose_num_folds


def names(count: int, prefix: str = "image") -> list[str]:
    return [f"{prefix}-{index}" for index in range(count)]


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(2, 40), min_size=2, max_size=6),
    num_folds=st.sampled_from([2, 5, 10]),
    seed=st.integers(0, 5),
)
def test_every_class_is_spread_evenly(counts: list[int], num_folds: int, seed: int) -> None:
    targets = np.repeat(np.arange(len(counts)), counts)
    folds = assign_folds(targets, names(len(targets)), num_folds=num_folds, seed=seed)

    for target, count in enumerate(counts):
        in_fold = np.bincount(folds[targets == target], minlength=num_folds)
        assert in_fold.max() <= -(-count // num_folds)
        assert in_fold.max() < count  # something of the class is left to learn from


def test_equal_content_is_never_split() -> None:
    hashes = [name for name in names(20) for _ in range(3)]
    folds = assign_folds(np.arange(60) % 3, hashes)
    assert all(len(set(folds[index : index + 3])) == 1 for index in range(0, 60, 3))


def test_named_groups_are_never_split() -> None:
    groups = [f"burst-{index // 4}" for index in range(80)]
    folds = assign_folds(np.repeat([0, 1], 40), names(80), groups=groups)
    assert all(len(set(folds[index : index + 4])) == 1 for index in range(0, 80, 4))


def test_new_labels_move_few_old_ones() -> None:
    targets, hashes = np.repeat([0, 1, 2], 100), names(300)
    before = assign_folds(targets, hashes)
    after = assign_folds(np.append(targets, np.repeat([0, 1, 2], 10)), hashes + names(30, "new"))
    assert (after[:300] == before).mean() > 0.9


def test_the_order_of_images_plays_no_part() -> None:
    targets, hashes = np.repeat([0, 1], 30), names(60)
    order = np.random.default_rng(0).permutation(60)
    shuffled = assign_folds(targets[order], [hashes[index] for index in order])
    np.testing.assert_array_equal(shuffled, assign_folds(targets, hashes)[order])


def test_another_seed_gives_other_folds() -> None:
    targets, hashes = np.repeat([0, 1], 30), names(60)
    assert (assign_folds(targets, hashes, seed=1) != assign_folds(targets, hashes, seed=2)).any()


@pytest.mark.parametrize(("per_class", "expected"), [(2, 10), (10, 10), (100, 5)])
def test_few_images_are_held_out_in_smaller_parts(per_class: int, expected: int) -> None:
    assert choose_num_folds(np.repeat([0, 1, 2], per_class)) == expected
