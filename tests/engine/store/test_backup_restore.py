"""Backups are good and rotated; whatever happens to the database, every label comes back."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.domain import Mark, NewImage, Run, Validation
from engine.errors import ProjectDamagedError, StoreError
from engine.project import Project
from engine.store import backup, journal, second_copies

FileImages = Callable[..., list[int]]
NUM_FLIPS = 40


@pytest.fixture
def folder(project: Project, file_images: FileImages) -> Path:
    """A closed project with labels before and after its only backup, and steps that were undone."""
    ids = file_images(project, 40)
    ok, rust = project.add_class("ok").result(), project.add_class("rust").result()
    project.label(ids[:20], ok.id).result()
    project.store.back_up().result()
    project.label(ids[10:30], rust.id).result()
    project.rename_class(rust.id, "corrosion").result()
    project.clear(ids[:3]).result()
    project.undo().result()
    project.clear(ids[28:30]).result()
    keep = project.store.folder / "kept"
    shutil.copytree(project.backups_dir, keep)
    project.close()
    shutil.rmtree(project.backups_dir)
    os.rename(keep, project.backups_dir)
    return project.folder


def labels_of(project: Project) -> dict[str, str]:
    names = {one.id: one.name for one in project.classes()}
    columns = project.columns()
    return {name: names[int(one)] for name, one in zip(columns.names, columns.class_ids, strict=True) if one}


def expected_labels() -> dict[str, str]:
    classes = ["ok"] * 10 + ["corrosion"] * 18
    return {f"pictures/{index:06d}.jpg": name for index, name in enumerate(classes)}


def test_a_deleted_database_comes_back_with_every_label(folder: Path) -> None:
    (folder / "project.db").unlink()
    with Project.restore(folder) as project:
        assert labels_of(project) == expected_labels()
        assert len(project.images()) == 40
        assert project.can_undo() == "clear 2 images"
        project.undo().result()
        project.undo().result()
        assert project.can_undo() == "label 20 images as rust"


def test_labels_come_back_from_the_journal_alone(folder: Path) -> None:
    with Project.open(folder) as project:
        project.update_images([(40, NewImage(b"moved.jpg", "hash", 9, 8, 7, 6))], project.add_root(Path("/new")))
        images = project.images()
    (folder / "project.db").unlink()
    shutil.rmtree(folder / "backups")
    with Project.restore(folder) as project:
        assert labels_of(project) == expected_labels()
        assert project.name == "project"
        assert [root.path for root in project.roots()] == [Path("/nowhere"), Path("/new")]
        assert project.images() == images


def test_labels_come_back_from_a_backup_alone(folder: Path) -> None:
    with Project.open(folder) as project:
        project.store.back_up().result()
    (folder / "project.db").unlink()
    (folder / "labels.jsonl").unlink()
    with Project.restore(folder) as project:
        assert labels_of(project) == expected_labels()
    (folder / "project.db").unlink()
    shutil.rmtree(folder / "backups")
    with Project.restore(folder) as project:  # the first restore made the journal whole again
        assert labels_of(project) == expected_labels()


def test_any_flipped_byte_is_undone_by_a_restore(folder: Path, tmp_path: Path) -> None:
    """Flips one byte of the database at random places; opening may or may not notice, restoring always helps."""
    rng = random.Random(1)
    size = (folder / "project.db").stat().st_size
    num_noticed = 0
    for place in [0, 18, 24, 60, 68, *(rng.randrange(size) for _ in range(NUM_FLIPS))]:
        copy = Path(shutil.copytree(folder, tmp_path / f"flip-{place}"))
        with open(copy / "project.db", "r+b") as file:
            file.seek(place)
            (byte,) = file.read(1)
            file.seek(place)
            file.write(bytes([byte ^ (1 << rng.randrange(8))]))
        try:
            with Project.open(copy, read_only=True) as project:
                project.columns(), project.images(), project.classes(), project.runs(), project.can_undo()
        except StoreError:
            num_noticed += 1
        with Project.restore(copy) as project:
            assert labels_of(project) == expected_labels(), f"byte {place}"
        shutil.rmtree(copy)
    assert num_noticed >= 2


@pytest.mark.parametrize("has_backups", [True, False])
def test_a_log_left_by_a_lost_database_does_not_spoil_the_restored_one(
    folder: Path, tmp_path: Path, has_backups: bool
) -> None:
    killed = tmp_path / "killed"
    with Project.open(folder) as project:
        project.clear([1]).result()
        project.undo().result()
        shutil.copytree(folder, killed)  # as it is when the process dies now
    assert (killed / "project.db-wal").stat().st_size > 0
    (killed / "project.db").unlink()
    if not has_backups:
        shutil.rmtree(killed / "backups")
    with Project.restore(killed) as project:
        assert labels_of(project) == expected_labels()
        assert project.store.call(lambda db: db.execute("PRAGMA integrity_check").fetchall()) == [("ok",)]
    assert len(list((killed / "backups").glob("damaged-*-wal"))) == 1


def test_a_new_project_does_not_take_up_a_log_that_lay_there(folder: Path, tmp_path: Path) -> None:
    with Project.open(folder) as project:
        project.clear([1]).result()
        (tmp_path / "new").mkdir()
        shutil.copyfile(folder / "project.db-wal", tmp_path / "new" / "project.db-wal")
    with Project.create(tmp_path / "new") as project:
        assert project.classes() == []


def test_a_database_overwritten_with_noise_is_called_damaged(folder: Path) -> None:
    (folder / "project.db").write_bytes(random.Random(2).randbytes(100_000))
    with pytest.raises(ProjectDamagedError, match="is damaged") as caught:
        Project.open(folder)
    assert "Restore" in caught.value.hint
    with Project.restore(folder) as project:
        assert labels_of(project) == expected_labels()
    assert len(list((folder / "backups").glob("damaged-*.db"))) == 1, "the damaged one is kept"


@pytest.mark.parametrize("size", [0, 100, 4096, 50_000])
def test_a_truncated_database_is_called_damaged(folder: Path, size: int) -> None:
    os.truncate(folder / "project.db", size)
    with pytest.raises(ProjectDamagedError):
        Project.open(folder)
    with Project.restore(folder) as project:
        assert labels_of(project) == expected_labels()


def test_a_damaged_backup_is_passed_over(folder: Path) -> None:
    with Project.open(folder) as project:
        newest = project.store.back_up().result()
    damaged = bytearray(newest.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    newest.write_bytes(damaged)
    assert not backup.is_good(newest)
    (folder / "project.db").unlink()
    with Project.restore(folder) as project:
        assert labels_of(project) == expected_labels()


def test_damaged_lines_of_the_journal_cost_only_themselves(folder: Path) -> None:
    """With the backup good, the lines before it do not matter; the others are checked one by one."""
    file = folder / "labels.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b"nowhere", b"nowhexe")
    lines[3] = lines[3][: len(lines[3]) // 2] + b"\n"
    file.write_bytes(b"".join(lines) + b'{"seq":99,"kind":"torn')
    (folder / "project.db").unlink()
    with Project.restore(folder) as project:
        assert labels_of(project) == expected_labels()
        project.clear([1]).result()
    numbers = [line.seq for line in journal.read_lines(file)]
    assert numbers == sorted(set(numbers))
    with Project.open(folder) as project:
        assert len(labels_of(project)) == len(expected_labels()) - 1


def test_labels_survive_the_loss_of_the_line_that_names_their_folder(folder: Path) -> None:
    file = folder / "labels.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(line for line in lines if b'"kind":"root"' not in line and b"add class ok" not in line))
    (folder / "project.db").unlink()
    shutil.rmtree(folder / "backups")
    with Project.restore(folder) as project:
        assert labels_of(project) == expected_labels()


def test_any_one_lost_line_of_the_journal_stops_no_restore(folder: Path, tmp_path: Path) -> None:
    with Project.open(folder) as project:  # names that pass from one class to another are the hard case
        project.delete_class(1).result()
        project.add_class("ok").result()
        project.merge_class(2, 3).result()
        project.undo().result()
        project.redo().result()
        project.mark([1, 2, 3], Mark.SKIPPED, True).result()
        last = project.label(list(range(1, 41)), 3).result()
    lines = (folder / "labels.jsonl").read_bytes().splitlines(keepends=True)
    for lost in range(len(lines) - 1):
        copy = tmp_path / f"without-{lost}"
        copy.mkdir()
        (copy / "labels.jsonl").write_bytes(b"".join(lines[:lost] + lines[lost + 1 :]))
        with Project.restore(copy) as project:
            columns = project.columns()
            of_line = np.isin(columns.image_ids, last.image_ids)
            assert of_line.sum() == len(last.image_ids)
            assert (columns.class_ids[of_line] == 3).all()
            assert "ok" in {one.name for one in project.classes()}
            while project.undo().result() is not None:
                pass


def test_a_lost_journal_is_written_anew(folder: Path) -> None:
    (folder / "labels.jsonl").unlink()
    Project.open(folder).close()
    (folder / "project.db").unlink()
    shutil.rmtree(folder / "backups")
    with Project.restore(folder) as project:
        assert labels_of(project) == expected_labels()
        assert [one.color for one in project.classes()] == ["#f2b134", "#5fc27e"]


def test_an_older_database_put_back_by_hand_catches_up_with_the_journal(folder: Path) -> None:
    (only,) = backup.newest_first(folder / "backups")
    shutil.copyfile(only, folder / "project.db")
    with Project.open(folder) as project:
        assert labels_of(project) == expected_labels()


def test_runs_come_back_with_the_labels(project: Project) -> None:
    validation = Validation("out of fold", 0.9, (0.8, 0.95), 0.9, 0.3, 0.02)
    run = Run(0, 1.0, "b", "w", "head", 1, "run-0001", [1], ["ok"], 2, 0, validation, {}, {}, False)
    first = project.add_run(run)
    project.add_run(run)
    (project.models_dir / "run-0001").mkdir()
    (project.models_dir / "run-0001" / "run.json").write_text("{}")
    project.activate_run(first.id)
    project.set_run_note(2, "with mirrored views")
    project.close()
    (project.folder / "project.db").unlink()
    shutil.rmtree(project.folder / "backups")
    with Project.restore(project.folder) as restored:
        assert restored.active_run() == first
        assert [one.id for one in restored.runs()] == [1, 2]
        assert restored.run_notes() == {2: "with mirrored views"}


def test_closing_makes_a_backup_only_when_something_changed(project: Project) -> None:
    project.add_class("ok").result()
    project.close()
    assert len(backup.newest_first(project.backups_dir)) == 1
    Project.open(project.folder).close()
    assert len(backup.newest_first(project.backups_dir)) == 1


def test_long_work_is_backed_up_on_the_way(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_copies, "BACKUP_INTERVAL_S", 0.0)
    project.add_class("ok").result()
    project.classes()
    assert len(backup.newest_first(project.backups_dir)) == 1


def test_the_last_ten_backups_are_kept(project: Project) -> None:
    for number in range(13):
        project.add_class(f"class {number}").result()
        newest = project.store.back_up().result()
    kept = backup.newest_first(project.backups_dir)
    assert len(kept) == backup.NUM_KEPT
    assert kept[0] == newest
    assert all(backup.is_good(file) for file in kept)
    assert len(list(project.backups_dir.iterdir())) == 2 * backup.NUM_KEPT


def test_an_older_backup_goes_only_after_the_new_one_is_verified(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(backup.NUM_KEPT):
        project.add_class(f"class {number}").result()
        project.store.back_up().result()
    before = backup.newest_first(project.backups_dir)
    numbers = itertools.count()
    monkeypatch.setattr(backup, "_counts", lambda _connection: next(numbers))
    with pytest.raises(Exception, match="could not be written faithfully"):
        project.store.back_up().result()
    assert backup.newest_first(project.backups_dir) == before
    assert len(list(project.backups_dir.iterdir())) == 2 * backup.NUM_KEPT, "nothing half-made is left"


def test_labels_made_while_a_backup_runs_are_saved_at_once_and_are_in_it(
    project: Project, file_images: FileImages
) -> None:
    ids = file_images(project, 20_000)
    rust = project.add_class("rust").result()
    backing_up = project.store.back_up()
    labelling = [project.label([image_id], rust.id) for image_id in ids[:20]]
    file = backing_up.result()
    assert labelling[0].done(), "the first label waited for the whole backup"
    for future in labelling:
        future.result()
    connection = sqlite3.connect(f"{file.as_uri()}?immutable=1", uri=True)
    (num_labels,) = connection.execute("SELECT count(*) FROM image_classes").fetchone()
    connection.close()
    assert num_labels > 0
    assert backup.is_good(file)
