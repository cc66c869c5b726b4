"""Key to the next 12-megapixel picture on screen, walking at 3 and at 10 images per second.

Run with: python tests/bench/bench_viewer.py [--rounds N] [--keys N]     (QT_QPA_PLATFORM=offscreen, or a display: Xvfb)

The photographs of ../shared/data/highres_exif (or GRAFT_SHARED), brought to 12 megapixels, in a real Label workspace
whose thumbnails were made before. Each time is from the moment the key was due to the end of the window's update that
shows the picture (its thumbnail enlarged counts as shown, nothing counts as blank), so a late event loop is in it.
Beside it, in turns with it, the usual way: the whole picture is decoded in the window's thread at every key.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import simplejpeg  # noqa: E402
from PIL import Image  # noqa: E402
from PySide6.QtCore import QEvent, QEventLoop, Qt, QTimer  # noqa: E402
from PySide6.QtGui import QImage, QKeyEvent, QPixmap  # noqa: E402
from PySide6.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget  # noqa: E402

from engine.images.decode import decode_rgb  # noqa: E402
from engine.jobs import Engine, run_in_foreground  # noqa: E402
from engine.project import Project  # noqa: E402
from engine.tasks.scan import ScanFolder  # noqa: E402
from gui import theme  # noqa: E402
from gui.app import SWITCH_INTERVAL_S  # noqa: E402
from gui.engine_bridge import EngineBridge  # noqa: E402
from gui.panels.label_workspace import LabelWorkspace  # noqa: E402
from gui.session import Session  # noqa: E402

SHARED = Path(os.environ.get("GRAFT_SHARED") or ROOT.parent / "shared") / "data" / "highres_exif"
MEGAPIXELS, GOAL_P95_MS = 12.0, 16
RATES = (3, 10)


@dataclass
class Walk:
    """What was measured: milliseconds from the key to the first picture of the image and to the sharp one."""

    shown: list[float] = field(default_factory=list)
    sharp: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    """Processor time of the window's thread from the key to the first picture, which a busy machine leaves alone."""
    num_blank: int = 0
    num_late: int = 0
    """Images that were left before they were sharp."""


class Window(QWidget):
    """Tells when an update of the screen is through."""

    def __init__(self) -> None:
        super().__init__()
        self.on_updated: Callable[[], None] = lambda: None

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() == QEvent.Type.UpdateRequest:
            self.on_updated()
        return done


def wait(until: Callable[[], bool], timeout_s: float = 120.0) -> None:
    """Runs the event loop until something is so."""
    loop, latest = QEventLoop(), time.monotonic() + timeout_s
    timer = QTimer(interval=5)
    timer.timeout.connect(lambda: loop.quit() if until() or time.monotonic() > latest else None)
    timer.start()
    loop.exec()


