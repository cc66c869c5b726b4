"""The test set, the switch for automatic groups and dismissed suspects survive what the labels survive."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.domain import NewImage
from engine.errors import ProjectError
from engine.project import Project


def with_images(folder: Path, count: int = 6) -> Project:
    project = Project.create(folder / "project")
    (folder / "images").mkdir()
    root = project.add_root(folder / "images")
    ids = project.add_images(
        root, [NewImage(f"{index}.jpg".encode(), f"{index:032x}", 10, 1, 8, 8) for index in range(count)]
    )
    first, second = (project.add_class(name).result().id for name in ("one", "two"))
    project.label(ids[::2], first).result()
    project.label(ids[1::2], second).result()
    return project


def test_images_of_the_test_set_are_in_no_snapshot_for_a_training(tmp_path: Path) -> None:
    with with_images(tmp_path) as project:
        whole = project.snapshot()
        assert project.test_snapshot() is None
        project.set_test_set(whole.content_hashes[1::2], 0.5, 0)  # all of the second class
        labels, test = project.snapshot(), project.test_snapshot()
        assert [each.name for each in labels.classes] == ["one"]
        assert test is not None
        assert [each.name for each in test.classes] == ["two"]
        assert sorted([*labels.image_ids, *test.image_ids]) == sorted(whole.image_ids)
        assert test.targets.tolist() == [0, 0, 0]
        assert test.targets_matrix.shape == (3, 1)
        project.unlock_test_set()
        assert len(project.snapshot().image_ids) == 6
        assert project.test_snapshot() is None
        known = project.test_set()
        assert known is not None
        assert known.unlocked_at is not None


@pytest.mark.parametrize("keeps_backups", [True, False])
def test_all_of_it_comes_back_from_backup_and_journal(tmp_path: Path, keeps_backups: bool) -> None:
    with with_images(tmp_path) as project:
        project.store.back_up().result()
        hashes = project.snapshot().content_hashes
        dismissed = project.snapshot().image_ids[:2].tolist()
        project.set_test_set(hashes[:2], 0.3, 5)
        project.set_automatic_groups(False)
        project.set_group_table({hashes[0]: "plant “ü”"})
        project.dismiss_suspects(dismissed).result()
    for file in (tmp_path / "project").glob("project.db*"):
        file.unlink()
    if not keeps_backups:
        shutil.rmtree(tmp_path / "project" / "backups")
    with Project.restore(tmp_path / "project") as project:
        test = project.test_set()
        assert test is not None
        assert (test.hashes, test.seed, test.is_locked) == (sorted(hashes[:2]), 5, True)
        assert not project.has_automatic_groups()
        assert project.group_table() == {hashes[0]: "plant “ü”"}
        assert len(project.dismissed_suspects()) == 2


def test_a_dismissed_suspect_is_one_again_when_its_class_changes_and_not_when_that_is_undone(tmp_path: Path) -> None:
    with with_images(tmp_path) as project:
        image = int(project.snapshot().image_ids[0])
        project.dismiss_suspects([image]).result()
        assert project.dismissed_suspects() == {image}
        project.label([image], project.classes()[1].id).result()
        assert project.dismissed_suspects() == set()
        project.undo().result()
        assert project.dismissed_suspects() == {image}
        project.restore_suspects([image]).result()
        assert project.dismissed_suspects() == set()


def test_a_read_only_copy_locks_and_dismisses_nothing(tmp_path: Path) -> None:
    with_images(tmp_path).close()
    with Project.open(tmp_path / "project", read_only=True) as project:
        with pytest.raises(ProjectError):
            project.set_test_set([], 0.2, 0)
        with pytest.raises(ProjectError):
            project.dismiss_suspects([1])
