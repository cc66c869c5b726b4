"""Stacks and images unlike all labelled ones in a training on real pictures: held out whole, and nothing promised."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.commands.train import run_document
from engine.domain import Run, Source
from engine.evaluation.representation import STACKED, unlike_of
from engine.project import Project
from engine.tasks.measured import read_borne_out, read_measured
from engine.tasks.review import ReviewModel
from engine.tasks.train import retrain_jobs
from engine.tasks.train_snapshot import TrainSettings

SETTINGS = TrainSettings(backbone="squeezenet1_1")


@pytest.fixture
def retrain(run_job: Callable) -> Callable[..., Run]:
    def run_chain(project: Project) -> Run:
        outcome = None
        for job in retrain_jobs(project, SETTINGS):
            outcome = run_job(job)
        assert isinstance(outcome, Run)
        return outcome

    return run_chain


def of_class(project: Project, name: str) -> list[int]:
    return [image.id for image in project.images() if image.name.startswith(f"{name}/")]


def named(project: Project, name: str, image_ids: list[int], source: Source = Source.HUMAN) -> None:
    classes = {each.name: each.id for each in project.classes()}
    class_id = classes[name] if name in classes else project.add_class(name).result().id
    project.label(image_ids, class_id, source).result()


def test_a_stack_is_held_out_as_a_whole_and_counted(make_project: Callable, steel: Path, retrain: Callable) -> None:
    project = make_project(steel, has_labels=False)
    stacks = []
    for name in ("crazing", "patches", "scratches"):
        ids = of_class(project, name)
        stacks += [ids[:3], ids[3:6]]
        for stack in stacks[-2:]:
            named(project, name, stack)
    run = retrain(project)
    measured = read_measured(project, run)
    fold_of = dict(zip(measured.image_ids.tolist(), measured.folds.tolist(), strict=True))
    unit_of = dict(zip(measured.image_ids.tolist(), measured.units.tolist(), strict=True))
    assert all(len({fold_of[image_id] for image_id in stack}) == 1 for stack in stacks)
    assert len({unit_of[stack[0]] for stack in stacks}) == len(stacks)
    assert run_document(run)["num_in_stacks"] == (18 if unlike_of(run.settings) is None else 0)
    assert any("stack" in note for note in run.settings["notes"])


def test_images_labelled_one_by_one_or_imported_are_measured_as_ever(
    make_project: Callable, steel: Path, retrain: Callable
) -> None:
    project = make_project(steel, has_labels=False)
    for name in ("crazing", "patches", "scratches"):
        ids = of_class(project, name)
        for image_id in ids[:3]:
            named(project, name, [image_id])
        named(project, name, ids[3:6], Source.IMPORT)
        named(project, name, ids[6:8], Source.IMPORT)
    assert not project.snapshot().together.any()
    run = retrain(project)
    assert STACKED not in run.settings
    assert read_measured(project, run).weights is None


def test_nothing_is_promised_where_open_images_look_like_nothing_labelled(
    make_project: Callable, steel: Path, retrain: Callable, run_job: Callable
) -> None:
    project = make_project(steel, has_labels=False)
    for name in ("crazing", "patches"):
        for image_id in of_class(project, name)[:7]:
            named(project, name, [image_id])
    run = retrain(project)
    unlike = unlike_of(run.settings)
    assert unlike is not None, "scratches are open, and like neither crazing nor patches"
    assert unlike.num_open == 10
    document = run_document(run)["unlike_labelled"]
    assert document["num_unlike"] == unlike.num_unlike
    assert read_borne_out(project, run).mistakes(np.array([0.99] * 10), run.class_ids[0]) is None
    review = run_job(ReviewModel(project, run))
    assert not any(review.saved.at(precision).num_measured for precision in (0.8, 0.9, 0.99))
