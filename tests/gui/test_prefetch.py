"""What is decoded ahead: in the direction of travel, further when the user is faster, never more than can be kept."""

from __future__ import annotations

from gui.prefetch import BEHIND, MAX_AHEAD, MIN_AHEAD, Prefetch


def walk(rate: float, steps: int, direction: int = 1, start: int = 100) -> Prefetch:
    prefetch = Prefetch()
    for at in range(steps):
        prefetch.move(start + direction * at, at / rate)
    return prefetch


def test_the_present_image_comes_first_then_those_ahead_then_the_one_behind() -> None:
    positions = walk(1, 3).positions(1000, 100)
    assert positions == [102, *range(103, 103 + MIN_AHEAD), 101]


def test_going_back_looks_backwards() -> None:
    positions = walk(1, 3, direction=-1).positions(1000, 100)
    assert positions == [98, *range(97, 97 - MIN_AHEAD, -1), 99]


def test_the_faster_the_user_the_further_ahead() -> None:
    slow, fast, furious = (len(walk(rate, 8).positions(1000, 100)) for rate in (2, 10, 100))
    assert slow < fast <= furious == 1 + MAX_AHEAD + BEHIND


def test_a_rest_makes_the_speed_of_before_forgotten() -> None:
    prefetch = walk(10, 8)
    prefetch.move(108, 60.0)
    assert prefetch.images_per_s == 0.0
    assert len(prefetch.positions(1000, 100)) == 1 + MIN_AHEAD + BEHIND


def test_no_more_than_the_memory_holds_and_nothing_outside_the_list() -> None:
    assert len(walk(100, 8).positions(1000, 5)) == 5
    assert walk(1, 3, start=0).positions(4, 100) == [2, 3, 1]
