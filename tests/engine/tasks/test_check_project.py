"""A check finds each kind of damage, says what to do, and changes nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.domain import Run
from engine.errors import ProjectError
from engine.job import run_in_foreground
from engine.project import Project
from engine.store.features import FeatureKind, index_new_rows, open_set
from engine.tasks.check_project import CheckProject
from engine.tasks.findings import Finding, Level, Part
from engine.tasks.scan import ScanFolder


def check(folder: Path, reads_pictures: bool = False) -> list[Finding]:
    return run_in_foreground(CheckProject(folder, reads_pictures))


def wrong(findings: list[Finding]) -> list[tuple[Part, str]]:
    assert all(each.hint for each in findings if each.level is not Level.GOOD), "each says what to do"
    return [(each.part, each.text) for each in findings if each.level is Level.WRONG]


def notes(findings: list[Finding]) -> list[tuple[Part, str]]:
    return [(each.part, each.text) for each in findings if each.level is Level.NOTE]


def tree(folder: Path) -> dict[Path, tuple[int, bytes]]:
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def folder(tmp_path: Path, tiny_images: Path) -> Path:
    """A closed project of twelve labelled images, with a backup."""
    with Project.create(tmp_path / "project") as project:
        run_in_foreground(ScanFolder(project, tiny_images, True, reads_all=True))
        project.set_note(1, "look again").result()
    return tmp_path / "project"


def label_more(folder: Path, num_steps: int = 3) -> None:
    """Makes further steps, and takes the backup of the closing away again."""
    before = set((folder / "backups").iterdir())
    with Project.open(folder) as project:
        for step in range(num_steps):
            project.label([1 + step], project.classes()[(step + 1) % 3].id).result()
    for file in set((folder / "backups").iterdir()) - before:
        file.unlink()


@pytest.mark.parametrize("reads_pictures", [False, True])
def test_all_is_well_with_a_sound_project_and_nothing_is_written(
    folder: Path, tiny_images: Path, reads_pictures: bool
) -> None:
    before = tree(folder), tree(tiny_images)
    findings = check(folder, reads_pictures)
    assert {each.level for each in findings} == {Level.GOOD}
    assert {each.part for each in findings} == set(Part)
    assert (tree(folder), tree(tiny_images)) == before


def test_a_project_that_is_open_elsewhere_is_checked_as_well(folder: Path) -> None:
    with Project.open(folder) as project:
        project.label([1], project.classes()[1].id).result()
        assert wrong(check(folder)) == []


def test_a_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="is not a Graft project"):
        check(tmp_path)


def test_a_damaged_database_is_told_and_the_rest_is_still_looked_at(folder: Path) -> None:
    (folder / "project.db").write_bytes(b"x" * 8192)
    findings = check(folder)
    ((part, text),) = wrong(findings)
    assert part is Part.DATABASE
    assert "is damaged" in text
    assert {each.part for each in findings} == {Part.DATABASE, Part.JOURNAL, Part.BACKUPS}


def test_a_database_that_is_gone_is_told(folder: Path) -> None:
    (folder / "project.db").unlink()
    assert [part for part, _ in wrong(check(folder))] == [Part.DATABASE]


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("DELETE FROM image_classes WHERE image_id = 2", "1 picture has other labels than its history says."),
        ("UPDATE image_notes SET note = 'x'", "1 picture has other labels than its history says."),
        ("DELETE FROM classes WHERE id = 2", "4 of image_classes without their classes"),
    ],
)
def test_a_database_that_contradicts_itself_is_told(folder: Path, statement: str, text: str) -> None:
    with sqlite3.connect(folder / "project.db") as connection:
        connection.execute(statement)
    connection.close()
    found = wrong(check(folder))
    assert any(part is Part.DATABASE and text in told for part, told in found)
    assert any(part is Part.JOURNAL and "A restore would bring back" in told for part, told in found)


def test_a_journal_that_is_gone_is_told(folder: Path) -> None:
    (folder / "labels.jsonl").unlink()
    assert wrong(check(folder)) == [(Part.JOURNAL, "The journal labels.jsonl is not there.")]
    with Project.open(folder):
        pass
    assert wrong(check(folder)) == [], "opening it was what the hint said"


def damage_line(folder: Path, number: int) -> None:
    file = folder / "labels.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    lines[number] = lines[number].replace(b"seq", b"sEq", 1)
    file.write_bytes(b"".join(lines))


def test_a_lost_line_of_the_journal_matters_until_a_backup_covers_it(folder: Path) -> None:
    label_more(folder)
    damage_line(folder, -2)
    assert wrong(check(folder)) == [
        (Part.JOURNAL, "Lines of the journal are missing (1 is damaged)."),
        (Part.JOURNAL, "A restore would bring back something else for 1 picture."),
    ]
    with Project.open(folder) as project:
        project.store.back_up().result()
    findings = check(folder)
    assert wrong(findings) == []
    assert notes(findings) == [(Part.JOURNAL, "Lines of the journal are missing (1 is damaged).")]


def test_a_journal_that_is_behind_catches_up_by_itself(folder: Path) -> None:
    label_more(folder, 1)
    file = folder / "labels.jsonl"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))
    findings = check(folder)
    assert wrong(findings) == []
    assert notes(findings) == [(Part.JOURNAL, "The journal is 1 change behind the database.")]


def test_without_any_backup_the_journal_alone_is_rehearsed(folder: Path) -> None:
    for file in (folder / "backups").iterdir():
        file.unlink()
    findings = check(folder)
    assert wrong(findings) == [(Part.BACKUPS, "There is no good backup.")]
    assert any("rehearsed" in each.text for each in findings)


def test_a_damaged_backup_is_told(folder: Path) -> None:
    (file,) = (folder / "backups").glob("*.db")
    file.write_bytes(file.read_bytes()[:-1] + b"\1")
    assert wrong(check(folder)) == [
        (Part.BACKUPS, f"1 backup is damaged: {file.name}."),
        (Part.BACKUPS, "There is no good backup."),
    ]


def test_files_of_versions_that_are_gone_or_damaged_are_told(folder: Path, add_version: Callable[..., Run]) -> None:
    with Project.open(folder) as project:
        ids = [each.id for each in project.classes()]
        for number in (1, 2, 3):
            run = add_version(project, number, [1, 2, 3], ids, [0, 1], [0, 1], [[0.5, 0.3, 0.2]])
            _write_head(project.run_dir(run) / "head.safetensors")
    assert wrong(check(folder)) == []
    shutil.rmtree(folder / "models" / "run-0001")
    for name in ("run-0002/head.safetensors", "run-0003/labels.npz"):
        file = folder / "models" / name
        file.write_bytes(file.read_bytes()[:-40])
    (folder / "models" / "run-0003" / "predictions.npz").unlink()
    found = wrong(check(folder))
    assert {part for part, _ in found} == {Part.MODELS}
    for text, expected in zip(
        [text for _, text in found],
        ["files of version 1 ", "Version 2 of the model has damaged files: head.safetensors.",
         "Version 3 of the model has damaged files: labels.npz.", "Version 3 of the model has no predictions"],
        strict=True,
    ):  # fmt: skip
        assert expected in text


def _write_head(file: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"weight": np.zeros((3, 8), np.float32)}, file)


def test_a_cache_that_was_deleted_is_no_damage(folder: Path) -> None:
    kind = FeatureKind("starter", "abc", "view", 4)
    with Project.open(folder) as project:
        file = kind.file(project.cache_dir)
        file.append(["1" * 32, "2" * 32], np.zeros((2, 4)))
        project.store.call(lambda db: index_new_rows(db, open_set(db, kind, file), file))
    assert notes(check(folder)) == []
    shutil.rmtree(folder / "cache")
    findings = check(folder)
    assert wrong(findings) == []
    assert notes(findings) == [(Part.CACHE, "2 embeddings are not in the cache any more.")]


def test_pictures_that_are_missing_changed_or_redated_are_told(folder: Path, tiny_images: Path) -> None:
    first, second, third, fourth = sorted(tiny_images.rglob("*.jpg"))[:4]
    first.unlink()
    second.write_bytes(third.read_bytes() + b"more")
    os.utime(third, (1, 1))
    facts = fourth.stat()
    fourth.write_bytes(fourth.read_bytes()[:-10] + b"\0" * 10)  # as long as before
    os.utime(fourth, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    findings = check(folder)
    assert wrong(findings) == [
        (Part.PICTURES, "1 picture is not where it was: circles/circles_0.jpg (1 labelled)."),
        (Part.PICTURES, "1 picture is not what it was when it was read: circles/circles_1.jpg."),
    ]
    assert notes(findings) == [
        (Part.PICTURES, "1 picture has another date than when it was read: circles/circles_2.jpg.")
    ]
    findings = check(folder, reads_pictures=True)
    assert wrong(findings)[1:] == [
        (
            Part.PICTURES,
            "2 pictures are not what they were when they were read: circles/circles_1.jpg, circles/circles_3.jpg.",
        )
    ]
    assert notes(findings) == [], "what is in the third is what was in it"


def test_a_drive_that_is_away_is_one_finding(folder: Path, tiny_images: Path) -> None:
    tiny_images.rename(tiny_images.with_name("elsewhere"))
    assert wrong(check(folder)) == [(Part.PICTURES, f"The folder {tiny_images} with 12 pictures is not there.")]
