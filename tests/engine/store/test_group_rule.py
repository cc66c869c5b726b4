"""The rule for groups survives what the labels survive."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.errors import ProjectError
from engine.project import Project


def test_the_rule_is_there_after_reopening_and_can_be_removed(tmp_path: Path) -> None:
    with Project.create(tmp_path / "project") as project:
        assert project.group_rule() is None
        project.set_group_rule("folder")
    with Project.open(tmp_path / "project") as project:
        assert project.group_rule() == "folder"
        project.set_group_rule(None)
        assert project.group_rule() is None


@pytest.mark.parametrize("keeps_backups", [True, False])
def test_the_rule_comes_back_from_backup_and_journal(tmp_path: Path, keeps_backups: bool) -> None:
    with Project.create(tmp_path / "project") as project:
        project.set_group_rule("folder")
        project.store.back_up().result()
        project.set_group_rule(r"plant(\d+) “ü”")
    for file in (tmp_path / "project").glob("project.db*"):
        file.unlink()
    if not keeps_backups:
        shutil.rmtree(tmp_path / "project" / "backups")
    with Project.restore(tmp_path / "project") as project:
        assert project.group_rule() == r"plant(\d+) “ü”"


def test_a_read_only_copy_refuses_another_rule(tmp_path: Path) -> None:
    Project.create(tmp_path / "project").close()
    with Project.open(tmp_path / "project", read_only=True) as project, pytest.raises(ProjectError):
        project.set_group_rule("folder")
