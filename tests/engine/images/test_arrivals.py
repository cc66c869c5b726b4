"""New files in a watched folder: each is handed out once, complete, whatever happens to the folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.images.arrivals import GIVE_UP_S, RETRY_S, SETTLE_S, ArrivalFinder


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "incoming"
    made.mkdir()
    (made / "old.jpg").write_bytes(b"old")
    return made


def names(finder: ArrivalFinder) -> list[str]:
    return [path.name for path in finder.look().complete]


def test_what_was_there_before_is_left_alone_or_taken_as_asked(folder: Path, clock: Clock) -> None:
    finder, taking = ArrivalFinder(folder, clock=clock), ArrivalFinder(folder, True, clock=clock)
    assert (names(finder), names(taking)) == ([], [])
    clock.now += SETTLE_S
    assert (names(finder), names(taking)) == ([], ["old.jpg"])


def test_a_file_that_is_still_being_written_is_waited_for(folder: Path, clock: Clock) -> None:
    finder = ArrivalFinder(folder, clock=clock)
    finder.look()
    for length in range(5):
        (folder / "new.jpg").write_bytes(b"x" * length)
        clock.now += 0.7
        found = finder.look()
        assert (found.complete, found.num_waiting) == ([], 1)
    clock.now += SETTLE_S
    assert names(finder) == ["new.jpg"]
    clock.now += 100
    assert names(finder) == []  # never twice


def test_an_empty_file_is_not_complete(folder: Path, clock: Clock) -> None:
    finder = ArrivalFinder(folder, clock=clock)
    finder.look()
    (folder / "new.jpg").touch()
    for _ in range(5):
        clock.now += SETTLE_S
        assert names(finder) == []


def test_a_folder_that_vanishes_is_said_and_gone_on_with(folder: Path, clock: Clock, tmp_path: Path) -> None:
    finder = ArrivalFinder(folder, clock=clock)
    assert finder.look().is_there
    shutil.move(folder, tmp_path / "away")
    assert not finder.look().is_there
    folder.mkdir()  # an empty mount point
    assert not finder.look().is_there
    folder.rmdir()
    shutil.move(tmp_path / "away", folder)
    (folder / "new.jpg").write_bytes(b"new")
    assert finder.look().is_there
    clock.now += SETTLE_S
    assert names(finder) == ["new.jpg"]  # and not the old one


def test_the_first_files_of_a_folder_that_was_empty_are_new(tmp_path: Path, clock: Clock) -> None:
    finder = ArrivalFinder(tmp_path, clock=clock)
    assert finder.look().is_there
    (tmp_path / "first.jpg").write_bytes(b"first")
    finder.look()
    clock.now += SETTLE_S
    assert names(finder) == ["first.jpg"]


def test_a_folder_that_comes_later_is_watched_from_then_on(tmp_path: Path, clock: Clock) -> None:
    finder = ArrivalFinder(tmp_path / "later", clock=clock)
    assert not finder.look().is_there
    (tmp_path / "later").mkdir()
    assert finder.look().is_there


def test_what_cannot_be_read_is_tried_again_and_then_given_up(folder: Path, clock: Clock) -> None:
    finder = ArrivalFinder(folder, clock=clock)
    finder.look()
    (folder / "new.jpg").write_bytes(b"half")
    finder.look()
    clock.now += SETTLE_S
    times, begun = 0, clock.now
    while True:
        complete = finder.look().complete
        if complete:
            times += 1
            if finder.try_again(complete):
                break
        clock.now += 0.5
    assert GIVE_UP_S <= clock.now - begun < GIVE_UP_S + 2 * RETRY_S + SETTLE_S
    assert times > 3
    clock.now += 100
    assert names(finder) == []


def test_results_and_other_files_in_the_folder_are_no_arrivals(folder: Path, clock: Clock) -> None:
    finder = ArrivalFinder(folder, skip=[folder / "sorted"], clock=clock)
    finder.look()
    (folder / "sorted").mkdir()
    (folder / "sorted" / "a.jpg").write_bytes(b"a")
    (folder / "results.csv").write_bytes(b"a")
    (folder / ".half.jpg").write_bytes(b"a")
    (folder / "sub").mkdir()
    (folder / "sub" / "b.jpg").write_bytes(b"b")
    finder.look()
    clock.now += SETTLE_S
    assert names(finder) == ["b.jpg"]
