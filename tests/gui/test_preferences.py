"""The preferences, section by section, through keys and clicks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QTreeWidgetItem

from engine.language import LANGUAGES
from engine.project.backups import back_up
from engine.settings import load_settings
from gui.dialogs.preferences import PreferencesDialog
from gui.preferences import Preferences

CTRL, ALT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier


class Answers:
    """Stands in for the system's questions."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.answer = 0

    def __call__(self, _parent: object, title: str, text: str, choices: list[str]) -> int:
        self.asked.append((title, text))
        return self.answer


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    made = Answers()
    monkeypatch.setattr("gui.dialogs.ask.ask_choice", made)
    return made


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Twelve small pictures."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(12):
        Image.new("RGB", (24, 24), (20 * number, 90, 200)).save(folder / f"{number:02}.png")
    return folder


def opened(room: Any, section: str = "") -> PreferencesDialog:
    room.window.commands.show_preferences()
    dialog = room.dialog(PreferencesDialog)
    if section:
        dialog.show_section(section)
    return dialog


def settle(room: Any) -> None:
    """Waits until all images were looked at and nothing more has been computed for a while."""
    features = room.session.project.cache_dir / "features"
    quiet = 0

    def is_settled() -> bool:
        nonlocal quiet
        is_quiet = not room.session.work.is_busy and any(features.glob("starter*.rows"))
        quiet = quiet + 1 if is_quiet else 0
        return quiet > 60  # asked every 10 ms

    room.wait_for(is_settled, 60_000)


def row_of(dialog: PreferencesDialog, text: str) -> QTreeWidgetItem:
    listed = [dialog.keys.list.topLevelItem(at) for at in range(dialog.keys.list.topLevelItemCount())]
    return next(each for each in listed if each.text(0) == text)


# ---- the dialog


def test_it_opens_on_the_section_that_was_looked_at_last(room: Any) -> None:
    dialog = opened(room)
    assert dialog.pages.currentIndex() == 0
    assert dialog.focusWidget() is dialog.sections
    QTest.keyClick(dialog.sections, Qt.Key.Key_Down)
    QTest.keyClick(dialog.sections, Qt.Key.Key_Down)
    assert dialog.pages.currentIndex() == 2
    dialog.accept()
    assert Preferences().preferences_section == "computing"
    dialog = opened(room)
    assert dialog.sections.currentRow() == dialog.pages.currentIndex() == 2
    dialog.accept()


def test_every_section_fits_the_smallest_window_and_every_control_has_a_name(room: Any, tmp_path: Path) -> None:
    room.create(tmp_path / "project")
    room.window.resize(1024, 680)
    dialog = opened(room)
    assert dialog.width() <= 1024
    assert dialog.height() <= 680
    for at in range(dialog.sections.count()):
        dialog.sections.setCurrentRow(at)
        page = dialog.pages.currentWidget()
        assert page.minimumSizeHint().width() <= dialog.pages.width()
        for kind in (QAbstractButton, QComboBox, QLineEdit):
            for control in page.findChildren(kind):
                if control.isVisible() and control.objectName() != "qt_keysequenceedit_lineedit":
                    has_name = control.accessibleName() or getattr(control, "text", lambda: "")()
                    assert has_name or type(control).__name__ == "QToolButton", control
    dialog.accept()


def test_enter_in_a_list_or_field_does_not_close_it(room: Any) -> None:
    dialog = opened(room, "keys")
    dialog.keys.search.setFocus()
    QTest.keyClick(dialog.keys.search, Qt.Key.Key_Return)
    QTest.keyClick(dialog.sections, Qt.Key.Key_Return)
    assert dialog.isVisible()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_what_is_being_measured_does_not_miss_a_dialog_that_was_closed_at_once(room: Any, tmp_path: Path) -> None:
    room.create(tmp_path / "project")
    opened(room, "storage").accept()
    done: list[None] = []
    room.session.read_in_background(lambda: None, done.append)
    room.wait_for(lambda: done)


# ---- general and computing


def test_theme_language_and_labelling_are_kept(room: Any) -> None:
    room.session.preferences.set_theme("dark")
    dialog = opened(room, "general")
    general, preferences = dialog.general, room.session.preferences
    was_on = preferences.has_auto_advance
    general.auto_advance.click()
    assert preferences.has_auto_advance is not was_on
    general.themes.chosen.emit("light")
    assert Preferences().theme == "light"
    assert [general.languages.itemData(at) for at in range(general.languages.count())] == ["system", *LANGUAGES]
    assert general.language_note.text() == "Holds from the next start on."
    general.languages.setFocus()
    QTest.keyClick(general.languages, Qt.Key.Key_End)
    general.languages.activated.emit(general.languages.currentIndex())
    assert load_settings().language == "de"
    assert "it speaks Deutsch then" in general.language_note.text()
    dialog.accept()


