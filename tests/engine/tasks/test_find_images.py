"""Files, folders and patterns name the images that a user would expect, each once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.errors import ProjectError
from engine.tasks.find_images import find_images


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.jpg", "a.png", "notes.txt", "part 10.jpg", "part 2.jpg", "deep/er/c.jpg", "deep/d.jpg", "[1].jpg"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(b"x")
    return tmp_path / "in"


def names(*sources: str | Path, **options: bool) -> list[str]:
    return find_images(sources, **options).names


def test_a_folder_alone_names_its_images_by_their_paths_below_it(folder: Path) -> None:
    assert names(folder) == ["[1].jpg", "a.png", "b.jpg", "part 2.jpg", "part 10.jpg", "deep/d.jpg", "deep/er/c.jpg"]
    assert names(folder, is_recursive=False) == ["[1].jpg", "a.png", "b.jpg", "part 2.jpg", "part 10.jpg"]


def test_patterns_take_images_in_natural_order_and_a_name_with_brackets_is_no_pattern(folder: Path) -> None:
    assert names(f"{folder}/part*") == [f"{folder}/part 2.jpg", f"{folder}/part 10.jpg"]
    assert [Path(name).name for name in names(f"{folder}/**/*.jpg")][-2:] == ["part 2.jpg", "part 10.jpg"]
    assert names(f"{folder}/[1].jpg") == [f"{folder}/[1].jpg"]
    assert names(f"{folder}/*/") == [f"{folder}/deep/d.jpg", f"{folder}/deep/er/c.jpg"]


def test_an_image_that_is_named_twice_is_taken_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert names("b.jpg", folder / "b.jpg", "./b.jpg") == ["b.jpg"]
    found = find_images(["deep", "."])
    assert [os.path.abspath(each) for each in found.locations][:2] == [
        f"{folder}/deep/d.jpg",
        f"{folder}/deep/er/c.jpg",
    ]
    assert len(found.names) == 7


def test_a_file_named_itself_is_taken_whatever_it_is_called(folder: Path) -> None:
    assert names(folder / "notes.txt") == [f"{folder}/notes.txt"]


@pytest.mark.parametrize("source", ["nowhere.jpg", "nowhere/*.jpg", "notes*"])
def test_what_names_no_image_is_a_sentence(folder: Path, source: str) -> None:
    with pytest.raises(ProjectError, match=r"no file or folder|no images"):
        find_images([folder / source])


def test_a_folder_to_skip_is_not_entered(folder: Path) -> None:
    assert len(find_images([folder], skip=frozenset({(folder / "deep").resolve()})).names) == 5
