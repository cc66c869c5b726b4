"""The dialog about groups and the test set: a preview of every rule, and nothing locked or unlocked by accident."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtTest import QTest

from gui.dialogs import ask
from gui.dialogs.honesty import HonestyDialog


@pytest.fixture
def opened(room: Any, tmp_path: Path, tiny_images: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A project of twelve labelled images of three kinds; nothing is embedded by itself."""
    monkeypatch.setattr("gui.engine_work.EngineWork.embed", lambda _work: None)
    room.create(tmp_path / "project")
    room.import_folder(tiny_images, classes_from_folders=True)
    return room


@pytest.fixture
def dialog(opened: Any) -> HonestyDialog:
    opened.window.commands.choose_groups()
    shown: HonestyDialog = opened.dialog(HonestyDialog)
    opened.wait_for(shown.isEnabled)
    return shown


def test_a_pattern_is_previewed_while_it_is_typed_and_saved(opened: Any, dialog: HonestyDialog) -> None:
    assert dialog.automatic.isChecked()
    QTest.keyClicks(dialog.pattern, r"_(\d)")
    opened.wait_for(lambda: "4 groups; the largest has 3 images" in dialog.preview.text())
    dialog.automatic.setChecked(False)
    opened.click(dialog.save_button)
    opened.wait_for(lambda: opened.session.project.group_rule() == r"_(\d)")
    opened.wait_for(lambda: not opened.session.project.has_automatic_groups())


@pytest.mark.parametrize(
    ("typed", "problem"),
    [("(", "is not a regular expression"), ("tree", "fits none"), ("^[a-z]+", "all images of each class")],
)
def test_a_rule_that_makes_no_sense_is_told_and_cannot_be_saved(
    opened: Any, dialog: HonestyDialog, typed: str, problem: str
) -> None:
    QTest.keyClicks(dialog.pattern, typed)
    opened.wait_for(lambda: problem in dialog.preview.text())
    assert not dialog.save_button.isEnabled()


def test_unlocking_a_test_set_is_asked_about_first(
    opened: Any, dialog: HonestyDialog, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = opened.session.project
    hashes = project.snapshot().content_hashes[:3]
    test = project.set_test_set(hashes, 0.25, 0)
    dialog._show_test_set(test)
    assert "3 images locked since" in dialog.test_words.text()
    answers = [1, 0]
    monkeypatch.setattr(ask, "ask_choice", lambda *_: answers.pop(0))
    opened.click(dialog.test_button)
    assert project.test_set().is_locked
    opened.click(dialog.test_button)
    opened.wait_for(lambda: not project.test_set().is_locked)
    opened.wait_for(lambda: "may have been trained on" in dialog.test_words.text())
