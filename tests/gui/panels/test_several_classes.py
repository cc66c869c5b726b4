"""Projects in which an image may have several classes: keys toggle, Enter confirms and goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from engine.domain import LabelMode, Mark
from gui.columns import class_ids_at
from gui.panels.painting import HOLD_MS

Key = Qt.Key
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def desk(make_images: Callable[[int], Path], open_desk: Callable[[Path | None], Any]) -> Any:
    """Twelve pictures, three classes with the keys 1, 2, 3, several of them per image."""
    made = open_desk(make_images(12))
    made.add_classes("car", "tree", "rain")
    made.session.set_label_mode(LabelMode.SEVERAL)
    made.wait_saved()
    made.qtbot.waitUntil(lambda: made.session.has_several_classes and not made.session.is_reloading)
    return made


def classes(desk: Any, count: int = 12) -> list[list[int]]:
    return [class_ids_at(desk.session.columns, row) for row in range(count)]


def saved(desk: Any, count: int = 12) -> list[list[int]]:
    desk.wait_saved()
    columns = desk.session.project.columns()
    return [class_ids_at(columns, row) for row in range(count)]


def test_keys_give_and_take_and_enter_confirms_and_goes_on(desk: Any) -> None:
    desk.press("1", "3", "2", "3", Key.Key_Return)
    desk.press("2", Key.Key_Return, Key.Key_Return)
    assert classes(desk, 4) == [[1, 2], [2], [], []]
    assert saved(desk, 4) == [[1, 2], [2], [], []]
    marks = desk.session.project.columns().marks.tolist()
    assert [mark == Mark.CONFIRMED for mark in marks[:4]] == [True, True, True, False]
    assert desk.workspace.grid.current_position() == 3
    assert desk.workspace.grid.isVisible()
    for _ in range(3):
        desk.session.undo()
    desk.wait_saved()
    assert classes(desk, 3) == [[1, 2], [], []]


def test_on_a_selection_a_key_is_given_to_all_unless_all_have_it(desk: Any) -> None:
    desk.press("2", Key.Key_Home)
    desk.press(Key.Key_Right, Key.Key_Right, with_=SHIFT)
    desk.press("2")
    assert classes(desk, 4) == [[2], [2], [2], []]
    desk.press("1", "2")
    assert classes(desk, 4) == [[1], [1], [1], []]
    assert saved(desk, 4) == [[1], [1], [1], []]
    desk.session.undo()
    desk.wait_saved()
    assert classes(desk, 4) == [[1, 2]] * 3 + [[]]


def test_tab_goes_to_what_has_no_class_and_is_not_confirmed(desk: Any) -> None:
    desk.press("1", Key.Key_Right, Key.Key_Return)  # 0 has a class, 1 is confirmed to have none
    desk.press(Key.Key_Home, Key.Key_Tab)
    assert desk.workspace.grid.current_position() == 2


def test_space_adds_the_suggestion_and_stays_until_it_is_confirmed(desk: Any) -> None:
    desk.suggest(np.full(12, 3), np.full(12, 0.9))
    desk.press("1", Key.Key_Space)
    assert classes(desk, 2) == [[1, 3], []]
    assert desk.workspace.grid.current_position() == 0
    desk.press(Key.Key_Return, Key.Key_Return)
    desk.press(Key.Key_Left, Key.Key_Space)  # confirmed to have none: no suggestion is open there
    assert saved(desk, 3) == [[1, 3], [], []]


def test_painting_gives_and_a_second_time_takes(desk: Any) -> None:
    grid = desk.workspace.grid
    for expected in ([[2]] * 3 + [[]], [[]] * 4):
        desk.press(Key.Key_Home)
        QTest.keyPress(grid, Key.Key_2)
        desk.qtbot.wait(HOLD_MS + 60)
        desk.press(Key.Key_Right, Key.Key_Right)
        QTest.keyRelease(grid, Key.Key_2)
        assert saved(desk, 4) == expected
    desk.session.undo()
    desk.wait_saved()
    assert classes(desk, 4) == [[2]] * 3 + [[]]


def test_backspace_takes_everything_away_and_the_confirmation_too(desk: Any) -> None:
    desk.press("1", "2", Key.Key_Return, Key.Key_Left, Key.Key_Backspace)
    assert saved(desk, 1) == [[]]
    assert desk.session.project.columns().marks[0] == Mark.NONE
    assert desk.session.columns.marks[0] == Mark.NONE


def test_details_show_every_class_and_a_click_on_one_takes_it_away(desk: Any) -> None:
    desk.press("1", "2", "3")
    desk.settle()
    panel = desk.workspace.details.classes
    assert [chip.text() for chip in panel.chips] == ["car", "tree", "rain"]
    assert panel._state.text() == "Not confirmed yet (Enter)"
    QTest.mouseClick(panel.chips[1], Qt.MouseButton.LeftButton)
    assert classes(desk, 1) == [[1, 3]]
    assert [chip.text() for chip in panel.chips] == ["car", "rain"]
    desk.press(Key.Key_Return, Key.Key_Left, on=desk.workspace.grid)
    desk.settle()
    assert panel._state.text() == "Confirmed"


def test_counts_of_the_palette_count_every_class_of_an_image(desk: Any) -> None:
    desk.press("1", "2", Key.Key_Return, "2", Key.Key_Return)
    assert [desk.workspace.counts.of_class(at) for at in (1, 2, 3)] == [1, 2, 0]


def test_the_single_image_is_a_double_click_or_ctrl_enter_away(desk: Any) -> None:
    desk.press(Key.Key_Return, with_=CTRL)
    assert desk.workspace.is_viewing
    desk.press("1", Key.Key_Return)
    assert desk.workspace.is_viewing  # Enter confirms here too
    assert desk.workspace.grid.current_position() == 1
    desk.press(Key.Key_Escape)
    assert not desk.workspace.is_viewing


def test_hints_speak_of_confirming(desk: Any) -> None:
    desk.press("1")
    desk.qtbot.waitUntil(lambda: "Enter: confirm and go on" in desk.workspace.footer.hints.accessibleDescription())


def test_going_back_to_one_class_is_refused_while_images_have_two_and_undone_otherwise(desk: Any) -> None:
    errors: list[Any] = []
    desk.session.error_raised.connect(errors.append)
    desk.press("1", "2")
    desk.session.set_label_mode(LabelMode.ONE)
    desk.wait_saved()
    assert "more than one class" in str(errors[0])
    assert desk.session.has_several_classes
    desk.press("2")
    desk.session.set_label_mode(LabelMode.ONE)
    desk.wait_saved()
    desk.qtbot.waitUntil(lambda: not desk.session.has_several_classes)
    desk.press("3")
    assert desk.session.columns.class_ids.tolist()[:2] == [3, 0]
    desk.session.undo()
    desk.session.undo()
    desk.wait_saved()
    desk.qtbot.waitUntil(lambda: desk.session.has_several_classes and not desk.session.is_reloading)
    assert classes(desk, 1) == [[1]]
