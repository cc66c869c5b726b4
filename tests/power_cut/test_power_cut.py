"""The power goes at any moment: every acknowledged step is there afterwards, whole, and so is nothing half of one.

`python tests/power_cut/replay.py 100000` tries as many states as you like.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from tests.power_cut import replay
from tests.power_cut.disk import Disk
from tests.power_cut.recording import Event, can_record


@pytest.mark.skipif(sys.platform != "linux" or not can_record(), reason="strace is not here, or may not be used")
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_no_acknowledged_step_is_lost_or_half_done_when_the_power_goes() -> None:
    outcome = replay.run(5_000)
    assert outcome.num_states == 5_000
    assert outcome.counts["opened by the program"] > 50
    assert outcome.bad == []


def test_disk_keeps_what_was_synced_and_may_lose_the_rest(tmp_path: Path) -> None:
    (tmp_path / "start").mkdir()
    disk = Disk(tmp_path / "start")
    for event in (
        Event("create", "a"),
        Event("write", "a", b"one"),
        Event("sync", "a"),
        Event("write", "a", b"two"),
        Event("create", "b"),
        Event("write", "b", b"x" * 1024),
    ):
        disk.take(event)
    rng = random.Random(0)
    states = [disk.after_power_cut(rng) for _ in range(300)]
    assert {state["a"] for state in states} == {b"one", b"two"}
    sizes = {len(state["b"]) for state in states if "b" in state}
    assert {"b" in state for state in states} == {True, False}
    assert sizes == {0, 512, 1024}
    assert any(state.get("b") == bytes(512) + b"x" * 512 for state in states)


def test_names_come_onto_the_disk_in_their_order_and_with_a_sync_of_their_folder(tmp_path: Path) -> None:
    (tmp_path / "start").mkdir()
    disk = Disk(tmp_path / "start")
    for event in (
        Event("create", "new"),
        Event("write", "new", b"1"),
        Event("sync", "new"),
        Event("rename", "new", target="file"),
    ):
        disk.take(event)
    rng = random.Random(0)
    assert {tuple(disk.after_power_cut(rng)) for _ in range(100)} == {("new",), ("file",)}
    disk.take(Event("sync", ""))
    assert {tuple(disk.after_power_cut(rng)) for _ in range(100)} == {("file",)}
