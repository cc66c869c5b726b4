"""The report from the window: asked for, written, and where it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.job import run_in_foreground
from engine.project import Project
from engine.tasks.scan import ScanFolder
from engine.tasks.train import TrainSettings, retrain_jobs
from gui.dialogs import ask


def test_the_menu_writes_the_report(room, tmp_path: Path, tiny_images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Project.create(tmp_path / "project") as project:
        run_in_foreground(ScanFolder(project, tiny_images, True))
        for job in retrain_jobs(project, TrainSettings("starter")):
            run_in_foreground(job)
    asked: list[Path] = []

    def choose(_parent: object, _title: str, _filter: str, start: Path) -> Path:
        asked.append(start)
        return tmp_path / "appendix"

    monkeypatch.setattr(ask, "ask_save_file", choose)
    assert not room.window.action_set["report"].isEnabled()
    room.open(tmp_path / "project")
    room.wait_for(room.window.action_set["report"].isEnabled)
    room.window.action_set["report"].trigger()
    room.wait_for(lambda: room.window.errors.banner.isVisible(), 60_000)
    assert asked[0].name.endswith("version 1.html")
    page = (tmp_path / "appendix.html").read_text(encoding="utf-8")
    assert "How good it is" in page
    assert "circles" in page
