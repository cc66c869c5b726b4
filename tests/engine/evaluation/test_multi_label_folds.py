"""Folds of images with several classes: groups stay whole, every class can be learned and measured."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.errors import TrainingError
from engine.evaluation.multi_label_folds import assign_folds_of_several


def drawn(seed: int, num_images: int, per_unit: int) -> tuple[NDArray, NDArray, list[str]]:
    """Returns classes, which images are complete, and units; every class has two units with it and two without."""
    rng = np.random.default_rng(seed)
    present = rng.random((num_images, 4)) < (0.6, 0.3, 0.1, 0.03)
    units = [f"unit-{index // per_unit}-{seed}" for index in range(num_images)]
    is_complete = rng.random(num_images) < 0.7
    is_complete[: 4 * per_unit] = True
    present[:per_unit] = present[per_unit : 2 * per_unit] = True
    present[2 * per_unit : 4 * per_unit] = False
    return present, is_complete, units


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1000),
    num_images=st.integers(24, 150),
    per_unit=st.integers(1, 4),
    num_folds=st.sampled_from([2, 5, 10]),
)
def test_every_class_is_there_and_missing_in_two_folds_and_units_stay_whole(
    seed: int, num_images: int, per_unit: int, num_folds: int
) -> None:
    present, is_complete, units = drawn(seed, num_images, per_unit)
    folds = assign_folds_of_several(present, is_complete, units, units, num_folds, seed)
    for column in present.T:
        assert len(np.unique(folds[is_complete & column])) >= 2
        assert len(np.unique(folds[is_complete & ~column])) >= 2
    for unit in set(units):
        assert len({int(fold) for fold, name in zip(folds, units, strict=True) if name == unit}) == 1


def test_equal_labels_give_equal_folds_in_any_order() -> None:
    present, is_complete, units = drawn(3, 100, 1)
    folds = assign_folds_of_several(present, is_complete, units, units, 5, 0)
    order = np.random.default_rng(0).permutation(100)
    shuffled = [units[index] for index in order]
    again = assign_folds_of_several(present[order], is_complete[order], shuffled, shuffled, 5, 0)
    np.testing.assert_array_equal(again, folds[order])


def test_rare_classes_are_spread_evenly_beside_common_ones() -> None:
    rng = np.random.default_rng(0)
    present = rng.random((300, 3)) < (0.7, 0.3, 0.0)
    present[:20, 2] = True
    names = [f"image-{index}" for index in range(300)]
    folds = assign_folds_of_several(present, np.ones(300, bool), names, names, 5, 0)
    assert np.bincount(folds[present[:, 2]], minlength=5).tolist() == [4] * 5
    assert np.bincount(folds[present[:, 0]], minlength=5).min() > 30


def test_units_that_share_all_of_two_classes_are_a_sentence() -> None:
    present = np.array([[True, True]] * 4 + [[False, False]] * 4)
    units = ["a"] * 4 + ["b", "c", "d", "e"]
    with pytest.raises(TrainingError, match="cannot be held out in turn"):
        assign_folds_of_several(present, np.ones(8, bool), units, units, 5, 0)
