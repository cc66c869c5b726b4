"""Stacks as arrays: whatever is split, joined and set aside, every image stays in exactly one stack."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.suggestions.clusters import Stacks
from gui.models.arrangement import Arrangement, ShownStacks


def arrangement(sizes: list[int], num_odd: int = 0, seed: int = 0) -> Arrangement:
    """Returns stacks of these sizes; the last `num_odd` of each that has more are odd ones."""
    total = sum(sizes)
    points = np.random.default_rng(seed).standard_normal((total, 4))
    return Arrangement.of(
        Stacks(
            rows=np.arange(100, 100 + total),
            starts=np.cumsum([0, *sizes]).astype(np.int64),
            num_typical=np.array([max(1, size - num_odd) for size in sizes], np.int64),
            points=points.astype(np.float16),
            neighbours=100 + np.random.default_rng(seed).integers(0, total, (total, 10)),
            clearnesses=np.linspace(0.1, 1, len(sizes)).astype(np.float32),
        )
    )


def stacks_in(shown: Arrangement) -> list[list[int]]:
    return [shown.image_ids[shown.span(at)].tolist() for at in range(shown.num_stacks)]


@settings(max_examples=50, deadline=None)
@given(data=st.data(), sizes=st.lists(st.integers(1, 12), min_size=1, max_size=8), seed=st.integers(0, 99))
def test_whatever_is_done_every_image_is_in_one_stack_and_none_is_empty(
    data: st.DataObject, sizes: list[int], seed: int
) -> None:
    now = arrangement(sizes, num_odd=2, seed=seed)
    everything = sorted(now.image_ids.tolist())
    for _ in range(data.draw(st.integers(1, 6))):
        stack = data.draw(st.integers(0, now.num_stacks - 1))
        if data.draw(st.booleans()):
            now = now.split(stack, np.ones(len(now.image_ids), np.bool_))
        else:
            others = data.draw(st.sets(st.integers(0, now.num_stacks - 1), min_size=1))
            now = now.merged(np.array(sorted(others)))
        assert sorted(now.image_ids.tolist()) == everything
        assert (np.diff(now.starts) > 0).all()
        assert len(now.clearnesses) == now.num_stacks
        odd_before_typical = np.diff(now.are_odd.astype(int)) < 0
        assert set((np.flatnonzero(odd_before_typical) + 1).tolist()) <= set(now.starts.tolist())


def test_joined_stacks_stand_where_the_first_was_and_the_others_stay_as_they_are() -> None:
    before = arrangement([3, 4, 2, 5])
    after = before.merged(np.array([1, 3]))
    first, joined, third = stacks_in(after)
    assert first == stacks_in(before)[0]
    assert third == stacks_in(before)[2]
    assert sorted(joined) == sorted(stacks_in(before)[1] + stacks_in(before)[3])
    assert after.clearnesses[0] == before.clearnesses[0]
    assert after.clearnesses[2] == before.clearnesses[2]


def test_what_is_put_off_stands_behind_all_others_and_stays_as_it_is() -> None:
    before = arrangement([3, 4, 2, 5])
    after = before.postponed(np.array([0, 2]))
    stacks = stacks_in(before)
    assert stacks_in(after) == [stacks[1], stacks[3], stacks[0], stacks[2]]
    assert after.clearnesses.tolist() == before.clearnesses[[1, 3, 0, 2]].tolist()


def test_a_stack_that_is_made_by_hand_is_as_clear_as_its_own_neighbours_say() -> None:
    before = arrangement([4, 4])
    others = np.array([[at for at in range(8) if at // 4 == own // 4 and at != own] for own in range(8)])
    apart = replace(before, neighbours=100 + others)
    assert apart.merged(np.array([0, 1])).clearnesses.tolist() == [1.0]
    across = replace(before, neighbours=100 + (others + 4) % 8)
    halves = across.split(0, np.ones(8, np.bool_))
    assert halves.clearnesses.tolist() == pytest.approx([0, 0, before.clearnesses[1]])


def test_a_split_puts_the_smaller_part_behind_and_leaves_what_is_labelled_alone() -> None:
    before = arrangement([2, 9, 3])
    points = before.points.copy()
    points[2:11] = 0
    points[4:6] = 9
    before = replace(before, points=points)
    are_open = np.ones(14, np.bool_)
    are_open[2] = False
    parts = stacks_in(before.split(1, are_open))
    assert [len(part) for part in parts] == [2, 7, 2, 3]
    assert sorted(parts[2]) == [104, 105]
    assert 102 in parts[1]


def test_what_the_user_set_aside_or_took_in_stays_so_when_stacks_are_joined() -> None:
    before = arrangement([6, 6], num_odd=1)
    typical, odd = before.image_ids[:1], before.image_ids[5:6]
    chosen = before.with_aside(0, typical, True).with_aside(0, odd, False)
    after = chosen.merged(np.array([0, 1]))
    assert after.are_aside[np.isin(after.image_ids, typical)].all()
    assert not after.are_aside[np.isin(after.image_ids, odd)].any()


@pytest.mark.parametrize(("closed", "seen"), [([], [0, 1]), ([100, 101, 102, 103], [1]), ([104], [0, 1])])
def test_a_stack_is_shown_while_something_of_it_would_be_named(closed: list[int], seen: list[int]) -> None:
    now = arrangement([5, 3], num_odd=1)
    are_open = ~np.isin(now.image_ids, closed)
    shown = ShownStacks.of(now, np.arange(8), are_open)
    assert shown.numbers.tolist() == seen
    assert set(shown.image_ids.tolist()) == set(
        np.concatenate([now.image_ids[now.span(at)][are_open[now.span(at)]] for at in seen]).tolist()
    )
    assert all(len(shown.named(at)) for at in range(len(shown)))
