"""Refused suggestions: kept with the page that was accepted, taken back and done again with it, and never lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain import NO_CLASS, NewImage, Source, class_ids_of
from engine.project import Project
from engine.project.backups import back_up, go_back, plan_going_back
from engine.project.merging import merge_project
from engine.store import checking, replay

FileImages = Callable[..., list[int]]
RUN = 7


def refused(project: Project) -> dict[int, list[int]]:
    """Returns the refused classes of each image that has any, as the window would read them."""
    columns = project.columns()
    found = zip(columns.image_ids.tolist(), columns.refused_bits.tolist(), strict=True)
    return {image_id: class_ids_of(words) for image_id, words in found if any(words)}


def labelled(project: Project) -> dict[int, int]:
    columns = project.columns()
    pairs = zip(columns.image_ids.tolist(), columns.class_ids.tolist(), strict=True)
    return {image_id: class_id for image_id, class_id in pairs if class_id != NO_CLASS}


def accept(project: Project, ids: list[int], refused_ids: list[int], class_id: int) -> None:
    project.accept(ids, class_id, Source.SUGGESTION, "accept a page", refused_ids, RUN).result()


@pytest.fixture
def page(project: Project, file_images: FileImages) -> tuple[Project, list[int], int, int]:
    """Four images accepted as rust, two refused; four more."""
    ids = file_images(project, 10)
    rust, ok = project.add_class("rust").result().id, project.add_class("ok").result().id
    accept(project, ids[:4], ids[4:6], rust)
    return project, ids, rust, ok


def test_one_undo_takes_acceptance_and_refusals_back_and_one_redo_brings_both(
    page: tuple[Project, list[int], int, int],
) -> None:
    project, ids, rust, _ok = page
    both = (dict.fromkeys(ids[:4], rust), {ids[4]: [rust], ids[5]: [rust]})
    assert (labelled(project), refused(project)) == both
    change = project.undo().result()
    assert change is not None
    assert sorted(change.image_ids.tolist()) == ids[:6]
    assert not change.refused_bits.any()
    assert (labelled(project), refused(project)) == ({}, {})
    change = project.redo().result()
    assert change is not None
    assert [class_ids_of(words) for words in change.refused_bits.tolist()] == [[], [], [], [], [rust], [rust]]
    assert (labelled(project), refused(project)) == both


def test_a_page_of_which_everything_is_refused_is_a_step_of_its_own(page: tuple[Project, list[int], int, int]) -> None:
    project, ids, rust, ok = page
    accept(project, [], ids[5:8], ok)
    assert refused(project) == {ids[4]: [rust], ids[5]: [rust, ok], ids[6]: [ok], ids[7]: [ok]}
    project.undo().result()
    assert refused(project) == {ids[4]: [rust], ids[5]: [rust]}
    assert labelled(project) == dict.fromkeys(ids[:4], rust)


def test_a_label_settles_what_was_refused_and_its_undo_brings_it_back(
    page: tuple[Project, list[int], int, int],
) -> None:
    project, ids, rust, ok = page
    project.label([ids[4]], ok).result()
    assert refused(project) == {ids[5]: [rust]}
    project.undo().result()
    assert refused(project) == {ids[4]: [rust], ids[5]: [rust]}
    project.redo().result()
    project.clear([ids[4]]).result()
    assert refused(project) == {ids[5]: [rust]}, "what it was not is settled, even when the class goes again"


def test_an_image_with_a_class_is_not_refused_anything(page: tuple[Project, list[int], int, int]) -> None:
    project, ids, rust, ok = page
    before = project.can_undo()
    accept(project, [], [ids[0]], ok)
    assert refused(project) == {ids[4]: [rust], ids[5]: [rust]}
    assert project.can_undo() == before


def test_a_refused_class_that_is_deleted_plays_no_part_until_it_is_back(
    page: tuple[Project, list[int], int, int],
) -> None:
    project, ids, rust, _ok = page
    project.delete_class(rust).result()
    assert refused(project) == {}
    project.undo().result()
    assert refused(project) == {ids[4]: [rust], ids[5]: [rust]}


def test_refusals_and_their_undo_are_there_after_a_restart_and_come_back_from_backup_and_journal(
    page: tuple[Project, list[int], int, int],
) -> None:
    project, ids, rust, _ok = page
    before = refused(project)
    project.close()
    for removed in ((), ("project.db",), ("project.db", "backups")):
        for name in removed:
            path = project.folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        reopen = Project.restore if removed else Project.open
        with reopen(project.folder) as again:
            assert refused(again) == before
            assert again.store.call(checking.num_unlike_history) == 0
            assert again.snapshot().refused.tolist() == [[ids[4], rust], [ids[5], rust]]
            if not removed:
                again.undo().result()
                assert refused(again) == {}
                again.redo().result()


def test_a_whole_state_in_the_journal_holds_refusals(page: tuple[Project, list[int], int, int]) -> None:
    project, ids, rust, ok = page
    accept(project, [], [ids[5]], ok)
    project.store.call(replay.add_state)
    before = refused(project)
    project.close()
    journal = project.folder / "labels.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(lines[0] + lines[-1])  # everything between is lost
    shutil.rmtree(project.folder / "backups")
    (project.folder / "project.db").unlink()
    with Project.restore(project.folder) as again:
        assert refused(again) == before == {ids[4]: [rust], ids[5]: [rust, ok]}


def test_history_of_an_image_says_what_was_refused(page: tuple[Project, list[int], int, int]) -> None:
    project, ids, _rust, ok = page
    project.label([ids[4]], ok).result()
    assert [entry.text for entry in project.history(ids[4])] == ["not rust (refused)", "labelled ok"]
    project.undo().result()
    project.undo().result()
    assert [entry.text for entry in project.history(ids[5])] == ["not rust (refused)", "not rust (refused) (undo)"]


def test_going_back_to_a_backup_brings_refusals_back_and_takes_later_ones_away(
    page: tuple[Project, list[int], int, int],
) -> None:
    project, ids, rust, ok = page
    file = back_up(project)
    then = refused(project)
    project.label([ids[4]], ok).result()
    accept(project, [], ids[7:9], ok)
    later = refused(project)
    wanted, plan = plan_going_back(project, file)
    assert not plan.changes_nothing
    go_back(project, wanted, file.stat().st_mtime)
    assert refused(project) == then
    assert labelled(project) == dict.fromkeys(ids[:4], rust)
    project.undo().result()
    assert refused(project) == later


def test_refusals_of_another_project_come_with_a_merge_where_there_is_no_class(tmp_path: Path) -> None:
    names = [f"{index}.jpg" for index in range(5)]
    with Project.create(tmp_path / "here") as here, Project.create(tmp_path / "there") as there:
        for project, root in ((there, "/there"), (here, "/here")):
            rows = [NewImage(name.encode(), f"{name:0>32s}", 100, 1) for name in names]
            project.add_images(project.add_root(Path(root)), rows)
        dent, rust = there.add_class("dent").result().id, there.add_class("rust").result().id
        rust_here = here.add_class("rust").result().id
        here.label([2], rust_here).result()
        accept(there, [1], [2, 3], rust)
        accept(there, [], [3], dent)
        there.close()
        merge_project(here, there.folder)
        assert refused(here) == {3: [rust_here]}, "image 2 has a class here, and dent is no class here"
        assert labelled(here) == {1: rust_here, 2: rust_here}
        here.undo().result()
        assert refused(here) == {}


ACTS = st.lists(
    st.tuples(st.sampled_from(["accept", "label", "clear", "undo", "redo"]), st.integers(0, 5), st.integers(0, 1)),
    max_size=12,
)


@settings(max_examples=15, deadline=None)
@given(acts=ACTS)
def test_whatever_is_done_the_state_is_that_of_the_journal_and_no_labelled_image_is_refused(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("any") / "project"
    with Project.create(folder) as project:
        rows = [NewImage(f"{index}.jpg".encode(), f"{index:032x}", 100, 1) for index in range(6)]
        ids = project.add_images(project.add_root(Path("/nowhere")), rows)
        classes = [project.add_class(name).result().id for name in ("a", "b")]
        for act, index, which in acts:
            if act == "accept":
                accept(project, [ids[index]], [ids[(index + 1) % 6], ids[(index + 2) % 6]], classes[which])
            elif act == "label":
                project.label([ids[index]], classes[which]).result()
            elif act == "clear":
                project.clear([ids[index]]).result()
            elif act == "redo":
                project.redo().result()
            elif project.can_undo() == "accept a page":
                project.undo().result()
        assert not set(refused(project)) & set(labelled(project))
        assert project.store.call(checking.num_unlike_history) == 0
        found = project.store.call(lambda db: checking.rehearse_restore(folder, db, None))
        assert found.num_differing == 0
