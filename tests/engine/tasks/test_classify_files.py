"""Classifying files is a stream: the same answers, in order, on the disk first, and gone on with after a stop."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.errors import TrainingError
from engine.events import Event, FilesClassified
from engine.exporters.sorted_files import LIST_NAME, Placing, SortPlan
from engine.job import CancelledError, QuietContext
from engine.project import Project
from engine.tasks.classify_files import ClassifyFiles, prediction_document
from engine.tasks.export import ExportModel
from engine.tasks.predict import PredictImages
from engine.tasks.prediction_table import part_of
from engine.tasks.scan import ScanFolder
from engine.tasks.train import retrain_jobs
from engine.tasks.train_snapshot import TrainSettings


class Listener(QuietContext):
    """Keeps the events; cancels at the checkpoint after `stop_after` blocks."""

    def __init__(self, stop_after: int = 1000) -> None:
        self.events: list[FilesClassified] = []
        self._stop_after = stop_after

    def emit(self, event: Event) -> None:
        assert isinstance(event, FilesClassified)
        self.events.append(event)

    def checkpoint(self) -> None:
        if len(self.events) >= self._stop_after:
            raise CancelledError

    @property
    def predictions(self):
        return [prediction for event in self.events for prediction in event.predictions]


_made: list[Path] = []
"""A project with a run on three classes of steel surfaces; every test gets a copy."""


@pytest.fixture
def trained(
    steel: Path, weights: Path, run_job: Callable, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    if not _made:
        folder = tmp_path_factory.mktemp("classify") / "project"
        with Project.create(folder) as made:
            run_job(ScanFolder(made, steel, True))
            for job in retrain_jobs(made, TrainSettings(backbone="squeezenet1_1")):
                run_job(job)
        _made.append(folder)
    with Project.open(Path(shutil.copytree(_made[0], tmp_path / "project"))) as project:
        yield project


@pytest.fixture
def many(shared_data: Path, tmp_path: Path) -> Path:
    """150 pictures that no training has seen, and one that is broken."""
    folder = tmp_path / "many"
    for name in ("crazing", "patches", "scratches"):
        (folder / name).mkdir(parents=True)
        for file in sorted((shared_data / "steel_neu" / name).iterdir())[20:70]:
            shutil.copy2(file, folder / name / file.name)
    (folder / "crazing" / "a_broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    return folder


def test_the_stream_says_in_order_what_a_prediction_says(
    trained: Project, many: Path, run_job: Callable, tmp_path: Path
) -> None:
    expected = run_job(PredictImages(trained, many)).document()
    listener = Listener()
    result = run_job(ClassifyFiles(trained, [many]), listener)

    assert len(listener.events) >= 3
    assert {event.class_names for event in listener.events} == {result.class_names}
    assert listener.predictions[0].name == "crazing/a_broken.jpg"
    assert listener.predictions[0].reason
    said = [each for each in listener.predictions if not each.reason]
    assert [prediction_document(each, result.class_names) for each in said] == expected["predictions"]
    assert [name for name, _ in result.failed] == [entry["image"] for entry in expected["failed"]]
    assert (result.num_classified, result.num_done_before) == (150, 0)
    assert sum(result.counts.values()) + result.num_unknown == 150

    run_job(ExportModel(trained, "onnx", tmp_path / "onnx"))
    from engine.importers.model import find_model

    model = find_model(tmp_path / "onnx")
    assert model is not None
    exported = Listener()
    run_job(ClassifyFiles(model, [many]), exported)
    assert [each.classes for each in exported.predictions] == [each.classes for each in listener.predictions]
    ours = np.array([each.probabilities for each in said])
    theirs = np.array([each.probabilities for each in exported.predictions if not each.reason])
    assert np.abs(ours - theirs).max() <= 1e-4


def test_a_cancelled_stream_is_gone_on_with_and_nothing_is_done_twice(
    trained: Project, many: Path, run_job: Callable, tmp_path: Path
) -> None:
    file, sorting = tmp_path / "out.csv", SortPlan(tmp_path / "sorted")
    stopped = Listener(stop_after=1)
    with pytest.raises(CancelledError):
        run_job(ClassifyFiles(trained, [many], table=file, sorting=sorting), stopped)
    assert not file.exists()
    with part_of(file).open("ab") as part:
        part.write(b"crazing/crazing_9")  # The row that a crash has torn.

    resumed = Listener()
    result = run_job(ClassifyFiles(trained, [many], table=file, is_resumed=True, sorting=sorting), resumed)
    num_before = len([each for each in stopped.predictions if not each.reason])
    assert (result.num_done_before, result.num_classified) == (num_before, 150 - num_before)
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len({row["image"] for row in rows}) == 150
    copies = [path for path in sorting.folder.rglob("*") if path.is_file() and path.name != LIST_NAME]
    assert len(copies) == 150
    assert not [path for path in copies if "(2)" in path.name]

    shutil.copy2(next((many / "patches").iterdir()), many / "patches" / "new.jpg")
    more = run_job(ClassifyFiles(trained, [many], table=file, is_resumed=True), Listener())
    assert (more.num_done_before, more.num_classified) == (150, 1)


def test_files_are_sorted_with_the_unknown_and_the_unsure_apart(
    trained: Project, many: Path, run_job: Callable, tmp_path: Path
) -> None:
    sorting = SortPlan(tmp_path / "sorted", Placing.SYMBOLIC_LINK, 0.999)
    listener = Listener()
    run_job(ClassifyFiles(trained, [many], sorting=sorting), listener)
    for each in listener.predictions:
        if each.reason:
            continue
        place = "unknown" if each.is_unknown else "unsure" if each.confidence < 0.999 else each.classes[0]
        link = sorting.folder / place / each.path.name
        assert link.is_symlink()
        assert link.samefile(each.path)
    assert (sorting.folder / "unsure").is_dir()


def test_a_sorted_folder_among_the_images_is_not_classified_again(
    trained: Project, many: Path, run_job: Callable
) -> None:
    sorting = SortPlan(many / "sorted")
    for _ in range(2):
        assert run_job(ClassifyFiles(trained, [many / "crazing", many], sorting=sorting)).num_classified == 150


def test_a_project_without_a_run_says_what_to_do(make_project: Callable, steel: Path, run_job: Callable) -> None:
    with pytest.raises(TrainingError, match="no trained model yet"):
        run_job(ClassifyFiles(make_project(steel), [steel]))
