"""Sorting classified files into folders: nothing lost, nothing overwritten, originals untouched, resumable."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DiskError, ExportError
from engine.exporters.sorted_files import (
    LIST_NAME,
    Placing,
    Sorter,
    SortPlan,
    check_place,
    folder_names,
    free_bytes,
    safe_name,
)

CLASSES = ["rust", "ok"]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    for name, content in (("a.jpg", b"one"), ("b.jpg", b"two"), ("sub/a.jpg", b"three")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def place_all(sorter: Sorter, source: Path) -> list[Path]:
    return [
        sorter.place(source / "a.jpg", "rust", 0.9, False),
        sorter.place(source / "b.jpg", "ok", 0.9, True),
        sorter.place(source / "sub" / "a.jpg", "rust", 0.95, False),
    ]


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        os.path.relpath(path, folder): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != LIST_NAME
    }


@pytest.mark.parametrize("how", list(Placing))
def test_files_come_into_the_folder_of_their_class_and_stay_where_they_are(
    how: Placing, source: Path, tmp_path: Path
) -> None:
    before = files_in(source)
    with Sorter(SortPlan(tmp_path / "out", how, 0.5), CLASSES) as sorter:
        place_all(sorter, source)
        sorter.place(source / "b.jpg", "ok", 0.2, False)  # known: stays where it was put first
    assert files_in(tmp_path / "out") == {"rust/a.jpg": b"one", "rust/a (2).jpg": b"three", "unknown/b.jpg": b"two"}
    assert files_in(source) == before
    if how is Placing.HARD_LINK:
        assert os.path.samefile(source / "a.jpg", tmp_path / "out" / "rust" / "a.jpg")
    if how is Placing.SYMBOLIC_LINK:
        assert (tmp_path / "out" / "rust" / "a.jpg").is_symlink()


def test_the_unsure_have_a_folder_of_their_own(source: Path, tmp_path: Path) -> None:
    with Sorter(SortPlan(tmp_path / "out", unsure_below=0.8), CLASSES) as sorter:
        assert sorter.place(source / "a.jpg", "rust", 0.79, False).parent.name == "unsure"
        assert sorter.place(source / "b.jpg", None, 0.9, False).parent.name == "none"


@pytest.mark.parametrize("how", list(Placing))
def test_a_sorting_that_was_cut_off_goes_on_without_doubles(how: Placing, source: Path, tmp_path: Path) -> None:
    plan = SortPlan(tmp_path / "out", how)
    with Sorter(plan, CLASSES) as sorter:
        place_all(sorter, source)
    whole = files_in(tmp_path / "out")
    listed = (tmp_path / "out" / LIST_NAME).read_bytes()
    for length in range(listed.index(b"\n") + 1, len(listed)):  # power cut at any byte of the list
        (tmp_path / "out" / LIST_NAME).write_bytes(listed[:length])
        with Sorter(plan, CLASSES) as sorter:
            place_all(sorter, source)
        assert files_in(tmp_path / "out") == whole
        assert (tmp_path / "out" / LIST_NAME).read_bytes() == listed


def test_a_file_of_the_user_is_never_written_over(source: Path, tmp_path: Path) -> None:
    mine = tmp_path / "out" / "rust" / "a.jpg"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    with Sorter(SortPlan(tmp_path / "out"), CLASSES) as sorter:
        assert sorter.place(source / "a.jpg", "rust", 1.0, False).name == "a (2).jpg"
    assert mine.read_bytes() == b"mine"


def test_two_files_with_the_same_content_are_both_there(source: Path, tmp_path: Path) -> None:
    shutil.copy2(source / "a.jpg", source / "sub" / "a.jpg")
    with Sorter(SortPlan(tmp_path / "out"), CLASSES) as sorter:
        place_all(sorter, source)
    assert set(files_in(tmp_path / "out")) == {"rust/a.jpg", "rust/a (2).jpg", "unknown/b.jpg"}


def test_the_work_of_another_model_is_not_mixed_with_it(source: Path, tmp_path: Path) -> None:
    with Sorter(SortPlan(tmp_path / "out", model="one"), CLASSES) as sorter:
        place_all(sorter, source)
    with pytest.raises(ExportError, match="another model"):
        Sorter(SortPlan(tmp_path / "out", model="two"), CLASSES)


def test_a_list_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / LIST_NAME).write_text("name,price,colour\n")
    with pytest.raises(ExportError, match="not a list"):
        Sorter(SortPlan(tmp_path), CLASSES)


def test_a_copy_that_fails_leaves_nothing_half_made(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_path: Path, target: Path) -> None:
        Path(target).write_bytes(b"o")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copy2", fail)
    with Sorter(SortPlan(tmp_path / "out"), CLASSES) as sorter, pytest.raises(DiskError, match="full"):
        sorter.place(source / "a.jpg", "rust", 1.0, False)
    assert files_in(tmp_path / "out") == {}


@pytest.mark.parametrize("number", [18, 95])
def test_links_that_the_disk_cannot_make_are_said_beforehand(
    number: int, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(os, "link", refuse)
    plan = SortPlan(tmp_path / "new" / "out", Placing.HARD_LINK)
    with pytest.raises(ExportError, match="hard links"):
        check_place(plan, source / "a.jpg")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("how", list(Placing))
def test_a_trial_leaves_nothing_behind(how: Placing, source: Path, tmp_path: Path) -> None:
    check_place(SortPlan(tmp_path / "new" / "out", how), source / "a.jpg")
    assert not (tmp_path / "new").exists()
    assert free_bytes(tmp_path / "new" / "out") > 0


@given(st.lists(st.text(min_size=1, max_size=200), unique=True, max_size=20))
def test_every_class_has_a_folder_of_its_own_that_any_system_takes(names: list[str]) -> None:
    folders = folder_names([*names, "unknown", "Unsure", "CON", "a/b", "a:b"])
    seen = [each.casefold() for each in folders.values()]
    assert len(set(seen)) == len(seen)
    for folder in folders.values():
        assert folder not in ("", ".", "..", "unknown", "unsure", "none")
        assert not set('<>:"/\\|?*') & set(folder)
        assert not folder.endswith((" ", "."))


@pytest.mark.parametrize(("name", "folder"), [("..", "_"), ("nul", "nul_"), ("COM1.x", "COM1.x_"), ("ok. ", "ok")])
def test_dangerous_names_become_harmless(name: str, folder: str) -> None:
    assert safe_name(name) == folder
