"""The table of predictions survives being cut off anywhere, and never mixes what two models said."""

from __future__ import annotations

import csv
import errno
import math
import os
from pathlib import Path

import pytest

from engine import syncing
from engine.domain import LabelMode
from engine.errors import DiskError, ImportFormatError
from engine.events import FilePrediction
from engine.tasks.prediction_table import PredictionTable, part_of

CLASSES = ["bolt", 'a "quoted", class', "=formula"]
NAMES = ["a/1.jpg", 'with "quotes" and, comma.jpg', "=cmd.jpg", "line\nbreak.jpg", "b/2.jpg", "ähnlich.jpg"]


def prediction(name: str, reason: str = "") -> FilePrediction:
    if reason:
        return FilePrediction(Path(name), name, (), math.nan, False, math.nan, (), reason)
    return FilePrediction(Path(name), name, ("bolt",), 0.7, False, 0.25, (0.7, 0.2, 0.1))


def table(file: Path, is_resumed: bool = False, model: str = "run-0001 aaaa", mode: LabelMode = LabelMode.ONE):
    return PredictionTable(file, CLASSES, model, mode, is_resumed)


def rows_of(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def write_whole(file: Path) -> None:
    written = table(file)
    for name in NAMES:
        written.add([prediction(name)])
    written.complete()


def test_a_table_has_its_name_only_when_it_is_complete(tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    file.write_text("an older table")
    written = table(file)
    written.add([prediction("a.jpg"), prediction("broken.jpg", "It is broken.")])
    assert file.read_text() == "an older table"
    written.complete()
    assert not part_of(file).exists()
    header, row = rows_of(file)
    assert header == [
        "image", "class", "confidence", "unknown", "unknown_score", "bolt", 'a "quoted", class', "'=formula", "model",
    ]  # fmt: skip
    assert row == [
        "a.jpg", "bolt", "0.700000", "no", "0.2500", "0.700000", "0.200000", "0.100000", "run-0001 aaaa",
    ]  # fmt: skip


def test_cut_off_at_any_byte_it_is_gone_on_with_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "sync_handle", lambda _handle: None)  # A thousand of them take ten seconds.
    monkeypatch.setattr(syncing, "sync_folder", lambda _folder: None)
    whole = tmp_path / "whole.csv"
    write_whole(whole)
    data = whole.read_bytes()
    file = tmp_path / "cut.csv"
    for length in range(len(data) + 1):
        part_of(file).write_bytes(data[:length])
        resumed = table(file, is_resumed=True)
        rest = [name for name in NAMES if not resumed.done[name]]
        assert [name for name in NAMES if resumed.done[name]] == NAMES[: len(NAMES) - len(rest)]
        resumed.add([prediction(name) for name in rest])
        resumed.complete()
        assert file.read_bytes() == data, f"cut after {length} bytes"
        file.unlink()


def test_blocks_that_the_disk_never_got_are_done_again(tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    write_whole(file)
    data = file.read_bytes()
    end = data.index(b"b/2.jpg")
    part_of(file).write_bytes(data[:end] + bytes(len(data) - end))
    resumed = table(file, is_resumed=True)
    resumed.close()
    assert set(resumed.done) == set(NAMES[:4])
    assert part_of(file).read_bytes() == data[:end]


def test_a_complete_table_can_be_added_to(tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    write_whole(file)
    resumed = table(file, is_resumed=True)
    assert len(resumed.done) == len(NAMES)
    resumed.add([prediction("new.jpg")])
    resumed.complete()
    assert len(rows_of(file)) == 1 + len(NAMES) + 1


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("image,class\na,b\n", "other columns"),
        ("image,class,confidence,unknown,unknown_score,bolt,rust,model\n", "other columns"),
    ],
)
def test_a_table_of_other_classes_is_not_gone_on_with(tmp_path: Path, text: str, part: str) -> None:
    file = part_of(tmp_path / "out.csv")
    file.write_text(text)
    with pytest.raises(ImportFormatError, match=part):
        table(tmp_path / "out.csv", is_resumed=True)
    assert file.read_text() == text, "nothing of it is touched"


def test_a_table_of_another_version_of_the_model_is_not_gone_on_with(tmp_path: Path) -> None:
    write_whole(tmp_path / "out.csv")
    with pytest.raises(ImportFormatError, match="another model"):
        table(tmp_path / "out.csv", is_resumed=True, model="run-0002 bbbb")


def test_a_table_that_was_changed_by_hand_is_not_gone_on_with(tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    write_whole(file)
    file.write_text(file.read_text().replace("b/2.jpg,bolt", "b/2.jpg,bolt,checked"))
    with pytest.raises(ImportFormatError, match="row"):
        table(file, is_resumed=True)


def test_the_name_of_an_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportFormatError, match="name of an image"):
        table(tmp_path / "photo.jpg")


def test_a_full_disk_is_a_sentence_and_the_rows_of_before_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "out.csv"
    written = table(file)
    written.add([prediction("a.jpg")])
    before = part_of(file).read_bytes()

    def refuse(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(syncing, "sync_handle", refuse)
        with pytest.raises(DiskError, match="is full"):
            written.add([prediction("b.jpg")])
    written.close()
    assert part_of(file).read_bytes().startswith(before)
    resumed = table(file, is_resumed=True)
    assert resumed.done["a.jpg"] == 1
    resumed.close()


def test_several_classes_of_an_image_stand_in_one_cell(tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    written = PredictionTable(file, ["a|b", "c"], "m", LabelMode.SEVERAL, False)
    written.add([FilePrediction(Path("x"), "x", ("a|b", "c"), 0.5, False, math.nan, (0.9, 0.8))])
    written.add([FilePrediction(Path("y"), "y", (), 0.5, False, math.nan, (0.1, 0.2))])
    written.complete()
    assert [row[1] for row in rows_of(file)[1:]] == ["a\\|b|c", ""]
    assert [row[3:5] for row in rows_of(file)[1:]] == [["", ""], ["", ""]]
