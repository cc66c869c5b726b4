"""Loader threads: what is wanted now comes first, what is not wanted any more never comes, nothing is left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable

import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from engine.errors import ImageError
from gui.image_pool import ImagePool


class Loader:
    """Makes images only when the test lets it."""

    def __init__(self) -> None:
        self.made: list[Hashable] = []
        self.gate = threading.Semaphore(0)

    def __call__(self, key: Hashable) -> QImage:
        self.gate.acquire()
        self.made.append(key)
        if key == "broken":
            raise ImageError("This picture is broken.")
        return QImage(16, 16, QImage.Format.Format_RGB32)

    def allow(self, count: int) -> None:
        self.gate.release(count)


@pytest.fixture
def loader() -> Loader:
    return Loader()


def make_pool(loader: Loader, num_threads: int = 1, limit_bytes: int = 1 << 20) -> ImagePool[QImage]:
    return ImagePool(loader, num_threads, limit_bytes, "test-pool")


def test_a_new_wish_replaces_what_scrolled_away(qtbot: QtBot, qapp: object, loader: Loader) -> None:
    pool = make_pool(loader)
    pool.want("grid", range(100))
    qtbot.waitUntil(lambda: len(pool.wanted()) == 99)  # one is in the making
    pool.want("grid", [500, 501])
    loader.allow(10)
    qtbot.waitUntil(lambda: pool.get(501) is not None)
    assert loader.made == [0, 500, 501]
    pool.close()


def test_what_is_there_or_in_the_making_is_not_made_again(qtbot: QtBot, qapp: object, loader: Loader) -> None:
    pool = make_pool(loader, num_threads=2)
    for _ in range(5):
        pool.want("grid", [1, 2])
        pool.want("strip", [2, 1])
    loader.allow(10)
    qtbot.waitUntil(lambda: pool.get(1) is not None and pool.get(2) is not None)
    pool.want("grid", [2, 1])
    assert sorted(loader.made) == [1, 2]
    assert pool.wanted() == []
    pool.close()


def test_a_failure_is_kept_with_its_reason_and_stops_nothing(qtbot: QtBot, qapp: object, loader: Loader) -> None:
    pool = make_pool(loader)
    loader.allow(10)
    with qtbot.waitSignal(pool.loaded):
        pool.want("grid", ["broken", "good"])
    qtbot.waitUntil(lambda: pool.get("good") is not None)
    assert pool.failure("broken") == "This picture is broken."
    pool.want("grid", ["broken"])
    assert pool.wanted() == []
    pool.retry_failures()
    pool.want("grid", ["broken"])
    qtbot.waitUntil(lambda: loader.made.count("broken") == 2)
    pool.close()


def test_the_cache_keeps_what_was_used_last_within_its_limit(qtbot: QtBot, qapp: object, loader: Loader) -> None:
    pool = make_pool(loader, limit_bytes=4 * 16 * 16 * 4)
    loader.allow(100)
    for key in range(8):
        pool.want("grid", [key])
        qtbot.waitUntil(lambda key=key: pool.get(key) is not None)
        pool.get(0)
    assert [key for key in range(8) if pool.get(key) is not None] == [0, 5, 6, 7]
    pool.close()


def test_idle_work_waits_until_nothing_is_wanted(qtbot: QtBot, qapp: object, loader: Loader) -> None:
    pool = make_pool(loader)
    done: list[int] = []
    loader.allow(3)
    pool.want("grid", ["a", "b", "c"])
    pool.set_idle_work(iter([lambda at=at: done.append(len(loader.made)) for at in range(3)]))
    qtbot.waitUntil(lambda: len(done) == 3)
    assert done == [3, 3, 3]
    pool.close()


def test_threads_end_by_themselves_and_start_again_with_the_next_wish(
    qtbot: QtBot, qapp: object, loader: Loader
) -> None:
    pool = make_pool(loader, num_threads=2)
    loader.allow(10)
    pool.want("grid", [1])
    qtbot.waitUntil(lambda: pool.get(1) is not None)
    qtbot.waitUntil(lambda: not [each for each in threading.enumerate() if each.name == "test-pool"])
    pool.want("grid", [2])
    qtbot.waitUntil(lambda: pool.get(2) is not None)
    pool.close()
    assert not [each for each in threading.enumerate() if each.name == "test-pool"]


def test_what_was_in_the_making_when_all_was_forgotten_does_not_come_back(
    qtbot: QtBot, qapp: object, loader: Loader
) -> None:
    pool = make_pool(loader)
    pool.want("grid", [1])
    qtbot.waitUntil(lambda: pool.wanted() == [])
    pool.forget()
    loader.allow(2)
    pool.want("grid", [2])
    qtbot.waitUntil(lambda: pool.get(2) is not None)
    assert pool.get(1) is None
    pool.close()


def test_a_wish_that_comes_as_a_thread_gives_up_waiting_is_not_lost(
    qtbot: QtBot, qapp: object, loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = make_pool(loader)
    loader.allow(10)
    really_wait = pool._changed.wait

    def wait_too_long(timeout: float | None = None) -> bool:
        really_wait(timeout)
        return False  # as when the time is up just before the wish wakes the thread

    monkeypatch.setattr(pool._changed, "wait", wait_too_long)
    pool.want("grid", [1])
    qtbot.waitUntil(lambda: pool.get(1) is not None and pool._num_waiting == 1)
    pool.want("grid", [2])
    qtbot.waitUntil(lambda: pool.get(2) is not None)
    pool.close()


def test_wishes_at_the_moment_that_threads_end_are_all_served(
    qtbot: QtBot, qapp: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gui.image_pool.LINGER_S", 0.002)
    pool: ImagePool[QImage] = ImagePool(lambda _key: QImage(4, 4, QImage.Format.Format_RGB32), 1, 1 << 20, "test-pool")
    for key in range(200):
        pool.want("grid", [key])
        qtbot.waitUntil(lambda key=key: pool.get(key) is not None, timeout=2000)
        qtbot.wait(key % 4)
    pool.close()


def test_a_thread_that_hangs_is_replaced_and_taken_back_with_what_it_brings(
    qtbot: QtBot, qapp: object, loader: Loader
) -> None:
    pool = make_pool(loader)
    pool.want("grid", ["slow", "next"])
    qtbot.waitUntil(lambda: pool.wanted() == ["next"])
    (stuck,) = pool._threads
    pool.replace_thread(stuck.ident or 0)
    qtbot.waitUntil(lambda: pool.wanted() == [])  # a new thread has taken it
    assert stuck not in pool._threads
    loader.allow(2)
    qtbot.waitUntil(lambda: pool.get("slow") is not None and pool.get("next") is not None)
    qtbot.waitUntil(lambda: not stuck.is_alive())
    pool.close()


def test_idle_work_rests_while_the_user_needs_the_processor(qtbot: QtBot, qapp: object, loader: Loader) -> None:
    pool = make_pool(loader)
    done: list[float] = []
    pool.hold_idle_work(0.2)
    started = time.monotonic()
    pool.set_idle_work(iter([lambda: done.append(time.monotonic() - started)]))
    loader.allow(1)
    pool.want("grid", ["now"])
    qtbot.waitUntil(lambda: pool.get("now") is not None)
    assert done == [], "what is wanted does not wait for the rest"
    qtbot.waitUntil(lambda: len(done) == 1)
    assert done[0] >= 0.19
    pool.close()


def test_a_failure_from_before_a_new_try_does_not_count(qtbot: QtBot, qapp: object) -> None:
    gate, is_mended = threading.Semaphore(0), threading.Event()

    def load(_key: Hashable) -> QImage:
        was_mended = is_mended.is_set()
        gate.acquire()
        if not was_mended:
            raise ImageError("The drive is not there.")
        return QImage(4, 4, QImage.Format.Format_RGB32)

    pool: ImagePool[QImage] = ImagePool(load, 1, 1 << 20, "test-pool")
    pool.want("grid", [1])
    qtbot.waitUntil(lambda: pool.wanted() == [])  # it is failing just now
    is_mended.set()
    pool.retry_failures()
    pool.want("grid", [1])
    gate.release(2)
    qtbot.waitUntil(lambda: pool.get(1) is not None)
    pool.close()