def make_pictures(folder: Path, count: int) -> None:
    """Writes photographs of 12 megapixels."""
    sources = sorted(file for file in SHARED.rglob("*") if file.suffix.lower() in (".jpg", ".jpeg"))
    for number in range(count):
        pixels = decode_rgb(sources[number % len(sources)])
        scale = (MEGAPIXELS * 1e6 / (pixels.shape[0] * pixels.shape[1])) ** 0.5
        size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
        large = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
        data = simplejpeg.encode_jpeg(large, quality=88 + number // len(sources), colorsubsampling="420")
        (folder / f"photo_{number:03}.jpg").write_bytes(data)


def walk(window: Window, workspace: LabelWorkspace, rate: float, num_keys: int) -> Walk:
    """Presses the right arrow at a rate and notes what is on screen when."""
    found, viewer = Walk(), workspace.viewer
    columns = workspace.session.columns
    due: dict[int, float] = {}
    busy_before: dict[int, float] = {}
    seen: set[int] = set()
    sharp: set[int] = set()

    def note() -> None:
        now, position = time.perf_counter(), viewer._position
        if viewer.canvas._image is None:
            found.num_blank += 1
            return
        if position not in due:
            return
        if position not in seen:
            seen.add(position)
            found.shown.append(1e3 * (now - due[position]))
            found.busy.append(1e3 * (time.thread_time() - busy_before[position]))
        row = int(workspace.images.rows[position])
        side = viewer.canvas.rest_side_px(int(columns.widths_px[row]), int(columns.heights_px[row]))
        if position not in sharp and max(viewer.canvas._image.width(), viewer.canvas._image.height()) >= side > 0:
            sharp.add(position)
            found.sharp.append(1e3 * (now - due[position]))

    window.on_updated = note
    first = viewer._position
    started = time.perf_counter() + 0.2
    sent = 0

    def press() -> None:
        nonlocal sent
        moment = started + sent / rate
        if time.perf_counter() < moment:
            return
        due[first + sent + 1] = moment
        busy_before[first + sent + 1] = time.thread_time()
        sent += 1
        for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            QApplication.postEvent(viewer, QKeyEvent(kind, Qt.Key.Key_Right, Qt.KeyboardModifier.NoModifier))

    timer = QTimer(interval=1)
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(lambda: press() if sent < num_keys else None)
    timer.start()
    wait(lambda: sent >= num_keys and len(seen) >= num_keys)
    wait(lambda: first + num_keys in sharp, 3.0)
    timer.stop()
    found.num_late = num_keys - len(sharp)
    window.on_updated = lambda: None
    return found


def walk_naively(files: list[Path], window: Window, label: QLabel) -> list[float]:
    """Decodes each picture in full in the window's thread, as viewers do that do not look ahead."""
    times: list[float] = []
    for file in files:
        started = time.perf_counter()
        image = QImage(str(file)).scaled(
            label.size(), Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        label.setPixmap(QPixmap.fromImage(image))
        updated = [False]
        window.on_updated = lambda updated=updated: updated.__setitem__(0, True)
        wait(lambda updated=updated: updated[0], 5.0)
        times.append(1e3 * (time.perf_counter() - started))
    window.on_updated = lambda: None
    return times


def line(title: str, times: list[float], more: str = "") -> None:
    """Prints median and 95th percentile."""
    if times:
        p95 = statistics.quantiles(times, n=20, method="inclusive")[18] if len(times) > 1 else times[0]
        print(f"{title:38}{statistics.median(times):8.1f}{p95:8.1f}{max(times):8.1f}   {more}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keys", type=int, default=40)
    options = parser.parse_args()
    sys.setswitchinterval(SWITCH_INTERVAL_S)  # as the program does
    app = QApplication(sys.argv[:1])
    theme.apply(app, "dark")
    with tempfile.TemporaryDirectory() as name:
        _bench(Path(name), options.rounds, options.keys)


def _bench(folder: Path, rounds: int, num_keys: int) -> None:
    pictures = folder / "pictures"
    pictures.mkdir()
    make_pictures(pictures, num_keys + 1)
    with Project.create(folder / "project") as project:
        run_in_foreground(ScanFolder(project, pictures, False))
    session = Session(EngineBridge(Engine()))  # an engine that is not started: nothing trains meanwhile
    window, naive, label = Window(), Window(), QLabel()
    for each in (window, naive):
        QVBoxLayout(each).setContentsMargins(0, 0, 0, 0)
        each.resize(1440, 900)
    workspace = LabelWorkspace(session)
    window.layout().addWidget(workspace)
    label.setMinimumSize(600, 500)
    naive.layout().addWidget(label)
    window.show()
    session.open_project(folder / "project")
    wait(lambda: session.project is not None and len(session.columns) > num_keys)
    ids = session.columns.image_ids.tolist()
    workspace.thumbnails.make_all_when_idle(session.columns.image_ids)
    workspace.thumbnails.want("bench", ids)
    wait(lambda: all(workspace.thumbnails.get(each) is not None for each in ids))
    workspace.thumbnails.want("bench", [])
    results: dict[float, Walk] = {rate: Walk() for rate in RATES}
    naive_times: list[float] = []
    for _ in range(rounds):
        for rate in RATES:
            workspace.close_viewer()
            workspace.grid.go_to(0)
            workspace.screens.forget()
            workspace.open_viewer()
            wait(lambda: False, 0.7)
            one = walk(window, workspace, rate, num_keys)
            total = results[rate]
            total.shown += one.shown
            total.sharp += one.sharp
            total.busy += one.busy
            total.num_blank += one.num_blank
            total.num_late += one.num_late
        naive.show()
        naive_times += walk_naively(sorted(pictures.iterdir())[:8], naive, label)
        naive.hide()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {QApplication.platformName()}, {rounds} rounds")
    print(f"{'milliseconds':38}{'p50':>8}{'p95':>8}{'max':>8}")
    for rate, total in results.items():
        line(f"key to picture at {rate} images/s", total.shown, f"goal p95 <= {GOAL_P95_MS}; blank {total.num_blank}")
        line("  of it the window's own work", total.busy)
        line(f"key to sharp at {rate} images/s", total.sharp, f"left before sharp: {total.num_late}")
    line("full decode at each key", naive_times, "the alternative")
    workspace.shutdown()
    session.shutdown()


if __name__ == "__main__":
    main()
