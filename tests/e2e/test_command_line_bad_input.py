"""What a user can get wrong or meet on a bad day: one line on stderr, exit 1, no traceback, nothing lost."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.commands.console import Console
from engine.commands.new import new
from engine.project import Project

Graft = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def project(tmp_path: Path, tiny_images: Path) -> Path:
    """A project of twelve images, all labelled from their folders."""
    folder = tmp_path / "project"
    new(folder, tiny_images, True, Console(is_json=True))
    return folder


def labels_of(folder: Path) -> dict[str, str]:
    with Project.open(folder) as opened:
        columns, names = opened.columns(), {entry.id: entry.name for entry in opened.classes()}
    return {name: names[class_id] for name, class_id in zip(columns.names, columns.class_ids, strict=True) if class_id}


def assert_refused(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    """One line on stderr that names the parts, exit 1, nothing on stdout."""
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("graft: ")
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "inside Graft" not in done.stderr, "an internal error is no answer to bad input"
    for part in parts:
        assert part in done.stderr


# --------------------------------------------------------------------------------------------------- new projects


def test_a_folder_without_images_makes_no_project(graft: Graft, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "notes.txt").write_text("no image")
    assert_refused(graft("new", tmp_path / "project", "--images", empty), str(empty))
    assert not (tmp_path / "project").exists()


@pytest.mark.parametrize(("rule", "part"), [("folder", "classes themselves"), ("tree", "fits none"), ("", "empty")])
def test_groups_that_make_no_sense_make_no_project(
    graft: Graft, tmp_path: Path, tiny_images: Path, rule: str, part: str
) -> None:
    done = graft("new", tmp_path / "project", "--images", tiny_images, "--labels", "folders", "--group-by", rule)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2 if rule == "" else 1, "", 1)
    assert part in done.stderr
    assert not (tmp_path / "project").exists()


def test_a_failed_new_leaves_the_users_files_in_the_folder_alone(graft: Graft, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "notes.txt").write_text("keep me")
    assert_refused(graft("new", folder, "--images", folder))
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_a_file_instead_of_an_image_folder_is_refused(graft: Graft, tmp_path: Path, tiny_images: Path) -> None:
    file = next(tiny_images.rglob("*.jpg"))
    assert_refused(graft("new", tmp_path / "project", "--images", file), str(file), "file, not a folder")
    assert not (tmp_path / "project").exists()


def test_an_image_folder_that_does_not_exist_is_refused(graft: Graft, tmp_path: Path) -> None:
    assert_refused(graft("new", tmp_path / "project", "--images", tmp_path / "nowhere"), "nowhere")
    assert not (tmp_path / "project").exists()


def test_a_second_project_in_the_same_folder_is_refused_and_the_first_is_unharmed(
    graft: Graft, project: Path, tiny_images: Path
) -> None:
    before = labels_of(project)
    assert_refused(graft("new", project, "--images", tiny_images), str(project))
    assert labels_of(project) == before


def test_unreadable_images_are_listed_and_do_not_stop_the_others(
    graft: Graft, tmp_path: Path, tiny_images: Path
) -> None:
    broken = tiny_images / "circles" / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 this is not a picture")
    done = graft("new", tmp_path / "project", "--images", tiny_images, "--labels", "folders", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["num_labelled"] == 12
    assert [Path(entry["image"]).name for entry in document["failed"]] == ["broken.jpg"]
    assert document["failed"][0]["reason"]


# --------------------------------------------------------------------------------------------- projects that cannot


@pytest.mark.parametrize("command", [("train",), ("evaluate",), ("export", "--to", "x"), ("predict", ".")])
def test_a_folder_that_is_no_project_is_refused(graft: Graft, tmp_path: Path, command: tuple[str, ...]) -> None:
    assert_refused(graft(command[0], tmp_path, *command[1:]), "is not a Graft project")
    assert not (tmp_path / "project.db").exists()


def test_a_file_instead_of_a_project_is_refused(graft: Graft, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert_refused(graft("train", tmp_path / "file"), "not a project")


@pytest.mark.parametrize("name", ["model.pt2", "model.onnx"])
@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_a_model_that_cannot_be_loaded_is_refused(
    graft: Graft, tmp_path: Path, tiny_images: Path, command: str, name: str
) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04 whatever")
    images = ("--images", tiny_images) if command == "evaluate" else (tiny_images,)
    assert_refused(graft(command, tmp_path / name, *images), name, "export")


def test_a_project_that_is_open_elsewhere_is_refused(graft: Graft, project: Path) -> None:
    with Project.open(project):
        assert_refused(graft("train", project), "is open in another")
    assert len(labels_of(project)) == 12


def test_a_project_of_a_newer_version_is_refused_and_unchanged(graft: Graft, project: Path) -> None:
    connection = sqlite3.connect(project / "project.db")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.execute("PRAGMA user_version = 9999")
    connection.close()
    assert_refused(graft("train", project), "newer version")
    connection = sqlite3.connect(project / "project.db")
    assert connection.execute("PRAGMA user_version").fetchone()[0] == 9999
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    assert len(labels_of(project)) == 12


def test_a_damaged_database_is_told_and_every_label_comes_back(graft: Graft, project: Path) -> None:
    before = labels_of(project)
    file = project / "project.db"
    content = bytearray(file.read_bytes())
    content[4096 : len(content) : 64] = b"\xff" * len(content[4096 : len(content) : 64])
    file.write_bytes(content)
    assert_refused(graft("train", project), "damaged")
    done = graft("restore", project, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["num_labelled"] == 12
    assert labels_of(project) == before


def test_a_missing_database_is_told_and_every_label_comes_back(graft: Graft, project: Path) -> None:
    before = labels_of(project)
    for path in project.glob("project.db*"):
        path.unlink()
    assert_refused(graft("evaluate", project), "gone")
    assert graft("restore", project).returncode == 0
    assert labels_of(project) == before


# ------------------------------------------------------------------------------------------------------- CSV files


@pytest.mark.parametrize(
    "content",
    [b"file,kind\na.jpg,x\n", b"", b"\x00\x01\x02\xff\xfe binary", b"image\na.jpg\n"],
    ids=["wrong header", "empty", "binary", "one column"],
)
def test_a_csv_that_is_none_of_ours_is_refused_and_changes_nothing(
    graft: Graft, project: Path, tmp_path: Path, content: bytes
) -> None:
    before = labels_of(project)
    (tmp_path / "labels.csv").write_bytes(content)
    assert_refused(graft("label", project, "--csv", tmp_path / "labels.csv"), "labels.csv")
    assert labels_of(project) == before


def test_a_csv_that_does_not_exist_is_refused(graft: Graft, project: Path, tmp_path: Path) -> None:
    assert_refused(graft("label", project, "--csv", tmp_path / "labels.csv"), "labels.csv")


def test_unknown_images_in_a_csv_are_named_and_the_other_rows_are_applied(
    graft: Graft, project: Path, tmp_path: Path
) -> None:
    (tmp_path / "labels.csv").write_text("image,class\nnot_here.jpg,circles\ncircles_0.jpg,ovals\n")
    done = graft("label", project, "--csv", tmp_path / "labels.csv")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "not_here.jpg" in done.stderr
    assert {name: kind for name, kind in labels_of(project).items() if kind == "ovals"} == {
        "circles/circles_0.jpg": "ovals"
    }


# ------------------------------------------------------------------------------------------------ weights, training


def test_training_without_weights_says_where_they_were_looked_for(graft: Graft, project: Path, tmp_path: Path) -> None:
    done = graft("train", project, "--backbone", "mobilenet_v2", GRAFT_WEIGHTS=str(tmp_path / "weights"))
    assert_refused(done, "MobileNet", str(tmp_path / "weights"))


def test_weights_with_the_wrong_content_are_refused(graft: Graft, project: Path, tmp_path: Path) -> None:
    (tmp_path / "mobilenet_v2-11dd29d8.pth").write_bytes(b"not what the name says")
    done = graft("train", project, "--backbone", "mobilenet_v2", GRAFT_WEIGHTS=str(tmp_path))
    assert_refused(done, "mobilenet_v2-11dd29d8.pth", "damaged")


def test_an_unknown_backbone_is_refused_with_the_closest_name(graft: Graft, project: Path) -> None:
    assert_refused(graft("train", project, "--backbone", "mobilnet_v2"), "mobilenet_v2")


def test_a_depth_that_takes_longer_than_there_is_time_is_refused(
    graft: Graft, project: Path, shared_weights: Path
) -> None:
    done = graft("train", project, "--backbone", "squeezenet1_1", "--depth", "full", "--time-budget", "0.1")
    assert_refused(done, "would take about")


def test_training_on_one_class_is_refused(
    graft: Graft, tmp_path: Path, tiny_images: Path, shared_weights: Path
) -> None:
    new(tmp_path / "one", tiny_images, False, Console(is_json=True))
    (tmp_path / "labels.csv").write_text("image,class\ncircles_0.jpg,round\ncircles_1.jpg,round\n")
    assert graft("label", tmp_path / "one", "--csv", tmp_path / "labels.csv").returncode == 0
    assert_refused(graft("train", tmp_path / "one"), "class")


def test_training_without_labels_is_refused(
    graft: Graft, tmp_path: Path, tiny_images: Path, shared_weights: Path
) -> None:
    new(tmp_path / "none", tiny_images, False, Console(is_json=True))
    assert_refused(graft("train", tmp_path / "none"), "No image has a class yet")


@pytest.mark.parametrize("command", [("evaluate",), ("export", "--to", "out"), ("predict", ".")])
def test_what_needs_a_model_is_refused_before_the_first_training(
    graft: Graft, project: Path, tiny_images: Path, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_images)
    assert_refused(graft(command[0], project, *command[1:]), "train")
    assert not (tiny_images / "out").exists()


# ----------------------------------------------------------------------------------------------------------- disks


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("needs root on Linux, to mount a small disk")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096):
                pass
        except OSError:
            return


def test_a_full_disk_is_told_by_name_and_the_labels_stay(
    graft: Graft, project: Path, small_disk: Path, tmp_path: Path
) -> None:
    moved = small_disk / "project"
    shutil.copytree(project, moved)
    rows = [f"circles_{index}.jpg,{'x' * 150}{index}\n" for index in range(4)]
    (tmp_path / "labels.csv").write_text("image,class\n" + "".join(rows))
    fill(small_disk)
    done = graft("label", moved, "--csv", tmp_path / "labels.csv")
    assert_refused(done, str(small_disk), "full")
    (small_disk / "filler").unlink()
    with Project.open(moved) as opened:
        assert len(opened.snapshot().image_ids) == 12


def test_writing_labels_to_a_full_disk_leaves_the_old_file(graft: Graft, project: Path, small_disk: Path) -> None:
    (small_disk / "labels.csv").write_text("what was there before")
    fill(small_disk)
    assert_refused(graft("export-data", project, "--format", "csv", "--to", small_disk / "labels.csv"), "full")
    assert (small_disk / "labels.csv").read_text() == "what was there before"
    assert {path.name for path in small_disk.iterdir()} == {"labels.csv", "filler"}


def test_a_read_only_folder_is_refused(graft: Graft, small_disk: Path, tiny_images: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert_refused(graft("new", small_disk / "project", "--images", tiny_images), str(small_disk))


def test_a_project_in_a_read_only_folder_is_refused(graft: Graft, project: Path, small_disk: Path) -> None:
    shutil.copytree(project, small_disk / "project")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert_refused(graft("train", small_disk / "project"), str(small_disk))


def test_exporting_labels_into_a_read_only_folder_is_refused(graft: Graft, project: Path, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert_refused(graft("export-data", project, "--to", small_disk / "labels.csv"), str(small_disk))
