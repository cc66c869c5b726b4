"""The cache of a project: what emptying it frees and leaves, and that everything is computed again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.errors import ProjectError
from engine.images.thumbnails import ThumbnailCache
from engine.job import run_in_foreground as run_job
from engine.project import Project
from engine.tasks.embed import ComputeEmbeddings, open_source
from engine.tasks.scan import ScanFolder
from engine.tasks.storage import empty_cache, measure_storage


@pytest.fixture
def embedded(project: Project, tiny_images: Path) -> Project:
    """A project whose images were looked at with the built-in backbone, with a few thumbnails and other caches."""
    run_job(ScanFolder(project, tiny_images, False))
    run_job(ComputeEmbeddings(project, "starter"))
    (project.cache_dir / "maps").mkdir()
    (project.cache_dir / "maps" / "one.npz").write_bytes(b"x" * 5000)
    return project


def test_what_was_computed_goes_and_comes_back_the_same(embedded: Project) -> None:
    source = open_source(embedded, "starter")
    _ids, rows = source.embedded_images(embedded)
    before = source.file.read(rows)
    assert len(rows) == 12
    thumbnails = ThumbnailCache(embedded.cache_dir / "thumbnails.db")
    thumbnails.put("ab" * 16, b"jpeg" * 5000)
    expected = measure_storage(embedded).cache_bytes
    freed = empty_cache(embedded, thumbnails.empty)
    assert 70_000 < freed <= expected  # an empty file of thumbnails takes some room again
    assert sorted(each.name for each in embedded.cache_dir.iterdir() if "thumbnails" not in each.name) == []
    assert thumbnails.get("ab" * 16) is None
    thumbnails.put("ab" * 16, b"again")
    assert thumbnails.get("ab" * 16) == b"again"
    thumbnails.close()
    assert len(open_source(embedded, "starter").embedded_images(embedded)[1]) == 0
    run_job(ComputeEmbeddings(embedded, "starter"))
    source = open_source(embedded, "starter")
    np.testing.assert_allclose(source.file.read(source.embedded_images(embedded)[1]), before, rtol=1e-3, atol=1e-4)


def test_labels_versions_backups_and_a_stopped_training_stay(embedded: Project) -> None:
    one = embedded.add_class("one").result()
    embedded.label(embedded.columns().image_ids[:3], one.id).result()
    stopped = embedded.cache_dir / "training" / "run" / "state.bin"
    stopped.parent.mkdir(parents=True)
    stopped.write_bytes(b"y" * 7000)
    backup = embedded.store.back_up().result()
    before = measure_storage(embedded)
    empty_cache(embedded, lambda: None)
    assert stopped.read_bytes() == b"y" * 7000
    assert backup.is_file()
    assert np.count_nonzero(embedded.columns().class_ids) == 3
    after = measure_storage(embedded)
    assert after.models_bytes == before.models_bytes >= 7000
    assert after.cache_bytes < before.cache_bytes


def test_a_read_only_copy_keeps_its_cache(embedded: Project) -> None:
    before = measure_storage(embedded).cache_bytes
    with Project.open(embedded.folder, read_only=True) as copy, pytest.raises(ProjectError, match="read-only"):
        empty_cache(copy, lambda: None)
    assert measure_storage(embedded).cache_bytes == before
