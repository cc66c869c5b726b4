"""Files and folders appear complete or not at all; disk failures are sentences."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest

from engine import files
from engine.errors import DiskError
from engine.files import PendingFolder, atomic_folder, atomic_write_bytes, atomic_write_file


def fail_with(number: int) -> NoReturn:
    raise OSError(number, os.strerror(number))


def test_a_file_is_replaced_and_no_temporary_stays(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    atomic_write_bytes(file, b"old")
    atomic_write_bytes(file, b"new")
    assert file.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [file]


def test_a_full_disk_leaves_the_old_file_and_names_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "settings.json"
    file.write_bytes(b"old")
    monkeypatch.setattr(files.os, "fsync", lambda handle: fail_with(errno.ENOSPC))
    with pytest.raises(DiskError, match="is full") as caught:
        atomic_write_bytes(file, b"new")
    assert str(tmp_path) in caught.value.message
    assert caught.value.hint
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_the_temporary_name_keeps_the_suffix_for_writers_that_look_at_it(tmp_path: Path) -> None:
    seen = []

    def write(path: Path) -> None:
        seen.append(path)
        path.write_bytes(b"x")

    atomic_write_file(tmp_path / "predictions.npz", write)
    assert seen[0].suffix == ".npz"
    assert seen[0].parent == tmp_path


def test_a_folder_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "made" / "export"
    with atomic_folder(target) as work:
        (work / "sub").mkdir()
        (work / "sub" / "file").write_bytes(b"x")
        assert not target.exists()
    assert (target / "sub" / "file").read_bytes() == b"x"
    assert list(target.parent.iterdir()) == [target]


def test_a_folder_that_was_not_completed_leaves_nothing(tmp_path: Path) -> None:
    def write_half() -> None:
        with atomic_folder(tmp_path / "export") as work:
            (work / "file").write_bytes(b"x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_content_is_refused_and_untouched(tmp_path: Path) -> None:
    target = tmp_path / "export"
    target.mkdir()
    (target / "mine").write_bytes(b"x")
    (tmp_path / "export-2").mkdir()
    with pytest.raises(DiskError, match="already exists") as caught, atomic_folder(target):
        raise AssertionError("never entered")
    assert str(tmp_path / "export-3") in caught.value.hint
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["export", "export-2", "mine"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    with atomic_folder(tmp_path / "export") as work:
        (work / "file").write_bytes(b"x")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["export", "file"]


def test_a_name_taken_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    pending = PendingFolder(tmp_path / "export")
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "mine").write_bytes(b"x")
    with pytest.raises(DiskError, match="already exists"):
        pending.commit()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["export", "mine"]


def test_a_full_disk_while_a_folder_is_made_durable_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pending = PendingFolder(tmp_path / "export")
    (pending.work_path / "file").write_bytes(b"x")
    monkeypatch.setattr(files.os, "fsync", lambda handle: fail_with(errno.ENOSPC))
    with pytest.raises(DiskError, match="is full"):
        pending.commit()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_under_a_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(DiskError):
        PendingFolder(tmp_path / "file" / "export")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_really_full_device_is_told_as_full() -> None:
    with pytest.raises(OSError, match="No space") as caught, open("/dev/full", "wb", buffering=0) as file:
        file.write(b"x")
    assert "is full" in files.disk_error(caught.value, Path("/dev/full")).message
