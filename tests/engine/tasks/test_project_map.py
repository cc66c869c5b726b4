"""The map of a real project: kept, and not moved by what comes later."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.errors import TrainingError
from engine.project import Project
from engine.tasks.embed import ComputeEmbeddings
from engine.tasks.project_map import MAPS_FOLDER, MapImages
from engine.tasks.scan import ScanFolder
from engine.tasks.train import TrainSettings, retrain_jobs

BACKBONE = "squeezenet1_1"
MakeProject = Callable[..., Project]
Run = Callable[..., object]


@pytest.fixture
def trained(make_project: MakeProject, steel: Path, run_job: Run) -> Project:
    project = make_project(steel)
    for job in retrain_jobs(project, TrainSettings(BACKBONE)):
        run_job(job)
    return project


def test_images_of_a_class_lie_together(trained: Project, run_job: Run) -> None:
    found = run_job(MapImages(trained))
    names = np.array([image.name.split("/")[0] for image in trained.images(found.image_ids.tolist())])
    far = np.linalg.norm(found.places[:, None] - found.places[None], axis=2)
    np.fill_diagonal(far, np.inf)
    assert (names[far.argmin(axis=1)] == names).mean() > 0.8
    assert (found.num_placed, found.num_missing) == (0, 0)


def test_the_second_time_it_is_read(trained: Project, run_job: Run) -> None:
    first = run_job(MapImages(trained))
    (file,) = (trained.cache_dir / MAPS_FOLDER).iterdir()
    written_at = file.stat().st_mtime_ns
    second = run_job(MapImages(trained))
    np.testing.assert_array_equal(first.places, second.places)
    assert file.stat().st_mtime_ns == written_at
    run_job(MapImages(trained, is_anew=True))
    assert file.stat().st_mtime_ns > written_at


def test_a_damaged_map_is_made_again(trained: Project, run_job: Run) -> None:
    first = run_job(MapImages(trained))
    (file,) = (trained.cache_dir / MAPS_FOLDER).iterdir()
    file.write_bytes(b"PK not a map")
    np.testing.assert_array_equal(run_job(MapImages(trained)).places, first.places)


def test_new_images_move_nothing(trained: Project, steel: Path, shared_data: Path, run_job: Run) -> None:
    before = run_job(MapImages(trained))
    for file in sorted((shared_data / "steel_neu" / "patches").iterdir())[8:11]:
        shutil.copy2(file, steel / "patches" / file.name)
    run_job(ScanFolder(trained, steel, False))
    waiting = run_job(MapImages(trained))
    assert waiting.num_missing == 3
    run_job(ComputeEmbeddings(trained, BACKBONE))
    after = run_job(MapImages(trained))
    assert (after.num_placed, after.num_missing) == (3, 0)
    is_old = np.isin(after.image_ids, before.image_ids)
    np.testing.assert_array_equal(after.places[is_old], before.places)
    assert np.isfinite(after.places[~is_old]).all()


def test_without_embeddings_it_says_what_to_wait_for(make_project: MakeProject, steel: Path, run_job: Run) -> None:
    project = make_project(steel)
    with pytest.raises(TrainingError, match="looked at"):
        run_job(MapImages(project))
