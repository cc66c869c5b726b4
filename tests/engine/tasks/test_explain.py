"""Explaining images of a real project by a real network, and finding out when a model looks at the edges."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import AppError, TrainingError
from engine.project import Project
from engine.tasks.explain import CheckBorders, ExplainImage
from engine.tasks.train import TrainSettings, retrain_jobs

BACKBONE = "squeezenet1_1"
MakeProject = Callable[..., Project]
Run = Callable[..., object]


def train(project: Project, run_job: Run) -> object:
    made: object = None
    for job in retrain_jobs(project, TrainSettings(BACKBONE)):
        made = run_job(job)
    return made


@pytest.fixture
def framed(steel: Path) -> Path:
    """The steel pictures all alike in the middle, with a coloured frame that gives each class away."""
    colours = {"crazing": (255, 0, 0), "patches": (0, 255, 0), "scratches": (0, 0, 255)}
    rng = np.random.default_rng(0)
    for file in sorted(steel.rglob("*.jpg")):
        pixels = rng.integers(100, 150, (200, 200, 1)).repeat(3, axis=2).astype(np.uint8)
        inside = pixels[18:-18, 18:-18].copy()
        pixels[:] = colours[file.parent.name]
        pixels[18:-18, 18:-18] = inside
        Image.fromarray(pixels).save(file, quality=95)
    return steel


def test_an_image_is_explained_for_each_class(make_project: MakeProject, steel: Path, run_job: Run) -> None:
    project = make_project(steel)
    run = train(project, run_job)
    image = project.images()[0]
    found = [run_job(ExplainImage(project, image.id, class_id)) for class_id in run.class_ids]
    assert {each.method for each in found} == {"exact"}
    assert {each.run_id for each in found} == {run.id}
    for each in found:
        assert each.heat.shape == (64, 64)
        assert 0 <= each.heat.min() <= each.heat.max() <= 1
    assert found[0].heat.max() == 1  # its own class
    assert not np.allclose(found[0].heat, found[1].heat)


def test_what_cannot_be_explained_is_a_sentence(make_project: MakeProject, steel: Path, run_job: Run) -> None:
    project = make_project(steel)
    image = project.images()[0]
    with pytest.raises(TrainingError, match="no trained model"):
        run_job(ExplainImage(project, image.id, 1))
    train(project, run_job)
    new = project.add_class("new").result()
    with pytest.raises(TrainingError, match="does not know this class"):
        run_job(ExplainImage(project, image.id, new.id))
    image.path.unlink()
    with pytest.raises(AppError):
        run_job(ExplainImage(project, image.id, 1))


def test_frames_that_give_the_class_away_are_told(make_project: MakeProject, framed: Path, run_job: Run) -> None:
    project = make_project(framed)
    train(project, run_job)
    found = run_job(CheckBorders(project))
    assert len(found.shares) == 24
    assert found.shares.mean() > 1.5 * found.even.mean()
    assert found.warning is not None
    assert "edges" in found.warning


def test_pictures_without_frames_are_not_warned_of(make_project: MakeProject, steel: Path, run_job: Run) -> None:
    project = make_project(steel)
    train(project, run_job)
    assert run_job(CheckBorders(project)).warning is None
