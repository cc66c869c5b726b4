"""Stacks of look-alikes: every image is in one, alike images together, the odd ones at the end."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.job import CancelledError
from engine.suggestions import clusters
from engine.suggestions.clusters import IMAGES_PER_STACK, LARGEST_STACK, Stacks, arranged, split_in_two, stacks_of


def stack(features: np.ndarray, seed: int = 0) -> Stacks:
    return stacks_of(lambda rows: features[rows], len(features), seed)


@settings(max_examples=20, deadline=None)
@given(num_images=st.integers(0, 200), num_columns=st.integers(1, 20), seed=st.integers(0, 100))
def test_every_image_is_in_exactly_one_stack_and_no_stack_is_empty(
    num_images: int, num_columns: int, seed: int
) -> None:
    features = np.random.default_rng(seed).standard_normal((num_images, num_columns)).astype(np.float32)
    stacks = stack(features, seed)
    assert sorted(stacks.rows.tolist()) == list(range(num_images))
    assert sum(len(members) for members in stacks.members) == num_images
    assert all(0 < number <= len(members) for number, members in zip(stacks.num_typical, stacks.members, strict=True))
    assert len(stacks.clearnesses) == len(stacks.members)
    assert all(0 <= each <= 1 for each in stacks.clearnesses.tolist())
    assert stacks.neighbours.max(initial=-1) < num_images
    assert len(stacks.points) == num_images


@pytest.mark.parametrize("divided", [False, True])
def test_every_image_is_in_one_stack_also_when_there_are_too_many_for_one_tree(
    divided: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if divided:
        monkeypatch.setattr(clusters, "_LARGEST_TREE", 100)
        monkeypatch.setattr(clusters, "_IMAGES_PER_TREE", 40)
        monkeypatch.setattr(clusters, "_NUM_SAMPLED", 150)
    features = kinds(8, 60, 0.3)
    stacks = stack(features)
    assert sorted(stacks.rows.tolist()) == list(range(480))
    assert len(stacks.members) == pytest.approx(480 / IMAGES_PER_STACK, rel=0.35)
    assert all(len(set((members // 60).tolist())) == 1 for members in stacks.members)


def test_images_that_are_all_the_same_end_up_in_stacks_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "_LARGEST_TREE", 100)
    monkeypatch.setattr(clusters, "_IMAGES_PER_TREE", 40)
    stacks = stack(np.ones((300, 8), np.float32))
    assert sorted(stacks.rows.tolist()) == list(range(300))


def kinds(num_kinds: int, num_each: int, spread: float) -> np.ndarray:
    generator = np.random.default_rng(3)
    centres = generator.standard_normal((num_kinds, 32))
    rows = np.repeat(centres, num_each, axis=0) + spread * generator.standard_normal((num_kinds * num_each, 32))
    return rows.astype(np.float32)


def test_kinds_that_differ_are_not_mixed_in_a_stack() -> None:
    stacks = stack(kinds(5, 40, 0.05))
    assert all(len(set((members // 40).tolist())) == 1 for members in stacks.members)


def test_a_stack_can_be_looked_over() -> None:
    features = np.random.default_rng(0).standard_normal((2_000, 16)).astype(np.float32)
    features[:600] *= 0.01  # one kind that is much alike, which would make a stack of 600
    features[:600] += 1
    stacks = stack(features)
    sizes = stacks.num_typical
    assert sizes.max() <= LARGEST_STACK * IMAGES_PER_STACK
    assert 8 <= sizes.mean() <= 1.5 * IMAGES_PER_STACK


def test_few_images_of_several_kinds_make_more_than_one_stack_of_each() -> None:
    stacks = stack(kinds(4, 9, 0.1))
    assert len(stacks.members) >= 4
    assert all(len(set((members // 9).tolist())) == 1 for members in stacks.members)


def test_the_odd_one_out_stands_at_the_end_behind_the_typical_ones() -> None:
    features = kinds(1, 20, 0.02)
    features[17] += 0.4
    order, num_typical = arranged(features)
    assert order[-1] == 17
    assert num_typical == 19


def test_an_image_like_no_other_stands_with_the_nearest_stack_as_an_odd_one() -> None:
    features = np.concatenate([kinds(3, 30, 0.02), 10 + kinds(1, 1, 0.0)]).astype(np.float32)
    stacks = stack(features)
    number = next(at for at, members in enumerate(stacks.members) if 90 in members.tolist())
    assert 90 in stacks.members[number][stacks.num_typical[number] :].tolist()


def test_stacks_of_one_kind_follow_each_other() -> None:
    stacks = stack(kinds(4, 100, 0.05))
    kind_of_stack = [int(members[0]) // 100 for members in stacks.members]
    changes = sum(one != other for one, other in itertools.pairwise(kind_of_stack))
    assert len(stacks.members) > 4
    assert changes == 3


def test_a_stack_is_clear_when_what_lies_nearest_to_its_images_is_in_it() -> None:
    stacks = stack(kinds(8, 15, 0.02))
    assert stacks.clearnesses.tolist() == pytest.approx([1.0] * len(stacks.members), abs=0.05)
    mingled = stack(kinds(1, 120, 1.0))
    assert mingled.clearnesses.mean() < 0.5


def test_the_neighbours_of_an_image_are_those_that_lie_nearest() -> None:
    features = kinds(6, 20, 0.3)
    stacks = stack(features)
    units = features / np.linalg.norm(features, axis=1, keepdims=True)
    for row, found in zip(stacks.rows[:30].tolist(), stacks.neighbours[:30], strict=True):
        distances = np.linalg.norm(units - units[row], axis=1)
        distances[row] = np.inf
        nearest = np.argsort(distances)[: clusters.NUM_NEIGHBOURS]
        assert len(set(nearest.tolist()) & set(found.tolist())) >= clusters.NUM_NEIGHBOURS - 1


def test_stacks_that_stand_apart_come_before_those_that_run_into_each_other() -> None:
    generator = np.random.default_rng(0)
    clear, mingled = kinds(4, 15, 0.02), generator.standard_normal((90, 32)).astype(np.float32) * 0.4
    stacks = stack(np.concatenate([mingled, clear]))
    assert all((members >= 90).all() for members in stacks.members[:4])
    assert stacks.clearnesses[:4].min() > stacks.clearnesses[4:].max()


def test_the_same_images_give_the_same_stacks() -> None:
    features = kinds(3, 50, 0.3)
    first, second = stack(features, 5), stack(features, 5)
    assert first.rows.tolist() == second.rows.tolist()
    assert first.starts.tolist() == second.starts.tolist()


@given(
    kept=st.integers(1, 40), other=st.integers(1, 40), distance=st.floats(1.0, 5.0), seed=st.integers(0, 1_000)
)  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_a_stack_of_two_kinds_is_split_into_them(kept: int, other: int, distance: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    points = 0.01 * generator.standard_normal((kept + other, 6))
    points[kept:] += distance
    second = split_in_two(points)
    assert second[kept:].all() == (not second[:kept].any())
    assert second.sum() == min(kept, other)


@pytest.mark.parametrize(("number", "in_second"), [(0, 0), (1, 0), (2, 1), (7, 3)])
def test_images_that_are_all_the_same_are_split_in_the_middle(number: int, in_second: int) -> None:
    assert int(split_in_two(np.ones((number, 4))).sum()) == in_second


def test_cancelling_ends_the_stacking_at_the_next_step() -> None:
    def cancel() -> None:
        raise CancelledError

    with pytest.raises(CancelledError):
        stacks_of(lambda rows: np.ones((len(rows), 4), np.float32), 50, checkpoint=cancel)
