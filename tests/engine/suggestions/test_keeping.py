"""Which of several near-duplicates to keep."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.suggestions.keeping import best_first, groups_of_pairs


def order(
    labelled: list[bool],
    pixels: list[int],
    sharpness: list[float] | None = None,
    bytes_: list[int] | None = None,
    skipped: list[bool] | None = None,
) -> list[int]:
    count = len(pixels)
    return best_first(
        np.array(labelled),
        np.array(skipped or [False] * count),
        np.array(pixels),
        np.array(sharpness if sharpness is not None else [np.nan] * count, np.float32),
        np.array(bytes_ or [0] * count),
    ).tolist()


def test_one_with_a_class_is_kept_before_a_larger_one_without() -> None:
    assert order([False, True], [4_000_000, 10_000])[0] == 1


def test_the_larger_picture_is_kept_then_the_sharper_then_the_larger_file() -> None:
    assert order([False] * 2, [100, 200]) == [1, 0]
    assert order([False] * 2, [100, 104], [0.4, 0.7]) == [1, 0]
    assert order([False] * 2, [100, 104], [0.70, 0.71], [300, 200]) == [0, 1]


def test_one_that_was_kept_before_is_kept_again_though_another_is_larger() -> None:
    assert order([False] * 3, [100, 400, 200], skipped=[False, True, True]) == [0, 1, 2]


def test_what_nothing_tells_apart_stays_as_filed() -> None:
    assert order([False] * 3, [100] * 3) == [0, 1, 2]


def test_pairs_in_a_chain_are_one_group_and_groups_stand_in_filing_order() -> None:
    groups = groups_of_pairs(np.array([[4, 5], [2, 3], [5, 6], [0, 9]]), 10)
    assert [rows.tolist() for rows in groups] == [[0, 9], [2, 3], [4, 5, 6]]


@settings(max_examples=50, deadline=None)
@given(pairs=st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=30))
def test_every_image_is_in_at_most_one_group_and_both_of_a_pair_in_the_same(pairs: list[tuple[int, int]]) -> None:
    different = np.array([pair for pair in pairs if pair[0] != pair[1]], np.int64).reshape(-1, 2)
    groups = groups_of_pairs(different, 20)
    group_of = {row: at for at, rows in enumerate(groups) for row in rows.tolist()}
    assert len(group_of) == sum(len(rows) for rows in groups) == len(set(different.ravel().tolist()))
    assert all(group_of[one] == group_of[other] for one, other in different.tolist())
