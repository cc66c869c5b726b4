"""Real steel surfaces through a real network: near-duplicates are grouped, and the best of each group comes first."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.domain import Source
from engine.errors import TrainingError
from engine.project import Project
from engine.tasks.check_images import RankStrange, RankSuspects
from engine.tasks.duplicate_groups import FindDuplicateGroups
from engine.tasks.embed import ComputeEmbeddings
from engine.tasks.train import retrain_jobs
from engine.tasks.train_snapshot import TrainSettings

BACKBONE = "squeezenet1_1"


@pytest.fixture
def embedded(
    make_project: Callable, steel: Path, run_job: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Project:
    """24 pictures of three kinds; the first four are there again: smaller, cut, and one as the very same file."""
    monkeypatch.setattr("engine.tasks.embed.default_backbone", lambda _folder: BACKBONE)
    files = sorted(steel.rglob("*.jpg"))
    for at, file in enumerate(files[:4]):
        with Image.open(file) as image:
            image.load()
        if at < 2:
            image.resize((image.width // 2, image.height // 2)).save(steel / f"{at} small.jpg", quality=85)
        elif at == 2:
            inset = image.width // 40
            image.crop((inset, inset, image.width - inset, image.height - inset)).save(steel / "2 cut.jpg", quality=88)
        else:
            shutil.copy2(file, steel / "3 same.jpg")
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3)).astype(np.uint8)
    Image.fromarray(noise).save(steel / "odd one out.jpg", quality=95)
    project = make_project(steel, has_labels=False)
    run_job(ComputeEmbeddings(project, BACKBONE))
    return project


def names(project: Project, image_ids: np.ndarray) -> list[str]:
    return [Path(image.name).name for image in project.images(image_ids.tolist())]


def test_every_planted_copy_is_in_the_group_of_its_original_and_nothing_else_is_in_any(
    embedded: Project, run_job: Callable
) -> None:
    found = run_job(FindDuplicateGroups(embedded, BACKBONE))
    originals = [Path(image.name).name for image in embedded.images() if "/" in image.name][:4]
    copies = ["0 small.jpg", "1 small.jpg", "2 cut.jpg", "3 same.jpg"]
    expected = {frozenset(pair) for pair in zip(originals, copies, strict=True)}
    assert {frozenset(names(embedded, group)) for group in found.groups} == expected
    assert found.num_missing == 0
    kept = {names(embedded, group)[0] for group in found.groups}
    assert set(originals[:2]) <= kept  # the larger one


def test_one_with_a_class_is_the_one_to_keep_and_nothing_is_compared_twice(
    embedded: Project, run_job: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_job(FindDuplicateGroups(embedded, BACKBONE))
    small = next(image.id for image in embedded.images() if image.name == "0 small.jpg")
    embedded.label([small], embedded.add_class("crazing").result().id, Source.HUMAN).result()

    def compare(*_: object) -> None:
        raise AssertionError("compared again")

    monkeypatch.setattr("engine.suggestions.near_duplicates.near_duplicates", compare)
    found = run_job(FindDuplicateGroups(embedded, BACKBONE))
    group = next(each for each in found.groups if small in each)
    assert group[0] == small


def test_what_is_like_nothing_else_is_strangest_without_any_model(embedded: Project, run_job: Callable) -> None:
    ranked = run_job(RankStrange(embedded))
    assert names(embedded, ranked[:1]) == ["odd one out.jpg"]
    assert sorted(ranked.tolist()) == sorted(image.id for image in embedded.images())


def test_a_wrong_label_is_the_first_suspect_and_dismissed_or_corrected_ones_are_none(
    embedded: Project, run_job: Callable
) -> None:
    with pytest.raises(TrainingError, match="there is none yet"):
        run_job(RankSuspects(embedded))
    ids: dict[str, int] = {}
    wrong = 0
    for kind in ("crazing", "patches", "scratches"):
        of_kind = [image.id for image in embedded.images() if image.name.startswith(f"{kind}/")]
        ids[kind] = embedded.add_class(kind).result().id
        embedded.label(of_kind, ids[kind], Source.HUMAN).result()
        wrong = wrong or of_kind[5]
    embedded.label([wrong], ids["scratches"], Source.HUMAN).result()
    for job in retrain_jobs(embedded, TrainSettings(backbone=BACKBONE)):
        run_job(job)
    assert run_job(RankSuspects(embedded))[0] == wrong
    embedded.label([wrong], ids["crazing"], Source.HUMAN).result()
    assert wrong not in run_job(RankSuspects(embedded))
