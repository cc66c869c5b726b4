"""Retrain gives a run that is measured honestly, stored whole, and predicts every image."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.domain import Run
from engine.errors import TrainingError
from engine.job import CancelledError, QuietContext
from engine.nn.run_model import load_run_model
from engine.project import Project
from engine.tasks.embed import ComputeEmbeddings
from engine.tasks.train import TrainHead, retrain_jobs
from engine.tasks.train_snapshot import TrainSettings

SETTINGS = TrainSettings(backbone="squeezenet1_1")


@pytest.fixture
def retrain(run_job: Callable) -> Callable[..., Run]:
    def run_chain(project: Project, settings: TrainSettings = SETTINGS) -> Run:
        outcome = None
        for job in retrain_jobs(project, settings):
            outcome = run_job(job)
        assert isinstance(outcome, Run)
        return outcome

    return run_chain


def test_real_pictures_are_told_apart_and_the_run_says_how_well(
    make_project: Callable, steel: Path, retrain: Callable
) -> None:
    project = make_project(steel)
    run = retrain(project)

    assert run.is_active
    assert project.active_run() == run
    assert run.class_names == ["crazing", "patches", "scratches"]
    assert (run.num_images, run.backbone, run.depth) == (24, "squeezenet1_1", "head")
    validation = run.validation
    assert validation.accuracy > 0.8
    assert validation.accuracy_interval[0] < validation.accuracy <= validation.accuracy_interval[1]
    assert re.fullmatch(r"(9|10)-fold cross-validation", validation.method)
    assert np.sum(validation.confusion) == 24
    assert [figures["class"] for figures in validation.per_class] == run.class_names
    assert run.seconds["embed"] > 0
    assert run.seconds["train"] > 0


def test_the_folder_of_a_run_holds_everything_it_promises(
    make_project: Callable, steel: Path, retrain: Callable
) -> None:
    project = make_project(steel)
    run = retrain(project)
    folder = project.run_dir(run)

    names = {"head.safetensors", "labels.npz", "out_of_fold.npz", "predictions.npz", "run.json", "unknown.safetensors"}
    assert {file.name for file in folder.iterdir()} == names
    document = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert document["class_names"] == run.class_names
    assert document["weights_hash"] == run.weights_hash
    with np.load(folder / "out_of_fold.npz") as out_of_fold, np.load(folder / "labels.npz") as labels:
        snapshot = project.snapshot()
        np.testing.assert_array_equal(labels["image_ids"], snapshot.image_ids)
        np.testing.assert_array_equal(labels["targets"], snapshot.targets)
        accuracy = (out_of_fold["probabilities"].argmax(axis=1) == labels["targets"]).mean()
    assert accuracy == pytest.approx(run.validation.accuracy)


def test_every_embedded_image_gets_a_prediction(
    make_project: Callable, steel: Path, retrain: Callable, label_by_folder: Callable
) -> None:
    project = make_project(steel, has_labels=False)
    label_by_folder(project, {"crazing": 4, "patches": 4, "scratches": 4})
    run = retrain(project)

    columns = project.columns()
    assert (columns.predicted_ids > 0).all()
    assert np.isfinite(columns.confidences).all()
    names = {image_class.id: image_class.name for image_class in project.classes()}
    right = [names[int(i)] == name.split("/")[0] for i, name in zip(columns.predicted_ids, columns.names, strict=True)]
    assert np.mean(right) > 0.8
    assert run.num_images == 12


def test_images_that_come_later_are_predicted_by_the_active_run(
    make_project: Callable, steel: Path, retrain: Callable, run_job: Callable, label_by_folder: Callable, tmp_path: Path
) -> None:
    from engine.tasks.scan import ScanFolder

    later = tmp_path / "later"
    shutil.move(steel / "crazing", later / "crazing")
    project = make_project(steel)
    retrain(project)
    run_job(ScanFolder(project, later, False))
    assert (project.columns().predicted_ids == 0).sum() == 8

    run_job(ComputeEmbeddings(project, "squeezenet1_1"))
    assert (project.columns().predicted_ids == 0).sum() == 0


def test_a_loaded_run_predicts_what_the_window_shows(make_project: Callable, steel: Path, retrain: Callable) -> None:
    from engine.images.decode import decode_rgb
    from engine.nn.embed import Embedder

    project = make_project(steel)
    run = retrain(project)
    model = load_run_model(project.run_dir(run), project.folder)
    shown = project.predictions()
    assert shown is not None
    image = project.images([int(shown.image_ids[5])])[0]
    with Embedder(model.spec, model.weights, model.preprocessing, num_threads=1) as embedder:
        found = model.probabilities(embedder.embed(decode_rgb(image.path))[None])[0]
    np.testing.assert_allclose(found, shown.probabilities[5], atol=1e-4)


def test_the_same_labels_and_seed_give_the_same_figures(make_project: Callable, steel: Path, retrain: Callable) -> None:
    project = make_project(steel)
    first, second = retrain(project), retrain(project)
    assert first.id != second.id
    assert second.validation == first.validation


def test_training_reuses_the_embeddings(make_project: Callable, steel: Path, retrain: Callable) -> None:
    project = make_project(steel)
    retrain(project)
    (only,) = retrain_jobs(project, SETTINGS)
    assert isinstance(only, TrainHead)


def test_two_images_of_each_class_are_enough(
    make_project: Callable, steel: Path, retrain: Callable, label_by_folder: Callable
) -> None:
    project = make_project(steel, has_labels=False)
    label_by_folder(project, {"crazing": 2, "patches": 2, "scratches": 2})
    run = retrain(project)
    assert run.num_images == 6
    assert len(run.class_names) == 3


def test_a_class_with_one_image_is_left_out_and_named(
    make_project: Callable, steel: Path, retrain: Callable, label_by_folder: Callable
) -> None:
    project = make_project(steel, has_labels=False)
    label_by_folder(project, {"crazing": 4, "patches": 1, "scratches": 4})
    run = retrain(project)

    assert run.class_names == ["crazing", "scratches"]
    assert run.num_images == 8
    (note,) = run.settings["notes"]
    assert "patches" in note


def test_copies_of_one_image_do_not_make_a_class(
    make_project: Callable, steel: Path, retrain: Callable, label_by_folder: Callable
) -> None:
    first = sorted((steel / "patches").iterdir())[0]
    shutil.copy2(first, steel / "patches" / "0_copy.jpg")
    for file in sorted((steel / "patches").iterdir())[2:]:
        file.unlink()
    run = retrain(make_project(steel))
    assert run.class_names == ["crazing", "scratches"]


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({}, "No image has a class yet"),
        ({"crazing": 5}, "All labelled images are of one class, “crazing”"),
        ({"crazing": 1, "patches": 1, "scratches": 1}, "Fewer than two classes have two different images"),
        ({"crazing": 6, "patches": 1}, "Fewer than two classes have two different images"),
    ],
    ids=["none", "one class", "one image each", "one class with enough"],
)
def test_labels_that_cannot_be_trained_on_get_a_plain_answer(
    counts: dict[str, int],
    message: str,
    make_project: Callable,
    steel: Path,
    retrain: Callable,
    label_by_folder: Callable,
) -> None:
    project = make_project(steel, has_labels=False)
    label_by_folder(project, counts)
    with pytest.raises(TrainingError, match=message) as caught:
        retrain(project)
    assert "Label" in caught.value.hint or "label" in caught.value.hint
    assert project.runs() == []
    assert list(project.models_dir.iterdir()) == []


def test_a_cancelled_training_leaves_the_last_run_active_and_no_folder(
    make_project: Callable, steel: Path, retrain: Callable, run_job: Callable
) -> None:
    class Cancelling(QuietContext):
        def checkpoint(self) -> None:
            raise CancelledError

    project = make_project(steel)
    first = retrain(project)
    with pytest.raises(CancelledError):
        run_job(TrainHead(project, SETTINGS), Cancelling())
    assert project.active_run() == first
    assert [folder.name for folder in project.models_dir.iterdir()] == [first.folder]


def test_an_unreadable_labelled_image_is_left_out_of_the_training(
    make_project: Callable, steel: Path, retrain: Callable
) -> None:
    project = make_project(steel)
    project.images()[0].path.unlink()
    assert retrain(project).num_images == 23


def test_a_class_deleted_before_training_is_not_part_of_the_model(
    make_project: Callable, steel: Path, retrain: Callable
) -> None:
    project = make_project(steel)
    (patches,) = [found for found in project.classes() if found.name == "patches"]
    project.delete_class(patches.id).result()
    assert retrain(project).class_names == ["crazing", "scratches"]
