"""Versions of the model on real pictures with a real network: what they note, comparing, rolling back, deleting."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import save_file

from engine import VERSION
from engine.backbones import spec
from engine.domain import ImageStatus, LabelMode, Mark, Run, Validation
from engine.errors import BackboneError, ProjectError, TrainingError
from engine.nn.networks import EXPORTED_PREFIX, load_backbone
from engine.project import Project
from engine.tasks.compare_runs import CompareRuns, RunComparison
from engine.tasks.comparison_words import document, figure_rows, sentences
from engine.tasks.embed import ComputeEmbeddings, EmbedForActiveRun
from engine.tasks.extend import ExtendPredictions
from engine.tasks.predict import PredictImages
from engine.tasks.scan import ScanFolder
from engine.tasks.train import retrain_jobs
from engine.tasks.train_snapshot import TrainSettings
from engine.weights import file_sha256, find_weights

KEY = "squeezenet1_1"
SETTINGS = TrainSettings(backbone=KEY)


@pytest.fixture
def retrain(run_job: Callable) -> Callable[..., Run]:
    def run_chain(project: Project, settings: TrainSettings = SETTINGS) -> Run:
        return [run_job(job) for job in retrain_jobs(project, settings, embed_all=True)][-1]

    return run_chain


@pytest.fixture
def two_versions(
    make_project: Callable, steel: Path, retrain: Callable, label_by_folder: Callable
) -> tuple[Project, Run, Run]:
    """Version 1 learned from 9 pictures, version 2 from 15, one of which got another class in between."""
    project = make_project(steel, has_labels=False)
    label_by_folder(project, {"crazing": 3, "patches": 3, "scratches": 3})
    first = retrain(project)
    label_by_folder(project, {"crazing": 5, "patches": 5, "scratches": 5})
    wrong = next(image.id for image in project.images() if image.name.startswith("crazing/"))
    project.label([wrong], project.classes()[1].id).result()
    return project, first, retrain(project, replace(SETTINGS, seed=7))


def test_a_version_notes_its_labels_libraries_and_machine(two_versions: tuple[Project, Run, Run]) -> None:
    project, first, second = two_versions
    for run in (first, second):
        assert run.made_with["graft"] == VERSION
        assert {"torch", "torchvision", "onnxruntime", "numpy", "python", "platform", "device"} <= set(run.made_with)
        assert run.made_with["device"] == "the processor"
        stored = json.loads((project.run_dir(run) / "run.json").read_text())
        assert (stored["labels_hash"], stored["made_with"]) == (run.labels_hash, run.made_with)
        assert (stored["seed"], stored["weights_hash"], stored["last_step"]) == (
            run.seed, run.weights_hash, run.last_step)  # fmt: skip
    assert len(first.labels_hash) == 32
    assert first.labels_hash != second.labels_hash


def test_the_same_labels_have_the_same_hash_however_they_came_about(
    two_versions: tuple[Project, Run, Run], retrain: Callable
) -> None:
    project, _, second = two_versions
    (image_id,) = project.snapshot().image_ids[:1].tolist()
    project.clear([image_id]).result()
    project.undo().result()
    assert retrain(project).labels_hash == second.labels_hash


def test_comparing_says_what_changed_and_which_images_flipped(
    two_versions: tuple[Project, Run, Run], run_job: Callable
) -> None:
    project, first, second = two_versions
    found: RunComparison = run_job(CompareRuns(project, first.id, second.id))
    assert [each.name for each in found.settings] == ["Seed"]
    assert (len(found.labels.added), len(found.labels.changed), len(found.labels.gone)) == (6, 1, 0)
    assert found.num_unlabelled == 9
    # By hand, from the files: the nine images of the first were held out by both.
    names = {run.id: _held_out(project, run) for run in (first, second)}
    labels = project.snapshot()
    truth = {int(i): labels.classes[t].id for i, t in zip(labels.image_ids, labels.targets, strict=True)}
    shared = sorted(set(names[first.id]) & set(names[second.id]))
    assert found.paired.num_images == len(shared) == 9
    fixed = {i for i in shared if names[first.id][i] != truth[i] == names[second.id][i]}
    broken = {i for i in shared if names[first.id][i] == truth[i] != names[second.id][i]}
    assert (set(found.fixed.tolist()), set(found.broken.tolist())) == (fixed, broken)
    assert (found.paired.only_second, found.paired.only_first) == (len(fixed), len(broken))
    before, after = project.predictions(first), project.predictions(second)
    open_ids = set(project.columns().image_ids.tolist()) - set(truth)
    changed = {
        int(i) for i, a, b in zip(before.image_ids, before.probabilities.argmax(1),
                                  after.probabilities.argmax(1), strict=True) if a != b}  # fmt: skip
    assert set(found.other_suggestion.tolist()) == changed & open_ids
    said = sentences(found)
    assert said[0].startswith("On 9 images that both were measured on")
    assert "6 added, 1 changed" in said[1]
    assert "Log loss" in [row.name for row in figure_rows(found)]
    assert json.loads(json.dumps(document(found)))["paired"]["num_images"] == 9


def _held_out(project: Project, run: Run) -> dict[int, int]:
    with np.load(project.run_dir(run) / "out_of_fold.npz") as arrays:
        best = arrays["probabilities"].argmax(axis=1)
        return {int(i): run.class_ids[b] for i, b in zip(arrays["image_ids"], best, strict=True)}


def test_rolling_back_brings_the_predictions_figures_and_count_of_new_labels_of_that_version(
    two_versions: tuple[Project, Run, Run],
) -> None:
    project, first, second = two_versions
    assert project.num_labels_since(second.last_step) == 0
    shown = project.columns()
    project.activate_run(first.id)
    assert project.active_run() == replace(first, is_active=True)
    columns, predicted = project.columns(), project.predictions(first)
    rows = np.searchsorted(columns.image_ids, predicted.image_ids)
    expected = predicted.class_ids[predicted.probabilities.argmax(axis=1)]
    np.testing.assert_array_equal(columns.predicted_ids[rows], expected)
    assert not np.array_equal(columns.confidences, shown.confidences)
    assert project.num_labels_since(project.active_run().last_step) == 7
    project.activate_run(second.id)
    np.testing.assert_array_equal(project.columns().confidences, shown.confidences)


def test_new_images_are_predicted_by_the_version_in_use_with_its_own_views(
    two_versions: tuple[Project, Run, Run], shared_data: Path, tmp_path: Path, run_job: Callable, retrain: Callable
) -> None:
    project, first, _ = two_versions
    project.set_views_preset("fast")
    third = retrain(project)
    project.activate_run(first.id)
    more = tmp_path / "more"
    more.mkdir()
    for file in sorted((shared_data / "steel_neu" / "patches").iterdir())[8:12]:
        shutil.copy2(file, more / file.name)
    run_job(ScanFolder(project, more, False))
    for job in (ComputeEmbeddings(project, KEY), EmbedForActiveRun(project, KEY)):
        run_job(job)
    images = {image.path: image.id for image in project.images() if image.path.parent == more}
    predicted = project.predictions(first)
    assert set(images.values()) <= set(predicted.image_ids.tolist())
    by_file = run_job(PredictImages(project, more, first))
    ids = [images[path] for path in by_file.paths]
    rows = [predicted.image_ids.tolist().index(image_id) for image_id in ids]
    np.testing.assert_allclose(predicted.probabilities[rows], by_file.probabilities, atol=2e-3)
    # The next training's own views were looked at as well, so going back to version 3 costs no look.
    project.activate_run(third.id)
    assert not set(images.values()) & set(project.predictions(third).image_ids.tolist())
    run_job(ExtendPredictions(project))
    assert set(images.values()) <= set(project.predictions(third).image_ids.tolist())


def test_where_the_next_training_looks_as_the_version_in_use_does_no_image_is_looked_at_twice(
    two_versions: tuple[Project, Run, Run],
) -> None:
    project, _, _ = two_versions
    shutil.rmtree(project.cache_dir / "features")
    assert EmbedForActiveRun(project, KEY).prepare().images == []
    project.set_views_preset("fast")
    assert len(EmbedForActiveRun(project, KEY).prepare().images) == 24


def test_suggestions_stay_while_a_deleted_cache_is_filled_again(
    two_versions: tuple[Project, Run, Run], run_job: Callable
) -> None:
    project, _, second = two_versions
    before = project.columns()
    shutil.rmtree(project.cache_dir / "features")
    run_job(ExtendPredictions(project))
    np.testing.assert_array_equal(project.columns().confidences, before.confidences)
    # Half of them are there again, and one picture is gone for good.
    gone = project.images()[-1]
    gone.path.unlink()
    project.set_image_status([gone.id], ImageStatus.MISSING)
    run_job(ComputeEmbeddings(project, KEY, before.image_ids[:12].tolist()))
    after = project.predictions(second)
    assert sorted(after.image_ids.tolist()) == sorted(set(before.image_ids.tolist()) - {gone.id})
    order = np.argsort(after.image_ids)
    confidences = after.probabilities.max(axis=1)[order]
    np.testing.assert_allclose(confidences, before.confidences[np.argsort(before.image_ids)][:-1], atol=2e-3)


def test_a_version_whose_network_another_began_with_stays_until_that_one_is_deleted(
    two_versions: tuple[Project, Run, Run], retrain: Callable, run_job: Callable
) -> None:
    project, first, second = two_versions
    _give_own_network(project, second)
    third = retrain(project, TrainSettings(backbone=f"run:{second.id}"))
    assert third.backbone == f"run:{second.id}"
    assert any("learned from images of this project before" in note for note in third.settings["notes"])
    project.activate_run(first.id)
    with pytest.raises(ProjectError, match=f"version {third.id} began with its network"):
        project.delete_run(second.id)
    assert project.plan_pruning(1).run_ids == []
    assert len(run_job(PredictImages(project, [project.images()[0].path], third)).names) == 1
    project.delete_runs([second.id, third.id])
    with pytest.raises(BackboneError):
        retrain(project, TrainSettings(backbone=f"run:{second.id}"))
    project.undelete_run(second)
    assert retrain(project, TrainSettings(backbone=f"run:{second.id}")).id == third.id + 1


def _give_own_network(project: Project, run: Run) -> None:
    """Makes it look as if a run had trained its network: the pretrained one, under the run's name."""
    folder = project.run_dir(run)
    weights = load_backbone(spec(KEY), find_weights(spec(KEY), project.folder)).state_dict()
    save_file({EXPORTED_PREFIX + name: value.contiguous() for name, value in weights.items()},
              folder / "backbone.safetensors")  # fmt: skip
    described = json.loads((folder / "run.json").read_text())
    described["weights_hash"] = file_sha256(folder / "backbone.safetensors")
    (folder / "run.json").write_text(json.dumps(described))


