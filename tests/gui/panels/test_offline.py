"""A drive that goes away while someone labels: nothing is lost, nothing waits, and it is back by itself."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from gui import folder_watch
from gui.dialogs import ask

Key, LEFT = Qt.Key, Qt.MouseButton.LeftButton


@pytest.fixture
def quick_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("SUSPECT_S", 0.1), ("STALL_S", 0.4), ("PROBE_OFFLINE_S", 0.1), ("PROBE_ONLINE_S", 0.2)):
        monkeypatch.setattr(folder_watch, name, value)
    monkeypatch.setattr(folder_watch, "TICK_MS", 25)


@pytest.fixture
def desk(open_desk: Callable[[Path], Any], make_images: Callable[[int], Path], quick_watch: None) -> Any:
    made = open_desk(make_images(12))
    made.add_classes("rust", "paint")
    thumbnails, ids = made.workspace.thumbnails, made.session.columns.image_ids.tolist()
    made.qtbot.waitUntil(lambda: all(thumbnails.get(each) is not None for each in ids), timeout=20_000)
    made.qtbot.waitUntil(lambda: len(made.workspace.thumbnails.folders._roots) == 1)
    return made


def wait_offline(desk: Any, is_offline: bool = True) -> None:
    bar = desk.workspace.offline_bar
    desk.qtbot.waitUntil(lambda: bar.isVisible() is is_offline, timeout=10_000)


def test_a_folder_that_goes_away_is_said_and_labelling_goes_on_with_the_thumbnails(desk: Any, tmp_path: Path) -> None:
    workspace = desk.workspace
    (tmp_path / "pictures").rename(tmp_path / "away")
    wait_offline(desk)
    assert "“pictures” is not there." in workspace.offline_bar.accessibleDescription()
    assert "labels are safe" in workspace.offline_bar.accessibleDescription()
    face = workspace.faces.at(0)
    assert face.is_offline
    assert face.image is not None
    desk.press("1", "2")
    desk.wait_saved()
    assert list(desk.saved_classes().values()) == ["rust", "paint"]
    desk.press(Key.Key_Return)
    assert workspace.viewer._picture is not None
    assert "thumbnail" in workspace.viewer.canvas._note

    (tmp_path / "away").rename(tmp_path / "pictures")
    wait_offline(desk, False)
    assert not workspace.faces.at(0).is_offline
    image_id = int(desk.session.columns.image_ids[2])
    desk.qtbot.waitUntil(lambda: workspace.screens.get(image_id, 0) is not None, timeout=10_000)
    assert workspace.viewer.canvas._note == ""


def test_thumbnails_are_there_when_the_project_is_opened_without_its_drive(desk: Any, tmp_path: Path) -> None:
    (tmp_path / "pictures").rename(tmp_path / "away")
    folder = desk.session.project.folder
    with desk.qtbot.waitSignal(desk.session.project_opened, timeout=20_000):
        desk.session.open_project(folder)
    wait_offline(desk)
    thumbnails, ids = desk.workspace.thumbnails, desk.session.columns.image_ids.tolist()
    desk.qtbot.waitUntil(lambda: all(thumbnails.get(each) is not None for each in ids), timeout=10_000)
    desk.press("1")
    desk.wait_saved()


def test_a_folder_that_is_elsewhere_now_is_taken_from_there(
    desk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.press("1")
    desk.wait_saved()
    (tmp_path / "other_drive").mkdir()
    moved = (tmp_path / "pictures").rename(tmp_path / "other_drive" / "pictures")
    wait_offline(desk)
    monkeypatch.setattr(ask, "ask_folder", lambda *_: moved)
    with desk.qtbot.waitSignal(desk.session.work.scan_ended, timeout=20_000):
        QTest.mouseClick(desk.workspace.offline_bar.elsewhere, LEFT)
    wait_offline(desk, False)
    desk.qtbot.waitUntil(lambda: not desk.session.is_reloading, timeout=10_000)
    assert [root.path for root in desk.session.project.roots()] == [moved]
    assert all(image.path.is_file() for image in desk.session.project.images())
    assert desk.saved_classes() == {"picture_0000.jpg": "rust"}


def test_a_wrong_folder_is_refused_with_a_sentence(desk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pictures").rename(tmp_path / "away")
    (tmp_path / "wrong").mkdir()
    wait_offline(desk)
    monkeypatch.setattr(ask, "ask_folder", lambda *_: tmp_path / "wrong")
    with desk.qtbot.waitSignal(desk.session.error_raised, timeout=20_000) as raised:
        QTest.mouseClick(desk.workspace.offline_bar.elsewhere, LEFT)
    assert "None of the images" in str(raised.args[0])
    assert desk.workspace.offline_bar.isVisible()


def test_look_again_looks_at_once(desk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pictures").rename(tmp_path / "away")
    wait_offline(desk)
    monkeypatch.setattr(folder_watch, "PROBE_OFFLINE_S", 1000.0)
    (tmp_path / "away").rename(tmp_path / "pictures")
    QTest.mouseClick(desk.workspace.offline_bar.look_again, LEFT)
    wait_offline(desk, False)


def test_a_drive_that_hangs_blocks_neither_keys_nor_the_closing_of_the_project(
    desk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    really_read, really_reach = folder_watch.read_bytes, folder_watch.can_reach

    def hang(path: Path) -> bytes:
        gate.wait(20)
        return really_read(path)

    def hang_too(path: Path) -> bool:
        gate.wait(20)
        return really_reach(path)

    monkeypatch.setattr(folder_watch, "read_bytes", hang)
    monkeypatch.setattr(folder_watch, "can_reach", hang_too)
    desk.press(Key.Key_Return)
    wait_offline(desk)
    started = time.monotonic()
    desk.press("1", "2", "1")
    desk.wait_saved()
    assert len(desk.saved_classes()) == 3
    desk.session.close_project()
    desk.workspace.shutdown()
    assert time.monotonic() - started < 5.0
    gate.set()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name are Unix")
def test_a_pipe_with_the_name_of_an_image_holds_nobody_up(desk: Any, tmp_path: Path) -> None:
    victim = tmp_path / "pictures" / "picture_0003.jpg"
    victim.unlink()
    os.mkfifo(victim)
    columns, screens = desk.session.columns, desk.workspace.screens
    ids = columns.image_ids.tolist()
    desk.press(Key.Key_Return)
    for _ in range(4):
        desk.press(Key.Key_Right)
    desk.qtbot.waitUntil(lambda: screens.get(ids[5], 0) is not None, timeout=10_000)
    desk.qtbot.waitUntil(lambda: "regular file" in (screens.failure(ids[3], 0) or ""), timeout=10_000)
    assert not desk.workspace.offline_bar.isVisible()
