"""The page of stacks by keys and mouse: naming, setting aside, joining, splitting, taking back, coming and going."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QFontMetrics, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from engine.domain import LabelMode, Mark, Source
from engine.errors import TrainingError
from engine.suggestions.clusters import Stacks
from gui.models.arrangement import Arrangement
from gui.panels.stack_faces import CLEAR
from gui.panels.stack_menu import open_stack_menu
from gui.panels.stacks_offer import FEWEST
from gui.panels.stacks_page import StacksPage
from gui.panels.stacks_words import rest_words
from gui.stacks import StackState

from .conftest import Desk

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
SIZES, NUM_ODD = (5, 4, 3), 1
"""Three stacks; the last picture of each is an odd one out."""


def put_stacks(desk: Desk, sizes: tuple[int, ...] = SIZES) -> StacksPage:
    """Puts the images into stacks as the engine does, in their order, and opens the page."""
    stacks = desk.session.stacks
    ids = desk.session.columns.image_ids[: sum(sizes)].copy()
    points = np.repeat(np.arange(len(sizes)), sizes)[:, None] + np.linspace(0, 0.1, len(ids))[:, None]
    found = Stacks(
        rows=ids,
        starts=np.cumsum([0, *sizes]).astype(np.int64),
        num_typical=np.array(sizes, np.int64) - NUM_ODD,
        points=points.astype(np.float16),
        neighbours=np.zeros((len(ids), 10), np.int64),
        clearnesses=np.ones(len(sizes), np.float32),
    )
    stacks.state = StackState.READY
    stacks._show(Arrangement.of(found))
    desk.workspace.pages.show_stacks()
    desk.qtbot.wait(5)
    return desk.workspace.pages.stacks


@pytest.fixture
def desk(open_desk: Callable[[Path | None], Desk], make_images: Callable[[int], Path]) -> Desk:
    made = open_desk(make_images(sum(SIZES)))
    made.add_classes("round", "square")
    return made


def names_of(desk: Desk) -> list[int]:
    return desk.session.columns.class_ids.tolist()


def test_a_class_key_names_the_stack_without_its_odd_ones_and_the_next_stack_comes(desk: Desk) -> None:
    page = put_stacks(desk)
    round_id = desk.session.classes[0].id
    desk.press("1")
    assert names_of(desk) == [round_id] * 4 + [0] * 8
    assert desk.session.stacks.num_open == 2
    assert page.view.current_stack == 0
    assert desk.session.stacks.stack(0).image_ids.tolist() == desk.session.columns.image_ids[5:9].tolist()
    assert desk.session.stacks.left_over_ids.tolist() == desk.session.columns.image_ids[4:5].tolist()
    desk.press("2")
    desk.wait_saved()
    assert len(desk.saved_classes()) == 7


@pytest.mark.parametrize("key", [Qt.Key.Key_1, Qt.Key.Key_Return])
def test_a_key_that_is_held_down_names_one_stack(desk: Desk, key: Qt.Key) -> None:
    page = put_stacks(desk)
    desk.suggest(np.full(12, desk.session.classes[0].id), np.full(12, 0.9))
    send_key(page.view, key, at_ms=1_000)
    for at in range(5):  # as X11 does it: each repeat is a release and a press of the same moment
        QApplication.sendEvent(page.view, key_event(QEvent.Type.KeyRelease, key, 1_500 + 30 * at))
        desk.qtbot.wait(40)  # longer than a release is waited with: a busy machine
        send_key(page.view, key, at_ms=1_500 + 30 * at)
    assert desk.session.stacks.num_open == 2
    QApplication.sendEvent(page.view, key_event(QEvent.Type.KeyRelease, key, 1_800))
    send_key(page.view, key, at_ms=2_500)
    assert desk.session.stacks.num_open == 1


def key_event(kind: QEvent.Type, key: Qt.Key, at_ms: int) -> QKeyEvent:
    event = QKeyEvent(kind, key, Qt.KeyboardModifier.NoModifier, chr(key) if key < 128 else "\r")
    event.setTimestamp(at_ms)
    return event


def send_key(view: QWidget, key: Qt.Key, at_ms: int) -> None:
    """A press as the window system delivers it: whoever has a shortcut for it may take it first."""
    QApplication.sendEvent(view, key_event(QEvent.Type.ShortcutOverride, key, at_ms))
    if key == Qt.Key.Key_1:
        shortcuts = view.window().findChildren(QShortcut)
        next(each for each in shortcuts if each.key() == QKeySequence("1") and each.isEnabled()).activated.emit()
    else:
        QApplication.sendEvent(view, key_event(QEvent.Type.KeyPress, key, at_ms))


def test_naming_is_one_step_of_undo_and_the_stack_comes_back_and_is_current(desk: Desk) -> None:
    page = put_stacks(desk)
    desk.press(Qt.Key.Key_Down)
    desk.press("2")
    desk.wait_saved()
    desk.press(Qt.Key.Key_Down)
    desk.session.undo()
    desk.wait_saved()
    desk.qtbot.waitUntil(lambda: desk.session.stacks.num_open == 3)
    assert page.view.current_stack == 1
    assert not any(names_of(desk))


def test_space_and_clicks_set_pictures_aside_and_take_them_in_and_naming_heeds_that(desk: Desk) -> None:
    page, ids = put_stacks(desk), desk.session.columns.image_ids
    desk.press(Qt.Key.Key_Right, Qt.Key.Key_Space)
    odd = page.view.stack_layout.rect(4).center()
    QTest.mouseClick(page.view.viewport(), Qt.MouseButton.LeftButton, pos=odd)
    assert desk.session.stacks.stack(0).named_ids.tolist() == ids[[0, 2, 3, 4]].tolist()
    desk.press("1")
    assert np.flatnonzero(desk.session.columns.class_ids).tolist() == [0, 2, 3, 4]


def test_ctrl_a_takes_the_odd_ones_in(desk: Desk) -> None:
    put_stacks(desk)
    desk.press(Qt.Key.Key_A, with_=CTRL)
    desk.press("1")
    assert np.flatnonzero(desk.session.columns.class_ids).tolist() == [0, 1, 2, 3, 4]


def test_arrows_go_between_stacks_and_pictures_and_the_details_follow(desk: Desk) -> None:
    page, ids = put_stacks(desk), desk.session.columns.image_ids
    desk.press(Qt.Key.Key_Down, Qt.Key.Key_Right)
    assert (page.view.current_stack, page.view.current_position()) == (1, 6)
    desk.qtbot.waitUntil(lambda: desk.session.current_image_id == ids[6])
    desk.press(Qt.Key.Key_End)
    assert page.view.current_position() == 9
    desk.press(Qt.Key.Key_Left)
    assert page.view.current_stack == 1
    desk.press(Qt.Key.Key_Tab)
    assert page.view.current_stack == 2


def test_a_typed_name_makes_a_class_of_the_stack_in_one_step(desk: Desk) -> None:
    put_stacks(desk)
    desk.press(Qt.Key.Key_Return)
    finder = desk.workspace.finder
    assert finder.isVisible()
    assert finder.title.text() == "Name 4 images"
    QTest.keyClicks(finder.field, "oval")
    QTest.keyClick(finder.field, Qt.Key.Key_Return)
    desk.qtbot.waitUntil(lambda: desk.session.stacks.num_open == 2)
    desk.wait_saved()
    assert sorted(desk.saved_classes().values()) == ["oval"] * 4
    assert desk.workspace.pages.stacks.view.hasFocus()
    desk.session.undo()
    desk.wait_saved()
    desk.qtbot.waitUntil(lambda: len(desk.session.classes) == 2)
    assert desk.saved_classes() == {}


def test_joined_and_split_stacks_are_taken_back_by_ctrl_z_before_any_label_is(desk: Desk) -> None:
    page, stacks = put_stacks(desk), desk.session.stacks
    desk.press("1")
    desk.wait_saved()
    before = [stack.image_ids.tolist() for stack in stacks.stacks]
    desk.press(Qt.Key.Key_J, with_=CTRL)
    assert stacks.num_open == 1
    assert len(stacks.stack(0).image_ids) == 7
    desk.press(Qt.Key.Key_J, with_=CTRL | SHIFT)
    assert stacks.num_open == 2
    assert page.take_back()
    assert page.take_back()
    assert [stack.image_ids.tolist() for stack in stacks.stacks] == before
    assert not page.take_back(), "what comes now is a label, and the store's to undo"


def test_several_stacks_are_selected_and_named_or_joined_together(desk: Desk) -> None:
    page, stacks = put_stacks(desk), desk.session.stacks
    desk.press(Qt.Key.Key_Down, with_=SHIFT)
    assert page.view.selected_stacks == [0, 1]
    assert page.find_title() == "Name 2 stacks, 7 images"
    head = page.view.stack_layout.head(2).center()
    QTest.mouseClick(page.view.viewport(), Qt.MouseButton.LeftButton, CTRL, head)
    assert page.view.selected_stacks == [0, 1, 2]
    desk.press(Qt.Key.Key_J, with_=CTRL)
    assert stacks.num_open == 1
    assert page.view.selected_stacks == [0]
    assert page.take_back()
    desk.press(Qt.Key.Key_Home)
    desk.press(Qt.Key.Key_Down, with_=SHIFT)
    desk.press("1")
    assert np.count_nonzero(desk.session.columns.class_ids) == 7
    assert stacks.num_open == 1


def test_a_new_model_and_labels_given_elsewhere_never_move_the_stacks_that_are_left(desk: Desk) -> None:
    page, stacks, columns = put_stacks(desk), desk.session.stacks, desk.session.columns
    desk.press(Qt.Key.Key_Down)
    before = [stack.image_ids.tolist() for stack in stacks.stacks]
    desk.suggest(np.full(len(columns), desk.session.classes[1].id), np.linspace(0.5, 1, len(columns)))
    assert [stack.image_ids.tolist() for stack in stacks.stacks] == before
    assert page.view.current_stack == 1
    desk.session.label(columns.image_ids[[0, 10]], desk.session.classes[0].id)
    assert [len(stack.image_ids) for stack in stacks.stacks] == [4, 4, 2]
    assert page.view.current_stack == 1


def test_what_the_model_says_of_most_of_a_stack_stands_on_it_and_enter_takes_it(desk: Desk) -> None:
    page, columns = put_stacks(desk), desk.session.columns
    first, second = (each.id for each in desk.session.classes)
    desk.suggest(np.array([second, second, second, first, 0, first, second, 0, 0, 0, 0, 0]), np.full(len(columns), 0.9))
    suggested = desk.session.stacks.suggestion(0)
    assert suggested is not None
    assert (suggested.item.id, suggested.num_agreeing, suggested.num_named) == (second, 3, 4)
    assert suggested.confidence == pytest.approx(0.9)
    assert desk.session.stacks.suggestion(1) is None, "of three one is said to be each class, and one nothing"
    assert page.faces.other(3, page.faces.at(3)) == ("round", desk.session.classes[0].color)
    assert page.faces.other(0, page.faces.at(0)) is None
    assert page.faces.head(0).num_others == 1
    desk.press(Qt.Key.Key_Return)
    desk.wait_saved()
    assert names_of(desk)[:5] == [second] * 4 + [0]
    assert desk.session.project is not None
    history = desk.session.project.history(int(columns.image_ids[0]))
    assert history[-1].source is Source.SUGGESTION


def test_x_skips_the_stack_and_question_mark_marks_the_picture(desk: Desk) -> None:
    put_stacks(desk)
    desk.press("?")
    desk.press(Qt.Key.Key_Down)
    desk.press("x")
    marks = desk.session.columns.marks
    assert np.flatnonzero(marks & Mark.UNSURE).tolist() == [0]
    assert np.flatnonzero(marks & Mark.SKIPPED).tolist() == [5, 6, 7]
    assert desk.session.stacks.num_open == 2


def test_a_stack_opens_in_the_grid_and_a_picture_alone_and_the_stacks_wait(desk: Desk) -> None:
    page, workspace, ids = put_stacks(desk), desk.workspace, desk.session.columns.image_ids
    desk.press(Qt.Key.Key_Down, Qt.Key.Key_Right)
    desk.press(Qt.Key.Key_Return, with_=CTRL)
    assert workspace.page is None
    assert workspace.images.image_ids().tolist() == ids[5:9].tolist()
    assert workspace.grid.current_position() == 1
    workspace.pages.show_stacks()
    assert page.view.current_position() == 6
    point = page.view.stack_layout.rect(0).center() - QPoint(0, page.view.verticalOffset())
    QTest.mouseClick(page.view.viewport(), Qt.MouseButton.LeftButton, pos=point)
    QTest.mouseDClick(page.view.viewport(), Qt.MouseButton.LeftButton, pos=point)
    assert workspace.is_viewing
    assert workspace.images.image_ids().tolist() == ids[:5].tolist()
    assert not desk.session.stacks.stack(0).is_aside[0], "the first half of a double click sets nothing aside"


def test_escape_and_a_filter_lead_back_to_the_images_and_class_keys_mean_them_again(desk: Desk) -> None:
    put_stacks(desk)
    workspace = desk.workspace
    desk.press(Qt.Key.Key_Escape)
    assert workspace.page is None
    assert workspace.filter_bar.isVisible()
    assert workspace.grid.hasFocus()
    desk.press("1")
    assert np.count_nonzero(desk.session.columns.class_ids) == 1
    workspace.pages.show_stacks()
    assert not workspace.filter_bar.isVisible()
    workspace.show_list.text_changed.emit("picture")
    assert workspace.page is None


@pytest.mark.parametrize("key", ["v", "h", "x", " ", "?"])
def test_no_key_reaches_the_images_behind_the_page(desk: Desk, key: str) -> None:
    put_stacks(desk)
    desk.press(Qt.Key.Key_End)  # the page looks at the last stack, the grid behind it still at the first image
    desk.press(key)
    desk.press(Qt.Key.Key_Backspace)
    assert not desk.session.columns.marks[0]
    assert not any(names_of(desk))
    assert not desk.workspace.is_viewing


def test_the_single_image_of_the_menu_shows_the_stack_and_brings_the_filter_bar_back(desk: Desk) -> None:
    put_stacks(desk)
    desk.workspace.next_unlabelled()
    assert desk.workspace.pages.stacks.view.current_stack == 1
    desk.workspace.toggle_viewer()
    assert desk.workspace.images.image_ids().tolist() == desk.session.columns.image_ids[5:9].tolist()
    assert desk.workspace.filter_bar.isVisible()


def test_a_class_clicked_in_the_palette_names_the_stack(desk: Desk) -> None:
    put_stacks(desk)
    desk.workspace.palette_panel.label_wanted.emit(desk.session.classes[1].id)
    assert np.count_nonzero(desk.session.columns.class_ids == desk.session.classes[1].id) == 4
    desk.workspace.palette_panel.label_taken_back.emit()
    desk.wait_saved()
    desk.qtbot.waitUntil(lambda: not any(names_of(desk)))


def test_when_all_are_named_the_page_says_what_is_left_and_what_can_be_done(desk: Desk) -> None:
    page = put_stacks(desk)
    desk.press("1", "2", "1")
    assert page.empty.accessibleName() == "All stacks are named 3 images were set aside on the way."
    assert page.empty.button.text() == "New stacks of the rest"
    desk.session.label(desk.session.stacks.left_over_ids, desk.session.classes[0].id)
    assert "Every image has a class" in page.empty.accessibleName()
    assert [hint.key for hint in page.hints()[0]] == ["Enter", "Esc"]
    desk.press(Qt.Key.Key_Return)
    assert desk.workspace.page is None


def test_images_that_are_in_no_stack_are_not_kept_quiet_about(desk: Desk) -> None:
    put_stacks(desk, (5, 4))
    assert rest_words(desk.session) == "7 images to name · 2 set aside · 3 in no stack yet"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (StackState.WAITING, "Looking at your images first"),
        (StackState.STACKING, "Putting look-alikes together"),
        (StackState.STOPPED, "No stacks were made"),
        (StackState.FAILED, "Nothing was looked at."),
    ],
)
def test_without_stacks_the_page_says_how_far_it_is(desk: Desk, state: StackState, words: str) -> None:
    stacks, page = desk.session.stacks, desk.workspace.pages.stacks
    desk.workspace.pages.open(page)
    stacks.cancel()
    stacks.error = TrainingError("Nothing was looked at.", "Look.") if state is StackState.FAILED else None
    stacks._set_state(state)
    assert words in page.empty.accessibleName()
    assert page.head.ask_button.accessibleName() == ("Stop" if stacks.is_asking else "New stacks")
    desk.press(Qt.Key.Key_Escape)
    assert desk.workspace.page is None


def test_where_images_have_several_classes_a_stack_gets_one_more_and_enter_asks_for_it(desk: Desk) -> None:
    desk.session.set_label_mode(LabelMode.SEVERAL)
    desk.qtbot.waitUntil(lambda: desk.session.has_several_classes)
    desk.wait_saved()
    desk.qtbot.waitUntil(lambda: not desk.session.is_reloading)
    put_stacks(desk)
    desk.press(Qt.Key.Key_Return)
    assert desk.workspace.finder.isVisible()
    desk.press(Qt.Key.Key_Escape)
    desk.press("2")
    assert np.count_nonzero(desk.session.columns.class_bits[:, 0] & np.uint64(1 << desk.session.classes[1].id)) == 4
    assert desk.session.stacks.num_open == 2


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_the_menu_of_a_stack_names_and_arranges_it(desk: Desk) -> None:
    page = put_stacks(desk)
    menu = open_stack_menu(page, QPoint(10, 10))
    assert menu is not None
    texts = [action.text().split("\t")[0] for action in menu.actions() if action.text()]
    assert texts[:3] == ["Name 4 images", "round", "square"]
    assert "Split in two" in texts
    menu.actions()[2].trigger()
    menu.close()
    assert desk.session.stacks.num_open == 2


def test_the_offer_to_begin_with_look_alikes_goes_with_the_first_label(
    open_desk: Callable[[Path | None], Desk], make_images: Callable[[int], Path]
) -> None:
    desk = open_desk(make_images(FEWEST))
    desk.add_classes("round")
    offer = desk.workspace.offer
    assert offer.isVisible()
    desk.press("1")
    assert not offer.isVisible()
    desk.wait_saved()
    desk.session.undo()
    desk.wait_saved()
    desk.qtbot.waitUntil(lambda: not any(names_of(desk)))
    assert not offer.isVisible(), "it does not come and go under the user's hands"


def test_few_images_are_labelled_one_by_one_without_an_offer(desk: Desk) -> None:
    assert not desk.workspace.offer.isVisible()


def test_later_puts_a_stack_at_the_end_and_goes_on_by_key_and_by_button_and_can_be_taken_back(desk: Desk) -> None:
    page = put_stacks(desk)
    first, second, third = (each.image_ids.tolist() for each in desk.session.stacks.stacks)

    def order() -> list[list[int]]:
        return [each.image_ids.tolist() for each in desk.session.stacks.stacks]

    desk.press(Qt.Key.Key_End, with_=CTRL)
    assert order() == [second, third, first]
    assert page.view.current_stack == 0
    QTest.mouseClick(page.bar.later_button, Qt.MouseButton.LeftButton)
    assert order() == [third, first, second]
    assert names_of(desk) == [0] * sum(SIZES)
    assert desk.session.stacks.undo_text == "put off"
    assert page.take_back()
    assert order() == [second, third, first]
    page.view.go_to_stack(2)
    assert not page.bar.later_button.isEnabled()


def test_a_stack_that_runs_into_others_or_that_the_model_takes_for_several_classes_says_so(desk: Desk) -> None:
    page = put_stacks(desk)
    clear = np.array([CLEAR, CLEAR - 0.01, 1.0], np.float32)
    page.model.stacks = replace(page.model.stacks, clearnesses=clear)
    assert [page.faces.head(at).note for at in range(3)] == ["", "Much like other stacks: look closely", ""]
    predicted = np.array([1, 1, 2, 2, 1] + [1] * 4 + [2, 2, 1])
    desk.suggest(predicted, np.full(sum(SIZES), 0.9))
    page.model.stacks = replace(page.model.stacks, clearnesses=clear)
    page.faces.forget()
    several = "The model sees several classes: look closely"
    assert [page.faces.head(at).note for at in range(3)] == [several, "", ""]
    desk.suggest(np.array([1, 1, 1, 2, 1] + [1] * 4 + [2, 2, 1]), np.full(sum(SIZES), 0.9))
    page.faces.forget()
    assert page.faces.head(0).note == ""  # it is suggested, and says beside it how many differ
    assert page.faces.head(0).num_others == 1


def test_the_empty_field_for_a_name_says_what_to_type_and_not_that_nothing_was_found(
    open_desk: Callable[[Path | None], Desk], make_images: Callable[[int], Path]
) -> None:
    desk = open_desk(make_images(sum(SIZES)))
    page = put_stacks(desk)
    QTest.mouseClick(page.bar.name_button, Qt.MouseButton.LeftButton)
    finder = desk.workspace.finder
    assert finder.isVisible()
    assert finder.more.text() == "Type a name: it becomes a class"
    desk.press("rust")
    assert finder.more.isHidden()


def test_what_is_left_is_never_cut_in_a_word(desk: Desk) -> None:
    page = put_stacks(desk)
    label = page.head._rest
    label.setText("394 images to name · 6 set aside · 3 in no stack yet")
    shown = {label._shown(QFontMetrics(label.font())) for px in range(160, 600) if label.resize(px, 20) is None}
    assert shown == {
        "394 images to name", "394 images to name · 6 set aside", "394 images to name · 6 set aside · 3 in no stack yet"
    }  # fmt: skip
