"""The left column and the filter bar, worked with the mouse and the keyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QLocale, QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from engine.domain import Mark
from gui.models.image_filter import ImageFilter, Order, Show, Trait
from gui.panels.filtering import COUNT_DELAY_MS

Key = Qt.Key
LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier
CTRL = Qt.KeyboardModifier.ControlModifier
EXIF_DATE = 0x0132


@pytest.fixture
def desk(tmp_path: Path, open_desk: Callable[[Path | None], Any]) -> Any:
    """24 pictures in a/1, a/2 and b, of May and June 2024 and without a date; three classes."""
    folder = tmp_path / "line"
    for at in range(24):
        place = folder / ("a/1", "a/2", "b")[at % 3]
        place.mkdir(parents=True, exist_ok=True)
        exif = Image.Exif()
        if at % 4:
            exif[EXIF_DATE] = datetime(2024, 4 + at % 4 % 2 + 1, 1 + at, 12).strftime("%Y:%m:%d %H:%M:%S")
        Image.new("RGB", (32, 24), (at * 10, 80, 120)).save(place / f"img_{at}.jpg", exif=exif)
    made = open_desk(folder)
    made.add_classes("rust", "crack", "fine")
    made.qtbot.waitUntil(lambda: made.workspace.images.image_index.is_ready, timeout=10_000)
    return made


def click_row(view: Any, index: Any, with_: Any = NONE) -> None:
    rect: QRect = view.visualRect(index)
    QTest.mouseClick(view.viewport(), LEFT, with_, rect.center())


def choose(desk: Any, entry: Show | Trait) -> None:
    view = desk.workspace.show_list.view
    click_row(view, view.model().index(view.model().entries.index(entry), 0))


def chips(desk: Any) -> list[str]:
    return [chip.accessibleName().removeprefix("Filter ").removesuffix(", remove") for chip in
            desk.workspace.filter_bar.chips]  # fmt: skip


def shown(desk: Any) -> list[str]:
    return [desk.session.columns.names[row] for row in desk.workspace.images.rows]


def test_state_and_marks_are_chosen_independently_and_all_takes_both_away(desk: Any) -> None:
    ids = desk.session.columns.image_ids
    desk.session.label(ids[:4], 1)
    desk.session.mark(ids[2:6], Mark.UNSURE, True)
    choose(desk, Show.LABELLED)
    choose(desk, Trait.UNSURE)
    assert desk.workspace.images.rows.tolist() == [2, 3]
    assert chips(desk) == ["Labelled", "Unsure"]
    choose(desk, Show.UNLABELLED)
    assert desk.workspace.images.rows.tolist() == [4, 5]
    choose(desk, Trait.UNSURE)
    assert chips(desk) == ["Unlabelled"]
    choose(desk, Trait.UNSURE)
    choose(desk, Show.ALL)
    assert desk.workspace.images.filter == ImageFilter()


def test_a_mark_that_nothing_shown_has_shows_all_that_have_it(desk: Any) -> None:
    ids = desk.session.columns.image_ids
    desk.session.mark(ids[2:6], Mark.SKIPPED, True)
    desk.session.label(ids[:2], 1)
    choose(desk, Show.LABELLED)
    choose(desk, Trait.SKIPPED)
    assert desk.workspace.images.filter == ImageFilter(traits=frozenset({Trait.SKIPPED}))
    assert len(desk.workspace.images.rows) == 4


def test_arrows_choose_how_far_images_have_come_and_space_turns_marks_on_and_off(desk: Any) -> None:
    view = desk.workspace.show_list.view
    desk.session.mark(desk.session.columns.image_ids[:3], Mark.UNSURE, True)
    view.setFocus()
    view.setCurrentIndex(view.model().index(0, 0))
    desk.press(Key.Key_Down, on=view)
    assert desk.workspace.images.filter.show is Show.UNLABELLED
    for _ in range(4):
        desk.press(Key.Key_Down, on=view)
    assert desk.workspace.images.filter == ImageFilter(Show.SUGGESTED)  # reaching a mark does not choose it
    desk.press(Key.Key_Space, on=view)
    assert desk.workspace.images.filter == ImageFilter(traits=frozenset({Trait.UNSURE}))
    desk.press(Key.Key_Return, on=view)
    assert desk.workspace.images.filter == ImageFilter()


def test_ctrl_on_the_count_of_a_class_shows_it_besides_the_others(desk: Any) -> None:
    ids = desk.session.columns.image_ids
    for at, class_id in enumerate((1, 2, 3)):
        desk.session.label(ids[at * 3 : at * 3 + 3], class_id)
    view = desk.workspace.palette_panel.view

    def click_count(row: int, with_: Any = NONE) -> None:
        rect = view.visualRect(view.model().index(row, 0))
        QTest.mouseClick(view.viewport(), LEFT, with_, QPoint(rect.right() - 12, rect.center().y()))

    click_count(0)
    click_count(2, CTRL)
    assert desk.workspace.images.filter.class_ids == {1, 3}
    assert desk.workspace.images.rows.tolist() == [0, 1, 2, 6, 7, 8]
    assert chips(desk) == ["rust", "fine"]
    click_count(0, CTRL)
    assert desk.workspace.images.rows.tolist() == [6, 7, 8]
    click_count(2)
    assert desk.workspace.images.filter == ImageFilter()


def test_a_deleted_class_leaves_the_filter_and_the_others_stay(desk: Any) -> None:
    desk.session.label(desk.session.columns.image_ids[:3], 1)
    desk.workspace.set_filter(ImageFilter(class_ids=frozenset({1, 2})))
    desk.session.delete_class(2)
    desk.wait_saved()
    desk.qtbot.waitUntil(lambda: chips(desk) == ["rust"])
    assert len(desk.workspace.images.rows) == 3


def test_folders_filter_alone_or_together_and_show_how_many_of_the_rest_they_have(desk: Any) -> None:
    view = desk.workspace.folders
    model = view.facets
    assert [model.tree.title(key) for key in model.tree.keys] == ["line", "line/a", "line/a/1", "line/a/2", "line/b"]
    click_row(view, model.index_of("1/b"))
    assert all(name.startswith("b/") for name in shown(desk))
    assert chips(desk) == ["line/b"]
    view.expand(model.index_of("1/a"))
    click_row(view, model.index_of("1/a/2"), CTRL)
    assert len(shown(desk)) == 16
    click_row(view, model.index_of("1/a"))
    assert {name[:3] for name in shown(desk)} == {"a/1", "a/2"}
    desk.press("1", on=desk.workspace.grid)
    choose(desk, Show.LABELLED)
    desk.qtbot.wait(COUNT_DELAY_MS + 50)
    desk.qtbot.waitUntil(lambda: desk.session.num_unsaved == 0)
    counts = {key: model.data(model.index_of(key), Qt.ItemDataRole.AccessibleTextRole) for key in model.tree.keys}
    assert counts["1/a"] == "line/a, 1 images, chosen"
    assert counts["1/b"] == "line/b, 0 images"
    click_row(view, model.index_of("1/a"))
    assert desk.workspace.images.filter == ImageFilter(Show.LABELLED)


def test_dates_filter_by_year_month_day_and_by_having_none(desk: Any) -> None:
    view = desk.workspace.dates
    model = view.facets
    assert [model.tree.title(key) for key in model.tree.keys if len(key) < 8] == [
        "2024", "June 2024", "May 2024", "No date",
    ]  # fmt: skip
    click_row(view, model.index_of("none"))
    assert len(shown(desk)) == 6
    view.expand(model.index_of("2024"))
    click_row(view, model.index_of("2024-05"), CTRL)
    taken = desk.session.columns.taken_at[desk.workspace.images.rows]
    assert {datetime.fromtimestamp(each).month for each in taken[~np.isnan(taken)]} == {5}
    assert np.isnan(taken).sum() == 6


@pytest.fixture
def german_days() -> Iterator[None]:
    """Days as a German system writes them."""
    before = QLocale()
    QLocale.setDefault(QLocale("de"))
    yield
    QLocale.setDefault(before)


def days_shown(desk: Any) -> set[tuple[int, int]]:
    """Month and day of the images that are shown; (0, 0) for those without a date."""
    taken = desk.session.columns.taken_at[desk.workspace.images.rows]
    moments = [datetime.fromtimestamp(each) if not np.isnan(each) else None for each in taken]
    return {(each.month, each.day) if each is not None else (0, 0) for each in moments}


def test_images_between_two_days_are_shown_by_typing_them_and_all_of_them_again_by_one_click(
    desk: Any, german_days: None
) -> None:
    workspace, fields = desk.workspace, desk.workspace.days
    everything = days_shown(desk)
    fields.first.setFocus()
    desk.press("3.6.24", Key.Key_Return)
    assert workspace.window().focusWidget() is fields.last
    assert fields.first.text() == "03.06.2024"
    assert chips(desk) == ["From 03.06.2024"]
    assert days_shown(desk) == {each for each in everything if each >= (6, 3)}
    desk.press("14.06.2024", Key.Key_Return)
    assert workspace.window().focusWidget() is workspace.grid  # and the next key sets a class
    assert chips(desk) == ["03.06.2024 – 14.06.2024"]
    assert days_shown(desk) == {each for each in everything if (6, 3) <= each <= (6, 14)} != set()
    desk.press("1")
    desk.wait_saved()
    assert len(desk.saved_classes()) == 1
    QTest.mouseClick(workspace.filter_bar.chips[0], LEFT)
    assert workspace.images.filter == ImageFilter()
    assert (fields.first.text(), fields.last.text()) == ("", "")
    assert days_shown(desk) == everything


def test_days_are_stepped_by_keys_turned_round_narrowed_by_the_tree_and_refused_where_they_are_none(
    desk: Any, german_days: None
) -> None:
    workspace, first, last = desk.workspace, desk.workspace.days.first, desk.workspace.days.last
    first.setFocus()
    desk.press(Key.Key_Up, Key.Key_Up, Key.Key_PageUp, Key.Key_Down)  # from the first day that there is
    desk.qtbot.waitUntil(lambda: len(chips(desk)) == 1)
    assert first.text() == "03.06.2024"
    last.setFocus()
    desk.press("5/2024", Key.Key_Tab)
    assert chips(desk) == ["31.05.2024 – 03.06.2024"]  # the later one was named first
    assert (first.text(), last.text()) == ("31.05.2024", "03.06.2024")
    view = workspace.dates
    view.expand(view.facets.index_of("2024"))
    click_row(view, view.facets.index_of("2024-06"))
    assert days_shown(desk) == {(6, 2)}
    assert len(chips(desk)) == 2
    last.setFocus()
    last.selectAll()
    desk.press("31.6.2024", Key.Key_Return)
    assert workspace.window().focusWidget() is last
    assert workspace.days.problem.isVisible()
    assert workspace.days.problem.text().startswith("This is no date. Write it like 31.05.2024")
    assert days_shown(desk) == {(6, 2)}
    desk.press(Key.Key_Escape)
    assert (last.text(), workspace.days.problem.isVisible()) == ("03.06.2024", False)
    last.selectAll()
    desk.press("May", Key.Key_Tab)
    assert workspace.days.problem.isVisible()
    assert len(chips(desk)) == 2
    last.setFocus()
    last.selectAll()
    desk.press(Key.Key_Delete, Key.Key_Return)
    assert not workspace.days.problem.isVisible()
    assert chips(desk) == ["June 2024", "From 31.05.2024"]


def test_every_filter_is_a_chip_and_clear_all_takes_them_away(desk: Any) -> None:
    workspace = desk.workspace
    desk.session.label(desk.session.columns.image_ids[:9], 1)
    workspace.set_filter(
        ImageFilter(Show.LABELLED, frozenset({1}), "img", frozenset(), frozenset({"1/a"}), frozenset({"2024", "none"}))
    )
    assert chips(desk) == ["Labelled", "rust", "“img”", "2024", "No date", "line/a"]
    expected = workspace.images.rows.tolist()
    workspace.set_filter(ImageFilter())
    workspace.set_filter(ImageFilter(class_ids=frozenset({1}), folders=frozenset({"1/a"})))
    assert workspace.images.rows.tolist() == expected
    QTest.mouseClick(workspace.filter_bar.clear_all, LEFT)
    assert workspace.images.filter == ImageFilter()
    assert not workspace.filter_bar.clear_all.isVisible()


def test_orders_by_name_date_and_class_show_the_pictures_in_that_order(desk: Any) -> None:
    workspace, columns = desk.workspace, desk.session.columns
    workspace.set_order(Order.NAME)
    assert [int(name.rpartition("_")[2][:-4]) for name in shown(desk) if name.startswith("b/")] == list(range(2, 24, 3))
    workspace.set_order(Order.DATE)
    taken = columns.taken_at[workspace.images.rows]
    assert np.array_equal(taken, np.sort(taken), equal_nan=True)
    desk.session.label(columns.image_ids[4:6], 3)
    desk.session.label(columns.image_ids[9:11], 1)
    desk.session.move_class(3, 0)
    desk.wait_saved()
    desk.qtbot.waitUntil(lambda: desk.session.classes[0].id == 3)
    workspace.set_order(Order.CLASS)
    assert workspace.images.rows[:4].tolist() == [4, 5, 9, 10]


def test_a_closed_section_stays_closed_for_the_next_window(desk: Any) -> None:
    workspace = desk.workspace
    section = workspace.sections["dates"]
    QTest.mouseClick(section.header, LEFT)
    assert not workspace.dates.isVisible()
    assert not desk.session.preferences.is_open("dates")
    assert section.header.accessibleName() == "Dates, closed"
    section.header.setFocus()
    desk.press(Key.Key_Space, on=section.header)
    assert workspace.dates.isVisible()
    assert desk.session.preferences.is_open("dates")


def test_keys_in_the_trees_move_choose_and_leave_letters_to_the_classes(desk: Any) -> None:
    view = desk.workspace.folders
    view.setFocus()
    desk.press(Key.Key_Down, Key.Key_Right, Key.Key_Down, Key.Key_Return, on=view)
    assert chips(desk) == ["line/a/1"]
    desk.press("2", on=view)
    assert np.count_nonzero(desk.session.columns.class_ids == 2) == 1


def test_the_left_column_fits_a_low_window_and_everything_in_it_can_be_scrolled_to(desk: Any) -> None:
    workspace = desk.workspace
    workspace.resize(1024, 590)
    desk.settle()
    column = workspace._left
    for widget in (workspace.palette_panel, workspace.sections["show"].parentWidget().parentWidget().parentWidget()):
        area = QRect(widget.mapTo(column, QPoint()), widget.size())
        assert column.rect().contains(area)
    inner: QWidget = workspace.sections["dates"].parentWidget()
    assert inner.rect().contains(workspace.sections["dates"].geometry())
    assert workspace.show_list.search.width() > 120


def test_files_that_moved_are_found_in_their_new_folder(desk: Any, tmp_path: Path) -> None:
    (tmp_path / "line" / "c").mkdir()
    (tmp_path / "line" / "b" / "img_2.jpg").rename(tmp_path / "line" / "c" / "img_2.jpg")
    with desk.qtbot.waitSignal(desk.session.work.scan_ended, timeout=20_000):
        desk.session.rescan()
    view = desk.workspace.folders
    desk.qtbot.waitUntil(lambda: view.facets.index_of("1/c").isValid(), timeout=10_000)
    click_row(view, view.facets.index_of("1/c"))
    assert shown(desk) == ["c/img_2.jpg"]


def test_picked_images_are_shown_alone_in_their_order_and_the_old_order_is_back_with_the_chip_gone(desk: Any) -> None:
    workspace, ids = desk.workspace, desk.session.columns.image_ids
    workspace.set_order(Order.NAME)
    workspace.set_filter(ImageFilter(Show.UNLABELLED))
    workspace.open_viewer()
    desk.session.show_images([ids[7], ids[2], 9999, ids[11]], "rust taken for crack")
    assert workspace.images.rows.tolist() == [7, 2, 11]
    assert not workspace.is_viewing
    desk.qtbot.waitUntil(lambda: desk.session.current_image_id == ids[7])
    assert chips(desk) == ["rust taken for crack"]
    assert workspace.filter_bar.order.title == Order.PICKED.value
    QTest.keyClick(workspace.grid, Key.Key_1)
    desk.wait_saved()
    assert desk.session.columns.class_ids[7] == 1
    assert workspace.images.rows.tolist() == [7, 2, 11]  # a label does not take an image out of the list
    desk.session.show_images([ids[1]], "fine taken for crack")
    assert workspace.images.rows.tolist() == [1]
    QTest.mouseClick(workspace.filter_bar.chips[0], LEFT)
    assert workspace.images.filter == ImageFilter()
    assert workspace.images.order is Order.NAME
