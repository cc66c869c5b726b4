"""Whether a key is still down, from the key events alone: what is missed must never count as being held."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt

from gui.panels.held_key import (
    HOLD_MS,
    SILENT_MOVES_MS,
    SILENT_MS,
    SILENT_REPEATS_MS,
    HeldKey,
    Moment,
)

KEY, OTHER, SHIFT = Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_Shift
REPEAT_MS = 33


def at(time_ms: int, late_ms: int = 0) -> Moment:
    """A moment that the window saw a while later."""
    return Moment(1_000 + time_ms, 70_000.0 + time_ms + late_ms)


@pytest.fixture
def held() -> HeldKey:
    """A key that went down at 0."""
    made = HeldKey()
    made.begin(KEY, at(0))
    return made


def test_arrows_paint_while_the_key_is_down_and_no_more_once_it_is_up(held: HeldKey) -> None:
    assert held.see_arrow(at(300))
    held.see_release(Qt.Key.Key_Right, at(350), False)
    assert held.see_arrow(at(400))
    held.see_release(KEY, at(500), False)
    assert not held.see_arrow(at(501))
    assert not held.is_down


def test_an_arrow_that_comes_too_soon_ends_it_for_good(held: HeldKey) -> None:
    assert not held.see_arrow(at(HOLD_MS - 1))
    assert not held.see_arrow(at(HOLD_MS + 100))


def test_keys_that_waited_in_a_busy_window_are_told_by_when_they_were_pressed(held: HeldKey) -> None:
    assert not held.see_arrow(at(90, late_ms=900))  # seen after 990 ms, pressed after 90


def test_repeats_of_the_system_keep_it_down_as_long_as_they_come(held: HeldKey) -> None:
    for time_ms in range(500, 20_000, REPEAT_MS):
        held.see_press(KEY, at(time_ms), True)
    assert held.see_arrow(at(20_000))


def test_a_repeat_that_comes_as_release_and_press_of_one_moment_keeps_it_down(held: HeldKey) -> None:
    for time_ms in range(500, 3_000, REPEAT_MS):
        held.see_release(KEY, at(time_ms), False)
        held.see_release(KEY, at(time_ms), False)  # the window and then the widget in it
        assert held.is_released
        held.see_press(KEY, at(time_ms), False)
        held.see_press(KEY, at(time_ms), False)
        assert held.is_down
        assert not held.is_released
    assert held.see_arrow(at(3_000))


def test_between_the_halves_of_a_repeat_no_arrow_paints(held: HeldKey) -> None:
    held.see_release(KEY, at(500), False)
    assert not held.see_arrow(at(500))


@pytest.mark.parametrize(
    ("repeats_ms", "moves_ms", "silence_ms"),
    [([], [], SILENT_MS), ([600, 633, 666], [], SILENT_REPEATS_MS), ([600], [700, 800], SILENT_MOVES_MS)],
    ids=["never repeated", "repeats stopped", "after arrows"],
)
def test_a_release_that_was_missed_is_noticed_by_the_silence(
    held: HeldKey, repeats_ms: list[int], moves_ms: list[int], silence_ms: int
) -> None:
    for time_ms in repeats_ms:
        held.see_press(KEY, at(time_ms), True)
    for time_ms in moves_ms:
        assert held.see_arrow(at(time_ms))
    assert held.silent_ms == silence_ms
    last_ms = [0, *repeats_ms, *moves_ms][-1]
    assert not held.see_arrow(at(last_ms + silence_ms + 1))


def test_the_same_key_again_without_a_release_means_that_the_release_was_missed(held: HeldKey) -> None:
    held.see_press(KEY, at(700), False)
    assert not held.see_arrow(at(1_000))


@pytest.mark.parametrize("key", [OTHER, SHIFT, Qt.Key.Key_X, Qt.Key.Key_Escape])
def test_any_other_key_ends_it(held: HeldKey, key: int) -> None:
    held.see_press(key, at(400), False)
    held.see_release(key, at(450), False)
    assert not held.see_arrow(at(500))


def test_the_release_of_a_key_that_was_down_before_ends_it(held: HeldKey) -> None:
    held.see_release(OTHER, at(50), False)
    assert not held.see_arrow(at(500))


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["press", "repeat", "release", "arrow", "pair", "lost release"]),
        st.sampled_from([KEY, OTHER]),
        st.integers(1, 700),
    ),
    max_size=40,
)


@given(EVENTS)
def test_no_arrow_ever_paints_after_a_release_that_was_seen_or_longer_than_the_silence_after_one_that_was_not(
    events: list[tuple[str, int, int]],
) -> None:
    held, now = HeldKey(), 0
    held.begin(KEY, at(0))
    is_down, heard = True, 0
    for what, key, wait in events:
        now += wait
        if what == "arrow":
            silence = now - heard
            painted = held.see_arrow(at(now))
            assert not painted or is_down or silence <= SILENT_MOVES_MS
            heard = now if painted else heard
        elif what == "lost release":
            is_down = False
        elif what == "release":
            held.see_release(key, at(now), False)
            is_down, heard = False, -(10**9)
        elif what == "pair" and is_down and key == KEY:
            held.see_release(KEY, at(now), False)
            held.see_press(KEY, at(now), False)
            heard = now if held.is_down else heard
        elif what == "repeat" and is_down and key == KEY:
            held.see_press(KEY, at(now), True)
            heard = now if held.is_down else heard
        elif what == "press" and key == OTHER:
            held.see_press(OTHER, at(now), False)
            is_down, heard = False, -(10**9)
