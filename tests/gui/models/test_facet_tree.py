"""Folders and dates as trees."""

from __future__ import annotations

import time
from datetime import datetime

import numpy as np
import pytest

from gui.models.facet_model import COUNT_ROLE, KEY_ROLE, FacetModel
from gui.models.facet_tree import FacetTree, date_tree, folder_tree


def described(tree: FacetTree) -> list[tuple[str, str, int]]:
    return list(zip(tree.keys, tree.names, tree.counts().tolist(), strict=True))


def test_folders_stand_below_their_roots_in_natural_order_with_the_images_of_their_branches() -> None:
    names = ["day_10/a.jpg", "day_2/b.jpg", "day_2/left/c.jpg", "d.jpg", "e.jpg"]
    tree = folder_tree(names, np.array([1, 1, 1, 1, 2], np.int32), {1: "/data/line", 2: "/data/extra"})
    assert described(tree) == [
        ("1", "line", 4), ("1/day_2", "day_2", 2), ("1/day_2/left", "left", 1), ("1/day_10", "day_10", 1),
        ("2", "extra", 1),
    ]  # fmt: skip
    assert tree.title("1/day_2/left") == "line/day_2/left"
    assert tree.mask({"1/day_2"}).tolist() == [False, True, True, False, False]
    assert tree.mask({"1/day_2/left", "2"}, np.array([4, 2, 0])).tolist() == [True, True, False]
    assert not tree.mask({"1/gone"}).any()


def test_a_folder_without_images_of_its_own_is_there_for_those_below_it() -> None:
    tree = folder_tree(["a/b/c/1.jpg"], np.array([1], np.int32), {})
    assert described(tree) == [("1", "Folder 1", 1), ("1/a", "a", 1), ("1/a/b", "b", 1), ("1/a/b/c", "c", 1)]


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        ({1: "/x/photos", 2: "/y/photos"}, ["photos (/x)", "photos (/y)"]),
        ({1: "C:\\images\\a", 2: "/y/b/"}, ["a", "b"]),
        ({1: "/", 2: "/b"}, ["/", "b"]),
    ],
)
def test_roots_are_called_by_their_last_part_and_told_apart(paths: dict[int, str], names: list[str]) -> None:
    tree = folder_tree(["1.jpg", "2.jpg"], np.array([1, 2], np.int32), paths)
    assert list(tree.names) == names


def test_dates_are_those_of_this_place_newest_first_and_those_without_last() -> None:
    moments = [datetime(2024, 5, 17, 0, 30), datetime(2023, 12, 31, 23, 59), datetime(2024, 5, 1, 12), None,
               datetime(2024, 1, 9)]  # fmt: skip
    tree = date_tree(np.array([each.timestamp() if each else np.nan for each in moments]))
    assert described(tree) == [
        ("2024", "2024", 3), ("2024-05", "May", 2), ("2024-05-17", "17", 1), ("2024-05-01", "1", 1),
        ("2024-01", "January", 1), ("2024-01-09", "9", 1),
        ("2023", "2023", 1), ("2023-12", "December", 1), ("2023-12-31", "31", 1), ("none", "No date", 1),
    ]  # fmt: skip
    assert tree.title("2024-05-17") == "17 May 2024"
    assert tree.mask({"2024-05", "none"}).tolist() == [True, False, True, True, False]


def test_trees_of_nothing_are_empty() -> None:
    assert len(folder_tree([], np.zeros(0, np.int32), {})) == len(date_tree(np.zeros(0))) == 0
    assert described(date_tree(np.array([np.nan]))) == [("none", "No date", 1)]


def test_counts_can_be_those_of_a_mask() -> None:
    tree = folder_tree(["a/1", "a/2", "b/3"], np.ones(3, np.int32), {})
    assert tree.counts(np.array([True, False, True])).tolist() == [2, 1, 1]


def test_the_item_model_walks_the_whole_tree_and_back_up(qtmodeltester: object) -> None:
    names = [f"{at % 3}/{at % 5}/{at}.jpg" for at in range(60)]
    model = FacetModel()
    model.set_tree(folder_tree(names, np.arange(60, dtype=np.int32) % 2, {}))
    qtmodeltester.check(model)  # type: ignore[attr-defined]
    for key, name, count in described(model.tree):
        index = model.index_of(key)
        assert (index.data(KEY_ROLE), index.data(), index.data(COUNT_ROLE)) == (key, name, count)
        path = []
        while index.isValid():
            path.append(index.data())
            index = index.parent()
        assert "/".join(reversed(path)) == model.tree.title(key)


def test_a_hundred_thousand_images_in_ten_thousand_folders_take_a_blink() -> None:
    names = [f"line_{at % 100}/day_{at % 10_000}/img_{at}.jpg" for at in range(100_000)]
    start = time.thread_time()
    tree = folder_tree(names, np.ones(100_000, np.int32), {})
    assert time.thread_time() - start < 1.5
    assert len(tree) == 10_101
    assert tree.counts().tolist()[0] == 100_000
