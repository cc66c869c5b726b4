"""Stacks of real steel surfaces through a real network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.domain import Mark, Source
from engine.project import Project
from engine.tasks import stack_images
from engine.tasks.embed import ComputeEmbeddings
from engine.tasks.stack_images import StackImages

BACKBONE = "squeezenet1_1"


@pytest.fixture
def embedded(make_project: Callable, steel: Path, run_job: Callable, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project of 24 pictures of three kinds, without a label, looked at."""
    monkeypatch.setattr("engine.tasks.embed.default_backbone", lambda _folder: BACKBONE)
    project = make_project(steel, has_labels=False)
    run_job(ComputeEmbeddings(project, BACKBONE))
    return project


def test_surfaces_of_one_kind_lie_in_one_stack(embedded: Project, run_job: Callable) -> None:
    stacks = run_job(StackImages(embedded))
    kinds = {image.id: Path(image.name).parts[0] for image in embedded.images()}
    names = [
        [kinds[each] for each in members[:number].tolist()]
        for members, number in zip(stacks.members, stacks.num_typical, strict=True)
    ]
    right = sum(max(each.count(kind) for kind in set(each)) for each in names)
    assert right >= 0.85 * sum(len(each) for each in names)
    assert 3 <= len(names) <= 8


def test_what_is_labelled_skipped_or_confirmed_is_in_no_stack(embedded: Project, run_job: Callable) -> None:
    ids = [image.id for image in embedded.images()]
    embedded.label(ids[:3], embedded.add_class("a").result().id, Source.HUMAN).result()
    embedded.mark(ids[3:5], Mark.SKIPPED, True).result()
    stacks = run_job(StackImages(embedded))
    assert sorted(stacks.rows.tolist()) == ids[5:]


def test_of_too_many_images_some_chosen_at_random_are_stacked(
    embedded: Project, run_job: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack_images, "LARGEST_POOL", 10)
    stacks = run_job(StackImages(embedded))
    assert len(np.unique(stacks.rows)) == 10
    assert set(stacks.rows.tolist()) <= {image.id for image in embedded.images()}
