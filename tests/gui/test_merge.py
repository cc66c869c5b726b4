"""Two people label the same pictures, each in a project of their own; the window takes over the other's labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PySide6.QtCore import Qt

from engine.domain import Source
from engine.project import Project
from gui.dialogs import ask

NAMES = ("a", "b", "c", "d")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, name in enumerate(NAMES):
        Image.new("RGB", (40, 30), (60 * number, 90, 30)).save(folder / f"{name}.png")
    return folder


def test_what_a_colleague_labelled_is_taken_over_in_one_step_that_can_be_undone(
    room: Any, tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.create(tmp_path / "theirs", "Theirs")
    room.import_folder(pictures)
    room.add_classes("rust", "moss")
    rust, moss = (each.id for each in room.session.classes)
    room.wait_for(lambda: not room.session.work.is_running("read"))
    room.session.label([1, 2], rust)
    room.session.label([3], moss)
    room.wait_for(lambda: room.session.num_unsaved == 0)

    room.create(tmp_path / "mine", "Mine")
    room.import_folder(pictures)
    room.add_classes("moss")
    room.wait_for(lambda: not room.session.work.is_running("read"))
    room.session.label([1], room.session.classes[0].id, Source.HUMAN)
    room.wait_for(lambda: room.session.num_unsaved == 0)

    monkeypatch.setattr(ask, "ask_folder", lambda *_: tmp_path / "theirs")
    room.window.action_set["merge"].trigger()
    room.wait_for(lambda: len(room.session.classes) == 2 and not room.session.is_reloading)
    names = {each.id: each.name for each in room.session.classes}
    room.wait_for(
        lambda: [names.get(int(each), "") for each in room.session.columns.class_ids] == ["moss", "rust", "moss", ""]
    )
    banner = room.window.errors.banner
    room.wait_for(lambda: banner.isVisible())
    assert banner._message.text() == "Labels of 2 images taken over."
    assert "1 image is labelled differently there and stays as it is." in banner._hint.text()

    room.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    room.wait_for(lambda: [bool(each) for each in room.session.columns.class_ids] == [True, False, False, False])
    with Project.open(tmp_path / "theirs", read_only=True) as theirs:
        assert [bool(each) for each in theirs.columns().class_ids] == [True, True, True, False]
