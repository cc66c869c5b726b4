"""Merging: what another project says of the same pictures comes as one step; what is said here stays."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.domain import LabelMode, Mark, NewImage, Source
from engine.errors import ProjectDamagedError, ProjectError
from engine.project import Project
from engine.project.merging import merge_project
from engine.store import steps

NAMES = ("a/1.jpg", "a/2.jpg", "a/3.jpg", "b/1.jpg", "b/2.jpg", "b/3.jpg")


def fill(project: Project, root: str, names: tuple[str, ...] = NAMES, **hashes: str) -> dict[str, int]:
    """Files images whose content goes by the name, unless `hashes` say otherwise; returns their ids by name."""
    root_id = project.add_root(Path(root))
    rows = [NewImage(n.encode(), hashes.get(n.replace("/", "_")[:3], f"{n:0>32s}"), 100, 1) for n in names]
    return dict(zip(names, project.add_images(root_id, rows), strict=True))


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Project, Project]]:
    """Two projects of the same pictures, which lie in different folders."""
    with Project.create(tmp_path / "here") as here, Project.create(tmp_path / "there") as there:
        yield here, there


def class_of(project: Project, *names: str) -> list[int]:
    return [project.add_class(name).result().id for name in names]


def said(project: Project) -> dict[str, Any]:
    """Returns what a project says of its pictures, by name, however its ids are."""
    names = {image.id: image.name for image in project.images()}
    rows = project.store.call(
        lambda db: db.execute(
            "SELECT image_id, name, source FROM image_classes JOIN classes ON classes.id = class_id ORDER BY 1, 2"
        ).fetchall()
    )
    columns = project.columns()
    return {
        "classes": [(names[image_id], name, source) for image_id, name, source in rows],
        "marks": {n: m for n, m in zip(columns.names, columns.marks.tolist(), strict=True) if m},
        "notes": {names[image_id]: note for image_id, note in project.notes().items()},
        "palette": [(each.name, each.color, each.key) for each in project.classes()],
    }


def labels(project: Project) -> dict[str, str]:
    return {image: name for image, name, _ in said(project)["classes"]}


def test_labels_classes_marks_and_notes_come_as_one_step(pair: tuple[Project, Project]) -> None:
    here, there = pair
    fill(here, "/pictures")
    theirs = fill(there, "/elsewhere/copy")
    rust = there.add_class("rust", "#123456", "r").result().id
    there.label([theirs["a/1.jpg"]], rust).result()
    there.label([theirs["a/2.jpg"]], rust, Source.UNSEEN).result()
    there.mark([theirs["b/1.jpg"]], Mark.SKIPPED, True).result()
    there.set_note(theirs["b/2.jpg"], "look again").result()
    before = said(here)

    plan, change = merge_project(here, there.folder)
    assert (plan.num_new, plan.num_equal, plan.num_marks, plan.num_notes) == (2, 0, 1, 1)
    assert (plan.conflicts, plan.not_found, plan.new_classes) == ([], [], ["rust"])
    assert change is not None
    assert said(here) == said(there)
    here.undo().result()
    assert said(here) == before
    here.redo().result()
    assert said(here) == said(there)


def test_what_is_labelled_otherwise_stays_unless_the_other_is_preferred(pair: tuple[Project, Project]) -> None:
    here, there = pair
    ours, theirs = fill(here, "/p"), fill(there, "/p")
    ok, rust = class_of(here, "ok", "rust")
    their_rust, dent = class_of(there, "rust", "dent")
    here.label([ours["a/1.jpg"], ours["a/2.jpg"]], ok).result()
    here.label([ours["a/3.jpg"]], rust).result()
    there.label([theirs[name] for name in ("a/1.jpg", "a/3.jpg", "b/1.jpg")], their_rust).result()
    there.label([theirs["a/2.jpg"]], dent).result()
    here.set_note(ours["a/1.jpg"], "mine").result()
    there.set_note(theirs["a/1.jpg"], "theirs").result()

    dry, change = merge_project(here, there.folder, prefers_other=True, is_dry=True)
    assert change is None
    assert dry.new_classes == ["dent"]
    plan, _ = merge_project(here, there.folder)
    assert (plan.num_new, plan.num_equal, plan.new_classes) == (1, 1, [])
    told = [(each.image, each.kind, each.here, each.there, each.is_taken) for each in plan.conflicts]
    assert told == [
        ("a/1.jpg", "classes", "ok", "rust", False),
        ("a/1.jpg", "note", "mine", "theirs", False),
        ("a/2.jpg", "classes", "ok", "dent", False),
    ]
    assert labels(here) == {"a/1.jpg": "ok", "a/2.jpg": "ok", "a/3.jpg": "rust", "b/1.jpg": "rust"}

    plan, _ = merge_project(here, there.folder, prefers_other=True)
    assert all(each.is_taken for each in plan.conflicts)
    assert labels(here) == labels(there)
    assert said(here)["notes"] == {"a/1.jpg": "theirs"}
    assert merge_project(here, there.folder)[1] is None, "there is nothing left to take"


def test_pictures_are_the_same_by_content_wherever_they_lie(pair: tuple[Project, Project]) -> None:
    here, there = pair
    root = here.add_root(Path("/p"))
    other = there.add_root(Path("/q"))
    same, swapped, again = "1" * 32, "2" * 32, "3" * 32
    here.add_images(root, [NewImage(b"new/name.jpg", same, 5, 1), NewImage(b"x.jpg", swapped, 5, 1),
                           NewImage(b"one/copy.jpg", again, 5, 1), NewImage(b"two/copy.jpg", again, 5, 1),
                           NewImage(b"changed.jpg", "4" * 32, 5, 1), NewImage(b"unread.jpg", "", 7, 1)])  # fmt: skip
    ids = there.add_images(other, [NewImage(b"old.jpg", same, 5, 1), NewImage(b"one/copy.jpg", again, 5, 1),
                                   NewImage(b"changed.jpg", "5" * 32, 5, 1), NewImage(b"unread.jpg", "6" * 32, 7, 1),
                                   NewImage(b"only.jpg", "7" * 32, 5, 1)])  # fmt: skip
    there.label(ids, class_of(there, "rust")[0]).result()
    plan, _ = merge_project(here, there.folder)
    assert sorted(labels(here)) == ["new/name.jpg", "one/copy.jpg", "unread.jpg"]
    assert plan.not_found == [
        ("changed.jpg", "The picture of that name has other content here."),
        ("only.jpg", "There is no such picture here."),
    ]


def test_copies_that_contradict_each_other_are_told_and_not_taken(pair: tuple[Project, Project]) -> None:
    here, there = pair
    here.add_images(here.add_root(Path("/p")), [NewImage(b"z.jpg", "1" * 32, 5, 1)])
    first, second = there.add_images(
        there.add_root(Path("/q")), [NewImage(b"a.jpg", "1" * 32, 5, 1), NewImage(b"b.jpg", "1" * 32, 5, 1)]
    )
    ok, rust = class_of(there, "ok", "rust")
    there.label([first], ok).result()
    there.label([second], rust).result()
    plan, change = merge_project(here, there.folder, prefers_other=True)
    assert change is None
    assert [(each.there, each.is_taken) for each in plan.conflicts] == [("ok; rust", False)]


def test_a_copy_knows_a_class_by_its_birth_when_it_was_renamed_or_merged_here(tmp_path: Path) -> None:
    with Project.create(tmp_path / "here") as here:
        ours = fill(here, "/p")
        here.label([ours["b/1.jpg"]], class_of(here, "ok", "rost", "rust spot")[2]).result()
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    with Project.open(tmp_path / "here") as here, Project.open(tmp_path / "there") as there:
        _ok, rost, spot = here.classes()
        here.rename_class(rost.id, "rust").result()
        here.merge_class(spot.id, rost.id).result()
        ids = [image.id for image in there.images()]
        there.label([ids[0]], rost.id).result()
        there.label([ids[1]], spot.id).result()
        plan, _ = merge_project(here, there.folder)
        assert plan.new_classes == []
        assert labels(here) == {"a/1.jpg": "rust", "a/2.jpg": "rust", "b/1.jpg": "rust"}


def test_several_classes_join_and_a_confirmed_picture_is_believed(pair: tuple[Project, Project]) -> None:
    here, there = pair
    for project in pair:
        project.set_label_mode(LabelMode.SEVERAL).result()
    ours, theirs = fill(here, "/p"), fill(there, "/p")
    mine = dict(zip("abc", class_of(here, *"abc"), strict=True))
    other = dict(zip("abc", class_of(there, *"abc"), strict=True))

    def say(project: Project, ids: dict[str, int], classes: dict[str, int], name: str, words: str) -> None:
        for letter in words.rstrip("!"):
            project.label([ids[name]], classes[letter]).result()
        if words.endswith("!"):
            project.mark([ids[name]], Mark.CONFIRMED, True).result()

    table = {"a/1.jpg": ("a", "b"), "a/2.jpg": ("a", "ab!"), "a/3.jpg": ("a!", "b"), "b/1.jpg": ("ab", "a!"),
             "b/2.jpg": ("ab", "a"), "b/3.jpg": ("", "!")}  # fmt: skip
    for name, (first, second) in table.items():
        say(here, ours, mine, name, first)
        say(there, theirs, other, name, second)

    def state() -> dict[str, str]:
        found = said(here)
        words: dict[str, str] = dict.fromkeys(NAMES, "")
        for image, name, _ in found["classes"]:
            words[image] += name
        return {name: word + "!" * (found["marks"].get(name, 0) == Mark.CONFIRMED) for name, word in words.items()}

    plan, _ = merge_project(here, there.folder)
    assert (plan.num_new, plan.num_equal) == (3, 1)
    assert [each.image for each in plan.conflicts] == ["a/3.jpg", "b/1.jpg"]
    kept = {"a/1.jpg": "ab", "a/2.jpg": "ab!", "a/3.jpg": "a!", "b/1.jpg": "ab", "b/2.jpg": "ab", "b/3.jpg": "!"}
    assert state() == kept
    merge_project(here, there.folder, prefers_other=True)
    assert state() == kept | {"a/3.jpg": "ab", "b/1.jpg": "a!"}


def test_several_classes_cannot_come_where_one_is_allowed(pair: tuple[Project, Project]) -> None:
    here, there = pair
    there.set_label_mode(LabelMode.SEVERAL).result()
    fill(here, "/p")
    theirs = fill(there, "/p")
    a, b = class_of(there, "a", "b")
    there.label([theirs["a/1.jpg"], theirs["a/2.jpg"]], a).result()
    there.label([theirs["a/1.jpg"]], b).result()
    there.mark([theirs["a/2.jpg"]], Mark.CONFIRMED, True).result()
    plan, _ = merge_project(here, there.folder, prefers_other=True)
    assert labels(here) == {"a/2.jpg": "a"}
    assert [(each.there, each.is_taken) for each in plan.conflicts] == [("a|b", False)]
    assert said(here)["marks"] == {}


def test_what_is_labelled_here_is_not_skipped_because_they_did(pair: tuple[Project, Project]) -> None:
    here, there = pair
    ours, theirs = fill(here, "/p"), fill(there, "/p")
    here.label([ours["a/1.jpg"]], class_of(here, "ok")[0]).result()
    there.mark([theirs["a/1.jpg"], theirs["a/2.jpg"]], Mark.SKIPPED | Mark.UNSURE, True).result()
    merge_project(here, there.folder)
    assert said(here)["marks"] == {"a/1.jpg": Mark.UNSURE, "a/2.jpg": Mark.SKIPPED | Mark.UNSURE}


def test_history_says_whose_labels_they_are(pair: tuple[Project, Project], monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = pair
    ours, theirs = fill(here, "/p"), fill(there, "/p")
    monkeypatch.setattr(steps, "who", lambda: "anna")
    there.label([theirs["a/1.jpg"]], class_of(there, "rust")[0], Source.SUGGESTION).result()
    monkeypatch.setattr(steps, "who", lambda: "ben")
    merge_project(here, there.folder)
    (entry,) = here.history(ours["a/1.jpg"])
    assert (entry.who, entry.source) == ("ben", Source.SUGGESTION)
    assert entry.text == "labelled rust (merge labels of anna from there)"
    assert here.can_undo() == "merge labels of anna from there"


def test_a_merge_survives_the_loss_of_the_database(pair: tuple[Project, Project]) -> None:
    here, there = pair
    fill(here, "/p")
    theirs = fill(there, "/p")
    there.label([theirs["a/1.jpg"]], class_of(there, "rust")[0]).result()
    there.set_note(theirs["a/1.jpg"], "look").result()
    merge_project(here, there.folder)
    after = said(here)
    here.close()
    for file in [here.folder / "project.db", *(here.folder / "backups").iterdir()]:
        file.unlink()
    with Project.restore(here.folder) as restored:
        assert said(restored) == after


def test_the_other_project_is_not_written(tmp_path: Path) -> None:
    with Project.create(tmp_path / "there") as there:
        theirs = fill(there, "/p")
        there.label([theirs["a/1.jpg"]], class_of(there, "rust")[0]).result()
    folder = tmp_path / "there"
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}
    with Project.create(tmp_path / "here") as here:
        fill(here, "/p")
        assert merge_project(here, folder)[0].num_new == 1
    assert before == {
        path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()
    }


def test_what_cannot_be_merged_is_refused_and_nothing_changes(pair: tuple[Project, Project], tmp_path: Path) -> None:
    here, there = pair
    with pytest.raises(ProjectError, match="with itself"):
        merge_project(here, here.folder)
    with pytest.raises(ProjectError, match="is not a Graft project"):
        merge_project(here, tmp_path)
    there.close()
    (there.folder / "project.db").write_bytes(b"no database" * 1000)
    with pytest.raises(ProjectDamagedError):
        merge_project(here, there.folder)
    assert here.steps() == []
    with Project.open(here.folder, read_only=True) as copy, pytest.raises(ProjectError, match="read-only"):
        merge_project(copy, tmp_path)