def test_cores_are_kept(room: Any) -> None:
    dialog = opened(room, "computing")
    dialog.computing.threads.setCurrentIndex(1)
    assert Preferences().num_threads == 1
    dialog.accept()


def test_without_a_graphics_card_nothing_is_started_to_look_for_one(room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRAFT_DEVICE", raising=False)
    monkeypatch.setattr("engine.nn.device.may_have_gpu", lambda: False)
    monkeypatch.setattr(room.session.bridge, "submit", None)
    dialog = opened(room, "computing")
    assert "No graphics card" in dialog.computing.device_note.text()
    devices = dialog.computing.devices
    assert [devices.itemData(at) for at in range(devices.count())] == ["auto", "cpu"]
    dialog.accept()


def test_graphics_cards_are_found_by_the_worker_and_one_is_chosen_for_all_projects(
    room: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GRAFT_DEVICE", raising=False)
    monkeypatch.setattr("engine.nn.device.may_have_gpu", lambda: True)
    monkeypatch.setattr("engine.tasks.find_devices.FindDevices.in_worker", False)
    cards = {"cuda:0": "One GPU", "cuda:1": "Another GPU"}
    monkeypatch.setattr("engine.tasks.find_devices.FindDevices.work", staticmethod(lambda _none, _context: cards))
    dialog = opened(room, "computing")
    devices = dialog.computing.devices
    room.wait_for(lambda: devices.count() == 4)
    assert devices.itemText(3) == "Another GPU"
    devices.setCurrentIndex(3)
    devices.activated.emit(3)
    assert load_settings().device == "cuda:1"
    assert room.session.training.device == "cuda:1"
    dialog.accept()


def test_the_real_worker_says_what_networks_can_run_on(room: Any) -> None:
    from engine.tasks.find_devices import FindDevices

    ends: list[Any] = []
    room.session.bridge.submit(FindDevices(), on_end=ends.append)
    room.wait_for(lambda: ends, 120_000)
    assert isinstance(ends[0].result, dict)


def test_a_device_that_is_not_here_is_named_and_the_environment_comes_first(
    room: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.nn.device.may_have_gpu", lambda: False)
    room.session.preferences.set_device("cuda:7")
    monkeypatch.setenv("GRAFT_DEVICE", "cpu")
    dialog = opened(room, "computing")
    assert dialog.computing.devices.currentText() == "cuda:7 (not found here)"
    assert not dialog.computing.devices.isEnabled()
    dialog.accept()


# ---- keys


def press_new_key(dialog: PreferencesDialog, key: Qt.Key, modifiers: Qt.KeyboardModifier) -> None:
    QTest.keyClick(dialog.keys.field, key, modifiers)


def test_a_key_is_changed_by_searching_and_pressing_it(room: Any, answers: Answers) -> None:
    dialog = opened(room, "keys")
    keys = dialog.keys
    keys.search.setFocus()
    QTest.keyClicks(keys.search, "retrain")
    assert row_of(dialog, "Undo").isHidden()
    assert row_of(dialog, "Menu Edit").isHidden()
    assert keys.chosen_name.text() == "Retrain"
    QTest.keyClick(keys.search, Qt.Key.Key_Return)
    assert keys.field.isAncestorOf(dialog.focusWidget()) or dialog.focusWidget() is keys.field
    press_new_key(dialog, Qt.Key.Key_R, CTRL | ALT)
    room.wait_for(lambda: load_settings().keys == {"retrain": "Ctrl+Alt+R"})
    row = row_of(dialog, "Retrain")
    assert (row.text(1), row.text(2)) == ("Ctrl+Alt+R", "instead of Ctrl+R")
    assert room.window.action_set["retrain"].shortcut().toString() == "Ctrl+Alt+R"
    assert "has Ctrl+Alt+R now" in keys.news.text()
    assert not answers.asked
    room.click(keys.standard_button)
    assert load_settings().keys == {}
    assert row.text(2) == ""
    dialog.accept()


def test_a_key_that_is_taken_is_asked_about_once(room: Any, answers: Answers) -> None:
    dialog = opened(room, "keys")
    dialog.keys.list.setCurrentItem(row_of(dialog, "Retrain"))
    answers.answer = 1  # cancel
    dialog.keys.field.setFocus()
    press_new_key(dialog, Qt.Key.Key_E, CTRL)
    room.wait_for(lambda: len(answers.asked) == 1)
    assert answers.asked[0][0] == "“Export model” has Ctrl+E"
    assert load_settings().keys == {}
    assert dialog.keys.field.keySequence().toString() == "Ctrl+R"
    answers.answer = 0
    press_new_key(dialog, Qt.Key.Key_E, CTRL)
    room.wait_for(lambda: load_settings().keys == {"retrain": "Ctrl+E", "export": ""})
    assert len(answers.asked) == 2
    assert row_of(dialog, "Export model").text(1) == "–"
    dialog.keys.list.setCurrentItem(row_of(dialog, "Export model"))
    room.click(dialog.keys.standard_button)  # takes it back, asking
    assert len(answers.asked) == 3
    assert load_settings().keys == {"retrain": ""}
    room.click(dialog.keys.all_button)
    assert load_settings().keys == {}
    dialog.accept()


@pytest.mark.parametrize(
    ("key", "modifiers", "why"),
    [
        (Qt.Key.Key_5, Qt.KeyboardModifier.NoModifier, "5 alone is for classes and views"),
        (Qt.Key.Key_L, CTRL, "Take out of the list"),
        (Qt.Key.Key_Space, Qt.KeyboardModifier.NoModifier, "moves, chooses and edits"),
    ],
)
def test_a_key_that_is_needed_elsewhere_is_refused(
    room: Any, answers: Answers, key: Qt.Key, modifiers: Qt.KeyboardModifier, why: str
) -> None:
    dialog = opened(room, "keys")
    dialog.keys.list.setCurrentItem(row_of(dialog, "Retrain"))
    dialog.keys.field.setFocus()
    press_new_key(dialog, key, modifiers)
    room.wait_for(lambda: why in dialog.keys.news.text())
    assert load_settings().keys == {}
    assert dialog.keys.field.keySequence().toString() == "Ctrl+R"
    dialog.accept()


def test_a_key_is_taken_away_and_escape_leaves_the_field_alone(room: Any) -> None:
    dialog = opened(room, "keys")
    dialog.keys.list.setCurrentItem(row_of(dialog, "Retrain"))
    dialog.keys.field.setFocus()
    QTest.keyClick(dialog.keys.field, Qt.Key.Key_Escape)
    assert dialog.isVisible()
    assert dialog.focusWidget() is dialog.keys.list
    assert load_settings().keys == {}
    room.click(dialog.keys.take_away_button)
    assert load_settings().keys == {"retrain": ""}
    assert room.window.action_set["retrain"].shortcuts() == []
    assert not dialog.keys.take_away_button.isEnabled()
    dialog.accept()


def test_keys_of_the_workspaces_are_listed_as_fixed(room: Any) -> None:
    dialog = opened(room, "keys")
    row = row_of(dialog, "Skip, and on to the next")
    assert (row.text(1), row.text(2)) == ("X", "fixed")
    dialog.keys.list.setCurrentItem(row)
    assert not dialog.keys.field.isEnabled()
    assert "is fixed" in dialog.keys.news.text()
    dialog.accept()


# ---- storage


def test_an_emptied_cache_frees_what_was_said_and_everything_comes_back(
    room: Any, tmp_path: Path, pictures: Path, answers: Answers
) -> None:
    room.create(tmp_path / "project")
    room.import_folder(pictures)
    settle(room)
    project = room.session.project
    dialog = opened(room, "storage")
    room.wait_for(lambda: dialog.storage.cache.text() != "…")
    answers.answer = 1
    room.click(dialog.storage.empty_button)
    assert "This frees" in answers.asked[0][1]
    assert "12 images are looked at again" in answers.asked[0][1]
    assert any((project.cache_dir / "features").iterdir())
    answers.answer = 0
    room.click(dialog.storage.empty_button)
    room.wait_for(lambda: "freed" in dialog.storage.news.text())
    assert not (project.cache_dir / "features").exists()
    dialog.accept()
    room.session.work.look_again()
    settle(room)
    thumbnails = room.window.workspace.thumbnails
    thumbnails.forget()
    first = int(room.session.columns.image_ids[0])
    thumbnails.want("test", [first])
    room.wait_for(lambda: thumbnails.get(first) is not None)


def test_the_cache_is_not_emptied_while_something_is_computed(
    room: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: Answers
) -> None:
    room.create(tmp_path / "project")
    dialog = opened(room, "storage")
    monkeypatch.setattr("gui.engine_work.EngineWork.is_busy", property(lambda _self: True))
    room.click(dialog.storage.empty_button)
    assert not answers.asked
    assert "being computed" in dialog.storage.news.text()
    dialog.accept()


def test_a_disk_that_refuses_is_told_and_leaves_a_cache_that_works(
    room: Any, tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch, answers: Answers
) -> None:
    room.create(tmp_path / "project")
    room.import_folder(pictures)
    settle(room)
    errors: list[Any] = []
    room.session.error_raised.connect(errors.append)

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("engine.tasks.storage.shutil.rmtree", refuse)
    dialog = opened(room, "storage")
    room.click(dialog.storage.empty_button)
    room.wait_for(lambda: errors)
    assert dialog.storage.empty_button.isEnabled()
    monkeypatch.undo()
    dialog.accept()


def test_without_a_project_only_the_program_is_listed(room: Any) -> None:
    dialog = opened(room, "storage")
    room.wait_for(lambda: dialog.storage.user_folder.text() != "…")
    assert str(os.environ["GRAFT_DATA"]) == dialog.storage.user_place.text()
    dialog.show_section("backups")
    assert "No project is open" in dialog.backups.news.text()
    assert not dialog.backups.now_button.isEnabled()
    dialog.accept()


# ---- backups


def test_back_up_now_then_restore_after_a_mistake_then_undo(
    room: Any, tmp_path: Path, pictures: Path, answers: Answers
) -> None:
    room.create(tmp_path / "project")
    room.import_folder(pictures)
    room.add_classes("one", "two")
    session = room.session
    first, second = (each.id for each in session.classes)
    ids = session.columns.image_ids
    session.label(ids[:8], first)
    room.wait_for(lambda: session.num_unsaved == 0)
    dialog = opened(room, "backups")
    page = dialog.backups
    room.click(page.now_button)
    room.wait_for(lambda: "was made" in page.news.text() and page.list.topLevelItemCount() > 0)
    num_backups = page.list.topLevelItemCount()
    session.label(ids[4:12], second)
    room.wait_for(lambda: session.num_unsaved == 0)
    answers.answer = 1
    room.click(page.restore_button)
    room.wait_for(lambda: answers.asked)
    title, text = answers.asked[0]
    assert title.startswith("Go back to the backup of 2")
    assert "4 images lose their labels." in text
    assert "4 images get another class." in text
    assert "backed up first" in text
    assert session.columns.class_ids.tolist() == [first] * 4 + [second] * 8
    answers.answer = 0
    page.list.setFocus()
    QTest.keyClick(page.list, Qt.Key.Key_Return)
    room.wait_for(lambda: "as it was then" in page.news.text())
    room.wait_for(lambda: session.columns.class_ids.tolist() == [first] * 8 + [0] * 4)
    room.wait_for(lambda: page.list.topLevelItemCount() == num_backups + 1)
    dialog.accept()
    room.wait_for(lambda: "go back to the backup" in session.facts.undo_text)
    room.window.commands.undo()
    room.wait_for(lambda: session.columns.class_ids.tolist() == [first] * 4 + [second] * 8)


def test_a_backup_like_the_present_has_nothing_to_restore(room: Any, tmp_path: Path, answers: Answers) -> None:
    room.create(tmp_path / "project")
    back_up(room.session.project)
    dialog = opened(room, "backups")
    room.wait_for(lambda: dialog.backups.restore_button.isEnabled())
    room.click(dialog.backups.restore_button)
    room.wait_for(lambda: "nothing to restore" in dialog.backups.news.text())
    assert not answers.asked
    dialog.accept()


def test_a_damaged_backup_is_told_and_nothing_changes(room: Any, tmp_path: Path, answers: Answers) -> None:
    room.create(tmp_path / "project")
    file = back_up(room.session.project)
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    errors: list[Any] = []
    room.session.error_raised.connect(errors.append)
    dialog = opened(room, "backups")
    room.wait_for(lambda: dialog.backups.restore_button.isEnabled())
    room.click(dialog.backups.restore_button)
    room.wait_for(lambda: errors)
    assert "is damaged" in errors[0].message
    assert dialog.backups.restore_button.isEnabled()
    dialog.accept()
