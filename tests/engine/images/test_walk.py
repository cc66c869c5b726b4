from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from engine.images.scan import display_name, natural_key, walk_images

needs_posix = pytest.mark.skipif(os.name == "nt", reason="needs links, pipes and byte names as on Linux and macOS")


def names(root: Path, faults: list[tuple[str, str]] | None = None, skip: frozenset[Path] = frozenset()) -> list[str]:
    listed: list[tuple[str, str]] = []
    found = [file.name for file in walk_images(root, lambda name, reason: listed.append((name, reason)), skip)]
    if faults is None:
        assert listed == []
    else:
        faults += listed
    return found


def touch(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")


def test_files_come_in_natural_order_before_those_of_sub_folders(tmp_path: Path):
    touch(tmp_path, "b10.jpg", "B2.jpg", "a.JPG", "sub 10/x.png", "sub 9/x.png", "sub 9/deep/y.png", "é.jpg")

    assert names(tmp_path) == [
        *("a.JPG", "B2.jpg", "b10.jpg", "é.jpg"),
        *("sub 9/x.png", "sub 9/deep/y.png", "sub 10/x.png"),
    ]


def test_hidden_system_and_other_files_are_passed_over(tmp_path: Path):
    touch(tmp_path, ".hidden.jpg", "._mac.jpg", ".git/a.jpg", "__MACOSX/a.jpg", "@eaDir/a.jpg", "notes.txt", "jpg")
    touch(tmp_path, "kept.jpg", "skipped/a.jpg")

    assert names(tmp_path, skip=frozenset({(tmp_path / "skipped").resolve()})) == ["kept.jpg"]


def test_folder_named_like_an_image_is_entered(tmp_path: Path):
    touch(tmp_path, "folder.jpg/a.jpg")
    assert names(tmp_path) == ["folder.jpg/a.jpg"]


@needs_posix
@pytest.mark.timeout(10)
def test_links_are_followed_and_loops_end(tmp_path: Path):
    touch(tmp_path, "outside/far.jpg", "root/sub/a.jpg", "above.jpg")
    root = tmp_path / "root"
    (root / "loop").symlink_to(root)
    (root / "sub" / "loop").symlink_to(root / "sub")
    (root / "up").symlink_to(tmp_path)
    (root / "linked").symlink_to(tmp_path / "outside")
    (root / "twice").symlink_to(tmp_path / "outside")
    (root / "one.jpg").symlink_to(tmp_path / "above.jpg")

    assert names(root) == ["one.jpg", "linked/far.jpg", "sub/a.jpg"]


@needs_posix
@pytest.mark.timeout(10)
def test_what_cannot_be_used_is_listed_with_the_reason(tmp_path: Path):
    touch(tmp_path, "a.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "dangling.jpg").symlink_to(tmp_path / "nothing")
    (tmp_path / "round.jpg").symlink_to(tmp_path / "round.jpg")
    faults: list[tuple[str, str]] = []

    assert names(tmp_path, faults) == ["a.jpg"]
    assert [name for name, _ in faults] == ["dangling.jpg", "pipe.jpg", "round.jpg"]
    assert all(reason.endswith(".") for _, reason in faults)


@needs_posix
@pytest.mark.skipif(os.name != "nt" and os.geteuid() == 0, reason="root may read everything")
def test_folder_that_may_not_be_entered_is_listed(tmp_path: Path):
    touch(tmp_path, "locked/a.jpg", "open/b.jpg")
    (tmp_path / "locked").chmod(0)
    faults: list[tuple[str, str]] = []
    try:
        assert names(tmp_path, faults) == ["open/b.jpg"]
    finally:
        (tmp_path / "locked").chmod(0o700)
    assert faults == [("locked", "This folder or file may not be read.")]


def test_folder_that_cannot_be_listed_does_not_stop_the_walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    touch(tmp_path, "a.jpg", "locked/b.jpg", "open/c.jpg")
    listing = os.scandir

    def refuse(folder: str) -> object:
        if folder.endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return listing(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    faults: list[tuple[str, str]] = []

    assert names(tmp_path, faults) == ["a.jpg", "open/c.jpg"]
    assert faults == [("locked", "This folder or file may not be read.")]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux stores any bytes as a file name")
def test_name_that_is_not_utf8_is_found_and_shown_as_text(tmp_path: Path):
    folder = os.fsencode(tmp_path)
    with open(folder + b"/caf\xe9.jpg", "wb") as file:
        file.write(b"x")

    (found,) = walk_images(tmp_path, lambda name, reason: pytest.fail(f"{name}: {reason}"))

    assert os.fsencode(found.relative_path) == b"caf\xe9.jpg"
    assert found.name == "caf\ufffd.jpg"
    assert found.name.encode()
    assert found.path.exists()
    assert display_name("ok/a.jpg") == "ok/a.jpg"


def test_natural_order_takes_any_name():
    ordered = ["1.jpg", "2.jpg", "10.jpg", "a1", "a01b", "a2", "a10", "Z", "²", "٣", "9" * 5000]
    assert sorted(ordered, key=natural_key)[:4] == ["1.jpg", "2.jpg", "٣", "10.jpg"]
    assert natural_key("A") != natural_key("a")
