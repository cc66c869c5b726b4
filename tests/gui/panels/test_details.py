"""The details of an image: its note, its history with a way back, its class."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from engine.domain import NO_CLASS, HistoryEntry, Source
from gui.panels.history_list import HistoryRow

Key = Qt.Key
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def desk(make_images: Callable[[int], Path], open_desk: Callable[[Path | None], Any]) -> Any:
    """Six pictures and three classes with the keys 1, 2, 3."""
    made = open_desk(make_images(6))
    made.add_classes("rust", "crack", "fine")
    return made


def write_note(desk: Any, text: str, end: Key = Key.Key_Return) -> None:
    desk.workspace.details.edit_note()
    field = desk.workspace.details.note
    assert field.hasFocus()
    desk.press(text, end, on=field)


def note(desk: Any, row: int) -> str:
    desk.wait_saved()
    return str(desk.session.project.note(int(desk.session.columns.image_ids[row])))


def go_to(desk: Any, row: int) -> None:
    desk.workspace.grid.go_to(row)
    desk.settle()


def test_a_note_is_saved_when_it_is_left_marked_on_its_image_and_undone_like_a_label(desk: Any) -> None:
    write_note(desk, "edge is 1 mm off")
    assert desk.workspace.grid.hasFocus()
    assert note(desk, 0) == "edge is 1 mm off"
    assert desk.session.columns.noted.tolist() == [True] + [False] * 5
    assert desk.session.columns.class_ids.tolist() == [NO_CLASS] * 6  # the 1 was text, not a label
    desk.session.undo()
    desk.wait_saved()
    assert not desk.session.columns.noted.any()
    desk.qtbot.waitUntil(lambda: desk.workspace.details.note.toPlainText() == "")


def test_a_note_belongs_to_the_image_it_was_begun_on(desk: Any) -> None:
    desk.workspace.details.edit_note()
    desk.press("mine", on=desk.workspace.details.note)
    grid = desk.workspace.grid
    QTest.mouseClick(grid.viewport(), LEFT, pos=grid.visualRect(grid.model().index(3, 0)).center())
    desk.settle()
    assert note(desk, 0) == "mine"
    assert desk.workspace.details.note.toPlainText() == ""
    assert desk.session.columns.noted.tolist() == [True] + [False] * 5
    go_to(desk, 0)
    desk.qtbot.waitUntil(lambda: desk.workspace.details.note.toPlainText() == "mine")


def test_escape_forgets_what_was_typed_and_shift_enter_begins_a_line(desk: Any) -> None:
    write_note(desk, "one")
    desk.wait_saved()
    desk.workspace.details.edit_note()
    field = desk.workspace.details.note
    desk.qtbot.waitUntil(lambda: not field.isReadOnly())
    QTest.keyClicks(field, " more")
    desk.press(Key.Key_Escape, on=field)
    assert note(desk, 0) == "one"
    desk.workspace.details.edit_note()
    field.moveCursor(field.textCursor().MoveOperation.End)
    QTest.keyClick(field, Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    desk.press("two", Key.Key_Return, on=field)
    assert note(desk, 0) == "one\ntwo"


def test_a_note_that_is_emptied_is_gone(desk: Any) -> None:
    write_note(desk, "x")
    desk.wait_saved()
    desk.workspace.details.edit_note()
    field = desk.workspace.details.note
    desk.qtbot.waitUntil(lambda: not field.isReadOnly())
    field.selectAll()
    desk.press(Key.Key_Delete, Key.Key_Return, on=field)
    assert note(desk, 0) == ""
    assert not desk.session.columns.noted.any()


def test_a_click_in_the_history_goes_back_to_what_the_image_was_as_a_step_of_its_own(desk: Any) -> None:
    for key in ("1", "2", "3"):
        desk.press(key)
        go_to(desk, 0)
    desk.wait_saved()
    history = desk.workspace.details.history
    desk.qtbot.waitUntil(lambda: len(history.rows) == 3)
    assert [row.accessibleName().split(",")[0] for row in history.rows] == [
        "changed from crack to fine", "changed from rust to crack", "labelled rust",
    ]  # fmt: skip
    assert [row.isEnabled() for row in history.rows] == [False, True, True]
    QTest.mouseClick(history.rows[2], LEFT)
    desk.wait_saved()
    assert desk.session.columns.class_ids[0] == 1
    desk.qtbot.waitUntil(lambda: len(history.rows) == 4)
    desk.session.undo()
    desk.wait_saved()
    assert desk.session.columns.class_ids[0] == 3


def test_a_long_history_is_short_at_first(desk: Any) -> None:
    desk.session.set_auto_advance(False)
    for key in "12121212":
        desk.press(key)
    desk.wait_saved()
    history = desk.workspace.details.history
    desk.qtbot.waitUntil(lambda: history._more.text() == "2 older")
    assert len(history.rows) == 6
    QTest.mouseClick(history._more, LEFT)
    assert len(history.rows) == 8


def test_a_line_of_the_history_that_is_too_long_takes_a_second_line(qtbot: Any) -> None:
    text = "Klasse Loch fehlt (rückgängig gemacht)"
    row = HistoryRow(HistoryEntry(time.time(), Source.HUMAN, "", text), is_now=True, can_go_back=True)
    qtbot.addWidget(row)
    row.resize(600, row.sizeHint().height())
    row.show()
    one_line = row.height()
    row.resize(222, row.height())
    qtbot.waitUntil(lambda: row.height() > one_line)
    row.resize(600, row.height())
    qtbot.waitUntil(lambda: row.height() == one_line)


def test_the_chip_of_the_class_takes_it_away(desk: Any) -> None:
    desk.press("2")
    go_to(desk, 0)
    (chip,) = desk.workspace.details.classes.chips
    assert chip.text() == "crack"
    QTest.mouseClick(chip, LEFT)
    desk.wait_saved()
    assert desk.session.columns.class_ids[0] == NO_CLASS
    assert desk.workspace.details.classes.chips == []


def test_f6_goes_through_the_panes_and_shift_f6_back(desk: Any) -> None:
    workspace = desk.workspace
    panes = [workspace.grid, workspace.details.note, workspace.palette_panel.view, workspace.show_list.view]
    panes[0].setFocus()
    for pane in [*panes[1:], panes[0]]:
        desk.press(Key.Key_F6)
        assert pane.hasFocus()
    desk.press(Key.Key_F6, with_=Qt.KeyboardModifier.ShiftModifier)
    assert panes[-1].hasFocus()
