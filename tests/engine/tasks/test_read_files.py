"""Large folders: rows first, what is in the files afterwards, and nothing wrong in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from engine.domain import ImageStatus
from engine.jobs import CancelledError, QuietContext, run_in_foreground
from engine.project import Project
from engine.tasks import read_files, scan
from engine.tasks.read_files import read_jobs, read_now
from engine.tasks.scan import Rescan, ScanFolder, ScanReport

NUM_FILES = 60
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sixty different pictures, one of them damaged and one no picture at all."""
    folder = tmp_path / "pictures"
    for index in range(NUM_FILES):
        paint(folder / f"{index:02d}.jpg", index)
    (folder / "10.jpg").write_bytes((folder / "10.jpg").read_bytes()[:200])
    (folder / "20.jpg").write_bytes(b"no picture")
    return folder


@pytest.fixture
def filed(project: Project, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with the pictures filed and none of them read, as after a scan of a large folder."""
    monkeypatch.setattr(scan, "FEW", 10)
    monkeypatch.setattr(read_files, "FILES_PER_JOB", 25)
    report = scan_folder(project, folder)
    assert (report.num_added, report.num_unread, report.failed) == (NUM_FILES, NUM_FILES, [])
    return project


class CancelAfter(QuietContext):
    """Cancels the job at a checkpoint."""

    def __init__(self, num_checkpoints: int) -> None:
        self.left = num_checkpoints

    def checkpoint(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise CancelledError


def paint(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (24, 32, 3), np.uint8)
    path.write_bytes(simplejpeg.encode_jpeg(pixels))


def scan_folder(project: Project, folder: Path, **more: bool) -> ScanReport:
    return run_in_foreground(ScanFolder(project, folder, more.pop("classes", False), **more))


def num_unread(project: Project) -> int:
    return len(project.unread_images())


def facts(project: Project) -> list[tuple[object, ...]]:
    """What is known of each file, apart from where the project lies."""
    return [(each.name, each.content_hash, each.status, each.width_px, each.reason) for each in project.images()]


def test_images_of_a_large_folder_are_there_before_they_are_read(filed: Project):
    records = filed.images()
    assert [record.name for record in records] == [f"{index:02d}.jpg" for index in range(NUM_FILES)]
    assert all(record.status is ImageStatus.READABLE and not record.content_hash for record in records)
    assert records[3].size_bytes == records[3].path.stat().st_size


def test_reading_in_parts_gives_what_reading_at_once_gives(filed: Project, folder: Path, tmp_path: Path):
    jobs = read_jobs(filed)
    assert len(jobs) == 3
    reports = [run_in_foreground(job) for job in jobs]

    with Project.create(tmp_path / "at once") as other:
        report = scan_folder(other, folder, reads_all=True)
        assert facts(filed) == facts(other)
    assert num_unread(filed) == 0
    assert reports[-1].num_done == NUM_FILES
    assert sorted(reports[-1].failed) == sorted(report.failed)
    assert [name for name, _ in sorted(report.failed)] == ["10.jpg", "20.jpg"]
    assert report.num_added == NUM_FILES - 2
    assert read_jobs(filed) == []


def test_cancelled_reading_keeps_what_was_recorded_and_goes_on_later(filed: Project):
    first, second, *_ = read_jobs(filed)
    run_in_foreground(first)
    with pytest.raises(CancelledError):
        run_in_foreground(second, CancelAfter(5))
    assert num_unread(filed) == NUM_FILES - 25

    for job in read_jobs(filed):
        run_in_foreground(job)
    assert num_unread(filed) == 0


def test_closed_project_knows_what_is_still_to_be_read(filed: Project):
    run_in_foreground(read_jobs(filed)[0])
    filed.close()
    with Project.open(filed.folder) as again:
        assert num_unread(again) == NUM_FILES - 25
        for job in read_jobs(again):
            run_in_foreground(job)
        assert num_unread(again) == 0


def test_database_rebuilt_from_the_journal_knows_what_is_still_to_be_read(filed: Project):
    run_in_foreground(read_jobs(filed)[0])
    class_id = filed.add_class("ok").result().id
    filed.label([2, 40], class_id).result()
    before = facts(filed)
    filed.close()
    (filed.folder / "project.db").unlink()
    for backup in (filed.folder / "backups").iterdir():
        backup.unlink()
    with Project.restore(filed.folder) as again:
        assert facts(again) == before
        assert again.columns().class_ids[[1, 39]].tolist() == [class_id] * 2


def test_rescan_reads_what_was_left_when_it_is_not_much(filed: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scan, "FEW", 1000)
    report = run_in_foreground(Rescan(filed))
    assert num_unread(filed) == 0
    assert [name for name, _ in sorted(report.failed)] == ["10.jpg", "20.jpg"]
    assert report.num_added == 0
    assert run_in_foreground(Rescan(filed)) == ScanReport()


def test_labels_follow_a_file_that_was_moved_before_it_was_read(filed: Project, folder: Path):
    class_id = filed.add_class("ok").result().id
    record = filed.images([5])[0]
    filed.label([5], class_id).result()
    (folder / "deeper").mkdir()
    record.path.rename(folder / "deeper" / record.path.name)

    report = run_in_foreground(Rescan(filed))

    assert (report.num_moved, report.num_added, report.num_missing) == (1, 0, 0)
    moved = filed.images([5])[0]
    assert moved.path == folder / "deeper" / "04.jpg"
    assert filed.columns().class_ids[4] == class_id
    read_now(filed, QuietContext())
    assert filed.images([5])[0].content_hash


def test_file_that_changes_before_it_is_read_is_read_as_it_is_then(filed: Project, folder: Path):
    paint(folder / "05.jpg", 777)
    os.utime(folder / "05.jpg", (1_000_000, 1_000_000))
    report = run_in_foreground(Rescan(filed))
    assert (report.num_changed, report.num_added) == (0, 0)  # nobody had seen what was in it before
    read_now(filed, QuietContext())
    assert filed.images([6])[0].mtime_ns == 1_000_000 * 10**9
    assert run_in_foreground(Rescan(filed)) == ScanReport()


def test_file_that_goes_before_it_is_read_is_missing(filed: Project, folder: Path):
    (folder / "05.jpg").unlink()
    read_now(filed, QuietContext())
    assert filed.images([6])[0].status is ImageStatus.MISSING


def test_files_of_a_drive_that_is_away_wait_until_it_is_back(filed: Project, folder: Path):
    away = folder.rename(folder.with_name("away"))
    for job in read_jobs(filed):
        report = run_in_foreground(job)
    assert (report.num_done, report.failed) == (NUM_FILES, [])
    assert num_unread(filed) == NUM_FILES
    away.rename(folder)
    for job in read_jobs(filed):
        run_in_foreground(job)
    assert num_unread(filed) == 0


def test_reading_does_not_undo_what_a_rescan_found_meanwhile(filed: Project, folder: Path):
    job = read_jobs(filed)[0]
    snapshot = job.prepare()
    read = type(job).work(snapshot, QuietContext())
    (folder / "03.jpg").rename(folder / "x.jpg")
    run_in_foreground(Rescan(filed))
    (folder / "04.jpg").unlink()
    run_in_foreground(Rescan(filed))

    job.finish(read)

    records = {record.id: record for record in filed.images()}
    assert records[5].status is ImageStatus.MISSING
    assert {record.name for record in records.values()} >= {"00.jpg", "01.jpg"}
    read_now(filed, QuietContext())
    for record in records.values():
        now = filed.images([record.id])[0]
        assert now.path == record.path
        assert now.status is ImageStatus.MISSING or now.content_hash or now.reason


def test_snapshot_for_a_training_is_complete_once_the_labelled_ones_are_read(filed: Project):
    class_id = filed.add_class("ok").result().id
    filed.label([1, 2, 11], class_id).result()  # the eleventh is damaged
    read_now(filed, QuietContext(), filed.snapshot().image_ids.tolist())
    snapshot = filed.snapshot()
    assert snapshot.image_ids.tolist() == [1, 2]
    assert all(snapshot.content_hashes)
    assert num_unread(filed) == NUM_FILES - 3


def test_images_that_were_away_are_back_without_reading_every_file(
    filed: Project, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    read_now(filed, QuietContext())
    before = facts(filed)
    away = folder.rename(folder.with_name("away"))
    folder.mkdir()
    (folder / "readme.txt").touch()  # an empty folder would count as a drive that is not there
    assert run_in_foreground(Rescan(filed)).num_missing == NUM_FILES
    (folder / "readme.txt").unlink()
    folder.rmdir()
    away.rename(folder)
    read: list[str] = []
    note_files_read(monkeypatch, read)

    report = run_in_foreground(Rescan(filed))

    assert report.num_returned == NUM_FILES - 2
    assert sorted(read) == ["10.jpg", "20.jpg"]  # what could not be read then is looked at again
    assert facts(filed) == before


def note_files_read(monkeypatch: pytest.MonkeyPatch, read: list[str]) -> None:
    """Notes in `read` the names of the files that are read from now on."""
    from engine.images import reading

    real = reading.read_facts

    def noting(found: reading.FoundFile, is_suspect: bool = False) -> reading.FileFacts:
        read.append(found.name)
        return real(found, is_suspect)

    monkeypatch.setattr(reading, "read_facts", noting)


@pytest.mark.parametrize("after_s", [0.3, 0.6, 0.9])
def test_killed_import_goes_on_where_it_was(project: Project, tmp_path: Path, after_s: float):
    for index in range(600):
        paint(tmp_path / "many" / f"{index // 100}" / f"{index:03d}.jpg", index)
    project.close()
    program = f"""
from pathlib import Path
from engine.jobs import run_in_foreground
from engine.project import Project
from engine.tasks.scan import ScanFolder
project = Project.open(Path({str(project.folder)!r}))
print("open", flush=True)
run_in_foreground(ScanFolder(project, Path({str(tmp_path / "many")!r}), True))
"""
    process = subprocess.Popen([sys.executable, "-c", program], cwd=REPOSITORY, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()

    with Project.open(project.folder) as again:
        scan_folder(again, tmp_path / "many", classes=True)
        records = again.images()
        assert len({record.name for record in records}) == len(records) == 600
        assert all(record.content_hash for record in records)
        assert len(again.snapshot().image_ids) == 600