def test_a_version_without_its_files_says_so_and_is_not_used(
    two_versions: tuple[Project, Run, Run], run_job: Callable
) -> None:
    project, first, second = two_versions
    shutil.rmtree(project.run_dir(first))
    assert project.missing_runs() == [replace(first, is_active=False)]
    with pytest.raises(ProjectError, match="not in the project"):
        project.activate_run(first.id)
    with pytest.raises(TrainingError, match="version 1"):
        run_job(CompareRuns(project, first.id, second.id))
    assert project.active_run().id == second.id
    project.delete_run(first.id)
    assert [run.id for run in project.runs()] == [second.id]


def test_where_images_have_several_classes_an_answer_is_right_when_the_whole_set_is(
    project: Project, file_images: Callable, run_job: Callable
) -> None:
    project.set_label_mode(LabelMode.SEVERAL).result()
    ids = file_images(project, 5)
    rust, dent = (project.add_class(name).result().id for name in ("rust", "dent"))
    project.label(ids[:2], rust).result()
    project.label(ids[1:3], dent).result()
    project.mark(ids[:4], Mark.CONFIRMED, True).result()
    project.label(ids[4:], rust).result()  # not confirmed: whether it has a dent is not known
    truth = np.array([[1, 0], [1, 1], [0, 1], [0, 0], [1, 0]], bool)
    one = _several_version(project, 1, ids, [rust, dent], truth, np.array([[1, 0], [1, 0], [1, 0], [0, 0], [0, 0]]))
    two = _several_version(project, 2, ids, [rust, dent], truth, np.array([[1, 0], [1, 1], [0, 0], [0, 1], [1, 1]]))
    found: RunComparison = run_job(CompareRuns(project, one.id, two.id))
    assert found.paired.num_images == 4
    assert (found.fixed.tolist(), found.broken.tolist(), found.other_mistake.tolist()) == ([ids[1]], [ids[3]], [ids[2]])
    assert found.labels.is_none
    assert figure_rows(found)[0].name == "All classes right"
    # Version 1 is asked again after a class was merged away: what it said of both counts for the one that is left.
    project.merge_class(dent, rust).result()
    merged: RunComparison = run_job(CompareRuns(project, one.id, two.id))
    assert merged.fixed.tolist() == []
    assert merged.broken.tolist() == [ids[2], ids[3]]


def _several_version(
    project: Project, number: int, ids: list[int], class_ids: list[int], truth: np.ndarray, said: np.ndarray
) -> Run:
    folder = project.models_dir / f"run-{number:04d}"
    folder.mkdir()
    np.savez(folder / "labels.npz", image_ids=ids, targets=truth.argmax(1), targets_matrix=truth, confirmed=[True] * 5)
    np.savez(folder / "out_of_fold.npz", image_ids=ids, probabilities=np.where(said, 0.4, 0.1), suggested=said > 0)
    validation = Validation("5-fold cross-validation", 0.5, (0.1, 0.9), 0.5, 0.3, 0.02)
    run = Run(number, 1.0, KEY, "w", "head", 0, folder.name, class_ids, ["rust", "dent"], 5, 0, validation, {}, {},
              False, LabelMode.SEVERAL, [0.9, 0.9])  # fmt: skip
    (folder / "run.json").write_text(json.dumps({"id": number, "mode": "several"}))
    return project.add_run(run)
