"""Paired comparison of two models, against counting by hand and against the definition of the test."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.evaluation.compare import codes_of_sets, compare_pairs, find_flips

answers = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.integers(0, 5)), max_size=40)


def two_sided(one: int, other: int) -> float:
    """The chance that a fair coin thrown so often is at least as uneven."""
    thrown = one + other
    return min(1.0, 2 * sum(comb(thrown, k) for k in range(min(one, other) + 1)) / 2**thrown)


@settings(deadline=None)
@given(rows=answers)
def test_flips_and_counts_are_those_of_counting_by_hand(rows: list[tuple[int, int, int, int]]) -> None:
    truth, first, second, units = np.array(rows, np.int64).reshape(-1, 4).T
    flips = find_flips(truth, first, second)
    assert flips.fixed.tolist() == [i for i, (t, a, b, _) in enumerate(rows) if a != t == b]
    assert flips.broken.tolist() == [i for i, (t, a, b, _) in enumerate(rows) if a == t != b]
    assert flips.other_mistake.tolist() == [i for i, (t, a, b, _) in enumerate(rows) if t not in (a, b) and a != b]
    paired = compare_pairs(first == truth, second == truth)
    assert (paired.only_first, paired.only_second) == (len(flips.broken), len(flips.fixed))
    assert paired.both_right == sum(t == a == b for t, a, b, _ in rows)
    assert paired.num_units == paired.num_images == len(rows)
    assert paired.p_value == pytest.approx(two_sided(paired.only_first, paired.only_second))
    by_unit = compare_pairs(first == truth, second == truth, units)
    leads = [sum((b == t) - (a == t) for t, a, b, u in rows if u == unit) for unit in {row[3] for row in rows}]
    assert (by_unit.units_for_first, by_unit.units_for_second) == (sum(x < 0 for x in leads), sum(x > 0 for x in leads))
    assert by_unit.p_value == pytest.approx(two_sided(by_unit.units_for_first, by_unit.units_for_second))
    swapped = compare_pairs(second == truth, first == truth, units)
    assert (swapped.p_value, swapped.is_clear) == (by_unit.p_value, by_unit.is_clear)
    assert not (swapped.second_is_better and by_unit.second_is_better)


def test_fourteen_against_five_is_no_real_difference_and_twenty_against_five_is() -> None:
    def paired(only_first: int, only_second: int):
        first = np.array([True] * only_first + [False] * only_second + [True] * 100)
        second = np.array([False] * only_first + [True] * only_second + [True] * 100)
        return compare_pairs(first, second)

    assert paired(5, 14).p_value == pytest.approx(0.0636, abs=1e-4)
    assert not paired(5, 14).is_clear
    assert paired(5, 20).second_is_better
    assert paired(20, 5).is_clear
    assert not paired(20, 5).second_is_better


def test_twenty_pictures_of_one_part_do_not_make_a_model_better() -> None:
    first, second = np.zeros(60, np.bool_), np.ones(60, np.bool_)
    units = np.repeat([0, 1, 2], 20)
    assert compare_pairs(first, second).second_is_better
    together = compare_pairs(first, second, units)
    assert (together.num_units, together.units_for_second, together.is_clear) == (3, 3, False)


@settings(deadline=None)
@given(data=st.data(), num_classes=st.integers(0, 20))
def test_codes_are_equal_exactly_where_the_sets_are(data: st.DataObject, num_classes: int) -> None:
    sizes = data.draw(st.lists(st.integers(0, 6), min_size=1, max_size=3))
    bits = st.lists(st.booleans(), min_size=num_classes, max_size=num_classes)
    listed = [[tuple(data.draw(bits)) for _ in range(size)] for size in sizes]
    codes = codes_of_sets([np.array(rows, np.bool_).reshape(len(rows), num_classes) for rows in listed])
    flat = [(code, row) for part, rows in zip(codes, listed, strict=True) for code, row in zip(part, rows, strict=True)]
    for code, row in flat:
        for other_code, other_row in flat:
            assert (code == other_code) == (row == other_row)


def test_models_are_called_different_by_chance_in_no_more_than_one_case_of_twenty() -> None:
    rng = np.random.default_rng(4)
    clear = [compare_pairs(rng.random(200) < 0.8, rng.random(200) < 0.8).is_clear for _ in range(400)]
    assert np.mean(clear) <= 0.05
