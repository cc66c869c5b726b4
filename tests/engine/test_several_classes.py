"""Several classes per image, confirmations, notes, going back in an image's history, and roots that moved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.domain import NO_CLASS, LabelMode, Mark, Source, class_ids_of, has_class, widened
from engine.errors import ProjectError
from engine.project import Project
from engine.store import journal

FileImages = Callable[..., list[int]]


@pytest.fixture
def several(project: Project, file_images: FileImages) -> Project:
    """A project with five images, of which each may have several of the classes ok (1), rust (2) and dent (3)."""
    project.set_label_mode(LabelMode.SEVERAL).result()
    file_images(project, 5)
    for name in ("ok", "rust", "dent"):
        project.add_class(name).result()
    return project


def bits(project: Project) -> list[list[int]]:
    return [class_ids_of(row) for row in project.columns().class_bits.tolist()]


def test_classes_join_those_that_an_image_has_and_leave_one_by_one(several: Project) -> None:
    several.label([1, 2], 2).result()
    change = several.label([1], 1).result()
    assert [class_ids_of(row) for row in change.class_bits.tolist()] == [[1, 2]]
    assert bits(several) == [[1, 2], [2], [], [], []]
    removed = several.remove_class([1, 2, 3], 2).result()
    assert removed.text == "remove rust from 2 images"
    assert removed.image_ids.tolist() == [1, 2]
    assert bits(several) == [[1], [], [], [], []]
    several.undo().result()
    several.undo().result()
    assert bits(several) == [[2], [2], [], [], []]


def test_class_shown_for_an_image_is_its_first_in_the_palette(several: Project) -> None:
    several.label([1], 1).result()
    several.label([1], 3).result()
    assert several.columns().class_ids.tolist() == [1, NO_CLASS, NO_CLASS, NO_CLASS, NO_CLASS]
    several.move_class(3, 0).result()
    assert several.columns().class_ids[0] == 3


def test_bits_reach_beyond_64_classes(several: Project) -> None:
    before = several.columns().class_bits
    for number in range(4, 131):
        several.add_class(f"class {number}").result()
    change = several.label([1, 2], 130).result()
    several.label([2], 64).result()
    assert before.shape == (5, 1)
    assert change.class_bits.shape == (2, 3)
    wide = several.columns().class_bits
    assert [class_ids_of(row) for row in wide[:3].tolist()] == [[130], [64, 130], []]
    assert has_class(wide, 130).tolist() == [True, True, False, False, False]
    assert has_class(wide, 64).tolist() == [False, True, False, False, False]
    assert not has_class(before, 130).any()
    assert widened(before, 3).shape == (5, 3)


def test_clearing_takes_all_classes_and_the_confirmation_and_is_one_step(several: Project) -> None:
    several.label([1], 1).result()
    several.label([1], 2).result()
    several.mark([1, 2], Mark.CONFIRMED, True).result()
    several.mark([1], Mark.UNSURE, True).result()
    change = several.clear([1, 2, 3]).result()
    assert change.text == "clear 2 images"
    assert sorted(change.image_ids.tolist()) == [1, 2]
    assert several.columns().marks.tolist() == [Mark.UNSURE, 0, 0, 0, 0]
    several.undo().result()
    assert bits(several)[0] == [1, 2]
    assert several.columns().marks.tolist() == [Mark.UNSURE | Mark.CONFIRMED, Mark.CONFIRMED, 0, 0, 0]


def test_going_back_to_one_class_is_refused_while_an_image_has_two(several: Project) -> None:
    several.label([1], 1).result()
    several.label([1], 2).result()
    with pytest.raises(ProjectError, match="more than one class"):
        several.set_label_mode(LabelMode.ONE).result()
    several.remove_class([1], 1).result()
    change = several.set_label_mode(LabelMode.ONE).result()
    assert change.mode_changed
    assert several.columns().class_bits.shape == (5, 0)
    assert several.columns().class_ids[0] == 2
    several.undo().result()
    assert several.label_mode is LabelMode.SEVERAL


def test_mode_of_a_new_project_is_no_step_to_undo(project: Project, file_images: FileImages) -> None:
    project.set_label_mode(LabelMode.SEVERAL).result()
    assert project.can_undo() is None
    assert project.undo().result() is None
    project.close()
    (project.folder / "project.db").unlink()
    with Project.restore(project.folder) as again:
        assert again.label_mode is LabelMode.SEVERAL
        assert again.can_undo() is None
        file_images(again, 1)
        again.set_label_mode(LabelMode.ONE).result()
        assert again.can_undo() == "one class per image"


def test_training_sees_every_class_and_confirmed_images_without_any(several: Project) -> None:
    several.label([1, 4], 3).result()
    several.label([1], 1).result()
    several.mark([1, 2], Mark.CONFIRMED, True).result()
    snapshot = several.snapshot()
    assert snapshot.mode is LabelMode.SEVERAL
    assert snapshot.image_ids.tolist() == [1, 2, 4]
    assert [each.name for each in snapshot.classes] == ["ok", "dent"]
    assert snapshot.targets_matrix.tolist() == [[True, True], [False, False], [False, True]]
    assert snapshot.targets.tolist() == [0, -1, 1]
    assert snapshot.confirmed.tolist() == [True, True, False]


def test_merging_leaves_no_class_twice_and_undo_tells_them_apart_again(several: Project) -> None:
    several.label([1, 2], 1).result()
    several.label([1, 3], 2).result()
    several.merge_class(2, 1).result()
    assert bits(several) == [[1], [1], [1], [], []]
    several.undo().result()
    assert bits(several) == [[1, 2], [1], [2], [], []]


def test_splitting_off_makes_class_and_labels_in_one_step(several: Project, tmp_path: Path) -> None:
    several.label([1, 2], 1).result()
    new = several.split_class([2, 3], "scratch").result()
    assert bits(several) == [[1], [1, new.id], [new.id], [], []]
    assert several.can_undo() == "new class scratch with 2 images"
    several.undo().result()
    assert bits(several) == [[1], [1], [], [], []]
    assert [each.name for each in several.classes()] == ["ok", "rust", "dent"]


def test_images_leave_their_class_when_they_are_split_off_where_they_have_one(
    project: Project, file_images: FileImages
) -> None:
    ids = file_images(project, 2)
    project.label(ids, project.add_class("ok").result().id).result()
    new = project.split_class(ids[1:], "scratch").result()
    assert project.columns().class_ids.tolist() == [1, new.id]


def test_last_of_several_classes_given_in_one_step_counts_where_images_have_one(
    project: Project, file_images: FileImages
) -> None:
    ids = file_images(project, 1)
    one, two = (project.add_class(name).result().id for name in ("one", "two"))
    project.label_many([(ids[0], two), (ids[0], one)], Source.IMPORT, "import").result()
    assert project.columns().class_ids.tolist() == [one]


def test_image_goes_back_to_any_moment_of_its_history_as_a_step(several: Project) -> None:
    several.label([1], 1).result()
    several.label([1], 2).result()
    several.remove_class([1], 1).result()
    history = several.history(1)
    assert [entry.text for entry in history] == ["labelled ok", "labelled rust", "removed ok"]
    several.revert_image(1, history[1].step_id).result()
    assert bits(several)[0] == [1, 2]
    several.revert_image(1, 0).result()
    assert bits(several)[0] == []
    several.undo().result()
    assert bits(several)[0] == [1, 2]
    assert several.can_undo() == "revert 000000.jpg"


def test_going_back_to_a_class_that_is_deleted_is_a_sentence(several: Project) -> None:
    several.label([1], 1).result()
    step_id = several.last_step()
    several.label([1], 2).result()
    several.delete_class(1).result()
    with pytest.raises(ProjectError, match="does not exist any more"):
        several.revert_image(1, step_id).result()


def test_notes_are_steps_and_are_told_in_the_change(several: Project) -> None:
    change = several.set_note(2, " a scratch \n").result()
    assert (change.image_ids.tolist(), change.noted.tolist()) == ([2], [True])
    assert change.text == "note on 000001.jpg"
    assert several.note(2) == "a scratch"
    assert several.columns().noted.tolist() == [False, True, False, False, False]
    assert several.set_note(2, "a scratch").result().image_ids.tolist() == []
    assert several.set_note(2, "").result().text == "remove the note on 000001.jpg"
    several.undo().result()
    assert several.note(2) == "a scratch"
    with pytest.raises(ProjectError, match="10,000 characters"):
        several.set_note(2, "x" * 10_001).result()
    with pytest.raises(ProjectError, match="not in the project"):
        several.set_note(99, "x").result()


def test_steps_are_listed_newest_first_with_those_that_are_undone(several: Project) -> None:
    several.label([1], 1).result()
    several.set_note(1, "x").result()
    several.undo().result()
    assert [(step.text, step.is_undone) for step in several.steps(3)] == [
        ("note on 000000.jpg", True),
        ("label 000000.jpg as ok", False),
        ("add class dent", False),
    ]


def test_a_thumb_button_of_the_mouse_is_a_key(several: Project) -> None:
    change = several.set_class_key(1, "Mouse4").result()
    assert several.classes()[0].key == "mouse4"
    assert change.text == "set mouse button 4 for class ok"
    several.set_class_key(2, "mouse4").result()
    assert [each.key for each in several.classes()[:2]] == [None, "mouse4"]
    with pytest.raises(ProjectError):
        several.set_class_key(1, "mouse3").result()


def test_folder_that_moved_is_found_again_also_after_a_restore(
    project: Project, file_images: FileImages, tmp_path: Path
) -> None:
    file_images(project, 2)
    (root,) = project.roots()
    with pytest.raises(ProjectError, match="There is no folder"):
        project.repoint_root(root.id, tmp_path / "none")
    (tmp_path / "new place").mkdir()
    project.repoint_root(root.id, tmp_path / "new place")
    assert project.images([1])[0].path == tmp_path / "new place" / "pictures" / "000000.jpg"
    other = project.add_root(tmp_path / "other")
    with pytest.raises(ProjectError, match="in the project already"):
        project.repoint_root(other, tmp_path / "new place")
    project.close()
    (project.folder / "project.db").unlink()
    for backup in project.backups_dir.iterdir():
        backup.unlink()
    with Project.restore(project.folder) as again:
        assert again.roots()[0].path == tmp_path / "new place"
        assert again.columns().root_ids.tolist() == [root.id] * 2


def test_journal_with_a_lost_line_still_gives_what_the_other_lines_tell(several: Project) -> None:
    several.label([1], 1).result()
    several.label([1], 2).result()
    several.set_note(1, "x").result()
    several.label([1, 2], 3).result()
    several.close()
    file = several.folder / journal.JOURNAL_FILE
    lines = file.read_bytes().splitlines(keepends=True)
    lost = next(n for n, line in enumerate(lines) if b'"text":"label 000000.jpg as rust"' in line)
    file.write_bytes(b"".join(lines[:lost] + lines[lost + 1 :]))
    (several.folder / "project.db").unlink()
    for backup in several.backups_dir.iterdir():
        backup.unlink()
    with Project.restore(several.folder) as again:
        assert bits(again)[:2] == [[1, 2, 3], [3]]  # each line holds the whole state of the images that it speaks of
        assert again.note(1) == "x"


def test_journal_that_was_lost_begins_anew_with_everything_in_it(several: Project) -> None:
    several.label([1], 1).result()
    several.label([1, 2], 2).result()
    several.set_note(3, "only a note").result()
    several.mark([4], Mark.CONFIRMED, True).result()
    several.close()
    (several.folder / journal.JOURNAL_FILE).unlink()
    Project.open(several.folder).close()
    (several.folder / "project.db").unlink()
    for backup in several.backups_dir.iterdir():
        backup.unlink()
    with Project.restore(several.folder) as again:
        assert again.label_mode is LabelMode.SEVERAL
        assert bits(again) == [[1, 2], [2], [], [], []]
        assert again.notes() == {3: "only a note"}
        assert again.columns().marks.tolist() == [0, 0, 0, Mark.CONFIRMED, 0]


def test_accepted_sets_give_classes_and_confirm_in_one_step_that_survives_a_restore(several: Project) -> None:
    several.label([1], 3).result()
    change = several.label_and_confirm([(1, 2), (1, 3), (2, 1)], [1, 2, 4], Source.SUGGESTION, "accept").result()
    assert change.text == "accept"
    assert sorted(change.image_ids.tolist()) == [1, 2, 4]
    after = [[2, 3], [1], [], [], []]
    confirmed = [Mark.CONFIRMED, Mark.CONFIRMED, 0, Mark.CONFIRMED, 0]
    assert (bits(several), several.columns().marks.tolist()) == (after, confirmed)
    several.undo().result()
    assert (bits(several), several.columns().marks.tolist()) == ([[3], [], [], [], []], [0] * 5)
    several.redo().result()
    assert several.label_sources()[2] is Source.SUGGESTION
    again = several.label_and_confirm([(1, 2)], [1], Source.SUGGESTION, "accept").result()
    assert not len(again.image_ids)  # nothing to change: no step
    assert several.can_undo() == "accept"
    several.close()
    (several.folder / "project.db").unlink()
    for backup in several.backups_dir.iterdir():
        backup.unlink()
    with Project.restore(several.folder) as restored:
        assert (bits(restored), restored.columns().marks.tolist()) == (after, confirmed)


def test_a_set_with_a_class_that_is_gone_is_refused_whole(several: Project) -> None:
    several.delete_class(3).result()
    with pytest.raises(ProjectError, match="does not exist any more"):
        several.label_and_confirm([(1, 2), (1, 3)], [1], Source.SUGGESTION, "accept").result()
    assert bits(several)[0] == []
    assert several.columns().marks.tolist() == [0] * 5
