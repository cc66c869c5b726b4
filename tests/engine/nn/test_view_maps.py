"""Bringing the maps of views together loses nothing and puts everything in its place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.nn.preprocessing import VIEW_NAMES
from engine.nn.view_maps import HeatMap, even_map, frame_of, picture_map


@given(
    st.lists(st.sampled_from(VIEW_NAMES), min_size=1, max_size=4, unique=True),
    st.integers(1, 20),
    st.integers(1, 5000),
    st.integers(1, 5000),
)
def test_the_sum_over_the_picture_is_that_over_all_views(views: list[str], side: int, height: int, width: int) -> None:
    maps = np.random.default_rng(side).normal(size=(len(views), side, side)).astype(np.float32)
    whole = picture_map(maps, views, height, width)
    assert whole.sum(dtype=np.float64) == pytest.approx(maps.sum(dtype=np.float64), abs=1e-3)
    assert even_map(maps.shape, views, height, width).sum() == pytest.approx(1, abs=1e-4)


def test_one_cell_shows_where_it_lies() -> None:
    maps = np.zeros((1, 7, 7), np.float32)
    maps[0, 1, 5] = 1
    row, column = np.unravel_index(picture_map(maps, ["whole"], 100, 200).argmax(), (32, 64))
    assert row == pytest.approx(32 * 1.5 / 7, abs=2)
    assert column == pytest.approx(64 * 5.5 / 7, abs=2)


def test_the_mirrored_view_is_turned_back() -> None:
    maps = np.zeros((2, 7, 7), np.float32)
    maps[0, 3, 1] = maps[1, 3, 5] = 1
    whole = picture_map(maps, ["whole", "mirror"], 100, 100)
    assert whole[:, :32].sum() == pytest.approx(2, abs=0.01)


def test_a_view_of_the_middle_says_nothing_of_the_edges() -> None:
    whole = picture_map(np.ones((1, 7, 7), np.float32), ["close"], 100, 200)
    assert whole[:, :15].sum() == 0
    assert whole[:, -15:].sum() == 0
    assert whole[2, 32] == 0


def test_an_even_map_has_no_more_on_the_border_than_is_even() -> None:
    even = even_map((2, 7, 7), ["whole", "centre"], 100, 160)
    share, expected = HeatMap(even, even, "exact").border_share()
    assert share == pytest.approx(expected)
    assert expected < frame_of(even.shape).mean()  # the middle is looked at twice


def test_what_lies_on_the_border_is_counted_there() -> None:
    maps = -np.ones((1, 10, 10), np.float32)
    maps[0, 0, :] = 1
    even = even_map(maps.shape, ["whole"], 100, 100)
    share, expected = HeatMap(picture_map(maps, ["whole"], 100, 100), even, "exact").border_share()
    assert expected == pytest.approx(0.34, abs=0.03)
    assert share > 0.9


def test_heat_is_zero_where_nothing_speaks_for_the_class() -> None:
    even = even_map((1, 7, 7), ["whole"], 50, 50)
    assert not HeatMap(-even, even, "exact").heat().any()
