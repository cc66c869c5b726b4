"""A run says of image files what it would say of them in the project, and is measured on a folder per class."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.errors import ProjectError, TrainingError
from engine.project import Project
from engine.tasks.evaluate import NO_CLASS_FOLDER, EvaluateModel, evaluation_document
from engine.tasks.predict import PredictImages
from engine.tasks.train import retrain_jobs
from engine.tasks.train_snapshot import TrainSettings

CLASSES = ["crazing", "patches", "scratches"]


@pytest.fixture
def trained(make_project: Callable, steel: Path, run_job: Callable) -> Project:
    """A project with a run on three classes of steel surfaces."""
    project = make_project(steel)
    for job in retrain_jobs(project, TrainSettings(backbone="squeezenet1_1")):
        run_job(job)
    return project


@pytest.fixture
def fresh(shared_data: Path, tmp_path: Path) -> Path:
    """Pictures that no training has seen, in a folder per class."""
    folder = tmp_path / "fresh"
    for name in CLASSES:
        (folder / name).mkdir(parents=True)
        for file in sorted((shared_data / "steel_neu" / name).iterdir())[50:54]:
            shutil.copy2(file, folder / name / file.name)
    return folder


def test_a_folder_is_predicted_and_broken_files_are_named(trained: Project, fresh: Path, run_job: Callable) -> None:
    (fresh / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    (fresh / "notes.txt").write_text("not an image")
    predictions = run_job(PredictImages(trained, fresh))
    document = predictions.document()

    assert len(document["predictions"]) == 12
    assert [entry["image"] for entry in document["failed"]] == ["broken.jpg"]
    assert document["failed"][0]["reason"]
    entry = document["predictions"][0]
    assert entry["class"] == max(entry["probabilities"], key=entry["probabilities"].get)
    assert entry["confidence"] == pytest.approx(entry["probabilities"][entry["class"]])
    assert sum(entry["probabilities"].values()) == pytest.approx(1.0, abs=1e-5)
    right = [entry["class"] == entry["image"].split("/")[0] for entry in document["predictions"]]
    assert np.mean(right) > 0.7
    json.dumps(document, allow_nan=False)


def test_single_files_can_be_predicted(trained: Project, fresh: Path, run_job: Callable) -> None:
    files = sorted((fresh / "patches").iterdir())[:2]
    assert run_job(PredictImages(trained, files)).paths == files


def test_a_class_per_folder_is_the_truth(trained: Project, fresh: Path, run_job: Callable) -> None:
    document = run_job(EvaluateModel(trained, fresh))

    assert document["num_images"] == 12
    assert document["accuracy"] > 0.7
    assert document["accuracy_interval"][0] < document["accuracy"] <= document["accuracy_interval"][1]
    assert document["classes"] == CLASSES
    assert np.sum(document["confusion"]) == 12
    assert [entry["class"] for entry in document["per_class"]] == CLASSES
    assert {"precision", "recall", "f1", "support"} < set(document["per_class"][0])
    json.dumps(document, allow_nan=False)


def test_a_folder_of_a_class_that_the_model_does_not_know_counts_as_wrong(
    trained: Project, fresh: Path, run_job: Callable
) -> None:
    known = run_job(EvaluateModel(trained, fresh))
    shutil.copytree(fresh / "patches", fresh / "rust")
    document = run_job(EvaluateModel(trained, fresh))

    assert document["classes"] == [*CLASSES, "rust"]
    assert document["num_images"] == 16
    assert document["accuracy"] == pytest.approx(known["accuracy"] * 12 / 16)
    assert document["per_class"][3] == {"class": "rust", "precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 4}


def test_images_beside_the_class_folders_are_named_and_not_counted(
    trained: Project, fresh: Path, run_job: Callable
) -> None:
    shutil.copy2(next((fresh / "patches").iterdir()), fresh / "stray.jpg")
    document = run_job(EvaluateModel(trained, fresh))
    assert document["num_images"] == 12
    assert document["failed"] == [{"image": "stray.jpg", "reason": NO_CLASS_FOLDER}]


def test_without_a_folder_the_runs_own_out_of_fold_figures_are_given(trained: Project, run_job: Callable) -> None:
    document, run = run_job(EvaluateModel(trained)), trained.active_run()
    assert run is not None
    assert document["num_images"] == 24
    assert document["accuracy"] == pytest.approx(run.validation.accuracy)
    assert document["log_loss"] == pytest.approx(run.validation.log_loss)
    assert document["confusion"] == run.validation.confusion


def test_a_class_that_no_test_image_has_stays_in_the_table() -> None:
    document = evaluation_document(np.array([[0.8, 0.1, 0.1]], np.float32), np.array([0]), ["a", "b", "c"])
    assert document["confusion"] == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("job", [PredictImages, EvaluateModel])
def test_bad_folders_are_sentences(job: type, trained: Project, tmp_path: Path, run_job: Callable) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_bytes(b"")
    for folder, message in (("missing", "no folder"), ("empty", "no images"), ("file", "is a file")):
        with pytest.raises(ProjectError, match=message):
            run_job(job(trained, tmp_path / folder))


def test_a_folder_without_class_folders_cannot_be_the_truth(trained: Project, fresh: Path, run_job: Callable) -> None:
    with pytest.raises(ProjectError, match="no folder per class"):
        run_job(EvaluateModel(trained, fresh / "patches"))


def test_a_project_without_a_run_says_what_to_do(make_project: Callable, steel: Path, run_job: Callable) -> None:
    project = make_project(steel)
    for job in (PredictImages(project, steel), EvaluateModel(project)):
        with pytest.raises(TrainingError, match="no trained model yet"):
            run_job(job)


@pytest.mark.parametrize("name", ["head.safetensors", "run.json"])
def test_a_damaged_run_is_a_sentence(name: str, trained: Project, fresh: Path, run_job: Callable) -> None:
    run = trained.active_run()
    assert run is not None
    (trained.run_dir(run) / name).write_bytes(b"{}")
    with pytest.raises(TrainingError, match="damaged or incomplete"):
        run_job(PredictImages(trained, fresh))


def test_a_table_says_where_its_images_lie_and_what_they_are(
    trained: Project, fresh: Path, run_job: Callable, tmp_path: Path
) -> None:
    expected = run_job(EvaluateModel(trained, fresh))
    files = sorted(fresh.rglob("*.jpg"))
    rows = [f"fresh/{file.parent.name}/{file.name},{file.parent.name}" for file in files[:-1]]
    rows += [f"{files[-1]},{files[-1].parent.name}", "fresh/nowhere.jpg,patches"]
    table = tmp_path / "truth.csv"
    table.write_text("\n".join(["image,class", *rows]))
    document = run_job(EvaluateModel(trained, labels=table))
    assert document["accuracy"] == expected["accuracy"]
    assert np.sum(document["confusion"]) == np.sum(expected["confusion"]) == len(files)
    assert document["failed"] == [
        {"image": "fresh/nowhere.jpg", "reason": "truth.csv names it, and it is not there."}
    ]  # fmt: skip

    table.write_text("image,class\nnowhere.jpg,patches\n")
    with pytest.raises(ProjectError, match="names no image that is there"):
        run_job(EvaluateModel(trained, labels=table))
