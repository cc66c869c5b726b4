"""The project facade: what its callers may rely on, and what they are told when something is wrong."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.domain import ImageStatus, Mark, NewImage, Run, Source, Validation
from engine.errors import ProjectDamagedError, ProjectError, ProjectInUseError
from engine.project import Project
from engine.store import owner

FileImages = Callable[..., list[int]]


def make_run(folder: str, class_ids: list[int], last_step: int = 0) -> Run:
    validation = Validation("test", 0.9, (0.8, 0.95), 0.9, 0.3, 0.02, [{"class": "ok", "f1": 0.9}], [[9, 1], [1, 9]])
    return Run(
        0, 12.5, "mobilenet_v2", "abc", "head", 7, folder, class_ids, ["ok", "rust"][: len(class_ids)], 20, last_step,
        validation, {"train": 0.5}, {"l2": 1.0}, False,
    )  # fmt: skip


def test_a_label_is_there_after_reopening(project: Project, file_images: FileImages) -> None:
    ids = file_images(project, 3)
    rust = project.add_class("rust").result()
    change = project.label([ids[1]], rust.id).result()
    assert change.image_ids.tolist() == [ids[1]]
    assert change.class_ids.tolist() == [rust.id]
    assert change.text == "label 000001.jpg as rust"
    project.close()
    with Project.open(project.folder) as again:
        assert again.columns().class_ids.tolist() == [0, rust.id, 0]
        assert again.can_undo() == "label 000001.jpg as rust"


def test_ten_thousand_images_are_labelled_and_undone_as_one_step(project: Project, file_images: FileImages) -> None:
    ids = file_images(project, 10_000)
    rust = project.add_class("rust").result()
    before = project.last_step()
    change = project.label(np.array(ids), rust.id).result()  # type: ignore[arg-type]
    assert project.last_step() == before + 1
    assert len(change.image_ids) == 10_000
    assert change.text == "label 10,000 images as rust"
    undone = project.undo().result()
    assert undone is not None
    assert not undone.class_ids.any()
    assert not project.columns().class_ids.any()


def test_undo_brings_the_earlier_class_and_its_source_back(project: Project, file_images: FileImages) -> None:
    ids = file_images(project, 1)
    ok, rust = project.add_class("ok").result(), project.add_class("rust").result()
    project.label(ids, ok.id, Source.SUGGESTION).result()
    project.label(ids, rust.id).result()
    project.undo().result()
    assert project.columns().class_ids.tolist() == [ok.id]
    sources = project.store.call(lambda db: db.execute("SELECT source FROM image_classes").fetchall())
    assert sources == [("suggestion",)]


def test_undo_and_redo_go_on_after_a_restart(project: Project, file_images: FileImages) -> None:
    ids = file_images(project, 4)
    rust = project.add_class("rust").result()
    for image_id in ids:
        project.label([image_id], rust.id).result()
    project.undo().result()
    project.close()
    with Project.open(project.folder) as again:
        assert again.can_redo() == "label 000003.jpg as rust"
        again.undo().result()
        assert again.columns().class_ids.tolist() == [rust.id, rust.id, 0, 0]
        again.redo().result()
        again.redo().result()
        assert again.columns().class_ids.tolist() == [rust.id] * 4
        assert again.can_redo() is None
        for _ in range(5):
            again.undo().result()
        assert again.classes() == []
        assert again.can_undo() is None
        assert again.undo().result() is None


def test_a_new_label_ends_the_possibility_to_redo(project: Project, file_images: FileImages) -> None:
    ids = file_images(project, 2)
    rust = project.add_class("rust").result()
    project.label(ids[:1], rust.id).result()
    project.undo().result()
    project.label(ids[1:], rust.id).result()
    assert project.can_redo() is None
    assert project.redo().result() is None


def test_labelling_with_the_class_an_image_has_is_no_step(project: Project, file_images: FileImages) -> None:
    ids = file_images(project, 2)
    rust = project.add_class("rust").result()
    project.label(ids, rust.id).result()
    step = project.last_step()
    assert len(project.label(ids, rust.id).result().image_ids) == 0
    assert len(project.clear([]).result().image_ids) == 0
    assert project.last_step() == step


def test_marks_are_steps_and_combine(project: Project, file_images: FileImages) -> None:
    ids = file_images(project, 2)
    project.mark(ids, Mark.SKIPPED, True).result()
    change = project.mark(ids[:1], Mark.UNSURE, True).result()
    assert change.marks.tolist() == [Mark.SKIPPED | Mark.UNSURE]
    project.mark(ids, Mark.SKIPPED, False).result()
    assert project.columns().marks.tolist() == [Mark.UNSURE, 0]
    project.undo().result()
    assert project.columns().marks.tolist() == [Mark.SKIPPED | Mark.UNSURE, Mark.SKIPPED]


def test_deleting_a_class_clears_its_images_until_undone(project: Project, file_images: FileImages) -> None:
    ids = file_images(project, 3)
    ok, rust = project.add_class("ok").result(), project.add_class("rust").result()
    project.label(ids[:2], ok.id).result()
    project.label(ids[2:], rust.id).result()
    change = project.delete_class(ok.id).result()
    assert change.classes_changed
    assert change.image_ids.tolist() == ids[:2]
    assert [one.name for one in project.classes()] == ["rust"]
    assert project.add_class("ok").result().id != ok.id, "a deleted class does not come back by its name"
    project.undo().result()
    project.undo().result()
    assert [one.id for one in project.classes()] == [ok.id, rust.id]
    assert project.columns().class_ids.tolist() == [ok.id, ok.id, rust.id]


def test_merging_moves_the_images_in_one_step(project: Project, file_images: FileImages) -> None:
    ids = file_images(project, 3)
    ok, good = project.add_class("ok").result(), project.add_class("good").result()
    project.label(ids, good.id).result()
    project.merge_class(good.id, ok.id).result()
    assert project.columns().class_ids.tolist() == [ok.id] * 3
    assert project.classes() == [ok]
    project.undo().result()
    assert project.columns().class_ids.tolist() == [good.id] * 3


def test_classes_get_keys_by_creation_then_letters_of_their_name(project: Project) -> None:
    names = [f"class {index}" for index in range(9)] + ["Xylophone", "ccc", "cc"]
    keys = [project.add_class(name).result().key for name in names]
    assert keys == [*"123456789", "y", "c", None]
    assert len({one.color for one in project.classes()}) == 12


def test_a_key_moves_from_one_class_to_the_other(project: Project) -> None:
    ok, rust = project.add_class("ok").result(), project.add_class("rust").result()
    project.set_class_key(rust.id, "1").result()
    assert [one.key for one in project.classes()] == [None, "1"]
    project.undo().result()
    assert project.classes() == [ok, rust]
    for bad in ("x", "?", "ab", " "):
        with pytest.raises(ProjectError):
            project.set_class_key(ok.id, bad).result()


def test_classes_can_be_renamed_coloured_and_moved(project: Project) -> None:
    one, two, three = (project.add_class(name).result() for name in ("one", "two", "three"))
    project.rename_class(one.id, "  eins ").result()
    project.set_class_color(two.id, "#123456").result()
    change = project.move_class(three.id, 0).result()
    assert change.classes_changed
    assert [(each.name, each.color) for each in project.classes()] == [
        ("three", three.color),
        ("eins", one.color),
        ("two", "#123456"),
    ]
    with pytest.raises(ProjectError, match="called two already"):
        project.rename_class(one.id, "two").result()
    with pytest.raises(ProjectError, match="needs a name"):
        project.add_class("  ").result()


def test_a_class_that_is_gone_cannot_be_given(project: Project, file_images: FileImages) -> None:
    ids = file_images(project, 1)
    with pytest.raises(ProjectError, match="does not exist"):
        project.label(ids, 99).result()
    with pytest.raises(ProjectError, match="does not exist"):
        project.label_many([(ids[0], 99)], Source.IMPORT, "import").result()
    assert project.last_step() == 0


def test_an_image_of_another_project_cannot_be_labelled(project: Project, file_images: FileImages) -> None:
    ids = file_images(project, 1)
    rust = project.add_class("rust").result()
    with pytest.raises(ProjectError, match="not in the project"):
        project.label([*ids, 77], rust.id).result()
    assert not project.columns().class_ids.any()


def test_an_import_of_labels_is_one_step(project: Project, file_images: FileImages) -> None:
    ids = file_images(project, 3)
    ok, rust = project.add_class("ok").result(), project.add_class("rust").result()
    change = project.label_many([(ids[0], ok.id), (ids[2], rust.id)], Source.IMPORT, "import labels.csv").result()
    assert change.text == "import labels.csv"
    assert project.columns().class_ids.tolist() == [ok.id, 0, rust.id]
    assert project.can_undo() == "import labels.csv"


def test_the_history_of_an_image_tells_what_happened(project: Project, file_images: FileImages) -> None:
    ids = file_images(project, 1)
    ok, rust = project.add_class("ok").result(), project.add_class("rust").result()
    project.label(ids, ok.id, Source.SUGGESTION).result()
    project.label(ids, rust.id).result()
    project.clear(ids).result()
    project.undo().result()
    entries = project.history(ids[0])
    assert [entry.text for entry in entries] == [
        "labelled ok",
        "changed from ok to rust",
        "cleared rust",
        "labelled rust (undo)",
    ]
    assert entries[0].source is Source.SUGGESTION
    assert all(entry.made_at > 0 for entry in entries)


def test_a_snapshot_holds_readable_labelled_images_in_filing_order(project: Project, file_images: FileImages) -> None:
    ids = file_images(project, 4)
    ok, _, rust = (project.add_class(name).result() for name in ("ok", "empty", "rust"))
    project.label([ids[3], ids[1]], rust.id).result()
    project.label([ids[0], ids[2]], ok.id).result()
    project.set_image_status([ids[2]], ImageStatus.UNREADABLE, "truncated")
    snapshot = project.snapshot()
    assert snapshot.image_ids.tolist() == [ids[0], ids[1], ids[3]]
    assert [one.name for one in snapshot.classes] == ["ok", "rust"]
    assert snapshot.targets.tolist() == [0, 1, 1]
    assert snapshot.last_step == project.last_step()
    assert project.images([ids[2]])[0].reason == "truncated"


def test_labels_since_a_step_are_those_that_differ_from_it(project: Project, file_images: FileImages) -> None:
    ids = file_images(project, 5)
    ok, rust = project.add_class("ok").result(), project.add_class("rust").result()
    project.label(ids[:2], ok.id).result()
    step = project.last_step()
    assert project.num_labels_since(step) == 0
    project.label(ids[1:4], rust.id).result()
    assert project.num_labels_since(step) == 3
    project.label(ids[1:2], ok.id).result()
    assert project.num_labels_since(step) == 2
    project.undo().result()
    project.undo().result()
    assert project.num_labels_since(step) == 0
    assert project.num_labels_since(0) == 2


def test_the_active_runs_predictions_appear_in_the_columns(project: Project, file_images: FileImages) -> None:
    ids = file_images(project, 4)
    ok, rust = project.add_class("ok").result(), project.add_class("rust").result()
    folder = project.models_dir / "run-0001"
    folder.mkdir()
    np.savez(
        folder / "predictions.npz",
        image_ids=np.array([ids[2], ids[0], 9999]),
        class_ids=np.array([ok.id, rust.id], np.int32),
        probabilities=np.array([[0.25, 0.75], [0.9, 0.1], [0.5, 0.5]], np.float16),
    )
    run = project.add_run(make_run("run-0001", [ok.id, rust.id], project.last_step()))
    assert run.is_active
    assert project.active_run() == run
    columns = project.columns()
    assert columns.predicted_ids.tolist() == [ok.id, 0, rust.id, 0]
    np.testing.assert_allclose(columns.confidences, [0.9, np.nan, 0.75, np.nan], atol=1e-3)
    project.delete_class(ok.id).result()
    columns = project.columns()
    assert columns.predicted_ids.tolist() == [0, 0, rust.id, 0]
    assert np.isnan(columns.confidences[0])
    for damaged in (b"PK\x03\x04 not a zip", b"", b"\x93NUMPY"):
        (folder / "predictions.npz").write_bytes(damaged)
        assert not project.columns().predicted_ids.any()


def test_suggestions_of_a_merged_class_are_those_of_the_class_it_went_into_until_that_is_undone(
    project: Project, file_images: FileImages
) -> None:
    ids = file_images(project, 3)
    flaking, rust, ok = (project.add_class(name).result().id for name in ("flaking", "rust", "ok"))
    project.label(ids[:1], flaking).result()
    folder = project.models_dir / "run-0001"
    folder.mkdir()
    np.savez(
        folder / "predictions.npz",
        image_ids=np.array(ids),
        class_ids=np.array([flaking, rust, ok], np.int32),
        probabilities=np.array([[0.75, 0.125, 0.125], [0.3125, 0.3125, 0.375], [0.125, 0.125, 0.75]], np.float16),
    )
    project.add_run(make_run("run-0001", [flaking, rust, ok], project.last_step()))
    before = project.columns()
    assert before.predicted_ids.tolist() == [flaking, ok, ok]
    project.merge_class(flaking, rust).result()
    merged = project.columns()
    assert merged.predicted_ids.tolist() == [rust, rust, ok]
    np.testing.assert_allclose(merged.confidences, [0.875, 0.625, 0.75])
    project.merge_class(rust, ok).result()
    assert project.columns().predicted_ids.tolist() == [ok] * 3
    project.undo().result()
    project.undo().result()
    undone = project.columns()
    assert undone.predicted_ids.tolist() == before.predicted_ids.tolist()
    project.redo().result()
    assert project.columns().predicted_ids.tolist() == [rust, rust, ok]


def test_runs_can_be_rolled_back(project: Project) -> None:
    first, second = project.add_run(make_run("run-0001", [1])), project.add_run(make_run("run-0002", [1]))
    (project.run_dir(first)).mkdir()
    (project.run_dir(first) / "run.json").write_text("{}")
    assert [run.is_active for run in project.runs()] == [False, True]
    assert project.activate_run(first.id).folder == "run-0001"
    assert project.active_run() == first
    assert project.new_run_id() == second.id + 1
    with pytest.raises(ProjectError):
        project.activate_run(99)
    assert project.active_run() == first, "a refused roll-back changes nothing"


def test_a_file_name_that_is_not_text_comes_back_byte_by_byte(project: Project, tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    name = b"sub/\xff\xfe odd.jpg"
    (image_id,) = project.add_images(project.add_root(folder), [NewImage(name, "hash", 1, 2)])
    rust = project.add_class("rust").result()
    project.label([image_id], rust.id).result()
    (record,) = project.images()
    assert os.fsencode(record.path) == os.fsencode(folder) + b"/" + name
    assert record.name.encode("utf-8")
    assert list(project.images_of_root(1)) == [name]
    folder_of_project = project.folder
    project.close()
    (folder_of_project / "project.db").unlink()
    shutil.rmtree(folder_of_project / "backups")
    with Project.restore(folder_of_project) as restored:
        (record,) = restored.images()
        assert os.fsencode(record.path) == os.fsencode(folder) + b"/" + name
        assert restored.columns().class_ids.tolist() == [rust.id]


def test_changed_and_moved_images_keep_their_labels(project: Project, file_images: FileImages) -> None:
    ids = file_images(project, 2)
    rust = project.add_class("rust").result()
    project.label(ids, rust.id).result()
    other = project.add_root(Path("/elsewhere"))
    project.update_images([(ids[0], NewImage(b"new name.jpg", "other-hash", 5, 6, 7, 8))], root_id=other)
    record = project.images([ids[0]])[0]
    assert (record.path, record.content_hash, record.width_px) == (Path("/elsewhere/new name.jpg"), "other-hash", 7)
    assert project.columns().class_ids.tolist() == [rust.id] * 2
    assert [root.path for root in project.roots()] == [Path("/nowhere"), Path("/elsewhere")]


def test_the_cache_may_be_deleted_at_any_time(project: Project, file_images: FileImages) -> None:
    ids = file_images(project, 1)
    rust = project.add_class("rust").result()
    project.cache_dir.rmdir()
    project.label(ids, rust.id).result()
    project.close()
    with Project.open(project.folder) as again:
        assert again.cache_dir.is_dir()
        assert again.columns().class_ids.tolist() == [rust.id]


def test_a_read_only_copy_shows_the_present_and_refuses_changes(project: Project, file_images: FileImages) -> None:
    ids = file_images(project, 2)
    rust = project.add_class("rust").result()
    project.label(ids, rust.id).result()
    before = sorted(path.name for path in project.folder.iterdir())
    with Project.open(project.folder, read_only=True) as copy:
        assert copy.read_only
        assert copy.name == project.name
        assert copy.columns().class_ids.tolist() == [rust.id] * 2
        with pytest.raises(ProjectError, match="read-only copy"):
            copy.clear(ids)
        project.clear(ids).result()
        assert copy.columns().class_ids.tolist() == [rust.id] * 2
    assert sorted(path.name for path in project.folder.iterdir()) == before


def test_the_same_program_cannot_open_a_project_twice(project: Project) -> None:
    with pytest.raises(ProjectInUseError, match="open in this program already"):
        Project.open(project.folder)
    with pytest.raises(ProjectInUseError, match="open in this program already"):
        Project.restore(project.folder)
    project.add_class("still writable").result()


def test_wrong_folders_are_refused_in_a_sentence(tmp_path: Path, project: Project) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "project.db").write_bytes(b"")
    cases: list[tuple[Callable[[], Project], str]] = [
        (lambda: Project.open(tmp_path / "nowhere"), "There is no folder"),
        (lambda: Project.open(file), "is a file"),
        (lambda: Project.open(tmp_path / "empty"), "is not a Graft project"),
        (lambda: Project.open(tmp_path / "other"), "is not a Graft project"),
        (lambda: Project.create(file), "is a file"),
        (lambda: Project.create(project.folder), "There is a project in"),
        (lambda: Project.restore(tmp_path / "empty"), "neither a good backup nor a journal"),
    ]
    for action, words in cases:
        with pytest.raises(ProjectError, match=words) as caught:
            action()
        assert caught.value.hint


def test_a_lost_database_is_not_replaced_by_a_new_project(project: Project) -> None:
    project.add_class("rust").result()
    project.close()
    (project.folder / "project.db").unlink()
    with pytest.raises(ProjectDamagedError, match="is gone"):
        Project.open(project.folder)
    with pytest.raises(ProjectError, match="what is left of a project"):
        Project.create(project.folder)


def test_a_network_drive_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/x {tmp_path}/on\\040nfs nfs4 rw 0 0\n")
    monkeypatch.setattr(owner, "_MOUNTS", mounts)
    with pytest.raises(ProjectError, match="network drive"):
        Project.create(tmp_path / "on nfs" / "project")
    Project.create(tmp_path / "on disk").close()


def test_writing_after_closing_is_refused(project: Project) -> None:
    project.close()
    project.close()
    with pytest.raises(Exception, match="The project is closed"):
        project.add_class("late")
