"""A person in Use: classifies a folder, puts one prediction right by key, undoes, makes a table of the folder."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.domain import NO_CLASS
from engine.job import run_in_foreground
from engine.project import Project
from engine.tasks.scan import ScanFolder
from engine.tasks.train import retrain_jobs
from engine.tasks.train_snapshot import TrainSettings

CLASSES = ("crazing", "patches", "scratches")
NUM_NEW = 4


@pytest.fixture
def project(shared_data: Path, shared_weights: Path, tmp_path: Path) -> Path:
    """A trained project, and beside it a folder `new` of pictures that it has not seen."""
    (tmp_path / "new").mkdir()
    for name in CLASSES:
        files = sorted((shared_data / "steel_neu" / name).iterdir())
        (tmp_path / "steel" / name).mkdir(parents=True)
        for file in files[:10]:
            shutil.copy(file, tmp_path / "steel" / name)
        for file in files[60 : 60 + NUM_NEW]:
            shutil.copy(file, tmp_path / "new")
    with Project.create(tmp_path / "project") as made:
        run_in_foreground(ScanFolder(made, tmp_path / "steel", True))
        for job in retrain_jobs(made, TrainSettings("starter")):
            run_in_foreground(job)
    return tmp_path / "project"


def grid(window: Any) -> dict[str, Any] | None:
    return next(iter(window.find_all("useGrid")), None)


def verdict(window: Any) -> str:
    return next((str(each["text"]) for each in window.find_all("useVerdict")), "")


def test_a_folder_is_classified_corrected_and_written_to_a_table(window: Any, project: Path, tmp_path: Path) -> None:
    window.start(project)
    window.wait_for_text("Version 1")
    window.key("alt+3")
    window.wait_for_text("Drop pictures here")
    window.click(window.find("Choose a folder…", "QPushButton"))
    window.find("Classify the pictures of a folder", "QDialog")
    window.activate()
    window.type(str(tmp_path / "new"))
    window.key("Return")
    window.wait_for(lambda: (found := grid(window)) and found["num_rows"] == 3 * NUM_NEW, "all pictures")
    window.activate()

    # The first one: what the model says stands in the right column, in words.
    window.click(grid(window))
    window.key("Home")
    first = window.wait_for(lambda: (said := verdict(window)) in (*CLASSES, "Unknown") and said, "a class", 30)
    window.screenshot("use.png")
    wrong = next(at for at, name in enumerate(CLASSES) if name != first)
    window.key(str(wrong + 1))
    window.wait_for_text("1 new label since")
    window.wait_for_text("All labels saved")
    window.key("Home")
    window.wait_for(lambda: verdict(window) == CLASSES[wrong], "the class that was given")
    window.screenshot("corrected.png")

    # The folder to a table, by keys alone.
    window.key("ctrl+d")
    window.find("Classify a folder", "QDialog")
    window.activate()
    window.type(str(tmp_path / "new"))
    window.wait_for_text(f"{3 * NUM_NEW} pictures,")
    window.key("Return")
    window.wait_for_text(f"{3 * NUM_NEW} pictures classified", 60)
    window.activate()
    window.screenshot("table.png")
    with (tmp_path / "new classified.csv").open(newline="", encoding="utf-8") as stream:
        assert len(list(csv.DictReader(stream))) == 3 * NUM_NEW

    assert window.quit() == 0
    with Project.open(project) as opened:
        columns = opened.columns()
        names = {each.id: each.name for each in opened.classes()}
        (row,) = [
            row for row, name in enumerate(columns.names) if name in {p.name for p in (tmp_path / "new").iterdir()}
        ]
        assert columns.class_ids[row] != NO_CLASS
        assert names[int(columns.class_ids[row])] == CLASSES[wrong]
        assert opened.images([int(columns.image_ids[row])])[0].path.parent == tmp_path / "new"
