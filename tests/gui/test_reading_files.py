"""A large folder in the window: its images at once, what is in the files afterwards, and nothing asked of the user."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simplejpeg

from engine.domain import ImageStatus
from engine.tasks import read_files, scan
from gui.activities import READ

NUM_FILES = 30


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "many"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(NUM_FILES):
        (folder / f"{number:02d}.jpg").write_bytes(
            simplejpeg.encode_jpeg(random.integers(0, 255, (24, 32, 3), np.uint8))
        )
    (folder / "07.jpg").write_bytes(b"no picture")
    return folder


@pytest.fixture(autouse=True)
def few_is_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "FEW", 10)
    monkeypatch.setattr(read_files, "FILES_PER_JOB", 8)


def test_images_show_before_their_files_are_read_and_what_is_no_picture_is_told_at_the_end(
    room: Any, folder: Path, tmp_path: Path
) -> None:
    room.create(tmp_path / "project")
    told: list[object] = []
    room.session.work.images_failed.connect(told.append)
    reports: list[Any] = []
    room.session.work.scan_ended.connect(reports.append)

    room.import_folder(folder)

    assert (reports[0].num_added, reports[0].num_unread, reports[0].failed) == (NUM_FILES, NUM_FILES, [])
    room.wait_for(lambda: told and not room.session.is_reloading, timeout_ms=60_000)
    assert [[name for name, _ in failed] for failed in told] == [["07.jpg"]]
    columns = room.session.columns
    room.wait_for(lambda: room.session.columns.statuses[7] == ImageStatus.UNREADABLE)
    assert np.flatnonzero(columns.widths_px == 0).tolist() == [7]
    assert room.session.project.unread_images() == []


def test_reading_that_was_cut_off_goes_on_when_the_project_is_opened_again(
    room: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_off: Callable[[object], None] = lambda *_: None
    with monkeypatch.context() as patch:
        patch.setattr("gui.engine_work.EngineWork.look_at_new_images", cut_off)
        room.create(tmp_path / "project")
        room.import_folder(folder)
        assert len(room.session.project.unread_images()) == NUM_FILES
        with room.qtbot.waitSignal(room.session.project_closed, timeout=20_000):
            room.session.close_project()

    room.open(tmp_path / "project")

    room.wait_for(lambda: room.session.project.unread_images() == [], timeout_ms=60_000)
    room.wait_for(lambda: not room.session.work.is_running(READ))


def test_label_given_before_the_file_is_read_stays(room: Any, folder: Path, tmp_path: Path) -> None:
    room.create(tmp_path / "project")
    room.add_classes("ok")
    room.import_folder(folder)
    room.session.label(room.session.columns.image_ids[:3], room.session.classes[0].id)
    room.wait_for(lambda: room.session.project.unread_images() == [], timeout_ms=60_000)
    room.wait_for(lambda: not room.session.work.is_running(READ) and not room.session.is_reloading)
    assert room.session.columns.class_ids[:4].tolist() == [room.session.classes[0].id] * 3 + [0]
    assert len(room.session.project.snapshot().image_ids) == 3
