"""What the window says of its keys: the sheet, the first-run layer, tooltips; and the list of steps to go back to."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QLineEdit,
    QMenuBar,
    QPlainTextEdit,
    QWidget,
)

from engine.domain import NO_CLASS, LabelMode
from engine.store.classes import RESERVED_KEYS
from gui.action_table import ACTIONS
from gui.dialogs.new_project import NewProjectDialog
from gui.dialogs.shortcuts import ShortcutsDialog, menu_keys
from gui.dialogs.undo_history import UndoHistoryDialog
from gui.panels.class_keys import RESERVED
from gui.panels.first_keys import FIRST_KEYS, FirstKeysLayer
from gui.panels.workspace_keys import WORKSPACE_KEYS, Scope, keys_for
from gui.widgets.key_label import KeyLabel

Key = Qt.Key


@pytest.fixture
def filled(room: Any, tiny_images: Path, tmp_path: Path) -> Any:
    """A project with twelve images and two classes."""
    room.create(tmp_path / "project")
    room.import_folder(tiny_images)
    room.add_classes("round", "square")
    room.window.workspace.grid.setFocus()
    return room


def test_every_shortcut_of_the_workspace_and_of_the_menus_is_on_the_sheet(filled: Any) -> None:
    session = filled.session
    sheet = ShortcutsDialog(session.classes, session.label_mode, filled.window)
    caps = {label.accessibleName() for label in sheet.findChildren(KeyLabel)}
    listed = {key for cap in caps for key in (cap, *cap.split(", "))}
    bound = {shortcut.key() for shortcut in filled.window.workspace.findChildren(QShortcut) if shortcut.isEnabled()}
    named = {QKeySequence(key) for spec in keys_for(session.label_mode) for key in spec.keys}
    named |= {QKeySequence((each.key or "").upper()) for each in session.classes}
    assert bound <= named
    assert {spec.label for spec in keys_for(session.label_mode)} <= listed
    assert {key for key, _ in menu_keys()} <= listed
    assert {"1", "2"} <= listed
    sheet.deleteLater()


def test_no_two_keys_of_the_tables_are_the_same(qapp: QApplication) -> None:
    for mode in LabelMode:
        keys = [key for spec in keys_for(mode) for key in spec.keys]
        keys += [spec.shortcut for spec in ACTIONS if spec.shortcut and spec.has_own_key]
        counts = Counter(QKeySequence(key).toString() for key in keys)
        assert [key for key, count in counts.items() if count > 1] == []


def test_keys_that_mean_something_by_themselves_cannot_become_class_keys(qapp: QApplication) -> None:
    single = {key.lower() for spec in WORKSPACE_KEYS for key in spec.keys if len(key) == 1}
    assert single | set(RESERVED_KEYS) <= set(RESERVED)


def test_every_key_of_the_table_has_a_handler_or_is_said_to_be_the_views(filled: Any) -> None:
    for spec in WORKSPACE_KEYS:
        assert bool(spec.keys) == (spec.scope is not Scope.VIEW), spec.id


def test_the_sheet_opens_with_f1_and_names_the_projects_classes(filled: Any) -> None:
    filled.press(Key.Key_F1)
    sheet = filled.dialog(ShortcutsDialog)
    texts = [label.text() for label in sheet.findChildren(QWidget) if hasattr(label, "text")]  # type: ignore[attr-defined]
    assert {"round", "square"} <= set(texts)
    sheet.close()


def test_the_first_keys_are_shown_once_and_again_from_the_help_menu(
    room: Any, tiny_images: Path, tmp_path: Path
) -> None:
    room.session.preferences._window.remove("hints/first_keys_seen")
    room.create(tmp_path / "project")
    assert room.window.findChildren(FirstKeysLayer) == []  # nothing to label yet
    room.import_folder(tiny_images)
    room.wait_for(lambda: room.window.findChildren(FirstKeysLayer))
    (layer,) = room.window.findChildren(FirstKeysLayer)
    assert len(FIRST_KEYS[LabelMode.ONE]) == len(FIRST_KEYS[LabelMode.SEVERAL]) == 6
    room.wait_for(layer.hasFocus)
    room.press(Key.Key_Escape)
    room.wait_for(lambda: not room.window.findChildren(FirstKeysLayer))
    assert room.window.workspace.grid.hasFocus()
    room.session.reload()
    room.wait_for(lambda: not room.session.is_reloading)
    room.qtbot.wait(50)
    assert room.window.findChildren(FirstKeysLayer) == []
    room.window.action_set["first_keys"].trigger()
    assert len(room.window.findChildren(FirstKeysLayer)) == 1


def test_a_class_key_labels_right_through_the_first_keys(filled: Any) -> None:
    filled.window.commands.show_first_keys()
    filled.press(Key.Key_1)
    assert filled.session.columns.class_ids.tolist()[:2] == [1, NO_CLASS]
    filled.wait_for(lambda: not filled.window.findChildren(FirstKeysLayer))
    assert filled.window.workspace.grid.hasFocus()


def test_any_point_of_the_undo_history_can_be_gone_to_and_come_back_from(filled: Any) -> None:
    session = filled.session
    for key in (Key.Key_1, Key.Key_2, Key.Key_1):
        filled.press(key)
    filled.press(Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
    dialog = filled.dialog(UndoHistoryDialog)
    filled.wait_for(lambda: dialog.list.count())
    texts = [dialog.list.item(at).text() for at in range(dialog.list.count())]
    assert texts[-3:] == ["Add class square", "Add class round", "The beginning"]
    assert len(texts) == 6
    assert not dialog.go_button.isEnabled()
    dialog.list.setCurrentRow(2)
    assert dialog.go_button.text() == "Undo 2 steps"
    QTest.keyClick(dialog.list, Key.Key_Return)
    filled.wait_for(lambda: session.num_unsaved == 0)
    assert session.columns.class_ids.tolist()[:3] == [1, NO_CLASS, NO_CLASS]
    filled.window.commands.show_undo_history()
    dialog = filled.dialog(UndoHistoryDialog)
    filled.wait_for(lambda: dialog.list.count())
    dialog.list.setCurrentRow(0)
    assert dialog.go_button.text() == "Redo 2 steps"
    filled.click(dialog.go_button)
    filled.wait_for(lambda: session.num_unsaved == 0)
    assert session.columns.class_ids.tolist()[:3] == [1, 2, 1]


def test_a_project_with_several_classes_per_image_is_chosen_when_it_is_made(
    room: Any, tiny_images: Path, tmp_path: Path
) -> None:
    room.window.commands.new_project_from(tiny_images)
    dialog = room.dialog(NewProjectDialog)
    dialog.place_field.setText(str(tmp_path / "made"))
    assert dialog.plan().label_mode is LabelMode.ONE
    dialog.several_button.click()
    dialog.create_button.click()
    room.wait_for(lambda: room.session.has_several_classes and len(room.session.columns) == 12)
    assert room.window.action_set["label_mode"].isChecked()
    room.window.action_set["label_mode"].trigger()
    room.wait_for(lambda: not room.session.has_several_classes)


def test_a_note_that_is_being_written_is_saved_when_the_window_closes(filled: Any) -> None:
    filled.press(Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    note = filled.window.workspace.details.note
    assert note.hasFocus()
    QTest.keyClicks(note, "look again")
    project = filled.session.project
    noted: list[str] = []
    image_id = filled.session.current_image_id
    filled.session.project_closing.connect(lambda: noted.append(project.note(image_id)))
    filled.window.close()
    filled.wait_for(lambda: filled.session.project is None or not filled.window.isVisible())
    filled.session.close_project()
    assert noted == ["look again"]


def test_everything_that_can_be_pressed_or_typed_into_has_a_name_and_says_what_it_does(filled: Any) -> None:
    filled.press(Key.Key_1)
    filled.window.workspace.open_viewer()
    filled.window.workspace.close_viewer()
    kinds = (QAbstractButton, QLineEdit, QPlainTextEdit, QAbstractItemView)
    controls = [
        each
        for kind in kinds
        for each in filled.window.findChildren(kind)
        # Qt's own: the icon inside a line edit, the arrow at the end of a menu bar.
        if each.isVisibleTo(filled.window) and not isinstance(each.parent(), QLineEdit | QMenuBar)
    ]
    assert len(controls) > 12
    for control in controls:
        assert control.accessibleName() or getattr(control, "text", str)(), control
    for button in [each for each in controls if isinstance(each, QAbstractButton)]:
        assert button.toolTip() or button.text(), button
