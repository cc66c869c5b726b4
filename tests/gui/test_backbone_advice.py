"""The recommended backbone: told with its reason when a project is made and where backbones are chosen."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from engine.backbones import CATALOGUE
from engine.backbones.recommendation import Recommendation
from gui import backbone_advice
from gui.backbone_advice import Advice, count_images
from gui.dialogs.backbones import BackbonesDialog
from gui.dialogs.new_project import NewProjectDialog

V2, SMALL, STARTER = (CATALOGUE[key] for key in ("mobilenet_v2", "mobilenet_v3_small", "starter"))


@pytest.fixture(autouse=True)
def processor_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.nn.device.may_have_gpu", lambda: False)
    monkeypatch.setenv("GRAFT_THREADS", "1")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    for number in range(4):
        Image.new("RGB", (24, 24), (20 * number, 90, 200)).save(folder / f"{number}.png")
        Image.new("RGB", (24, 24), (20 * number, 0, 200)).save(folder / "more" / f"{number}.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_sentences_say_the_reason_and_what_is_used_until_then() -> None:
    quick = Advice(Recommendation(V2, True, 600, 7.8), V2)
    assert quick.is_usual
    assert quick.text() == (
        "Recommended on this machine: MobileNetV2, because it makes the fewest mistakes of those that we measured and "
        "looks at 600 images in about 7.8 s."
    )
    not_here = Advice(Recommendation(V2, False, 600, 7.8), STARTER).text()
    assert "not on this machine yet (14 MB to download); until then Starter (built in) is used." in not_here
    slow = Advice(Recommendation(SMALL, True, 300_000, 1113.0, V2, 3896.0), V2, is_at_least=True)
    assert not slow.is_usual
    assert "because it looks at 300,000 images and more in about 19 min." in slow.text()
    assert "MobileNetV2 makes fewer mistakes, but takes about 1 h 5 min." in slow.text()
    assert "graphics card" in Advice(Recommendation(V2, True, 600, None), V2).text()


def test_images_are_counted_with_sub_folders_and_not_for_ever(pictures: Path) -> None:
    assert count_images(pictures) == (8, False)
    number, is_at_least = count_images(pictures, limit_s=-1.0)
    assert number < 8
    assert is_at_least


def test_a_new_project_says_what_is_recommended_for_its_images(room: Any, pictures: Path) -> None:
    room.window.commands.new_project_from(pictures)
    dialog = room.dialog(NewProjectDialog)
    room.wait_for(lambda: "Recommended on this machine: MobileNetV2" in dialog.advice_note.text())
    assert "looks at 8 images" in dialog.advice_note.text()
    assert "until then Starter (built in) is used" in dialog.advice_note.text()  # no weights here
    assert dialog.plan().backbone == ""
    dialog.images_field.setText("/nowhere")
    assert dialog.advice_note.text() == ""
    dialog.reject()


def test_a_new_project_fetches_the_recommended_one_only_where_that_is_asked_for(
    room: Any, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("gui.engine_work.EngineWork.download", lambda _work, spec: asked.append(spec.key))
    for is_wanted in (False, True):
        room.window.commands.new_project_from(pictures)
        dialog = room.dialog(NewProjectDialog)
        room.wait_for(dialog.get_box.isVisible)
        assert dialog.get_box.text() == "Download MobileNetV2 (14 MB) and use it"
        assert not dialog.get_box.isChecked()
        if is_wanted:
            QTest.keyClick(dialog.get_box, Qt.Key.Key_Space)
        dialog.place_field.setText(str(tmp_path / f"project {is_wanted}"))
        room.click(dialog.create_button)
        room.wait_for(lambda: room.session.project is not None and len(room.session.columns) == 8)
        assert asked == (["mobilenet_v2"] if is_wanted else [])
        room.session.close_project()
        room.wait_for(lambda: room.session.project is None and not room.window.findChildren(NewProjectDialog))


def test_the_fields_of_a_new_project_stand_apart_also_beside_the_longest_advice(room: Any, pictures: Path) -> None:
    (pictures / "a folder that could be a class").mkdir()
    room.window.commands.new_project_from(pictures)
    dialog = room.dialog(NewProjectDialog)
    room.wait_for(dialog.get_box.isVisible)
    dialog.place_field.setText(str(pictures / "in it"))  # and a problem is told
    dialog.advice_note.setText(f"{dialog.advice_note.text()} {dialog.advice_note.text()}")
    dialog.resize(dialog.width(), 300)
    fields = (dialog.images_field, dialog.name_field, dialog.place_field)
    needed = dialog.layout().totalMinimumHeightForWidth(dialog.width())
    room.wait_for(lambda: dialog.problem.text() and dialog.height() >= needed)
    for upper, lower in pairwise(fields):
        between = lower.mapTo(dialog, lower.rect().topLeft()) - upper.mapTo(dialog, upper.rect().bottomLeft())
        assert between.y() > 10
    for words in (dialog.advice_note, dialog.problem, dialog.mode_note):
        assert words.height() >= words.heightForWidth(words.width())
    dialog.reject()


def test_a_slow_machine_begins_with_the_quicker_backbone_that_is_here(
    room: Any, pictures: Path, tmp_path: Path, shared_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.speeds.views_per_second", lambda: {"mobilenet_v2": 0.005})
    room.window.commands.new_project_from(pictures)
    dialog = room.dialog(NewProjectDialog)
    room.wait_for(lambda: "MobileNetV3" in dialog.advice_note.text())
    assert "MobileNetV2 makes fewer mistakes, but takes about" in dialog.advice_note.text()
    assert dialog.plan().backbone == "mobilenet_v3_small"
    dialog.place_field.setText(str(tmp_path / "project"))
    room.click(dialog.create_button)
    room.wait_for(lambda: room.session.backbones.chosen is not None)
    room.wait_for(lambda: room.session.backbones.chosen.key == "mobilenet_v3_small")
    room.wait_for(lambda: len(room.session.columns) == 8)
    room.session.work.cancel_all()


def test_where_backbones_are_chosen_the_advice_is_about_the_images_of_the_project(
    room: Any, pictures: Path, tmp_path: Path
) -> None:
    room.create(tmp_path / "project")
    room.import_folder(pictures)
    room.window.commands.choose_backbone()
    dialog = room.dialog(BackbonesDialog)
    room.wait_for(lambda: "looks at 8 images" in dialog.advice.text())
    dialog.reject()


def test_a_graphics_card_is_looked_for_before_advice_is_given(room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.nn.device.may_have_gpu", lambda: True)
    monkeypatch.setattr("engine.tasks.find_devices.FindDevices.in_worker", False)
    monkeypatch.setattr(
        "engine.tasks.find_devices.FindDevices.work", staticmethod(lambda _none, _context: {"cuda:0": "One GPU"})
    )
    told: list[Advice] = []
    backbone_advice.ask_advice(room.session, None, told.append)
    room.wait_for(lambda: told)
    assert told[0].recommendation.seconds is None
    assert told[0].recommendation.spec is V2
