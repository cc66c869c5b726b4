"""Going back to a backup: labels, classes, marks and notes are as they were, nothing is lost, and it can be undone."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.domain import LabelMode, Mark
from engine.errors import ProjectError, StoreError
from engine.project import Project
from engine.project.backups import back_up, go_back, list_backups, plan_going_back

FileImages = Callable[..., list[int]]


def story(project: Project) -> dict[str, Any]:
    """Returns everything that going back is about."""
    columns = project.columns()
    return {
        "classes": project.classes(),
        "labels": project.store.call(
            lambda db: sorted(db.execute("SELECT image_id, class_id, source FROM image_classes"))
        ),
        "class_ids": columns.class_ids.tolist(),
        "marks": columns.marks.tolist(),
        "notes": project.notes(),
        "mode": project.label_mode,
    }


def return_to(project: Project, file: Path) -> None:
    wanted, _plan = plan_going_back(project, file)
    go_back(project, wanted, file.stat().st_mtime)


@pytest.fixture
def labelled(project: Project, file_images: FileImages) -> tuple[Project, list[int], Path]:
    """A project with two classes, labels, a mark and a note, and a backup of that."""
    ids = file_images(project, 40)
    ok, rust = project.add_class("ok").result(), project.add_class("rust").result()
    project.label(ids[:20], ok.id).result()
    project.label(ids[20:30], rust.id).result()
    project.mark([ids[35]], Mark.SKIPPED, True).result()
    project.set_note(ids[1], "look again").result()
    return project, ids, back_up(project)


def test_everything_is_as_it_was_and_one_undo_takes_it_back(labelled: tuple[Project, list[int], Path]) -> None:
    project, ids, file = labelled
    then = story(project)
    ok, rust = project.classes()
    project.label(ids[10:25], rust.id).result()
    project.clear(ids[:3]).result()
    project.rename_class(rust.id, "corrosion").result()
    dent = project.add_class("rust").result()  # takes the name over
    project.label(ids[30:34], dent.id).result()
    project.merge_class(ok.id, rust.id).result()
    project.mark([ids[36]], Mark.UNSURE, True).result()
    project.set_note(ids[1], "").result()
    before = story(project)
    return_to(project, file)
    assert story(project) == then
    project.undo().result()
    assert story(project) == before
    project.redo().result()
    assert story(project) == then


def test_a_plan_says_in_advance_what_changes(labelled: tuple[Project, list[int], Path]) -> None:
    project, ids, file = labelled
    _wanted, plan = plan_going_back(project, file)
    assert plan.changes_nothing
    ok, rust = project.classes()
    dent = project.add_class("dent").result()
    project.label(ids[30:34], dent.id).result()  # had none
    project.label(ids[:5], rust.id).result()  # had another
    project.clear(ids[20:22]).result()  # has none now
    _wanted, plan = plan_going_back(project, file)
    assert (plan.num_losing, plan.num_changing, plan.num_regaining, plan.num_labelled_then) == (4, 5, 2, 30)
    assert plan.classes_going == ("dent",)
    assert plan.classes_coming == ()
    assert plan.num_images_gone == 0


def test_the_state_before_is_kept_as_a_backup_and_can_be_gone_back_to(
    labelled: tuple[Project, list[int], Path],
) -> None:
    project, ids, file = labelled
    project.label(ids[30:40], project.classes()[1].id).result()
    before = story(project)
    return_to(project, file)
    newest = next(each for each in list_backups(project) if each.file != file)
    return_to(project, newest.file)
    assert story(project) == before


def test_images_and_versions_that_came_since_stay(
    labelled: tuple[Project, list[int], Path], file_images: FileImages, add_version: Any
) -> None:
    project, ids, file = labelled
    new = file_images(project, 5, folder="later")
    project.label(new, project.classes()[0].id).result()
    both = [each.id for each in project.classes()]
    run = add_version(project, 1, ids[:3], both, [0, 1], [0, 1], [[0.5, 0.5]])
    return_to(project, file)
    assert set(new) <= set(project.columns().image_ids.tolist())
    assert all(project.columns().class_ids[-5:] == 0)
    assert [each.id for each in project.runs()] == [run.id]


def test_going_back_survives_the_loss_of_the_database(labelled: tuple[Project, list[int], Path]) -> None:
    project, ids, file = labelled
    ok, rust = project.classes()
    then = story(project)
    project.label(ids[10:25], rust.id).result()
    project.delete_class(ok.id).result()
    return_to(project, file)
    project.close()
    (project.folder / "project.db").unlink()
    shutil.rmtree(project.folder / "backups")
    with Project.restore(project.folder) as again:
        assert story(again) == then


def test_whatever_was_done_since_going_back_undoes_it(
    labelled: tuple[Project, list[int], Path], file_images: FileImages
) -> None:
    project, ids, file = labelled
    then = story(project)
    chance = random.Random(4)
    for number in range(60):
        classes = project.classes()
        some = chance.sample(ids, chance.randint(1, 9))
        act = chance.randint(0, 7)
        if act < 3 and classes:
            project.label(some, chance.choice(classes).id).result()
        elif act == 3:
            project.clear(some).result()
        elif act == 4:
            project.add_class(f"class {number}").result()
        elif act == 5 and len(classes) > 1:
            project.merge_class(classes[0].id, classes[-1].id).result()
        elif act == 6 and project.can_undo():
            project.undo().result()
        elif act == 7 and classes:
            project.rename_class(chance.choice(classes).id, f"other {number}").result()
    before = story(project)
    return_to(project, file)
    assert story(project) == then
    project.undo().result()
    assert story(project) == before


def test_a_class_that_goes_with_going_back_does_not_count_as_merged(
    labelled: tuple[Project, list[int], Path],
) -> None:
    project, ids, file = labelled
    dent = project.add_class("dent").result()
    project.label(ids[:5], dent.id).result()
    return_to(project, file)
    from engine.store import classes

    assert project.store.call(classes.merged) == {}


def test_several_classes_per_image_come_back(project: Project, file_images: FileImages) -> None:
    ids = file_images(project, 6)
    project.set_label_mode(LabelMode.SEVERAL).result()
    one, two = project.add_class("one").result(), project.add_class("two").result()
    project.label(ids[:4], one.id).result()
    project.label(ids[2:], two.id).result()
    then, file = story(project), back_up(project)
    project.clear(ids).result()
    project.set_label_mode(LabelMode.ONE).result()
    return_to(project, file)
    assert story(project) == then


def test_a_damaged_backup_and_that_of_another_project_are_refused(
    labelled: tuple[Project, list[int], Path], tmp_path: Path
) -> None:
    project, ids, file = labelled
    project.clear(ids[:9]).result()
    before = story(project)
    with Project.create(tmp_path / "other") as other:
        foreign = back_up(other)
        with pytest.raises(StoreError, match="another project"):
            plan_going_back(project, foreign)
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(StoreError, match="is damaged"):
        plan_going_back(project, file)
    assert story(project) == before


def test_without_a_backup_of_the_present_state_nothing_changes(
    labelled: tuple[Project, list[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    project, ids, file = labelled
    project.clear(ids[:9]).result()
    before = story(project)
    wanted, _plan = plan_going_back(project, file)

    def refuse(*_args: object, **_values: object) -> Path:
        raise StoreError("The disk is full.", "Make room.")

    monkeypatch.setattr("engine.store.backup.make", refuse)
    with pytest.raises(StoreError, match="full"):
        go_back(project, wanted, 0.0)
    assert story(project) == before


def test_a_read_only_copy_cannot_go_back(labelled: tuple[Project, list[int], Path]) -> None:
    project, _ids, file = labelled
    with Project.open(project.folder, read_only=True) as copy:
        wanted, _plan = plan_going_back(copy, file)
        with pytest.raises(ProjectError, match="read-only"):
            go_back(copy, wanted, 0.0)


def test_an_older_backup_is_read_with_todays_tables(tmp_path: Path) -> None:
    shutil.copytree(Path(__file__).parent / "data" / "version_1", tmp_path / "old")
    with Project.open(tmp_path / "old") as project:
        then = story(project)
        assert then["labels"]
        (file,) = [each.file for each in list_backups(project) if each.is_before_update]
        content = file.read_bytes()
        project.clear(project.columns().image_ids).result()
        assert not story(project)["labels"]
        return_to(project, file)
        assert story(project) == then
        assert file.read_bytes() == content
