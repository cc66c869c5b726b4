"""Real steel surfaces through a real network: what comes next, what is alike, what belongs together."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.domain import Mark, Source
from engine.errors import TrainingError
from engine.project import Project
from engine.suggestions.strategies import STRATEGIES
from engine.tasks.assist import FindSimilar, RankImages
from engine.tasks.embed import ComputeEmbeddings
from engine.tasks.stack_images import StackImages
from engine.tasks.train import retrain_jobs
from engine.tasks.train_snapshot import TrainSettings

BACKBONE = "squeezenet1_1"


@pytest.fixture
def embedded(make_project: Callable, steel: Path, run_job: Callable, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project of 24 pictures of three kinds, without a label, looked at."""
    monkeypatch.setattr("engine.tasks.embed.default_backbone", lambda _folder: BACKBONE)
    project = make_project(steel, has_labels=False)
    run_job(ComputeEmbeddings(project, BACKBONE))
    return project


def kinds_of(project: Project, image_ids: np.ndarray) -> list[str]:
    return [Path(image.name).parts[0] for image in project.images(image_ids.tolist())]


def label(project: Project, num_each: int) -> None:
    for kind in ("crazing", "patches", "scratches"):
        of_kind = [image.id for image in project.images() if image.name.startswith(kind)]
        project.label(of_kind[:num_each], project.add_class(kind).result().id, Source.HUMAN).result()


def test_the_first_images_to_label_are_of_every_kind(embedded: Project, run_job: Callable) -> None:
    first = run_job(RankImages(embedded, num_wanted=6))
    assert set(kinds_of(embedded, first)) == {"crazing", "patches", "scratches"}


def test_labelled_and_skipped_images_are_not_asked_for(embedded: Project, run_job: Callable) -> None:
    label(embedded, 2)
    skipped = [image.id for image in embedded.images()][7]
    embedded.mark([skipped], Mark.SKIPPED, True).result()
    asked = run_job(RankImages(embedded, num_wanted=100))
    labelled = set(embedded.snapshot().image_ids.tolist())
    assert len(asked) == 24 - 6 - 1
    assert not labelled & set(asked.tolist())
    assert skipped not in asked


@pytest.mark.parametrize("name", STRATEGIES)
def test_with_a_model_every_strategy_ranks_the_images_without_a_class(
    name: str, embedded: Project, run_job: Callable
) -> None:
    label(embedded, 3)
    for job in retrain_jobs(embedded, TrainSettings(backbone=BACKBONE)):
        run_job(job)
    asked = run_job(RankImages(embedded, name, num_wanted=5))
    assert len(set(asked.tolist())) == 5


def test_what_needs_a_model_says_so_while_there_is_none(embedded: Project, run_job: Callable) -> None:
    with pytest.raises(TrainingError, match=r"asks a model, and there is none yet") as raised:
        run_job(RankImages(embedded, "margin"))
    assert "Retrain" in raised.value.hint


def test_similar_images_are_of_the_same_kind_and_a_copy_comes_first(
    embedded: Project, steel: Path, run_job: Callable, tmp_path: Path
) -> None:
    from engine.tasks.scan import ScanFolder

    image = embedded.images()[0]
    more = tmp_path / "more"
    more.mkdir()
    shutil.copy2(image.path, more / "copy.jpg")
    run_job(ScanFolder(embedded, more, False))
    run_job(ComputeEmbeddings(embedded, BACKBONE))
    found = run_job(FindSimilar(embedded, image.id, num_wanted=6))
    assert image.id not in found.image_ids
    assert embedded.images([int(found.image_ids[0])])[0].name == "copy.jpg"
    assert found.similarities[0] == pytest.approx(1, abs=1e-5)
    assert (np.diff(found.similarities) <= 1e-6).all()
    assert kinds_of(embedded, found.image_ids[1:]).count("crazing") >= 4


def test_an_image_not_looked_at_yet_has_no_neighbours_and_the_sentence_says_why(
    make_project: Callable, steel: Path, run_job: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.tasks.embed.default_backbone", lambda _folder: BACKBONE)
    project = make_project(steel, has_labels=False)
    with pytest.raises(TrainingError, match="not looked at yet") as raised:
        run_job(FindSimilar(project, project.images()[0].id))
    assert "Looking at new images" in raised.value.hint
    with pytest.raises(TrainingError, match="no image without a class"):
        run_job(StackImages(project))


def test_stacks_hold_every_image_without_a_class_once(embedded: Project, run_job: Callable) -> None:
    label(embedded, 2)
    stacks = run_job(StackImages(embedded))
    members = np.concatenate(stacks.members)
    labelled = set(embedded.snapshot().image_ids.tolist())
    assert sorted(members.tolist()) == [image.id for image in embedded.images() if image.id not in labelled]
