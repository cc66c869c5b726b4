"""Filters, orders and counts over columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.domain import ImageColumns, ImageStatus, Mark
from gui.models.class_search import find_classes
from gui.models.image_filter import ImageFilter, Order, Show, Trait, ordered_rows
from gui.models.image_index import ImageIndex
from gui.models.image_list import ImageListModel
from gui.models.label_counts import LabelCounts


def make_columns(names: list[str], **given: Any) -> ImageColumns:
    size = len(names)
    columns = ImageColumns(
        image_ids=np.arange(1, size + 1),
        names=names,
        class_ids=np.zeros(size, np.int32),
        marks=np.zeros(size, np.uint8),
        statuses=np.zeros(size, np.uint8),
        taken_at=np.full(size, np.nan),
        widths_px=np.zeros(size, np.int32),
        heights_px=np.zeros(size, np.int32),
        predicted_ids=np.zeros(size, np.int32),
        confidences=np.full(size, np.nan, np.float32),
    )
    for name, values in given.items():
        getattr(columns, name)[:] = values
    return columns


def random_columns(size: int, seed: int = 0) -> ImageColumns:
    rng = np.random.default_rng(seed)
    return make_columns(
        [f"set_{at % 7}/img_{at}.jpg" for at in range(size)],
        class_ids=rng.integers(0, 4, size) * (rng.random(size) < 0.5),
        marks=rng.choice(
            [Mark.NONE, Mark.SKIPPED, Mark.UNSURE, Mark.SKIPPED | Mark.UNSURE], size, p=[0.7, 0.1, 0.1, 0.1]
        ),
        statuses=rng.choice([0, 1, 2], size, p=[0.9, 0.05, 0.05]),
        predicted_ids=rng.integers(0, 4, size),
        confidences=rng.random(size),
    )


def rows_of(columns: ImageColumns, order: Order = Order.FILED, **wanted: Any) -> list[int]:
    filter_ = ImageFilter(**{name: frozenset(each) if isinstance(each, set) else each for name, each in wanted.items()})
    return ordered_rows(columns, filter_, order, ImageIndex(columns)).tolist()


def test_unlabelled_leaves_out_skipped_and_unreadable_images() -> None:
    columns = make_columns(
        list("abcde"),
        class_ids=[0, 1, 0, 0, 0],
        marks=[0, 0, Mark.SKIPPED, Mark.UNSURE, 0],
        statuses=[0, 0, 0, 0, ImageStatus.MISSING],
    )
    assert rows_of(columns, show=Show.UNLABELLED) == [0, 3]


def test_a_skipped_image_that_was_labelled_later_is_not_skipped_any_more() -> None:
    columns = make_columns(list("ab"), class_ids=[0, 3], marks=[Mark.SKIPPED, Mark.SKIPPED])
    assert rows_of(columns, traits={Trait.SKIPPED}) == [0]


def test_one_of_several_traits_is_enough_and_how_far_an_image_has_come_is_asked_besides() -> None:
    columns = make_columns(
        list("abcde"), class_ids=[1, 1, 0, 0, 0], marks=[Mark.UNSURE, 0, Mark.UNSURE, Mark.SKIPPED, 0],
        noted=[False, True, False, False, True],
    )  # fmt: skip
    assert rows_of(columns, traits={Trait.UNSURE}) == [0, 2]
    assert rows_of(columns, traits={Trait.UNSURE, Trait.NOTED}) == [0, 1, 2, 4]
    assert rows_of(columns, show=Show.LABELLED, traits={Trait.UNSURE, Trait.NOTED}) == [0, 1]
    assert rows_of(columns, show=Show.UNLABELLED, traits={Trait.UNSURE}) == [2]


def test_work_lists_show_skipped_and_unreadable_images_when_these_are_asked_for() -> None:
    columns = make_columns(list("abc"), marks=[Mark.SKIPPED, 0, 0], statuses=[0, ImageStatus.MISSING, 0])
    assert rows_of(columns, show=Show.UNLABELLED) == [2]
    assert rows_of(columns, show=Show.UNLABELLED, traits={Trait.SKIPPED}) == [0]
    assert rows_of(columns, show=Show.UNLABELLED, traits={Trait.PROBLEM}) == [1]


def test_an_image_confirmed_to_have_no_class_is_not_unlabelled() -> None:
    columns = make_columns(list("abc"), class_ids=[0, 0, 2], marks=[Mark.CONFIRMED, 0, 0])
    assert rows_of(columns, show=Show.UNLABELLED) == [1]
    assert rows_of(columns, show=Show.CONFIRMED) == [0]
    assert rows_of(columns, show=Show.UNCONFIRMED) == [1, 2]
    assert rows_of(columns, show=Show.LABELLED) == [2]


def test_an_image_with_several_classes_is_found_by_each_of_them() -> None:
    columns = make_columns(list("abcd"), class_ids=[1, 2, 70, 0])
    columns.class_bits = np.array([[1 << 1 | 1 << 2, 0], [1 << 2, 0], [0, 1 << 6], [0, 0]], np.uint64)
    assert rows_of(columns, class_ids={2}) == [0, 1]
    assert rows_of(columns, class_ids={1, 70}) == [0, 2]
    counts = LabelCounts()
    counts.reset(columns)
    assert [counts.of_class(each) for each in (1, 2, 70, 71)] == [1, 2, 1, 0]
    columns.class_bits[3, 0] = 1 << 2
    columns.class_ids[3] = 2
    assert counts.update(columns, np.array([3])).tolist() == [3]
    assert [counts.of_class(each) for each in (1, 2, 70, 71)] == [1, 3, 1, 0]


def test_a_class_means_the_label_among_labelled_and_the_suggestion_among_suggested_images() -> None:
    columns = make_columns(list("abcd"), class_ids=[2, 0, 0, 1], predicted_ids=[1, 2, 1, 2])
    assert rows_of(columns, show=Show.ALL, class_ids={2}) == [0]
    assert rows_of(columns, show=Show.SUGGESTED, class_ids={2}) == [1]


def test_orders_put_images_without_a_key_last_and_keep_equal_ones_as_filed() -> None:
    columns = make_columns(list("abcd"), confidences=[np.nan, 0.5, 0.9, 0.5], taken_at=[3.0, np.nan, 1.0, 3.0])
    assert rows_of(columns, Order.MOST_CONFIDENT) == [2, 1, 3, 0]
    assert rows_of(columns, Order.LEAST_CONFIDENT) == [1, 3, 2, 0]
    assert rows_of(columns, Order.DATE) == [2, 0, 3, 1]


def test_order_by_name_compares_numbers_by_value_and_ignores_case() -> None:
    columns = make_columns(["b/img_10.jpg", "B/img_9.jpg", "a/img_100.jpg", "a/img_020.jpg"])
    assert rows_of(columns, Order.NAME) == [3, 2, 1, 0]


@pytest.mark.parametrize(
    ("text", "found"),
    [("IMG", [0, 1]), ("straße", [2]), ("a/b", [1]), ("jpg", [0, 1, 2]), ("zz", []), ("gx", []), ("1.jpgx", [])],
)
def test_search_finds_text_in_any_case_and_never_across_two_names(text: str, found: list[int]) -> None:
    columns = make_columns(["img_1.jpg", "xa/b/Img_2.JPG", "Straße.jpg"])
    assert rows_of(columns, text=text) == found


def test_search_agrees_with_a_plain_search_on_many_names() -> None:
    columns = random_columns(3000)
    for text in ("7", "set_3/img_1", "img_29", ".jpg", "set_6/img_2998.jpg"):
        assert rows_of(columns, text=text) == [at for at, name in enumerate(columns.names) if text in name]


def test_counts_after_many_changes_are_those_of_counting_anew() -> None:
    columns = random_columns(2000)
    rng = np.random.default_rng(1)
    counts = LabelCounts()
    counts.reset(columns)
    for step in range(50):
        rows = rng.integers(0, 2000, size=rng.integers(1, 200))
        columns.class_ids[rows] = rng.integers(0, 6 + step)
        columns.marks[rows[::2]] ^= np.uint8(Mark.SKIPPED)
        counts.update(columns, rows)
    fresh = LabelCounts()
    fresh.reset(columns)
    for show in Show:
        assert counts.of(show) == fresh.of(show) == len(rows_of(columns, show=show))
    for trait in Trait:
        assert counts.of(trait) == fresh.of(trait) == len(rows_of(columns, traits={trait}))
    assert [counts.of_class(at) for at in range(60)] == [
        int((columns.class_ids == at).sum()) * (at > 0) for at in range(60)
    ]


def test_counts_of_a_scope_are_those_of_its_images_also_after_changes() -> None:
    columns = random_columns(500)
    counts = LabelCounts()
    counts.reset(columns)
    counts.set_scope(np.arange(500) % 2 == 0)
    columns.class_ids[10:20] = 3
    counts.update(columns, np.arange(10, 20))
    inside = make_columns(columns.names[::2], class_ids=columns.class_ids[::2], marks=columns.marks[::2],
                          statuses=columns.statuses[::2], predicted_ids=columns.predicted_ids[::2])  # fmt: skip
    for show in Show:
        assert counts.of(show) == len(rows_of(inside, show=show))
    assert counts.of_class(3) == int((columns.class_ids == 3).sum())
    counts.set_scope(None)
    assert counts.of(Show.ALL) == 500


def test_order_by_class_follows_the_palette_and_puts_what_is_only_suggested_behind() -> None:
    columns = make_columns(list("abcdef"), class_ids=[2, 1, 0, 0, 3, 0], predicted_ids=[1, 1, 3, 0, 1, 2])
    places = np.array([9, 2, 0, 1], np.uint16)
    found = ordered_rows(columns, ImageFilter(), Order.CLASS, ImageIndex(columns), places)
    assert found.tolist() == [0, 4, 1, 5, 2, 3]


def test_counts_tell_which_rows_got_another_class_or_mark_and_not_which_got_a_suggestion() -> None:
    columns = make_columns(list("abcd"))
    counts = LabelCounts()
    counts.reset(columns)
    columns.class_ids[1] = 5
    columns.marks[2] = Mark.UNSURE
    columns.predicted_ids[3] = 4
    assert counts.update(columns, np.arange(4)).tolist() == [1, 2]


def test_list_stays_the_same_when_labels_change_until_it_is_refreshed() -> None:
    columns = make_columns(list("abcdef"))
    model = ImageListModel()
    model.set_columns(columns)
    model.set_filter(ImageFilter(Show.UNLABELLED))
    assert model.num_gone() == 0
    columns.class_ids[[1, 2]] = 7
    model.note_changes(np.array([1, 2]))
    assert model.rows.tolist() == [0, 1, 2, 3, 4, 5]
    assert model.num_gone() == 2
    assert [model.next_position(at) for at in range(6)] == [3, 3, 3, 4, 5, 0]
    model.refresh()
    assert model.rows.tolist() == [0, 3, 4, 5]
    assert model.num_gone() == 0


def test_next_position_is_none_when_nothing_is_left() -> None:
    columns = make_columns(list("abc"))
    model = ImageListModel()
    model.set_columns(columns)
    model.set_filter(ImageFilter(Show.UNLABELLED))
    model.still_matches()
    columns.class_ids[:] = 1
    model.note_changes(np.arange(3))
    assert model.next_position(1) == -1
    assert model.next_unlabelled(1) == -1


def test_class_search_ranks_whole_names_prefixes_and_recent_ones_first() -> None:
    from engine.domain import ImageClass

    names = ["Rusty bolt", "bolt", "big bolt", "bolt, cracked", "thunderbolt"]
    classes = [ImageClass(at + 1, name, "#ffffff", None, at) for at, name in enumerate(names)]
    assert [each.id for each in find_classes(classes, " BOLT ")] == [2, 4, 1, 3, 5]
    assert [each.id for each in find_classes(classes, "bolt", recent=[5, 3])] == [2, 4, 3, 1, 5]
    assert [each.id for each in find_classes(classes, "", recent=[4])][:2] == [4, 1]
