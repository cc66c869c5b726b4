"""Accepted suggestions in a training: learned from or left out, measured only where somebody looked, and told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.commands.train import run_document
from engine.domain import LabelSnapshot, Run, Source
from engine.evaluation.selection import COUNTED, words_on
from engine.nn.run_model import OUT_OF_FOLD_FILE
from engine.project import Project
from engine.tasks.evaluate import EvaluateModel
from engine.tasks.interrupted import labels_of, write_begun
from engine.tasks.measured import read_borne_out, read_measured
from engine.tasks.review import ReviewModel
from engine.tasks.train import retrain_jobs
from engine.tasks.train_snapshot import TrainSettings

SETTINGS = TrainSettings(backbone="squeezenet1_1")
OWN = {"crazing": 5, "patches": 5, "scratches": 5}


@pytest.fixture
def retrain(run_job: Callable) -> Callable[..., Run]:
    def run_chain(project: Project, settings: TrainSettings = SETTINGS) -> Run:
        outcome = None
        for job in retrain_jobs(project, settings):
            outcome = run_job(job)
        assert isinstance(outcome, Run)
        return outcome

    return run_chain


@pytest.fixture
def project(make_project: Callable, steel: Path, label_by_folder: Callable) -> Project:
    """Twenty-four pictures of three kinds; five of each labelled by hand."""
    made: Project = make_project(steel, has_labels=False)
    label_by_folder(made, OWN)
    return made


def accept(project: Project, source: Source) -> list[int]:
    """Gives the other images the class of their folder, as an accepted suggestion; returns them."""
    class_ids = {each.name: each.id for each in project.classes()}
    labelled = set(project.snapshot().image_ids.tolist())
    pairs = [(image.id, class_ids[image.name.split("/")[0]]) for image in project.images() if image.id not in labelled]
    project.label_many(pairs, source, "accept").result()
    return [image_id for image_id, _ in pairs]


def held_out_ids(project: Project, run: Run) -> set[int]:
    with np.load(project.run_dir(run) / OUT_OF_FOLD_FILE) as arrays:
        return set(arrays["image_ids"].tolist())


def test_the_snapshot_knows_what_was_accepted_and_what_nobody_looked_at(project: Project) -> None:
    accepted = accept(project, Source.SUGGESTION)
    labels = project.snapshot()
    assert set(labels.image_ids[labels.accepted].tolist()) == set(accepted)
    assert not labels.unseen.any()
    project.clear(accepted).result()
    accept(project, Source.UNSEEN)
    labels = project.snapshot()
    assert set(labels.image_ids[labels.unseen].tolist()) == set(accepted)
    assert np.array_equal(labels.accepted, labels.unseen)


def test_what_nobody_looked_at_is_learned_from_and_never_measured_on(project: Project, retrain: Callable) -> None:
    own = set(project.snapshot().image_ids.tolist())
    accept(project, Source.UNSEEN)
    run = retrain(project)
    assert run.num_images == 24
    assert held_out_ids(project, run) == own
    assert (run.validation.num_measured, np.sum(run.validation.confusion)) == (15, 15)
    assert any("9 suggestions were accepted without a look" in note for note in run.settings["notes"])


def test_what_was_looked_at_is_measured_on_and_counts_as_often_as_among_all(
    project: Project, retrain: Callable, run_job: Callable
) -> None:
    accept(project, Source.SUGGESTION)
    project.clear(project.snapshot().image_ids[:4].tolist()).result()
    run = retrain(project)
    assert run.validation.num_measured == run.num_images == 20
    counted = run.settings[COUNTED]
    assert counted["num_measured"] == 9
    low, high = run.validation.accuracy_interval
    assert low < run.validation.accuracy <= high
    assert "9 labels are accepted suggestions" in words_on(run.settings)
    review = run_job(ReviewModel(project, run))
    assert review.metrics.accuracy == run.validation.accuracy
    # The table of classes is counted in the same way: put together, it is the accuracy.
    assert review.metrics.per_class == [
        each | {"class": run.class_names.index(each["class"])} for each in run.validation.per_class
    ]
    measured = read_measured(project, run)
    assert measured.weights is not None
    shares = np.bincount(measured.targets, weights=measured.weights) / measured.weights.sum()
    recalls = np.array([each["recall"] for each in review.metrics.per_class])
    assert (shares * recalls).sum() == pytest.approx(run.validation.accuracy)
    assert review.metrics.accuracy != pytest.approx(float(counted["accuracy_one_by_one"]))
    assert int(review.metrics.confusion.sum()) == 20


def refuse_what_the_model_says(project: Project, run: Run) -> list[int]:
    """Takes the suggestion of every image without a class out of its block; returns these images."""
    predictions = project.predictions(run)
    assert predictions is not None
    open_ids = sorted(set(predictions.image_ids.tolist()) - set(project.snapshot().image_ids.tolist()))
    rows = [predictions.image_ids.tolist().index(image_id) for image_id in open_ids]
    called = predictions.class_ids[predictions.probabilities[rows].argmax(axis=1)]
    for class_id in np.unique(called).tolist():
        ids = [image_id for image_id, each in zip(open_ids, called.tolist(), strict=True) if each == class_id]
        project.accept([], class_id, Source.SUGGESTION, "refuse", ids, run.id).result()
    return open_ids


def test_refused_suggestions_are_counted_as_wrong_until_the_image_gets_a_class(
    project: Project, retrain: Callable, run_job: Callable
) -> None:
    project.clear(accept(project, Source.SUGGESTION)[3:]).result()
    before = retrain(project)
    refused = refuse_what_the_model_says(project, before)
    assert len(refused) == 6
    run = retrain(project)
    measured = read_measured(project, run)
    num_counted = run.settings[COUNTED]["num_refused"]
    assert num_counted == len(measured.refused) > 0
    assert measured.refused.is_wrong.all(), "it learned from nothing new, and says what was refused"
    assert f"{num_counted} image" in words_on(run.settings)

    assert run.validation.accuracy < before.validation.accuracy
    assert run.validation.confusion == before.validation.confusion
    borne_out = read_borne_out(project, run)
    assert len(borne_out.is_right) == 18 + num_counted
    assert not borne_out.is_right[18:].any()
    assert run_document(run)["num_refused"] == num_counted
    review = run_job(ReviewModel(project, run))
    assert review.metrics.accuracy == run.validation.accuracy
    assert review.metrics.ece == run.validation.ece
    assert len(review.saved.is_right) == 18 + num_counted
    assert not review.acceptance.is_accepted[np.isin(review.other_ids, refused)].any()
    document = run_job(EvaluateModel(project, None))
    assert (document["num_refused"], document["ece"]) == (num_counted, run.validation.ece)

    left_out = retrain(project, replace(SETTINGS, with_accepted=False))
    assert COUNTED not in left_out.settings
    class_ids = {each.name: each.id for each in project.classes()}
    names = {image.id: image.name for image in project.images(refused)}
    project.label_many([(i, class_ids[names[i].split("/")[0]]) for i in refused], Source.HUMAN, "correct").result()
    assert "num_refused" not in retrain(project).settings[COUNTED]


def test_what_was_refused_makes_the_model_less_sure_of_itself(project: Project, retrain: Callable) -> None:
    before = retrain(project)
    refuse_what_the_model_says(project, before)
    after = retrain(project)
    assert after.settings["temperature"] > before.settings["temperature"]
    undone = project.undo().result()
    while undone is not None and project.can_undo() == "refuse":
        undone = project.undo().result()
    again = retrain(project)
    assert again.settings["temperature"] == pytest.approx(before.settings["temperature"], rel=1e-3)
    assert again.validation.accuracy == before.validation.accuracy


def test_a_training_without_accepted_suggestions_neither_learns_from_them_nor_measures_on_them(
    project: Project, retrain: Callable
) -> None:
    own = set(project.snapshot().image_ids.tolist())
    plain = retrain(project)
    accept(project, Source.SUGGESTION)
    run = retrain(project, replace(SETTINGS, with_accepted=False))
    assert run.num_images == 15
    assert held_out_ids(project, run) == own
    assert (run.labels_hash, run.validation) == (plain.labels_hash, plain.validation)
    assert "left out" in words_on(run.settings)


def test_where_nearly_all_labels_are_unseen_suggestions_they_are_measured_on_and_a_note_says_that_it_flatters(
    project: Project, retrain: Callable
) -> None:
    project.clear(project.snapshot().image_ids.tolist()).result()
    accept(project, Source.UNSEEN)
    run = retrain(project)
    assert run.validation.num_measured == 24
    assert any("figures flatter" in note for note in run.settings["notes"])


def test_an_interrupted_training_remembers_what_was_accepted(project: Project, tmp_path: Path) -> None:
    from engine.tasks.interrupted import Interrupted

    accept(project, Source.UNSEEN)
    labels: LabelSnapshot = project.snapshot()
    write_begun(tmp_path / "scratch", SETTINGS, labels)
    again = labels_of(project, Interrupted(tmp_path / "scratch", SETTINGS, 0.5, 24, 0.0))
    assert np.array_equal(again.unseen, labels.unseen)
    assert again.accepted.sum() == 9


def test_the_command_line_leaves_accepted_suggestions_out_when_told_to(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    from engine.commands import cli

    accept(project, Source.SUGGESTION)
    folder = project.folder
    project.close()
    options = ["--backbone", "squeezenet1_1", "--depth", "head", "--json"]
    assert cli.run(["train", str(folder), *options, "--without-accepted"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["num_images"] == 15
    assert "left out" in document["accepted"]
    assert cli.run(["train", str(folder), *options]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["num_images"] == 24
    assert "9 labels are accepted suggestions" in document["accepted"]
