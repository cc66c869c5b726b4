"""Deleting a version when the disk or the store refuses: everything is as before, and a sentence says why."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.domain import Run
from engine.errors import DiskError, ProjectError, StoreError
from engine.project import Project
from engine.store import runs


@pytest.fixture
def versions(project: Project, file_images: Callable[..., list[int]], add_version: Callable[..., Run]) -> list[Run]:
    ids = file_images(project, 4)
    class_ids = [project.add_class(name).result().id for name in ("ok", "rust")]
    return [add_version(project, n, ids, class_ids, [0, 1], [0, 1], [[0.7, 0.3]] * 2) for n in (1, 2)]


def test_a_folder_that_cannot_be_moved_leaves_the_version_as_it_was(
    project: Project, versions: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Any, target: Any) -> None:
        raise OSError(errno.EACCES, "in use by another program")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(DiskError, match="in use by another program"):
        project.delete_run(1)
    monkeypatch.undo()
    assert [run.id for run in project.runs()] == [1, 2]
    assert project.missing_runs() == []


def test_a_deletion_that_cannot_be_noted_puts_the_folder_back(
    project: Project, versions: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StoreError("The disk is full.", "Make room.")

    monkeypatch.setattr(runs, "set_deleted", refuse)
    with pytest.raises(StoreError):
        project.delete_run(1)
    monkeypatch.undo()
    assert [run.id for run in project.runs()] == [1, 2]
    assert project.missing_runs() == []


def test_a_deletion_cannot_be_taken_back_after_the_project_was_closed(project: Project, versions: list[Run]) -> None:
    project.delete_run(1)
    project.close()
    with Project.open(project.folder) as again:
        assert not (again.models_dir / ".deleted").exists()
        with pytest.raises(ProjectError, match="until the project is closed"):
            again.undelete_run(versions[0])
        assert [run.id for run in again.runs()] == [2]


def test_a_read_only_copy_deletes_nothing_and_leaves_the_deleted_alone(project: Project, versions: list[Run]) -> None:
    project.delete_run(1)
    with Project.open(project.folder, read_only=True) as copy:
        with pytest.raises(ProjectError, match="read-only"):
            copy.set_run_note(2, "seen")
        for attempt in (lambda: copy.undelete_run(versions[0]), lambda: copy.activate_run(2)):
            with pytest.raises(ProjectError, match="read-only"):
                attempt()
        assert (copy.models_dir / ".deleted" / "run-0001").is_dir()
    project.undelete_run(versions[0])
    assert project.missing_runs() == []


def test_an_own_file_in_the_folder_of_the_deleted_is_no_obstacle(project: Project, versions: list[Run]) -> None:
    project.delete_run(1)
    stray: Path = project.models_dir / ".deleted" / "notes.txt"
    stray.write_text("mine")
    project.close()
    project.close()
    with Project.open(project.folder) as again:
        assert [run.id for run in again.runs()] == [2]
    assert stray.read_text() == "mine"
    assert not (project.models_dir / ".deleted" / "run-0001").exists()
