"""A full or failing disk: the message names it, nothing is half-done, and work goes on when there is room again."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database

from engine.errors import StoreError
from engine.project import Project
from engine.store import journal

FileImages = Callable[..., list[int]]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of four megabytes (needs the right to mount one)."""
    disk = tmp_path / "small disk"
    disk.mkdir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as err:
        pytest.skip(f"a small disk cannot be mounted here ({err})")
    yield disk
    subprocess.run(["umount", disk], check=True)


def fill(disk: Path) -> Path:
    """Fills a disk to the last byte and returns the file that does."""
    file = disk / "filler"
    with open(file, "wb", buffering=0) as filler:
        for size in (65536, 4096, 1):
            try:
                while True:
                    filler.write(b"x" * size)
            except OSError as err:
                assert err.errno == errno.ENOSPC  # noqa: PT017
    return file


def test_a_full_disk_is_named_and_labels_are_taken_again_when_there_is_room(
    small_disk: Path, file_images: FileImages
) -> None:
    project = Project.create(small_disk / "project")
    ids = file_images(project, 1000)
    rust = project.add_class("rust").result()
    project.label(ids[:10], rust.id).result()
    filler = fill(small_disk)

    def label_until_full() -> None:  # the log has some room left that SQLite took before
        for image_id in ids[10:]:
            project.label([image_id], rust.id).result()

    with pytest.raises(StoreError, match="is full") as caught:
        label_until_full()
    assert str(small_disk) in caught.value.message
    assert "Make room" in caught.value.hint
    saved = int((project.columns().class_ids != 0).sum())
    step = project.last_step()
    with pytest.raises(StoreError, match="is full"):
        project.label(ids, rust.id).result()
    assert int((project.columns().class_ids != 0).sum()) == saved, "a failed step left traces"
    assert project.last_step() == step
    filler.unlink()
    project.label(ids, rust.id).result()
    project.close()
    with Project.open(project.folder) as again:
        assert int((again.columns().class_ids != 0).sum()) == 1000
        assert journal.last_seq(project.folder / "labels.jsonl") == again.store.call(_last_seq)


def test_a_project_on_a_full_disk_still_closes_and_opens(small_disk: Path, file_images: FileImages) -> None:
    project = Project.create(small_disk / "project")
    ids = file_images(project, 500)
    rust = project.add_class("rust").result()
    project.label(ids, rust.id).result()
    filler = fill(small_disk)
    project.close()
    with pytest.raises(StoreError, match="is full"):
        Project.create(small_disk / "second")
    assert not (small_disk / "second" / "project.db").exists()
    for read_only in (True, False):
        with Project.open(project.folder, read_only) as copy:
            assert int((copy.columns().class_ids != 0).sum()) == 500
    filler.unlink()
    with Project.open(project.folder) as again:
        assert int((again.columns().class_ids != 0).sum()) == 500


def test_work_that_finds_the_disk_full_is_rolled_back_as_a_whole(project: Project, file_images: FileImages) -> None:
    """SQLite's own page limit gives the same result code as a full disk, on any machine."""
    ids = file_images(project, 5000)
    rust = project.add_class("rust").result()
    (pages,) = project.store.call(lambda db: db.execute("PRAGMA page_count").fetchone())
    project.store.call(lambda db: db.execute(f"PRAGMA max_page_count = {pages + 2}").fetchone())
    with pytest.raises(StoreError, match="is full"):
        project.label(ids, rust.id).result()
    assert not project.columns().class_ids.any()
    assert project.can_undo() == "add class rust"
    project.store.call(lambda db: db.execute("PRAGMA max_page_count = 1000000000").fetchone())
    project.label(ids, rust.id).result()
    assert project.columns().class_ids.all()


def test_a_journal_that_cannot_be_written_catches_up_later(
    project: Project, file_images: FileImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = file_images(project, 3)
    rust = project.add_class("rust").result()
    file = project.folder / "labels.jsonl"
    before = file.read_bytes()
    real_write = os.write

    def write_half(handle: int, data: bytes) -> int:
        real_write(handle, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(journal.os, "write", write_half)
    project.label(ids[:1], rust.id).result()
    assert project.store.problem is not None
    assert "is full" in project.store.problem.message
    assert file.read_bytes() == before, "half a line was left"
    monkeypatch.undo()
    project.label(ids[1:2], rust.id).result()
    project.store.call(lambda db: None)
    assert project.store.problem is None
    assert [line.kind for line in journal.read_lines(file)][-3:] == ["classes", "label", "label"]


def test_a_bug_in_work_reaches_its_caller_and_leaves_the_store_usable(project: Project) -> None:
    def fail(db: Database) -> None:
        db.execute("INSERT INTO roots(id, path) VALUES (7, x'00')")
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError):
        project.store.call(fail)
    assert project.roots() == []
    project.add_class("ok").result()


@pytest.mark.skipif(os.name == "nt", reason="needs a mount")
def test_a_read_only_disk_is_told_from_a_full_one(small_disk: Path, file_images: FileImages) -> None:
    with Project.create(small_disk / "project") as project:
        ids = file_images(project, 3)
        project.label(ids, project.add_class("rust").result().id).result()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    try:
        with pytest.raises(StoreError, match="read-only") as caught:
            Project.open(project.folder)
        assert "read-only" in caught.value.hint
        with pytest.raises(StoreError, match="cannot be written"):
            Project.create(small_disk / "second")
        with Project.open(project.folder, read_only=True) as copy:
            assert copy.columns().class_ids.all()
    finally:
        subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)


def _last_seq(db: Database) -> int:
    return int(db.execute("SELECT max(seq) FROM journal_outbox").fetchone()[0])
