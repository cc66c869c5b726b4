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
from gui.models.image_filter import ImageFilter, Order, Show
from gui.panels.held_key import HOLD_MS

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


def suggest_sets(desk: Any, sets: list[list[int]], confidences: list[float]) -> None:
    """Suggests a set of classes for each image, as a finished training does."""
    columns = desk.session.columns
    desk.suggest(np.array([each[0] if each else 0 for each in sets]), np.array(confidences))
    columns.predicted_bits[:, 0] = [sum(1 << class_id for class_id in each) for each in sets]
    desk.session.rows_changed.emit(np.arange(len(columns)))


def marks(desk: Any) -> list[int]:
    return desk.session.project.columns().marks.tolist()


def hint(desk: Any) -> str:
    return desk.workspace.footer.hints.accessibleDescription()


def test_space_gives_all_suggested_classes_confirms_and_goes_on_in_one_step(desk: Any) -> None:
    suggest_sets(desk, [[1, 3], [2], []] + [[1]] * 9, [0.9] * 12)
    desk.press("2", Key.Key_Space, Key.Key_Space, Key.Key_Space)
    assert classes(desk, 4) == [[1, 2, 3], [2], [], []]
    assert desk.workspace.grid.current_position() == 3
    assert saved(desk, 4) == [[1, 2, 3], [2], [], []]
    assert marks(desk)[:4] == [Mark.CONFIRMED] * 3 + [0]
    assert desk.session.facts is not None
    for expected in ([[1, 2, 3], [2], []], [[1, 2, 3], [], []], [[2], [], []]):
        desk.session.undo()
        desk.wait_saved()
        assert saved(desk, 3) == expected
    assert marks(desk)[:3] == [0, 0, 0]


def test_space_does_nothing_where_an_image_is_confirmed(desk: Any) -> None:
    suggest_sets(desk, [[3]] * 12, [0.9] * 12)
    desk.press(Key.Key_Return, Key.Key_Left, Key.Key_Space)
    assert saved(desk, 1) == [[]]


def test_suggestions_of_a_model_for_one_class_do_not_say_that_there_are_no_others(desk: Any, monkeypatch: Any) -> None:
    suggest_sets(desk, [[3]] * 12, [0.99] * 12)
    monkeypatch.setattr(type(desk.session), "suggests_whole_sets", property(lambda _session: False))
    desk.press("1", Key.Key_Space)
    assert saved(desk, 2) == [[1, 3], []]
    assert marks(desk)[0] == 0
    assert desk.workspace.grid.current_position() == 0
    desk.press(Key.Key_Space, with_=SHIFT)
    assert saved(desk, 3)[2] == []


def test_shift_space_takes_whole_sets_that_are_sure_and_not_those_the_user_gave_another_class(desk: Any) -> None:
    suggest_sets(desk, [[1, 2], [], [3], [1], [2]] + [[1]] * 7, [0.97, 0.99, 0.6, 0.98, 0.96] + [0.2] * 7)
    desk.press(Key.Key_Right, Key.Key_Right, Key.Key_Right, "2", Key.Key_Right, "2", Key.Key_Home)
    desk.press(Key.Key_Space, with_=SHIFT)
    assert saved(desk, 5) == [[1, 2], [], [], [2], [2]]
    assert marks(desk)[:5] == [Mark.CONFIRMED, Mark.CONFIRMED, 0, 0, Mark.CONFIRMED]
    assert desk.workspace.grid.current_position() == 0
    desk.session.undo()
    assert saved(desk, 5) == [[], [], [], [2], [2]]
    assert marks(desk)[:5] == [0] * 5


def test_cards_show_what_is_given_filled_and_what_is_suggested_besides_as_ghosts(desk: Any) -> None:
    suggest_sets(desk, [[1, 3], [], [2, 3]] + [[1]] * 9, [0.6, 0.8, 0.7] + [0.5] * 9)
    desk.press("3")
    faces = desk.workspace.faces
    assert [chip[::2] for chip in faces.at(0).chips] == [("rain", False), ("car", True)]
    assert [chip[::2] for chip in faces.at(1).chips] == [("none of them", True)]
    assert [chip[::2] for chip in faces.at(2).chips] == [("tree", True), ("rain", True)]
    assert faces.at(2).confidence == pytest.approx(0.7)
    desk.press(Key.Key_Return)
    assert [chip[::2] for chip in faces.at(0).chips] == [("rain", False)]
    image_list = desk.workspace.images
    assert image_list.describe(1) == "suggested none of the classes 80%"
    assert image_list.describe(2) == "suggested tree and rain 70%"


def test_filters_and_orders_look_at_every_suggested_class(desk: Any) -> None:
    suggest_sets(desk, [[1, 3], [2], []] + [[2]] * 8 + [[1]], np.linspace(0.2, 0.9, 12).tolist())
    image_list = desk.workspace.images
    desk.workspace.set_filter(ImageFilter(Show.SUGGESTED, class_ids=frozenset({3})))
    assert image_list.rows.tolist() == [0]
    desk.workspace.set_filter(ImageFilter(Show.SUGGESTED))
    assert len(image_list.rows) == 12  # that there is none is suggested too
    desk.workspace.set_order(Order.LEAST_CONFIDENT)
    assert image_list.rows.tolist() == list(range(12))
    desk.workspace.set_order(Order.MOST_CONFIDENT)
    assert image_list.rows.tolist() == list(reversed(range(12)))


def test_click_on_one_suggested_class_gives_that_one_alone(desk: Any) -> None:
    suggest_sets(desk, [[1, 3]] * 12, [0.9] * 12)
    desk.settle()
    panel = desk.workspace.details.classes
    assert [chip.text() for chip in panel.chips] == ["car", "rain"]
    QTest.mouseClick(panel.chips[1], Qt.MouseButton.LeftButton)
    assert saved(desk, 1) == [[3]]
    assert marks(desk)[0] == 0
    assert [chip.text() for chip in panel.chips] == ["rain", "car"]


def test_hints_say_that_space_confirms(desk: Any) -> None:
    suggest_sets(desk, [[1, 3], [2], []] + [[1]] * 9, [0.9] * 12)
    desk.qtbot.waitUntil(lambda: "Space: accept the 2 suggested and confirm" in hint(desk))
    desk.press(Key.Key_Right)
    desk.qtbot.waitUntil(lambda: "Space: confirm with tree" in hint(desk))
    desk.press(Key.Key_Right)
    desk.qtbot.waitUntil(lambda: "Space: confirm, as suggested" in hint(desk))


def test_retrain_waits_for_a_confirmed_image(desk: Any) -> None:
    desk.press("1", Key.Key_Right, "2")
    assert "Confirm some images" in desk.session.why_no_retrain()
    desk.press(Key.Key_Return)
    assert "Confirm some images" not in desk.session.why_no_retrain()


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
