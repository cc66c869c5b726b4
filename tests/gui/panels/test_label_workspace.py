"""The Label workspace, driven by keys and clicks against a real project."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragMoveEvent, QDropEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from engine.domain import NO_CLASS, ImageStatus, LabelMode, Mark
from gui.models.image_filter import ImageFilter, Order, Show, Trait
from gui.panels.class_list_view import Zone
from gui.panels.image_menu import open_image_menu
from gui.widgets.image_drag import IMAGES_MIME

Key = Qt.Key
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def desk(make_images: Callable[[int], Path], open_desk: Callable[[Path | None], Any]) -> Any:
    """Thirty pictures and three classes with the keys 1, 2, 3."""
    made = open_desk(make_images(30))
    made.add_classes("rust", "crack", "fine")
    return made


def click(desk: Any, position: int, *, with_: Any = Qt.KeyboardModifier.NoModifier) -> None:
    grid = desk.workspace.grid
    QTest.mouseClick(grid.viewport(), LEFT, with_, grid.visualRect(grid.model().index(position, 0)).center())
    desk.settle()


def class_ids(desk: Any) -> list[int]:
    return desk.session.columns.class_ids.tolist()


def test_two_hundred_pictures_labelled_by_keys_are_all_in_the_project_with_the_right_class(
    make_images: Callable[[int], Path], open_desk: Callable[[Path | None], Any]
) -> None:
    desk = open_desk(make_images(200))
    names = ["rust", "crack", "fine", "hole", "dent"]
    desk.add_classes(*names)
    choices = random.Random(7).choices(range(5), k=200)
    for choice in choices:
        desk.press(str(choice + 1))
    desk.wait_saved()
    assert desk.session.project.columns().names == sorted(desk.session.columns.names)
    expected = {f"picture_{at:04}.jpg": names[choice] for at, choice in enumerate(choices)}
    assert desk.saved_classes() == expected
    assert desk.workspace.grid.current_position() == 199


def test_a_key_labels_and_goes_on_and_undo_comes_back_to_the_picture(desk: Any) -> None:
    desk.press("1", "2")
    desk.wait_saved()
    assert class_ids(desk)[:3] == [1, 2, NO_CLASS]
    assert desk.workspace.grid.current_position() == 2
    desk.session.undo()
    desk.wait_saved()
    desk.settle()
    assert class_ids(desk)[:3] == [1, NO_CLASS, NO_CLASS]
    assert desk.workspace.grid.current_position() == 1
    desk.session.redo()
    desk.wait_saved()
    assert class_ids(desk)[:3] == [1, 2, NO_CLASS]


def test_a_selected_block_is_labelled_in_one_step_and_the_picture_behind_it_is_next(desk: Any) -> None:
    click(desk, 2)
    click(desk, 9, with_=SHIFT)
    assert desk.session.selected_ids.tolist() == desk.session.columns.image_ids[2:10].tolist()
    desk.press("3")
    desk.wait_saved()
    assert class_ids(desk) == [0] * 2 + [3] * 8 + [0] * 20
    assert desk.workspace.grid.current_position() == 10
    desk.session.undo()
    desk.wait_saved()
    assert class_ids(desk) == [0] * 30


def test_click_ctrl_shift_and_select_all_select_as_in_a_file_manager(desk: Any) -> None:
    selected = desk.workspace.grid.selected_positions
    click(desk, 3)
    click(desk, 6, with_=CTRL)
    assert selected().tolist() == [3, 6]
    click(desk, 8, with_=SHIFT)
    assert selected().tolist() == [6, 7, 8]
    click(desk, 7, with_=CTRL)
    assert selected().tolist() == [6, 8]
    desk.press(Key.Key_A, with_=CTRL)
    assert selected().tolist() == list(range(30))
    desk.press(Key.Key_Escape)
    assert len(selected()) == 1


def drag(desk: Any, start: QPoint, end: QPoint, with_: Any = Qt.KeyboardModifier.NoModifier) -> None:
    view = desk.workspace.grid.viewport()
    QTest.mousePress(view, LEFT, with_, start)
    QTest.mouseMove(view, (start + end) / 2)
    QTest.mouseMove(view, end)
    QTest.mouseRelease(view, LEFT, with_, end)


def centre_of(desk: Any, position: int) -> QPoint:
    grid = desk.workspace.grid
    return grid.visualRect(grid.model().index(position, 0)).center()


def test_a_rubber_band_selects_the_cards_it_touches(desk: Any) -> None:
    grid = desk.workspace.grid
    columns = grid._layout.num_columns
    drag(desk, QPoint(4, 4), centre_of(desk, columns + 1))
    assert grid.selected_positions().tolist() == [0, 1, columns, columns + 1]
    gap = grid.visualRect(grid.model().index(2, 0)).topLeft() - QPoint(4, -20)
    drag(desk, gap, centre_of(desk, 3))
    assert grid.selected_positions().tolist() == [2, 3]
    drag(desk, centre_of(desk, columns), centre_of(desk, columns + 1), with_=SHIFT)
    assert {columns, columns + 1} <= set(grid.selected_positions().tolist())
    click(desk, 0)
    drag(desk, centre_of(desk, columns), centre_of(desk, columns + 1), with_=CTRL)
    assert grid.selected_positions().tolist() == [0, columns + 1]  # the first was turned on by the press, then off


def test_a_drag_from_a_selected_card_takes_the_selection_along_and_a_click_on_it_selects_it_alone(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    monkeypatch.setattr("gui.widgets.image_grid.drag_images", lambda _grid, pictures, count: taken.append(count))
    click(desk, 2)
    click(desk, 5, with_=SHIFT)
    drag(desk, centre_of(desk, 3), centre_of(desk, 9))
    assert taken == [4]
    assert desk.workspace.grid.selected_positions().tolist() == [2, 3, 4, 5]
    click(desk, 4)
    assert desk.workspace.grid.selected_positions().tolist() == [4]


def test_a_drag_from_a_card_that_is_not_selected_selects_it_and_takes_it_along(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = desk.workspace.grid
    taken: list[tuple[int, list[int]]] = []
    monkeypatch.setattr(
        "gui.widgets.image_grid.drag_images",
        lambda _grid, pictures, count: taken.append((count, grid.selected_positions().tolist())),
    )
    click(desk, 1)
    drag(desk, centre_of(desk, 8), centre_of(desk, 14))
    assert taken == [(1, [8])]
    click(desk, 3, with_=CTRL)
    drag(desk, centre_of(desk, 6), centre_of(desk, 0))
    assert taken[1:] == [(1, [6])]
    drag(desk, centre_of(desk, 9), centre_of(desk, 9) + QPoint(3, 2))  # a click of a hand that is not quite still
    assert len(taken) == 2
    assert grid.selected_positions().tolist() == [9]
    for step in (QTest.mouseClick, QTest.mouseDClick):
        step(grid.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, centre_of(desk, 12))
    assert desk.workspace.is_viewing
    desk.settle()
    assert desk.session.current_image_id == desk.session.columns.image_ids[12]
    assert len(taken) == 2


def test_the_single_image_can_be_dragged_while_it_fits_the_view(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    monkeypatch.setattr("gui.panels.label_workspace.drag_images", lambda _view, pictures, count: taken.append(count))
    desk.press(Key.Key_Return)
    canvas = desk.workspace.viewer.canvas
    for press_at in (canvas.rect().center(), canvas.rect().center() + QPoint(2, 2)):
        QTest.mousePress(canvas, LEFT, Qt.KeyboardModifier.NoModifier, press_at)
        QTest.mouseMove(canvas, press_at - QPoint(60, 0))
        QTest.mouseMove(canvas, press_at - QPoint(90, 0))
        QTest.mouseRelease(canvas, LEFT, Qt.KeyboardModifier.NoModifier, press_at - QPoint(90, 0))
        assert len(taken) == 1
        # The pictures of this test are too small to be zoomed beyond the view, where a drag moves them.
        monkeypatch.setattr(canvas, "_is_larger", lambda: True)


def drop_on_class(desk: Any, row: int) -> None:
    view = desk.workspace.palette_panel.view
    data = QMimeData()
    data.setData(IMAGES_MIME, b"4")
    point = QPointF(view.visualRect(view.model().index(row, 0)).center())
    args = (Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier)
    over = QDragMoveEvent(point.toPoint(), *args)
    view.dragMoveEvent(over)
    assert over.isAccepted()
    view.dropEvent(QDropEvent(point, *args))
    desk.wait_saved()


def test_images_dropped_on_a_class_get_it_and_where_there_may_be_several_keep_it(desk: Any) -> None:
    desk.session.set_label_mode(LabelMode.SEVERAL)
    desk.wait_saved()
    desk.qtbot.waitUntil(lambda: desk.session.has_several_classes and not desk.session.is_reloading)
    desk.settle()
    click(desk, 2)
    click(desk, 5, with_=SHIFT)
    for row in (1, 1, 2):
        drop_on_class(desk, row)
    assert class_ids(desk)[:7] == [0, 0, 2, 2, 2, 2, 0]
    assert desk.session.columns.class_bits[2:6, 0].tolist() == [1 << 2 | 1 << 3] * 4
    assert desk.workspace.grid.model().data(desk.workspace.grid.model().index(2, 0), Qt.ItemDataRole.ToolTipRole) == (
        "picture_0002.jpg\ncrack and fine"
    )
    choices = desk.workspace.show_list.view.model().entries
    assert Show.CONFIRMED in choices
    desk.session.undo()
    desk.wait_saved()
    assert desk.session.columns.class_bits[2:6, 0].tolist() == [1 << 2] * 4


def test_ctrl_wheel_zooms_around_the_picture_under_the_pointer(desk: Any) -> None:
    grid = desk.workspace.grid
    grid.set_card_px(300)
    desk.press(Key.Key_End)
    point = QPoint(grid.viewport().width() // 2, grid.viewport().height() // 2)
    for turns in (-3, 1, -1, 2):
        before = grid.indexAt(point).row()
        wheel(grid, point, turns)
        rect = grid.visualRect(grid.model().index(before, 0))
        bar = grid.verticalScrollBar()
        assert rect.top() - 8 <= point.y() <= rect.bottom() + 8 or bar.value() in (bar.minimum(), bar.maximum())
    assert grid.card_px != 300


def wheel(grid: Any, point: QPoint, turns: int) -> None:
    where = QPointF(point)
    event = QWheelEvent(
        where, QPointF(grid.viewport().mapToGlobal(point)), QPoint(), QPoint(0, 120 * turns),
        Qt.MouseButton.NoButton, CTRL, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(grid.viewport(), event)


def test_arrows_page_and_home_keys_move_and_shift_extends(desk: Any) -> None:
    grid = desk.workspace.grid
    columns = grid._layout.num_columns
    desk.press(Key.Key_Right, Key.Key_Down)
    assert grid.current_position() == columns + 1
    desk.press(Key.Key_Up, Key.Key_Left, Key.Key_Left)
    assert grid.current_position() == 0
    desk.press(Key.Key_End)
    assert grid.current_position() == 29
    desk.press(Key.Key_Home)
    desk.press(Key.Key_Right, Key.Key_Right, with_=SHIFT)
    assert grid.selected_positions().tolist() == [0, 1, 2]
    desk.press(Key.Key_PageDown)
    assert grid.current_position() > columns


def test_with_unlabelled_shown_no_picture_vanishes_and_none_is_left_out(desk: Any) -> None:
    desk.workspace.set_filter(ImageFilter(Show.UNLABELLED))
    click(desk, 1)
    desk.press("1", "1", "1")
    assert len(desk.workspace.images.rows) == 30
    assert desk.workspace.grid.current_position() == 4
    desk.press(Key.Key_Home)
    desk.press("2")  # 1, 2 and 3 are done: 4 is next
    assert desk.workspace.grid.current_position() == 4
    desk.press(Key.Key_L, with_=CTRL)
    assert desk.workspace.images.rows.tolist() == list(range(4, 30))
    assert desk.workspace.grid.current_position() == 0


def test_labelling_all_that_is_unlabelled_ends_in_a_sentence_and_then_an_empty_page(desk: Any) -> None:
    desk.workspace.set_filter(ImageFilter(Show.UNLABELLED))
    desk.press(Key.Key_A, with_=CTRL)
    desk.press("1")
    desk.wait_saved()
    assert set(class_ids(desk)) == {1}
    assert desk.workspace._message == "Nothing unlabelled left here."
    desk.workspace.refresh()
    assert desk.workspace.empty.isVisible()
    QTest.mouseClick(desk.workspace.empty.button, LEFT)
    assert desk.workspace.grid.isVisible()
    assert len(desk.workspace.images.rows) == 30


def test_skip_goes_on_marks_and_comes_back_with_the_same_key(desk: Any) -> None:
    desk.press("x", "1")
    desk.wait_saved()
    marks = desk.session.project.columns().marks
    assert marks[0] == Mark.SKIPPED
    assert class_ids(desk)[:2] == [NO_CLASS, 1]
    click(desk, 0)
    desk.press("x")
    desk.wait_saved()
    assert desk.session.project.columns().marks[0] == Mark.NONE
    assert desk.workspace.grid.current_position() == 0


def test_a_suggestion_of_a_class_that_was_deleted_since_is_not_accepted(desk: Any) -> None:
    desk.suggest(np.full(30, 2), np.full(30, 0.99))
    desk.session.delete_class(2)
    desk.wait_saved()
    desk.qtbot.waitUntil(lambda: len(desk.session.classes) == 2)
    desk.press(Key.Key_Space)
    desk.press(Key.Key_Space, with_=SHIFT)
    assert set(class_ids(desk)) == {NO_CLASS}


def test_skip_passes_over_what_has_a_class_without_marking_it(desk: Any) -> None:
    desk.press("1", Key.Key_Left, "x")
    desk.wait_saved()
    assert desk.session.project.columns().marks.tolist() == [0] * 30
    assert desk.workspace.grid.current_position() == 1


def test_without_auto_advance_a_key_labels_and_stays(desk: Any) -> None:
    desk.session.preferences.set_auto_advance(False)
    desk.press("1", "2")
    assert class_ids(desk)[:2] == [2, 0]
    assert desk.workspace.grid.current_position() == 0


def test_question_mark_marks_as_unsure_and_backspace_clears_the_class(desk: Any) -> None:
    desk.press("?")
    desk.press("2", Key.Key_Left, Key.Key_Backspace)
    desk.wait_saved()
    saved = desk.session.project.columns()
    assert saved.marks[0] == Mark.UNSURE
    assert saved.class_ids[0] == NO_CLASS
    assert desk.workspace.counts.of(Trait.UNSURE) == 1


def test_tab_goes_to_the_next_unlabelled_picture_and_round_the_end(desk: Any) -> None:
    click(desk, 1)
    click(desk, 27, with_=SHIFT)
    desk.press("1")
    click(desk, 5)
    desk.press(Key.Key_Tab)
    assert desk.workspace.grid.current_position() == 28
    desk.press(Key.Key_Tab, Key.Key_Tab)
    assert desk.workspace.grid.current_position() == 0


def test_space_accepts_suggestions_only_and_they_are_one_step(desk: Any) -> None:
    suggested = np.tile([1, 2, 3], 10)
    suggested[4] = NO_CLASS
    desk.suggest(suggested, np.linspace(0.99, 0.4, 30))
    desk.press("3")  # the first picture gets a class by hand
    click(desk, 0)
    click(desk, 5, with_=SHIFT)
    desk.press(Key.Key_Space)
    desk.wait_saved()
    assert class_ids(desk)[:7] == [3, 2, 3, 1, NO_CLASS, 3, NO_CLASS]
    assert desk.workspace.grid.current_position() == 6
    desk.session.undo()
    desk.wait_saved()
    assert class_ids(desk)[:7] == [3, 0, 0, 0, 0, 0, 0]


def test_shift_space_accepts_every_confident_suggestion_of_the_list(desk: Any) -> None:
    desk.suggest(np.full(30, 2), np.r_[np.full(10, 0.97), np.full(20, 0.9)])
    desk.press(Key.Key_Space, with_=SHIFT)
    desk.wait_saved()
    assert class_ids(desk) == [2] * 10 + [0] * 20


def test_type_ahead_reaches_a_class_without_a_key(desk: Any) -> None:
    desk.add_classes(*(f"part {at}" for at in range(40)))
    assert desk.session.classes[-1].key is None
    click(desk, 4)
    desk.press("/")
    finder = desk.workspace.finder
    assert finder.isVisible()
    desk.press("part 39", Key.Key_Return, on=finder.field)
    desk.wait_saved()
    assert desk.saved_classes() == {"picture_0004.jpg": "part 39"}
    assert not finder.isVisible()
    desk.settle()
    desk.press("1")
    assert class_ids(desk)[5] == 1


def test_type_ahead_makes_a_new_class_and_labels_with_it(desk: Any) -> None:
    desk.press("/")
    desk.press("brand new", Key.Key_Return, on=desk.workspace.finder.field)
    desk.wait_saved()
    desk.qtbot.waitUntil(lambda: desk.saved_classes() == {"picture_0000.jpg": "brand new"})
    desk.settle()
    assert desk.workspace.grid.current_position() == 1


def test_letters_typed_into_a_field_are_text_and_not_labels(desk: Any) -> None:
    field = desk.workspace.palette_panel.new_name
    QTest.mouseClick(field, LEFT)
    desk.press("x123", on=field)
    assert field.text() == "x123"
    desk.press(Key.Key_Return, on=field)
    desk.wait_saved()
    assert [each.name for each in desk.session.classes] == ["rust", "crack", "fine", "x123"]
    assert set(class_ids(desk)) == {NO_CLASS}


def test_class_keys_act_wherever_the_focus_is_outside_text_fields(desk: Any) -> None:
    for widget in (desk.workspace.palette_panel.view, desk.workspace.show_list.view, desk.workspace.filter_bar.order):
        widget.setFocus()
        desk.press("2")
    desk.press(Key.Key_3, with_=Qt.KeyboardModifier.KeypadModifier)
    assert class_ids(desk)[:5] == [2, 2, 2, 3, 0]


def test_viewer_shows_labels_and_moves_with_keys(desk: Any) -> None:
    click(desk, 3)
    desk.press(Key.Key_Return)
    viewer = desk.workspace.viewer
    assert viewer.isVisible()
    desk.press("2", Key.Key_Right, Key.Key_Right, "1", Key.Key_Left)
    assert class_ids(desk)[3:8] == [2, 0, 0, 1, 0]
    desk.settle()
    assert desk.session.current_image_id == desk.session.columns.image_ids[6]
    assert "picture_0006.jpg" in viewer.bar.image_name
    desk.press(Key.Key_Escape)
    assert desk.workspace.grid.isVisible()
    assert desk.workspace.grid.hasFocus()
    assert desk.workspace.grid.current_position() == 6


def test_viewer_labels_only_the_picture_that_is_seen(desk: Any) -> None:
    desk.press(Key.Key_A, with_=CTRL)
    desk.press(Key.Key_Return)
    desk.press("1")
    assert sum(each == 1 for each in class_ids(desk)) == 1


def test_viewer_gets_the_decoded_picture_and_those_around_it(desk: Any) -> None:
    click(desk, 10)
    desk.press(Key.Key_Return)
    screens, ids = desk.workspace.screens, desk.session.columns.image_ids
    desk.qtbot.waitUntil(lambda: all(screens.get(int(ids[at]), 0) is not None for at in range(9, 15)))
    assert screens.get(int(ids[20]), 0) is None
    image = screens.get(int(ids[10]), 0).image
    assert (image.width(), image.height()) == (32, 24)


def test_a_click_on_a_class_labels_and_a_click_on_its_count_shows_its_pictures(desk: Any) -> None:
    view = desk.workspace.palette_panel.view
    row = view.visualRect(view.model().index(1, 0))
    QTest.mouseClick(view.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, row.center())
    assert class_ids(desk)[:2] == [2, 0]
    QTest.mouseClick(view.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, QPoint(row.right() - 12, row.center().y()))
    assert desk.workspace.images.filter == ImageFilter(class_ids=frozenset({2}))
    assert desk.workspace.images.rows.tolist() == [0]


def test_a_new_key_is_asked_twice_when_another_class_has_it_and_reserved_keys_are_refused(desk: Any) -> None:
    view = desk.workspace.palette_panel.view
    view.clicked_in_zone.emit(1, Zone.KEY)
    desk.press("x", "2")
    assert view.listening_id == 1
    assert [each.key for each in desk.session.classes] == ["1", "2", "3"]
    desk.press("2")
    desk.wait_saved()
    desk.qtbot.waitUntil(lambda: [each.key for each in desk.session.classes] == ["2", None, "3"])
    assert set(class_ids(desk)) == {NO_CLASS}
    desk.workspace.grid.setFocus()
    desk.press("2")
    assert class_ids(desk)[0] == 1


def test_renaming_and_deleting_a_class_can_be_undone(desk: Any) -> None:
    view = desk.workspace.palette_panel.view
    desk.press("1")
    view.setFocus()
    view.setCurrentIndex(view.model().index(0, 0))
    desk.press(Key.Key_F2, on=view)
    editor = desk.workspace.focusWidget()
    editor.selectAll()
    desk.press("flaking", Key.Key_Return, on=editor)
    desk.wait_saved()
    desk.qtbot.waitUntil(lambda: desk.session.classes[0].name == "flaking")
    desk.press(Key.Key_Delete, on=view)
    desk.wait_saved()
    desk.qtbot.waitUntil(lambda: len(desk.session.classes) == 2)
    assert class_ids(desk)[0] == NO_CLASS
    desk.session.undo()
    desk.wait_saved()
    desk.qtbot.waitUntil(lambda: len(desk.session.classes) == 3)
    assert desk.saved_classes() == {"picture_0000.jpg": "flaking"}
    assert class_ids(desk)[0] == 1


def test_filter_chips_search_and_counts_follow(desk: Any) -> None:
    workspace = desk.workspace
    desk.press("1", "1", "2")
    search = workspace.show_list.search
    search.setFocus()
    desk.press("picture_000", Key.Key_Return, on=search)
    assert len(workspace.images.rows) == 10
    view = workspace.show_list.view
    row = view.visualRect(view.model().index(view.model().entries.index(Show.LABELLED), 0))
    QTest.mouseClick(view.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, row.center())
    assert workspace.images.rows.tolist() == [0, 1, 2]
    chips = workspace.filter_bar.chips
    assert [chip.accessibleName() for chip in chips] == ["Filter Labelled, remove", "Filter “picture_000”, remove"]
    QTest.mouseClick(chips[0], LEFT)
    assert len(workspace.images.rows) == 10
    assert [workspace.counts.of(show) for show in (Show.ALL, Show.LABELLED, Show.UNLABELLED)] == [10, 3, 7]
    QTest.mouseClick(workspace.filter_bar.chips[0], LEFT)
    assert [workspace.counts.of(show) for show in (Show.ALL, Show.LABELLED, Show.UNLABELLED)] == [30, 3, 27]
    assert [workspace.counts.of_class(at) for at in (1, 2, 3)] == [2, 1, 0]


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # popups on the offscreen platform
def test_the_menu_of_the_selection_labels_and_shows_the_keys(desk: Any) -> None:
    click(desk, 3)
    click(desk, 4, with_=SHIFT)
    menu = open_image_menu(desk.workspace, desk.workspace.mapToGlobal(QPoint(300, 300)))
    texts = [action.text() for action in menu.actions() if action.text()]
    assert texts[:4] == ["2 images", "rust\t1", "crack\t2", "fine\t3"]
    assert not next(action for action in menu.actions() if action.text().startswith("Accept")).isEnabled()
    menu.actions()[2].trigger()
    menu.close()
    assert class_ids(desk)[2:6] == [0, 2, 2, 0]


def test_another_order_keeps_the_current_picture(desk: Any) -> None:
    desk.suggest(np.full(30, 1), np.linspace(0.1, 0.9, 30))
    click(desk, 5)
    desk.workspace.set_order(Order.MOST_CONFIDENT)
    desk.settle()
    assert desk.workspace.grid.current_position() == 24
    assert desk.session.current_image_id == desk.session.columns.image_ids[5]


def test_without_images_the_page_asks_for_a_folder(open_desk: Callable[[Path | None], Any]) -> None:
    desk = open_desk(None)
    assert desk.workspace.empty.isVisible()
    with desk.qtbot.waitSignal(desk.workspace.add_folder_wanted):
        QTest.mouseClick(desk.workspace.empty.button, LEFT)
    desk.press("x", "?", "/", Key.Key_Backspace, Key.Key_Tab, on=desk.workspace)
    assert not desk.workspace.finder.isVisible()


def test_a_broken_file_shows_as_such_and_the_others_get_their_pictures(
    make_images: Callable[[int], Path], open_desk: Callable[[Path | None], Any]
) -> None:
    folder = make_images(4)
    (folder / "picture_0001.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    desk = open_desk(folder)
    thumbnails, ids = desk.workspace.thumbnails, desk.session.columns.image_ids.tolist()
    desk.qtbot.waitUntil(lambda: all(thumbnails.get(ids[at]) is not None for at in (0, 2, 3)))
    desk.qtbot.waitUntil(lambda: thumbnails.failure(ids[1]) is not None)
    assert desk.session.columns.statuses[1] == ImageStatus.UNREADABLE
    assert desk.workspace.counts.of(Trait.PROBLEM) == 1
    assert "cannot be read" in desk.workspace.grid.model().data(
        desk.workspace.grid.model().index(1, 0), Qt.ItemDataRole.AccessibleTextRole
    )


def test_closing_the_project_leaves_an_empty_workspace_and_no_thread_at_work(desk: Any) -> None:
    desk.press(Key.Key_Return)
    desk.session.close_project()
    assert desk.workspace.empty.isVisible()
    assert desk.workspace.thumbnails._pool._threads == {}
    desk.press("1", "x", on=desk.workspace)
    assert len(desk.session.columns) == 0


def test_a_file_that_was_replaced_shows_its_new_picture_after_a_rescan(desk: Any) -> None:
    thumbnails, image_id = desk.workspace.thumbnails, int(desk.session.columns.image_ids[0])
    desk.qtbot.waitUntil(lambda: thumbnails.get(image_id) is not None)
    file = desk.session.image(image_id).path
    Image.new("RGB", (40, 30), "#ff0000").save(file)

    def is_red() -> bool:
        image = thumbnails.get(image_id)
        return image is not None and image.width() == 40 and image.pixelColor(20, 15).red() > 240

    with desk.qtbot.waitSignal(desk.session.work.scan_ended, timeout=20_000):
        desk.session.rescan()
    desk.qtbot.waitUntil(is_red)


def test_images_that_a_scan_adds_appear_and_leave_the_place_alone(
    make_images: Callable[[int], Path], open_desk: Callable[[Path | None], Any]
) -> None:
    desk = open_desk(None)
    with desk.qtbot.waitSignal(desk.session.work.scan_ended, timeout=20_000):
        desk.session.add_folder(make_images(20))
    desk.qtbot.waitUntil(lambda: len(desk.workspace.images.rows) == 20)
    assert desk.workspace.grid.isVisible()
    desk.workspace.grid.setFocus()
    desk.press(Key.Key_End)
    desk.settle()
    folder = desk.session.image(desk.session.current_image_id).path.parent
    Image.new("RGB", (40, 30), "#00ff00").save(folder / "a_first.png")
    with desk.qtbot.waitSignal(desk.session.work.scan_ended, timeout=20_000):
        desk.session.rescan()
    desk.qtbot.waitUntil(lambda: len(desk.workspace.images.rows) == 21)
    desk.settle()
    assert desk.session.image(desk.session.current_image_id).path.name == "picture_0019.jpg"


def test_nothing_in_the_filter_bar_is_cut_off_at_any_width(desk: Any) -> None:
    workspace, bar = desk.workspace, desk.workspace.filter_bar
    desk.suggest(np.full(30, 2), np.full(30, 0.5))
    workspace.set_filter(
        ImageFilter(Show.SUGGESTED, frozenset({2}), "picture_00", frozenset({Trait.UNSURE, Trait.NOTED}))
    )
    workspace.set_order(Order.MOST_CONFIDENT)
    desk.press("1")
    for width in (1024, 1100, 1300, 1600, 1024):
        workspace.resize(width, 590)
        for _ in ("grid", "viewer"):
            workspace.toggle_viewer()
            desk.settle()
            shown = [each for each in bar.findChildren(QWidget) if each.isVisible() and each.parent() is bar]
            assert len(shown) >= 5
            num_chips = sum(chip.isVisible() for chip in bar.chips)
            assert num_chips >= 1
            assert bar.more_chips.isVisible() == (num_chips < 5)
            for widget in shown:
                needed = min(widget.sizeHint().width(), widget.maximumWidth())
                assert widget.width() >= needed, (width, widget.accessibleName())
                assert bar.rect().contains(widget.geometry()), (width, widget.accessibleName())


def test_photographs_of_a_turned_camera_stand_upright_in_grid_and_viewer_and_in_full_when_zoomed(
    shared_data: Path, tmp_path: Path, open_desk: Callable[[Path | None], Any]
) -> None:
    folder = tmp_path / "photographs"
    folder.mkdir()
    for file in sorted((shared_data / "highres_exif" / "coins_mixed").glob("*.jpg"))[:6]:
        shutil.copy(file, folder)
    desk = open_desk(folder)
    columns, workspace = desk.session.columns, desk.workspace
    sizes = list(zip(columns.image_ids.tolist(), columns.widths_px.tolist(), columns.heights_px.tolist(), strict=True))
    assert any(height > width for _, width, height in sizes)
    desk.qtbot.waitUntil(
        lambda: all(workspace.thumbnails.get(each) is not None for each, _, _ in sizes), timeout=20_000
    )
    for image_id, width, height in sizes:
        thumbnail = workspace.thumbnails.get(image_id)
        assert thumbnail.width() / thumbnail.height() == pytest.approx(width / height, rel=0.02)
    desk.press(Key.Key_Return)
    canvas = workspace.viewer.canvas
    image_id, width, height = sizes[0]
    side = canvas.rest_side_px(width, height)
    assert 0 < side < max(width, height)
    desk.qtbot.waitUntil(lambda: workspace.screens.get(image_id, side) is not None, timeout=20_000)
    screen = workspace.screens.get(image_id, side).image
    assert max(screen.width(), screen.height()) == side
    assert workspace.screens.get(image_id, 0) is None
    QTest.mouseDClick(canvas, LEFT)
    desk.qtbot.waitUntil(lambda: workspace.screens.get(image_id, 0) is not None, timeout=20_000)
    assert workspace.screens.get(image_id, 0).image.width() == width
