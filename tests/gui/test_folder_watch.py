"""Drives that hang, go away and come back: other images are served, nobody waits, and what comes back is noticed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from engine.domain import ImageRoot
from engine.errors import ImageError
from engine.images.files import read_bytes
from gui import folder_watch
from gui.folder_watch import FolderWatch
from gui.image_pool import ImagePool


class SlowDisk:
    """Reads files at once, except those below a folder that hangs until the test lets it go."""

    def __init__(self) -> None:
        self.hanging: set[Path] = set()
        self.gate = threading.Event()
        self.num_hanging = 0

    def read_bytes(self, path: Path) -> bytes:
        self._wait(path)
        return read_bytes(path)

    def can_reach(self, folder: Path) -> bool:
        self._wait(folder)
        return folder.is_dir() and any(folder.iterdir())

    def _wait(self, path: Path) -> None:
        if any(path == each or each in path.parents for each in self.hanging):
            self.num_hanging += 1
            self.gate.wait(30)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowDisk]:
    made = SlowDisk()
    monkeypatch.setattr(folder_watch, "read_bytes", made.read_bytes)
    monkeypatch.setattr(folder_watch, "can_reach", made.can_reach)
    for name, value in (("SUSPECT_S", 0.1), ("STALL_S", 0.3), ("PROBE_OFFLINE_S", 0.1), ("PROBE_ONLINE_S", 0.4)):
        monkeypatch.setattr(folder_watch, name, value)
    monkeypatch.setattr(folder_watch, "TICK_MS", 25)
    yield made
    made.gate.set()


@pytest.fixture
def roots(tmp_path: Path) -> list[ImageRoot]:
    made = []
    for at, name in enumerate(("good", "drive"), 1):
        folder = tmp_path / name
        folder.mkdir()
        for number in range(12):
            (folder / f"{number}.jpg").write_bytes(b"picture")
        made.append(ImageRoot(at, folder))
    return made


@pytest.fixture
def watch(qapp: object, roots: list[ImageRoot], disk: SlowDisk) -> Iterator[FolderWatch]:
    made = FolderWatch()
    made.open(roots)
    yield made
    disk.gate.set()
    made.close()


@pytest.fixture
def make_pool(watch: FolderWatch) -> Iterator[Callable[[int], ImagePool[QImage]]]:
    pools: list[ImagePool[QImage]] = []

    def load(key: Hashable) -> QImage:
        assert isinstance(key, Path)
        watch.read(key)
        return QImage(4, 4, QImage.Format.Format_RGB32)

    def make(num_threads: int) -> ImagePool[QImage]:
        pool = ImagePool(load, num_threads, 1 << 20, "test-watch")
        watch.thread_hung.connect(pool.replace_thread)
        watch.changed.connect(pool.retry_failures)
        pools.append(pool)
        return pool

    yield make
    for pool in pools:
        pool.close()


def files(root: ImageRoot) -> list[Path]:
    return sorted(root.path.iterdir())


def test_a_drive_that_hangs_goes_offline_and_the_images_of_others_come(
    qtbot: QtBot, watch: FolderWatch, disk: SlowDisk, roots: list[ImageRoot], make_pool: Callable[[int], ImagePool]
) -> None:
    good, drive = roots
    disk.hanging.add(drive.path)
    pool = make_pool(2)
    pool.want("grid", [*files(drive), *files(good)])
    qtbot.waitUntil(lambda: all(pool.get(file) is not None for file in files(good)), timeout=5000)
    qtbot.waitUntil(lambda: watch.offline == {drive.id}, timeout=5000)
    assert [root.path for root in watch.offline_roots()] == [drive.path]
    pool.want("grid", files(drive))
    qtbot.waitUntil(lambda: not pool.wanted(), timeout=5000)
    assert "not there" in (pool.failure(files(drive)[-1]) or "")
    assert disk.num_hanging <= 5 + folder_watch.MAX_HANGING, "each hanging read holds a thread"


def test_a_drive_that_answers_again_is_noticed_and_its_images_come(
    qtbot: QtBot, watch: FolderWatch, disk: SlowDisk, roots: list[ImageRoot], make_pool: Callable[[int], ImagePool]
) -> None:
    drive = roots[1]
    disk.hanging.add(drive.path)
    pool = make_pool(1)
    pool.want("grid", files(drive)[:2])
    qtbot.waitUntil(lambda: watch.offline == {drive.id}, timeout=5000)
    with qtbot.waitSignal(watch.changed, timeout=5000):
        disk.hanging.clear()
        disk.gate.set()
    qtbot.waitUntil(lambda: not watch.offline, timeout=5000)
    pool.retry_failures()
    pool.want("grid", files(drive)[:2])
    qtbot.waitUntil(lambda: all(pool.get(file) is not None for file in files(drive)[:2]), timeout=5000)


def test_one_file_that_hangs_is_no_reason_to_call_its_folder_gone(
    qtbot: QtBot, watch: FolderWatch, disk: SlowDisk, roots: list[ImageRoot], make_pool: Callable[[int], ImagePool]
) -> None:
    good = roots[0]
    stuck, *others = files(good)
    disk.hanging.add(stuck)
    pool = make_pool(1)
    pool.want("grid", [stuck, *others])
    qtbot.waitUntil(lambda: all(pool.get(file) is not None for file in others), timeout=5000)
    pool.want("grid", [stuck])
    qtbot.waitUntil(lambda: pool.failure(stuck) is not None, timeout=5000)
    assert "takes its time" in (pool.failure(stuck) or "")
    assert not watch.offline
    with qtbot.waitSignal(watch.changed, timeout=5000):
        disk.gate.set()
    qtbot.waitUntil(lambda: pool.get(stuck) is not None, timeout=5000)
    assert pool.failure(stuck) is None, "the read that came late is taken"


def test_a_folder_that_was_renamed_is_gone_and_back_with_its_name(
    qtbot: QtBot, watch: FolderWatch, roots: list[ImageRoot]
) -> None:
    drive = roots[1]
    file = files(drive)[0]
    away = drive.path.with_name("away")
    drive.path.rename(away)
    with pytest.raises(ImageError, match="drive or folder"):
        watch.read(file)
    qtbot.waitUntil(lambda: watch.offline == {drive.id}, timeout=5000)
    away.rename(drive.path)
    qtbot.waitUntil(lambda: not watch.offline, timeout=5000)
    assert watch.read(file) == b"picture"


def test_an_emptied_mount_point_counts_as_gone_and_a_single_missing_file_does_not(
    qtbot: QtBot, watch: FolderWatch, roots: list[ImageRoot]
) -> None:
    good, drive = roots
    lost = files(good)[0]
    lost.unlink()
    with pytest.raises(ImageError, match="not there any more"):
        watch.read(lost)
    for file in files(drive):
        file.unlink()
    qtbot.waitUntil(lambda: watch.offline == {drive.id}, timeout=5000)


def test_closing_does_not_wait_for_a_read_that_hangs(
    qtbot: QtBot, watch: FolderWatch, disk: SlowDisk, roots: list[ImageRoot], make_pool: Callable[[int], ImagePool]
) -> None:
    drive = roots[1]
    disk.hanging.add(drive.path)
    pool = make_pool(2)
    pool.want("grid", files(drive))
    qtbot.waitUntil(lambda: disk.num_hanging >= 2, timeout=5000)
    started = time.monotonic()
    watch.close()
    pool.close()
    assert time.monotonic() - started < 1.5
    pool.forget()
    disk.gate.set()
    qtbot.wait(50)
    assert pool.get(files(drive)[0]) is None, "what comes from the closed project is thrown away"
