"""import, merge, check and backup: what they say, as text and as JSON, and how they end."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engine.commands import cli
from engine.commands.console import Console
from engine.commands.names import COMMANDS, module_of
from engine.commands.new import new
from engine.project import Project

Said = tuple[int, str, str]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """Runs one command and returns (exit status, stdout, stderr)."""
    monkeypatch.setattr(cli, "limit_threads", lambda count: None)

    def run(*arguments: object) -> Said:
        status = cli.run([str(each) for each in arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def document(say: Callable[..., Said]) -> Callable[..., dict[str, Any]]:
    """Runs one command with --json that must succeed, and returns its document."""

    def run(*arguments: object) -> dict[str, Any]:
        status, out, err = say(*arguments, "--json")
        assert (status, err) == (0, "")
        parsed: dict[str, Any] = json.loads(out)
        return parsed

    return run


@pytest.fixture
def project(tmp_path: Path, tiny_images: Path) -> Path:
    """Twelve images without classes."""
    new(tmp_path / "project", tiny_images, False, Console(is_json=True))
    return tmp_path / "project"


@pytest.fixture
def other(tmp_path: Path, tiny_images: Path) -> Path:
    """The same images, copied elsewhere, with the classes of their folders."""
    shutil.copytree(tiny_images, tmp_path / "copies")
    new(tmp_path / "other", tmp_path / "copies", True, Console(is_json=True))
    return tmp_path / "other"


def labels_of(folder: Path) -> dict[str, str]:
    with Project.open(folder) as opened:
        columns, names = opened.columns(), {each.id: each.name for each in opened.classes()}
    return {name: names[class_id] for name, class_id in zip(columns.names, columns.class_ids, strict=True) if class_id}


def assert_refused(said: Said, status: int, *parts: str) -> None:
    assert (said[0], said[1], said[2].count("\n")) == (status, "", 1)
    for part in parts:
        assert part in said[2]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_module(name: str) -> None:
    import importlib

    assert callable(importlib.import_module(module_of(name)).run)


# ---------------------------------------------------------------------------------------------------------- import


def test_a_table_gives_labels_and_a_class_that_is_there_stays(
    say: Callable[..., Said], document: Callable[..., dict[str, Any]], project: Path, tmp_path: Path
) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("image,class,note\ncircles_0.jpg,round,\ncircles_1.jpg,round,look\n")
    done = document("import", project, table)
    assert (done["num_labelled"], done["num_notes"], done["new_classes"]) == (2, 1, ["round"])
    table.write_text("image,class\ncircles_0.jpg,oval\ncircles_1.jpg,round\ncircles_2.jpg,oval\n")
    status, out, err = say("import", project, table)
    assert (status, err) == (0, "")
    assert "2 images labelled.\nnew classes: oval\n1 image has another class, and keeps it (see --replace):\n" in out
    assert "circles/circles_0.jpg: round here, oval imported" in out
    assert labels_of(project)["circles/circles_0.jpg"] == "round"
    done = document("import", project, table, "--replace")
    assert [each["replaced"] for each in done["conflicts"]] == [True]
    assert labels_of(project)["circles/circles_0.jpg"] == "oval"


def test_what_a_table_names_and_is_not_there_is_told_and_the_rest_is_taken(
    say: Callable[..., Said], project: Path, tmp_path: Path
) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("image,class\ncircles_0.jpg,round\nnowhere.jpg,round\n")
    status, out, err = say("import", project, table, "--json")
    assert status == 1
    assert json.loads(out)["unknown_images"] == ["nowhere.jpg"]
    assert "1 image that is not in the project (nowhere.jpg)" in err
    assert len(labels_of(project)) == 1


def test_a_folder_gives_classes_by_its_sub_folders(
    say: Callable[..., Said], document: Callable[..., dict[str, Any]], project: Path, tiny_images: Path
) -> None:
    with Project.open(project) as opened:
        opened.label([1], opened.add_class("odd").result().id).result()
    Image.new("RGB", (8, 8)).save(tiny_images / "top.png")
    (tiny_images / "circles" / "broken.jpg").write_bytes(b"no picture")
    done = document("import", project, tiny_images)
    assert (done["num_added"], done["num_labelled"], done["num_equal"], done["num_without_class"]) == (1, 11, 0, 1)
    assert done["new_classes"] == ["circles", "squares", "stripes"]
    assert done["conflicts"] == [
        {"image": "circles/circles_0.jpg", "here": "odd", "there": "circles", "replaced": False}
    ]
    assert [Path(each["image"]).name for each in done["failed"]] == ["broken.jpg"]
    _status, out, _err = say("import", project, tiny_images, "--replace")
    assert out.startswith("1 image labelled.\n11 images had that class already.\n1 image had another class, which was")
    assert labels_of(project)["circles/circles_0.jpg"] == "circles"


def test_what_cannot_be_imported_is_refused(
    say: Callable[..., Said], project: Path, other: Path, tmp_path: Path, tiny_images: Path
) -> None:
    assert_refused(say("import", project, tmp_path / "nothing.csv"), 1, "nothing.csv is not there")
    assert_refused(say("import", project, other), 1, "is a project", "graft merge")
    assert_refused(say("import", project, next(tiny_images.rglob("*.jpg"))), 1, "is not a text file")
    assert_refused(say("import", tmp_path, other.parent / "copies"), 1, "is not a Graft project")
    assert_refused(say("import", project), 2, "FILE_OR_FOLDER")
    (tmp_path / "empty").mkdir()
    assert_refused(say("import", project, tmp_path / "empty"), 1, "There are no images")


# ----------------------------------------------------------------------------------------------------------- merge


def test_a_merge_says_what_came_and_writes_its_conflicts(
    say: Callable[..., Said], document: Callable[..., dict[str, Any]], project: Path, other: Path, tmp_path: Path
) -> None:
    with Project.open(project) as opened:
        opened.label([1], opened.add_class("odd").result().id).result()
    table = tmp_path / "conflicts.csv"
    status, out, err = say("merge", project, other, "--dry-run", "--conflicts", table)
    assert (status, err) == (0, "")
    assert out.startswith("Nothing was changed; this is what a merge would do:\nnew:        11 pictures")
    assert len(labels_of(project)) == 1
    done = document("merge", project, other)
    assert (done["num_new"], done["num_equal"], done["num_conflicts"], done["not_found"]) == (11, 0, 1, [])
    with table.open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["image", "kind", "here", "there", "used", "reason"],
            ["circles/circles_0.jpg", "classes", "odd", "circles", "here", ""],
        ]
    _status, out, _err = say("merge", project, other, "--prefer-other")
    assert "equal:      11 pictures" in out
    assert "1 taken from there\n            circles/circles_0.jpg: odd here, circles there" in out
    assert labels_of(project) == labels_of(other)


def test_a_merge_that_cannot_tell_its_conflicts_changes_nothing(
    say: Callable[..., Said], project: Path, other: Path, tmp_path: Path
) -> None:
    assert_refused(say("merge", project, other, "--conflicts", tmp_path / "x" / "y.csv"), 1, "y.csv")
    assert_refused(say("merge", project, other, "--conflicts", tmp_path / "y.jpg"), 1, "name of an image")
    assert labels_of(project) == {}


def test_what_cannot_be_merged_is_refused(say: Callable[..., Said], project: Path, other: Path, tmp_path: Path) -> None:
    assert_refused(say("merge", project, project), 1, "with itself")
    assert_refused(say("merge", project, tmp_path / "no"), 1, "There is no folder")
    assert_refused(say("merge", tmp_path, other), 1, "is not a Graft project")
    assert_refused(say("merge", project), 2, "OTHER_PROJECT")


# ------------------------------------------------------------------------------------------------- check and backup


def test_a_check_ends_in_1_when_something_is_wrong_and_says_what_to_do(
    say: Callable[..., Said], document: Callable[..., dict[str, Any]], project: Path, tiny_images: Path
) -> None:
    assert document("check", project, "--pictures")["is_good"] is True
    next(tiny_images.rglob("*.jpg")).unlink()
    status, out, err = say("check", project)
    assert status == 1
    assert err == f"graft: 1 thing is wrong with {project}. What to do stands below each.\n"
    row = next(line for line in out.splitlines() if "wrong" in line)
    assert row.startswith("pictures  wrong  1 picture is not where it was")
    assert f"{' ' * 17}→ Put them back" in out
    status, out, _err = say("check", project, "--json")
    assert status == 1
    assert json.loads(out)["is_good"] is False
    assert max(map(len, say("check", project)[1].splitlines())) <= 120


def test_a_check_of_what_is_no_project_is_refused(say: Callable[..., Said], tmp_path: Path) -> None:
    assert_refused(say("check", tmp_path), 1, "is not a Graft project")
    assert_refused(say("check"), 2, "PROJECT")


def test_a_backup_is_made_read_back_and_listed(
    say: Callable[..., Said], document: Callable[..., dict[str, Any]], project: Path
) -> None:
    before = document("backup", project, "--list")["backups"]
    made = document("backup", project)
    assert Path(made["file"]).is_file()
    assert made["is_good"] is True
    listed = [each["file"] for each in document("backup", project, "--list")["backups"]]
    assert listed[0] == made["file"]
    assert {each["file"] for each in before} <= set(listed)  # of one second and one state there is one
    Path(made["file"]).write_bytes(b"x")
    _status, out, _err = say("backup", project, "--list")
    assert out.splitlines()[0].endswith(f"{made['file']}  damaged")


def test_backups_are_listed_while_a_window_has_the_project_and_made_only_by_it(
    say: Callable[..., Said], project: Path
) -> None:
    with Project.open(project):
        assert say("backup", project, "--list")[0] == 0
        assert_refused(say("backup", project), 1, "is open in this program already")


def test_a_backup_of_what_is_no_project_is_refused(say: Callable[..., Said], tmp_path: Path) -> None:
    assert_refused(say("backup", tmp_path), 1, "is not a Graft project")
