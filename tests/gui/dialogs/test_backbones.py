"""The dialog about backbones: find, get, take, delete and use a network; say what a better one would bring."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from engine import speeds, weights
from engine.backbones import CATALOGUE, STARTER_KEY
from gui.dialogs import ask
from gui.dialogs.backbones import BackbonesDialog
from gui.models.backbone_list import SPEC_ROLE

CONTENT = bytes(range(256)) * 8_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
KEY = "mobilenet_v3_small"


@pytest.fixture
def opened(room: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An empty project whose backbones are looked up; nothing is embedded by itself."""
    monkeypatch.setattr("gui.engine_work.EngineWork.embed", lambda _work: None)
    room.create(tmp_path / "project")
    room.wait_for(lambda: room.session.backbones.is_known)
    return room


@pytest.fixture
def dialog(opened: Any) -> BackbonesDialog:
    opened.click(opened.window.model_bar.backbone_button)
    shown: BackbonesDialog = opened.dialog(BackbonesDialog)
    return shown


@pytest.fixture
def downloadable(file_server: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """MobileNetV3 small as if it lay on the test's own server, which is returned."""
    file_server.content = CONTENT
    url = f"http://127.0.0.1:{file_server.server_port}/mobilenet_v3_small-{SHA256[:8]}.pth"
    record = replace(CATALOGUE[KEY], url=url, sha256_prefix=SHA256[:8], size_bytes=len(CONTENT))
    monkeypatch.setitem(CATALOGUE, KEY, record)
    return file_server


def listed(dialog: BackbonesDialog) -> list[str]:
    """Returns the names in the list, headings in brackets."""
    model = dialog.model
    rows = [model.index(row) for row in range(model.rowCount())]
    return [str(row.data()) if row.data(SPEC_ROLE) is not None else f"[{row.data()}]" for row in rows]


def place_weights(key: str, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{CATALOGUE[key].model_name}-{SHA256[:8]}.pth"
    file.write_bytes(CONTENT)
    return file


# -------------------------------------------------------------------------------------------------------- what is shown


def test_the_bar_says_what_a_better_one_brings_and_how_to_get_it(opened: Any) -> None:
    bar = opened.window.model_bar
    assert opened.session.backbones.chosen.key == STARTER_KEY
    assert re.search(r"MobileNetV2 avoids about \d in 10 of the built-in Starter's", bar.backbone_button.toolTip())
    assert "14 MB" in bar.backbone_button.toolTip()
    assert opened.session.backbones.short_hint() == "MobileNetV2 makes fewer mistakes"  # the gist, for the bar
    opened.session.backbones.chosen = CATALOGUE["mobilenet_v2"]
    opened.session.backbones.changed.emit()
    assert "Starter" not in bar.backbone_button.toolTip()


def test_those_on_this_machine_come_first_and_licence_speed_and_gain_are_said(
    opened: Any, dialog: BackbonesDialog
) -> None:
    names = listed(dialog)
    assert names[:3] == ["[On this machine]", "Starter (built in)", "[To download]"]
    dialog.select(STARTER_KEY)
    assert dialog.use_button.text() == "In use"
    dialog.select("mobilenet_v2")
    details = dialog.details
    assert re.search(r"79 of 100 images right where Starter gets \d\d:", details.worth.text())
    assert details._facts["Licence"].text().startswith("Free to use")
    assert "fast" in details._facts["Speed"].text()
    assert "not on this machine" in details.place.text()
    assert "GRAFT_WEIGHTS" in details.place.text()
    assert details.download_button.text() == "Download 14 MB"
    assert not dialog.use_button.isEnabled()


def test_the_recommended_one_is_selected_marked_and_the_first_to_download(opened: Any, dialog: BackbonesDialog) -> None:
    opened.wait_for(lambda: dialog.checked() == CATALOGUE["mobilenet_v2"])
    names = listed(dialog)
    assert names[names.index("[To download]") + 1] == "MobileNetV2"
    described = dialog.list.currentIndex().data(Qt.ItemDataRole.AccessibleDescriptionRole)
    assert described.startswith("Recommended, ")
    assert dialog.details.download_button.isVisible()
    QTest.keyClick(dialog.list, Qt.Key.Key_Down)
    chosen = dialog.checked()
    assert chosen not in (None, CATALOGUE["mobilenet_v2"])
    opened.session.backbones.changed.emit()  # what is found out later does not move the user's choice
    assert dialog.checked() == chosen


def test_weights_that_may_not_be_sold_are_marked(dialog: BackbonesDialog) -> None:
    dialog.select("timm:convnextv2_nano.fcmae_ft_in22k_in1k")
    assert "Not for commercial use" in dialog.details._facts["Licence"].text()
    index = dialog.list.currentIndex()
    assert "not for commercial use" in index.data(Qt.ItemDataRole.AccessibleDescriptionRole)
    dialog.select("timm:vit_small_patch16_dinov3.lvd1689m")
    assert "terms of its own" in dialog.details._facts["Licence"].text()


def test_the_speed_measured_here_is_said(opened: Any) -> None:
    speeds.note("mobilenet_v2", "the processor", 100, 2, 2.0)
    opened.click(opened.window.model_bar.backbone_button)
    dialog = opened.dialog(BackbonesDialog)
    dialog.select("mobilenet_v2")
    assert "up to 50 images a second on this machine" in dialog.details._facts["Speed"].text()


def test_any_network_of_timm_is_found_by_typing_its_name(opened: Any, dialog: BackbonesDialog) -> None:
    QTest.keyClicks(dialog.search, "resnet26d")
    opened.wait_for(lambda: "[More networks]" in listed(dialog))
    assert "resnet26d.bt_in1k" in listed(dialog)
    assert dialog.checked() is not None
    assert "resnet26" in dialog.checked().model_name
    QTest.keyClicks(dialog.search, " no such thing")
    opened.wait_for(lambda: dialog.nothing.isVisible())
    assert dialog.checked() is None
    assert not dialog.use_button.isEnabled()


# ------------------------------------------------------------------------------------------------------------- download


def test_a_download_shows_its_progress_and_the_network_can_be_used_then(
    opened: Any, downloadable: Any, dialog: BackbonesDialog
) -> None:
    dialog.select(KEY)
    opened.click(dialog.details.download_button)
    opened.wait_for(lambda: dialog.progress.isVisible())
    assert not dialog.details.file_button.isEnabled()
    opened.wait_for(lambda: KEY in opened.session.backbones.available)
    assert dialog.checked().key == KEY
    assert not dialog.progress.isVisible()
    # Better than Starter, and nobody chose Starter: it is in use at once.
    assert dialog.use_button.text() == "In use"
    dialog.select(STARTER_KEY)
    opened.click(dialog.use_button)
    opened.wait_for(lambda: opened.session.backbones.chosen.key == STARTER_KEY)
    opened.wait_for(lambda: not opened.window.findChildren(BackbonesDialog))


def test_a_cancelled_download_goes_on_where_it_stopped(opened: Any, downloadable: Any, dialog: BackbonesDialog) -> None:
    downloadable.pause_s = 0.05
    dialog.select(KEY)
    opened.click(dialog.details.download_button)
    opened.wait_for(lambda: "MB" in dialog.note.text())
    opened.click(dialog.cancel_button)
    opened.wait_for(lambda: not dialog.progress.isVisible())
    assert dialog.problem.isHidden()
    (part,) = weights.user_weights_folder().iterdir()
    assert part.name.endswith(".part")
    downloadable.pause_s = 0.0
    opened.click(dialog.details.download_button)
    opened.wait_for(lambda: KEY in opened.session.backbones.available)
    assert downloadable.ranges[-1].startswith("bytes=")
    assert downloadable.ranges[-1] != "bytes=0-"


def test_a_download_with_a_wrong_hash_is_a_sentence_and_nothing_is_kept(
    opened: Any, downloadable: Any, dialog: BackbonesDialog
) -> None:
    downloadable.content = CONTENT[:-1] + b"!"
    dialog.select(KEY)
    opened.click(dialog.details.download_button)
    opened.wait_for(lambda: dialog.problem.isVisible())
    assert "hash is wrong" in dialog.problem.text()
    assert list(weights.user_weights_folder().iterdir()) == []
    dialog.select("mobilenet_v2")
    assert dialog.problem.isHidden()


# ----------------------------------------------------------------------------------------------------- files and models


def test_a_file_is_taken_for_the_chosen_one(
    opened: Any, dialog: BackbonesDialog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    file = tmp_path / "from a stick.pth"
    torch.save({"weight": torch.zeros(3)}, file)
    monkeypatch.setattr(ask, "ask_file", lambda *_: file)
    dialog.select(KEY)
    opened.click(dialog.details.file_button)
    opened.wait_for(lambda: KEY in opened.session.backbones.available)
    assert dialog.checked().key == KEY
    assert dialog.use_button.text() == "In use"


def test_the_network_of_another_model_is_taken_over(
    opened: Any, dialog: BackbonesDialog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = tmp_path / "Line 2"
    export.mkdir()
    (export / "model.safetensors").write_bytes(CONTENT)
    (export / "model.json").write_text(json.dumps({"backbone": {"key": "mobilenet_v2"}}))
    monkeypatch.setattr(ask, "ask_folder", lambda *_: export)
    opened.click(dialog.own_button)
    opened.wait_for(lambda: "MobileNetV2 from “Line 2”" in listed(dialog))
    assert dialog.checked().key.startswith("own:Line_2-")
    assert "labelled images of yours" in dialog.details.worth.text()
    opened.click(dialog.use_button)
    opened.wait_for(lambda: opened.session.backbones.chosen.key.startswith("own:"))

    monkeypatch.setattr(ask, "ask_folder", lambda *_: tmp_path)
    opened.click(opened.window.model_bar.backbone_button)
    again = opened.dialog(BackbonesDialog)
    opened.click(again.own_button)
    opened.wait_for(lambda: again.problem.isVisible())
    assert "no backbone to take" in again.problem.text()


def test_deleting_says_what_depends_on_it_and_asks_first(
    opened: Any, dialog: BackbonesDialog, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = place_weights("mobilenet_v2", weights.user_weights_folder())
    opened.session.backbones.look_up()
    opened.wait_for(lambda: "mobilenet_v2" in opened.session.backbones.available)
    opened.wait_for(lambda: opened.session.backbones.chosen.key == "mobilenet_v2")
    dialog.select("mobilenet_v2")
    asked: list[str] = []

    def answer(with_place: int) -> Any:
        def ask_choice(_parent: object, title: str, text: str, _choices: list[str]) -> int:
            asked.append(f"{title} {text}")
            return with_place

        return ask_choice

    monkeypatch.setattr(ask, "ask_choice", answer(1))
    opened.click(dialog.details.delete_button)
    assert file.exists()
    monkeypatch.setattr(ask, "ask_choice", answer(0))
    opened.click(dialog.details.delete_button)
    opened.wait_for(lambda: not file.exists())
    assert "This project uses it; another backbone takes its place." in asked[0]
    assert "downloaded again (14 MB)" in asked[0]
    opened.wait_for(lambda: opened.session.backbones.chosen.key == STARTER_KEY)


def test_what_lies_outside_the_users_folder_is_not_offered_for_deletion(
    opened: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place_weights("mobilenet_v2", tmp_path / "stick")
    monkeypatch.setenv("GRAFT_WEIGHTS", str(tmp_path / "stick"))
    opened.click(opened.window.model_bar.backbone_button)
    dialog = opened.dialog(BackbonesDialog)
    opened.wait_for(lambda: "mobilenet_v2" in opened.session.backbones.available)
    dialog.select("mobilenet_v2")
    assert dialog.details.delete_button.isHidden()


# ---------------------------------------------------------------------------------------------------------------- looks


def test_the_number_of_looks_is_kept_in_the_project(opened: Any, dialog: BackbonesDialog) -> None:
    assert dialog.views.cards["balanced"].isChecked()
    opened.click(dialog.views.cards["best"])
    opened.wait_for(lambda: opened.session.project.views_preset() == "best")
    assert opened.session.backbones.views_preset == "best"
    assert dialog.views.cards["best"].isChecked()


def test_the_presets_of_the_window_are_those_of_the_engine() -> None:
    from engine.nn.preprocessing import PRESET_VIEWS
    from gui.dialogs.views_choice import PRESETS

    assert {name: looks for name, (_, looks, _) in PRESETS.items()} == {
        str(preset): len(views) for preset, views in PRESET_VIEWS.items()
    }
