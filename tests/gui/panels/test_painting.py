"""Holding a class key and moving with the arrows; tapping it; the switch that says whether a label moves on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from engine.domain import NO_CLASS
from gui.panels.held_key import HOLD_MS

Key = Qt.Key


@pytest.fixture
def desk(make_images: Callable[[int], Path], open_desk: Callable[[Path | None], Any]) -> Any:
    """Thirty pictures and three classes with the keys 1, 2, 3."""
    made = open_desk(make_images(30))
    made.add_classes("rust", "crack", "fine")
    return made


def hold(desk: Any, key: Key) -> None:
    """Presses a key and keeps it down for long enough to paint."""
    QTest.keyPress(desk.workspace.window().focusWidget(), key)
    desk.qtbot.wait(HOLD_MS + 60)


def let_go(desk: Any, key: Key) -> None:
    QTest.keyRelease(desk.workspace.window().focusWidget(), key)


def class_ids(desk: Any) -> list[int]:
    return desk.session.columns.class_ids.tolist()


def test_arrows_paint_while_a_class_key_is_down_and_all_of_it_is_one_step(desk: Any) -> None:
    columns = desk.workspace.grid._layout.num_columns
    hold(desk, Key.Key_2)
    desk.press(Key.Key_Right, Key.Key_Right, Key.Key_Down)
    let_go(desk, Key.Key_2)
    painted = [0, 1, 2, 2 + columns]
    assert [at for at, class_id in enumerate(class_ids(desk)) if class_id == 2] == painted
    assert desk.workspace.grid.current_position() == 2 + columns
    desk.press(Key.Key_Right)  # let go: an arrow only moves
    desk.wait_saved()
    assert class_ids(desk).count(2) == 4
    assert desk.saved_classes() == {f"picture_{at:04}.jpg": "crack" for at in painted}
    desk.session.undo()
    desk.wait_saved()
    assert class_ids(desk) == [NO_CLASS] * 30
    desk.session.redo()
    desk.wait_saved()
    assert class_ids(desk).count(2) == 4


def test_painting_works_in_the_single_image_too(desk: Any) -> None:
    desk.press(Key.Key_Return)
    hold(desk, Key.Key_1)
    desk.press(Key.Key_Right, Key.Key_Right, Key.Key_Left)
    let_go(desk, Key.Key_1)
    assert class_ids(desk)[:4] == [1, 1, 1, NO_CLASS]
    assert desk.workspace.grid.current_position() == 1


def test_a_key_that_is_down_a_moment_longer_than_the_next_is_a_tap_and_paints_nothing(desk: Any) -> None:
    QTest.keyPress(desk.workspace.grid, Key.Key_1)
    desk.press(Key.Key_Right)  # fast hands press the next key before they let go of the last one
    QTest.keyRelease(desk.workspace.grid, Key.Key_1)
    assert class_ids(desk)[:3] == [1, NO_CLASS, NO_CLASS]
    assert desk.workspace.grid.current_position() == 2


def test_two_taps_are_two_steps(desk: Any) -> None:
    desk.press("1", "1")
    desk.session.undo()
    desk.wait_saved()
    assert class_ids(desk)[:2] == [1, NO_CLASS]


def test_a_key_held_down_labels_one_image_and_not_one_after_the_other(desk: Any) -> None:
    grid = desk.workspace.grid
    hold(desk, Key.Key_1)
    for _ in range(5):  # what the system sends while a key is down
        QApplication.sendEvent(grid, _repeated(Key.Key_1, "1"))
    let_go(desk, Key.Key_1)
    assert class_ids(desk)[:3] == [1, NO_CLASS, NO_CLASS]


def test_another_class_key_while_one_is_down_labels_with_the_other(desk: Any) -> None:
    hold(desk, Key.Key_1)
    desk.press(Key.Key_Right)
    desk.press("3")
    desk.press(Key.Key_Right)
    assert class_ids(desk)[:4] == [1, 3, NO_CLASS, NO_CLASS]


def test_the_hint_line_says_that_the_arrows_paint(desk: Any) -> None:
    hold(desk, Key.Key_3)
    desk.qtbot.waitUntil(
        lambda: "every image that the arrows reach gets fine" in desk.workspace.footer.hints.accessibleDescription()
    )
    assert desk.workspace.footer.hints.accessibleDescription().startswith("Painting: fine")
    let_go(desk, Key.Key_3)
    desk.qtbot.waitUntil(lambda: "arrows reach" not in desk.workspace.footer.hints.accessibleDescription())


def test_buttons_four_and_five_of_the_mouse_label(desk: Any) -> None:
    desk.session.set_class_key(2, "mouse4")
    desk.wait_saved()
    desk.qtbot.waitUntil(lambda: desk.session.classes[1].key == "mouse4")
    for view in (desk.workspace.grid.viewport(), desk.workspace.viewer.canvas):
        _press_button(view, Qt.MouseButton.BackButton)
        _press_button(view, Qt.MouseButton.ForwardButton)  # no class has it
    assert class_ids(desk)[:3] == [2, 2, NO_CLASS]


def test_the_switch_in_the_workspace_keeps_a_label_on_its_image(desk: Any) -> None:
    switch = desk.workspace.footer.auto_advance
    assert switch.words == "Moves on by itself"
    QTest.mouseClick(switch, Qt.MouseButton.LeftButton)
    assert switch.words == "Stays on the image"
    desk.press("1", "2", on=desk.workspace.grid)
    assert class_ids(desk)[:2] == [2, NO_CLASS]
    hold(desk, Key.Key_3)
    desk.press(Key.Key_Right)
    let_go(desk, Key.Key_3)
    assert class_ids(desk)[:3] == [3, 3, NO_CLASS]


def test_a_class_key_that_is_pressed_while_a_folder_has_the_keyboard_labels_once_and_never_paints(desk: Any) -> None:
    folders, grid = desk.workspace.folders, desk.workspace.grid
    folders.setFocus()
    QTest.keyPress(folders, Key.Key_1)
    desk.qtbot.wait(HOLD_MS + 60)
    assert "arrows reach" not in desk.workspace.footer.hints.accessibleDescription()
    grid.setFocus()  # the key is let go of where nobody sees it
    desk.press(Key.Key_Right, Key.Key_Right, on=grid)
    assert class_ids(desk) == [1] + [NO_CLASS] * 29


def test_a_release_that_another_widget_gets_ends_the_painting(desk: Any) -> None:
    hold(desk, Key.Key_1)
    desk.press(Key.Key_Right)
    QTest.keyRelease(desk.workspace.folders, Key.Key_1)
    desk.press(Key.Key_Right, on=desk.workspace.grid)
    assert class_ids(desk)[:4] == [1, 1, NO_CLASS, NO_CLASS]


@pytest.mark.parametrize("what", ["folder", "picture", "other window", "dialog", "page", "other key"])
def test_painting_whose_release_was_lost_ends_with_whatever_happens_next(desk: Any, what: str) -> None:
    workspace, grid = desk.workspace, desk.workspace.grid
    hold(desk, Key.Key_1)
    desk.press(Key.Key_Right)
    if what == "folder":
        QTest.mouseClick(workspace.folders.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(60, 10))
        QTest.mouseClick(workspace.folders.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(60, 10))
    elif what == "picture":
        QTest.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=grid._layout.rect(4).center())
    elif what == "other window":
        QApplication.sendEvent(workspace.window(), QEvent(QEvent.Type.WindowDeactivate))
    elif what == "dialog":
        QApplication.sendEvent(workspace.window(), QEvent(QEvent.Type.WindowBlocked))
    elif what == "page":
        workspace.pages.show_stacks()
        workspace.pages.close()
    else:
        desk.press(Key.Key_Home, on=grid)
    grid.setFocus()
    desk.press(Key.Key_Right, Key.Key_Right, Key.Key_Right, on=grid)
    assert class_ids(desk).count(1) == 2


def test_painting_whose_release_was_lost_ends_by_itself(desk: Any) -> None:
    hold(desk, Key.Key_1)
    desk.qtbot.waitUntil(lambda: "arrows reach" in desk.workspace.footer.hints.accessibleDescription())
    desk.qtbot.waitUntil(lambda: "arrows reach" not in desk.workspace.footer.hints.accessibleDescription())
    desk.press(Key.Key_Right, Key.Key_Right)
    assert class_ids(desk).count(1) == 1


def test_a_button_of_the_mouse_never_begins_to_paint(desk: Any) -> None:
    desk.session.set_class_key(2, "mouse4")
    desk.wait_saved()
    desk.qtbot.waitUntil(lambda: desk.session.classes[1].key == "mouse4")
    _press_button(desk.workspace.grid.viewport(), Qt.MouseButton.BackButton)
    desk.qtbot.wait(HOLD_MS + 60)
    desk.press(Key.Key_Right, Key.Key_Right)
    assert class_ids(desk).count(2) == 1


def _repeated(key: Key, text: str) -> Any:
    return QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier, text, True)


def _press_button(view: Any, button: Qt.MouseButton) -> None:
    where = QPointF(view.rect().center())
    event = QMouseEvent(
        QMouseEvent.Type.MouseButtonPress, where, view.mapToGlobal(QPoint(5, 5)), button, button,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(view, event)
