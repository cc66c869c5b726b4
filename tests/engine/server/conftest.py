"""One server for all tests here."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.jobs import run_in_foreground
from engine.project import Project
from engine.tasks.predict import PredictImages, RunPlace, place_of
from engine.tasks.scan import ScanFolder
from engine.tasks.train import retrain_jobs
from engine.tasks.train_snapshot import TrainSettings
from tests.engine.server.served import CLASSES, LIMITS, Running, Served


@pytest.fixture(scope="session")
def served(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    for name in CLASSES:
        files = sorted((shared / "data" / "steel_neu" / name).iterdir())
        for part, chosen in (("train", files[:6]), ("test", files[60:62])):
            (folder / part / name).mkdir(parents=True)
            for file in chosen:
                shutil.copy2(file, folder / part / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAFT_DATA", str(folder / "data"))
        patch.setenv("GRAFT_WEIGHTS", str(shared / "weights"))
        with Project.create(folder / "project") as project:
            run_in_foreground(ScanFolder(project, folder / "train", True))
            for job in retrain_jobs(project, TrainSettings(backbone="squeezenet1_1")):
                run_in_foreground(job)
            expected = run_in_foreground(PredictImages(project, folder / "test"))
            place = place_of(project)
        assert isinstance(place, RunPlace)
        with Running(place, LIMITS) as door:
            yield Served(door, place, expected.paths, expected.document()["predictions"])


@pytest.fixture(autouse=True)
def _same_folders(served: Served, shared_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAFT_DATA", str(served.place.project_folder.parent / "data"))
