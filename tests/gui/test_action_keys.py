"""Keys of the menus that the user changed: which may be theirs, who has them, and that they hold everywhere at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QHelpEvent, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QToolTip

from engine.settings import Settings, load_settings, save_settings
from gui.action_keys import (
    PORTABLE,
    changeable,
    checked,
    given,
    holder_of,
    key_of,
    portable,
    sequences_of,
    why_not,
)
from gui.action_table import ACTIONS
from gui.dialogs.shortcuts import menu_keys
from gui.panels.workspace_keys import WORKSPACE_KEYS

IDS = [spec.id for spec in changeable()]
KEYS = [spec.shortcut for spec in changeable() if spec.shortcut] + ["F9", "Ctrl+Alt+R", "Alt+7", "Ctrl+Y", ""]


def test_every_standard_key_is_one_that_could_be_chosen() -> None:
    for spec in changeable():
        if spec.shortcut:
            assert not why_not(spec.shortcut), spec.id
            assert portable(QKeySequence.fromString(spec.shortcut, PORTABLE)) == spec.shortcut
    assert checked({}) == {}


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("R", "classes and views"),
        ("5", "classes and views"),
        ("Shift+V", "classes and views"),
        ("Space", "moves, chooses and edits"),
        ("Ctrl+Left", "moves, chooses and edits"),
        ("Ctrl+Return", "moves, chooses and edits"),
        ("Ctrl+L", "Take out of the list"),
        ("Ctrl+A", "Select all"),
        ("F6", "next part of the window"),
        ("F7", "Change the colour"),
        ("Alt+F", "opens a menu"),
        ("Alt+F4", "system"),
        ("Ctrl+C", "text is typed"),
        ("Ctrl+K, Ctrl+B", "no key"),
        ("Ctrl", "no key"),
        ("Nonsense", "no key"),
        ("", "no key"),
    ],
)
def test_a_key_that_others_need_is_refused_with_the_reason(key: str, why: str) -> None:
    assert why in why_not(key)


@pytest.mark.parametrize("key", ["Ctrl+Alt+R", "F9", "Shift+F9", "Alt+5", "Ctrl+3", "Ctrl+Shift+Y", "Meta+R"])
def test_other_keys_are_free(key: str) -> None:
    assert why_not(key) == ""


def test_no_key_of_a_workspace_can_be_taken() -> None:
    for spec in WORKSPACE_KEYS:
        for key in spec.keys:
            assert why_not(portable(QKeySequence.fromString(key, PORTABLE))), key


@settings(max_examples=150, deadline=None)
@for_all(st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from(KEYS)), max_size=12))
def test_whatever_is_given_to_whom_no_key_has_two_actions_and_the_last_wish_holds(
    wishes: list[tuple[str, str]],
) -> None:
    keys: dict[str, str] = {}
    for action_id, key in wishes:
        keys = given(keys, action_id, key)
        assert checked(keys) == keys
        spec = next(each for each in ACTIONS if each.id == action_id)
        assert key_of(spec, keys) == key
        held = [each.toString(PORTABLE) for one in changeable() for each in sequences_of(one, keys)]
        assert len(held) == len(set(held))


@settings(max_examples=150, deadline=None)
@for_all(st.dictionaries(st.sampled_from([*IDS, "gone"]), st.sampled_from([*KEYS, "R", "Ctrl+L", "Tab", "Bad+"])))
def test_settings_that_were_tampered_with_never_make_a_key_ambiguous(found: dict[str, str]) -> None:
    held = checked(found)
    keys = [key_of(spec, held) for spec in ACTIONS if key_of(spec, held)]
    assert len(keys) == len(set(keys))
    assert not any(why_not(held[spec.id]) for spec in changeable() if held.get(spec.id))


def test_back_to_the_standard_leaves_nothing_in_the_settings() -> None:
    keys = given({}, "retrain", "F9")
    assert keys == {"retrain": "F9"}
    assert given(keys, "retrain", "Ctrl+R") == {}
    keys = given({}, "retrain", "Ctrl+E")
    assert keys == {"retrain": "Ctrl+E", "export": ""}
    holder = holder_of("Ctrl+E", keys)
    assert holder is not None
    assert holder.id == "retrain"


@pytest.mark.qt_log_ignore("This plugin does not support raise")
def test_a_changed_key_works_at_once_in_menu_bar_sheet_and_tooltips(room: Any, tmp_path: Path, qtbot: Any) -> None:
    room.create(tmp_path / "project")
    window = room.window
    assert window.model_bar.retrain_button.shortcut_text == "Ctrl+R"
    keys = given(given({}, "shortcuts", "F9"), "training", "Ctrl+Alt+T")
    window.commands.use_keys(given(keys, "retrain", ""))
    assert load_settings().keys == {"shortcuts": "F9", "training": "Ctrl+Alt+T", "retrain": ""}
    assert window.action_set["shortcuts"].shortcut().toString() == "F9"
    assert window.action_set["retrain"].shortcuts() == []
    assert window.model_bar.retrain_button.shortcut_text == ""
    listed = dict(menu_keys(load_settings().keys))
    assert listed["F9"] == "Keyboard shortcuts"
    assert "F1" not in listed
    assert "Ctrl+R" not in listed
    QTest.keyClick(window, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
    room.wait_for(lambda: window.training_drawer.isVisible())
    button = window.model_bar.training_button
    assert "(Ctrl+Shift+R)" in button.toolTip()
    QApplication.sendEvent(button, QHelpEvent(QHelpEvent.Type.ToolTip, QPoint(4, 4), button.mapToGlobal(QPoint(4, 4))))
    room.wait_for(lambda: QToolTip.text().endswith("(Ctrl+Alt+T)"))
    QToolTip.hideText()
    window.commands.use_keys({})
    assert window.action_set["retrain"].shortcut().toString() == "Ctrl+R"
    assert window.model_bar.retrain_button.shortcut_text == "Ctrl+R"
    assert load_settings() == Settings(recent_projects=load_settings().recent_projects)


def test_of_the_settings_those_keys_hold_that_may() -> None:
    save_settings(Settings(keys={"retrain": "F9", "export": "Ctrl+L", "gone": "F8"}))
    from gui.preferences import Preferences

    assert checked(Preferences().keys) == {"retrain": "F9"}


def test_closing_works_in_use_with_a_project_and_without_one_leaves_it(room: Any, tmp_path: Path) -> None:
    room.create(tmp_path / "project")
    room.window.show_use()
    room.press(Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)
    room.wait_for(lambda: room.session.project is None)
    room.window.show_use()
    assert room.window.is_using
    room.press(Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)
    room.wait_for(lambda: not room.window.is_using)


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_a_context_menu_names_the_key_in_force(room: Any, qtbot: Any) -> None:
    room.window.commands.use_keys({"split_class": "F9", "note": ""})
    menu = QMenu(room.window)
    split = menu.addAction("New class from the selection…\tCtrl+Shift+N")
    note = menu.addAction("Note…\tCtrl+T")
    undo = menu.addAction("Undo\tCtrl+Z")
    menu.popup(QPoint(10, 10))
    assert split.text() == "New class from the selection…\tF9"
    assert note.text() == "Note…"
    assert undo.text() == "Undo\tCtrl+Z"
    menu.close()
    room.window.commands.use_keys({})
