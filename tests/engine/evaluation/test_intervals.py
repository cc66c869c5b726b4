"""Intervals hold what they promise, also where images come in groups that are right or wrong together."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from engine.evaluation.intervals import CROSS_VALIDATED, grouped, smallest_share, wilson_interval


def test_without_groups_it_is_the_wilson_interval() -> None:
    is_right = np.arange(50) < 41
    assert grouped(is_right).interval(is_right) == wilson_interval(41, 50)
    assert grouped(is_right, np.arange(50)).interval(is_right) == wilson_interval(41, 50)


def test_cross_validated_figures_count_for_less() -> None:
    is_right = np.arange(50) < 41
    low, high = grouped(is_right, None, CROSS_VALIDATED).interval(is_right)
    plain = wilson_interval(41, 50)
    assert low < plain[0]
    assert high > plain[1]


@pytest.mark.parametrize("likeness", [0.0, 0.5, 1.0])
def test_the_truth_is_inside_in_nineteen_of_twenty_draws(likeness: float) -> None:
    rng = np.random.default_rng(0)
    truth, inside = 0.85, 0
    for _ in range(300):
        sizes = rng.integers(1, 7, 60)
        units = np.repeat(np.arange(60), sizes)
        shared = rng.random(60)[units] < truth
        own = rng.random(len(units)) < truth
        is_right = np.where(rng.random(60)[units] < likeness, shared, own)
        low, high = grouped(is_right, units).interval(is_right)
        inside += low <= truth <= high
    assert inside >= 0.92 * 300


def test_copies_of_every_image_make_no_interval_narrower() -> None:
    is_right = np.arange(40) < 33
    units = np.repeat(np.arange(40), 5)
    five = np.repeat(is_right, 5)
    once, copied = grouped(is_right).interval(is_right), grouped(five, units).interval(five)
    assert copied[0] <= once[0]
    assert copied[1] >= once[1]


def test_the_interval_of_a_part_counts_the_groups_of_that_part() -> None:
    rng = np.random.default_rng(1)
    units = np.repeat(np.arange(30), 4)
    is_right = rng.random(30)[units] < 0.7
    found = grouped(is_right, units)
    first_of_each = np.arange(120) % 4 == 0
    assert found.weight(first_of_each) == 1.0
    assert found.weight() < 0.5


@pytest.mark.parametrize(("right", "total"), [(10, 10), (299, 299), (95, 100), (1, 3)])
def test_the_smallest_share_is_that_of_clopper_and_pearson(right: int, total: int) -> None:
    expected = stats.binomtest(right, total, alternative="greater").proportion_ci(0.95, "exact").low
    assert float(smallest_share(right, total)) == pytest.approx(expected)


def test_nothing_right_or_nothing_tried_promises_nothing() -> None:
    np.testing.assert_array_equal(smallest_share(np.array([0, 0]), np.array([0, 8])), [0, 0])
