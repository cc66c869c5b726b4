"""Measuring the pictures of a project: each once, also after a cancel, whatever is broken among them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from engine.job import CancelledError, QuietContext, run_in_foreground
from engine.project import Project
from engine.suggestions.flaws import Flaw, find_flaws
from engine.tasks import measure_quality
from engine.tasks.measure_quality import MeasureQuality, measured_images, num_to_measure
from engine.tasks.scan import ScanFolder


@pytest.fixture
def pictures(tiny_images: Path) -> Path:
    return tiny_images


def make(tmp_path: Path, folder: Path) -> Project:
    project = Project.create(tmp_path / "project", "Test")
    run_in_foreground(ScanFolder(project, folder, False))
    return project


def test_every_picture_is_measured_once_and_a_copy_is_not_measured_again(tmp_path: Path, pictures: Path) -> None:
    first = next(pictures.rglob("*.jpg"))
    shutil.copy2(first, pictures / "copy.jpg")
    with make(tmp_path, pictures) as project:
        num_images = len(project.columns())
        assert num_to_measure(project) == num_images - 1
        assert run_in_foreground(MeasureQuality(project)) == num_images - 1
        known = measured_images(project)
        assert known.image_ids.tolist() == project.columns().image_ids.tolist()
        assert np.isfinite(known.measures).all()
        assert num_to_measure(project) == run_in_foreground(MeasureQuality(project)) == 0


def test_a_picture_that_breaks_after_it_was_filed_stops_nothing_and_is_not_tried_again(
    tmp_path: Path, pictures: Path
) -> None:
    with make(tmp_path, pictures) as project:
        images = project.images()
        images[0].path.write_bytes(b"no picture any more")
        images[1].path.unlink()  # a drive that is away
        run_in_foreground(MeasureQuality(project))
        known = measured_images(project)
        assert np.isnan(known.measures[0]).all()
        assert np.isfinite(known.measures[1:]).all()
        assert len(known.image_ids) == len(images) - 1
        assert num_to_measure(project) == 1  # the one that is away, once it is back


def test_what_was_measured_before_a_cancel_is_kept(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure_quality, "_BLOCK", 3)
    monkeypatch.setattr(measure_quality, "_KEPT_AT_ONCE", 3)

    class Impatient(QuietContext):
        def progress(self, done: int, total: int, note: str = "") -> None:
            if done >= 6:
                raise CancelledError

    with make(tmp_path, pictures) as project:
        total = num_to_measure(project)
        with pytest.raises(CancelledError):
            run_in_foreground(MeasureQuality(project), Impatient())
        assert num_to_measure(project) == total - 6
        assert len(measured_images(project).image_ids) == 6


def test_a_cache_that_was_deleted_is_made_again(tmp_path: Path, pictures: Path) -> None:
    with make(tmp_path, pictures) as project:
        run_in_foreground(MeasureQuality(project))
        shutil.rmtree(project.cache_dir / "features")
        assert not len(measured_images(project).image_ids)
        run_in_foreground(MeasureQuality(project))
        assert np.isfinite(measured_images(project).measures).all()


def test_a_project_that_is_open_for_reading_shows_what_is_known_and_measures_nothing(
    tmp_path: Path, pictures: Path
) -> None:
    with make(tmp_path, pictures) as project:
        run_in_foreground(MeasureQuality(project))
        num_images = len(project.columns())
    with Project.open(tmp_path / "project", read_only=True) as project:
        assert num_to_measure(project) == 0
        assert len(measured_images(project).image_ids) == num_images


def test_spoilt_pictures_among_real_ones_get_their_flags(tmp_path: Path, steel: Path) -> None:
    files = sorted(steel.rglob("*.jpg"))
    with Image.open(files[3]) as image:
        image.filter(ImageFilter.GaussianBlur(9)).save(steel / "blurred.jpg", quality=92)
    with Image.open(files[5]) as image:
        image.point(lambda value: value * 0.06).save(steel / "dark.jpg", quality=92)
    with make(tmp_path, steel) as project:
        run_in_foreground(MeasureQuality(project))
        known, columns = measured_images(project), project.columns()
        flaws = dict(zip(columns.names, find_flaws(known.measures, columns.widths_px, columns.heights_px), strict=True))
    assert flaws["blurred.jpg"] == Flaw.BLURRY
    assert flaws["dark.jpg"] == Flaw.DARK
    assert sum(bool(code) for code in flaws.values()) <= 3
