"""Stacks of look-alikes: every image is in one, alike images together, the odd ones at the end."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.suggestions.clusters import IMAGES_PER_STACK, stacks_of


@settings(max_examples=20, deadline=None)
@given(num_images=st.integers(0, 200), num_columns=st.integers(1, 20), seed=st.integers(0, 100))
def test_every_image_is_in_exactly_one_stack_and_no_stack_is_empty(
    num_images: int, num_columns: int, seed: int
) -> None:
    features = np.random.default_rng(seed).standard_normal((num_images, num_columns)).astype(np.float32)
    stacks = stacks_of(features, seed)
    rows = np.concatenate([*stacks.members, np.empty(0, np.int64)])
    assert sorted(rows.tolist()) == list(range(num_images))
    assert all(len(members) for members in stacks.members)
    assert len(stacks.spreads) == len(stacks.members)


def kinds(num_kinds: int, num_each: int, spread: float) -> np.ndarray:
    generator = np.random.default_rng(3)
    centres = generator.standard_normal((num_kinds, 32))
    rows = np.repeat(centres, num_each, axis=0) + spread * generator.standard_normal((num_kinds * num_each, 32))
    return rows.astype(np.float32)


def test_kinds_that_differ_are_not_mixed_in_a_stack() -> None:
    stacks = stacks_of(kinds(5, 40, 0.05))
    assert all(len(set((members // 40).tolist())) == 1 for members in stacks.members)


def test_a_stack_has_about_a_screenful() -> None:
    stacks = stacks_of(np.random.default_rng(0).standard_normal((2_000, 16)).astype(np.float32))
    assert len(stacks.members) == pytest.approx(2_000 / IMAGES_PER_STACK, rel=0.2)


def test_the_odd_one_out_stands_at_the_end() -> None:
    features = kinds(1, 60, 0.02)
    features[17] += 0.4
    assert stacks_of(features, num_stacks=1).members[0][-1] == 17


def test_stacks_of_one_kind_follow_each_other() -> None:
    stacks = stacks_of(kinds(4, 100, 0.05))
    kind_of_stack = [int(members[0]) // 100 for members in stacks.members]
    changes = sum(one != other for one, other in itertools.pairwise(kind_of_stack))
    assert len(stacks.members) > 4
    assert changes == 3


def test_the_same_images_give_the_same_stacks() -> None:
    features = kinds(3, 50, 0.3)
    first, second = stacks_of(features, 5), stacks_of(features, 5)
    assert all(one.tolist() == other.tolist() for one, other in zip(first.members, second.members, strict=True))
