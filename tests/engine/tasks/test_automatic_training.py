"""Trainings that nobody asked for: each takes the place of the one before, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.domain import Run
from engine.errors import TrainingError
from engine.project import Project
from engine.tasks.embed import ComputeEmbeddings
from engine.tasks.export import ExportModel
from engine.tasks.report import WriteReport
from engine.tasks.train import TrainHead
from engine.tasks.train_snapshot import TrainSettings

BACKBONE = "squeezenet1_1"


@pytest.fixture
def labelled(make_project: Callable, steel: Path, run_job: Callable) -> Project:
    project = make_project(steel)
    run_job(ComputeEmbeddings(project, BACKBONE))
    return project


@pytest.fixture
def train(run_job: Callable) -> Callable[..., Run]:
    def train_once(project: Project, is_automatic: bool = True) -> Run:
        return run_job(TrainHead(project, TrainSettings(backbone=BACKBONE, is_automatic=is_automatic)))

    return train_once


def ids_of(project: Project) -> list[int]:
    return [run.id for run in project.runs()]


def test_an_automatic_run_gives_way_to_the_next_run_of_any_kind(labelled: Project, train: Callable) -> None:
    first = train(labelled)
    assert labelled.active_run().id == first.id
    second = train(labelled)
    assert ids_of(labelled) == [second.id]
    asked_for = train(labelled, is_automatic=False)
    assert ids_of(labelled) == [asked_for.id]
    after = train(labelled)
    assert ids_of(labelled) == [asked_for.id, after.id]
    assert labelled.active_run().id == after.id


def test_the_files_of_an_automatic_run_stay_for_one_more_training_and_no_longer(
    labelled: Project, train: Callable
) -> None:
    first, second = train(labelled), train(labelled)
    assert labelled.run_dir(first).is_dir()
    third = train(labelled)
    assert not labelled.run_dir(first).exists()
    folder = labelled.folder
    labelled.close()
    with Project.open(folder) as again:
        assert ids_of(again) == [third.id]
        assert not again.run_dir(second).exists()
        assert again.predictions() is not None


def test_a_note_makes_an_automatic_run_one_to_keep(labelled: Project, train: Callable) -> None:
    noted = train(labelled)
    labelled.set_run_note(noted.id, "before the rain")
    after = train(labelled)
    assert ids_of(labelled) == [noted.id, after.id]


def test_an_automatic_run_that_was_exported_or_reported_stays(
    labelled: Project, train: Callable, run_job: Callable, tmp_path: Path
) -> None:
    exported = train(labelled)
    run_job(ExportModel(labelled, "onnx", tmp_path / "for Anna"))
    reported = train(labelled)
    run_job(WriteReport(labelled, tmp_path / "appendix.html"))
    after = train(labelled)
    assert ids_of(labelled) == [exported.id, reported.id, after.id]
    assert labelled.run_notes() == {exported.id: "Exported to for Anna", reported.id: "Report appendix.html"}


def test_a_project_rebuilt_from_its_journal_has_the_lasting_runs_and_one_of_them_is_active(
    labelled: Project, train: Callable
) -> None:
    asked_for = train(labelled, is_automatic=False)
    train(labelled)
    noted = train(labelled)
    labelled.set_run_note(noted.id, "good")
    train(labelled)
    folder = labelled.folder
    labelled.close()
    for file in [*folder.glob("project.db*"), *(folder / "backups").glob("*.db")]:
        file.unlink()
    with Project.restore(folder) as again:
        assert ids_of(again) == [asked_for.id, noted.id]
        assert again.active_run() is not None


def test_many_automatic_runs_leave_one_row_and_two_folders(labelled: Project, train: Callable) -> None:
    for _ in range(12):
        train(labelled)
    assert len(ids_of(labelled)) == 1
    assert len(list(labelled.models_dir.glob("run-*"))) == 2


def test_a_training_that_nobody_asked_for_waits_until_nearly_all_labelled_images_were_looked_at(
    make_project: Callable, steel: Path, run_job: Callable, train: Callable
) -> None:
    project = make_project(steel)
    ids = project.snapshot().image_ids.tolist()
    run_job(ComputeEmbeddings(project, BACKBONE, ids[:9] + ids[12:15]))
    with pytest.raises(TrainingError, match="still to be looked at"):
        train(project)
    assert project.runs() == []
    run_job(ComputeEmbeddings(project, BACKBONE))
    assert train(project).num_images == len(ids)
