"""Start of the program to its first painted window, and how even the event loop is while the engine trains flat out.

Run with: python tests/bench/bench_window.py [--starts N] [--project FOLDER] [--no-training]
(a display is needed, Xvfb will do)

The start is measured from outside the program's own code: the kernel's time of the process' start against the time of
the first paint event. Beside it, in the same run and in turns, a window that is Qt alone: load on the machine shows in
both. Then how late a timer of 4 ms is at most in the 3 seconds after that paint, in which the window is filled; with a
project, also when its first thumbnails are there. Both in each language. Then a project of steel_neu pictures is
trained over and over while such a timer notes how late it is, and how much of that the window's thread stood in the
kernel's queue for a core: that part is the load of other programs, and the second figure of each row is without it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("GRAFT_SHARED") or ROOT.parent / "shared")
GOAL_START_MS, GOAL_P99_MS, GOAL_MAX_MS = 300, 16, 50
HEARTBEAT_MS = 4
LANGUAGES = ("en", "de")

QT_ALONE = """
import os, sys, time
from pathlib import Path
from PySide6.QtWidgets import QApplication, QMainWindow
class Window(QMainWindow):
    def paintEvent(self, event):
        ticks = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
        print(f"first paint {1000 * age:.0f} ms", flush=True)
app = QApplication([])
window = Window()
window.resize(1440, 900)
window.show()
app.exec()
"""


FIRST_SECONDS = """
import sys, time
from pathlib import Path
from gui.languages import choose_language
choose_language()
from PySide6.QtCore import QTimer, Qt
from PySide6.QtWidgets import QApplication
from gui.app import Program, share_the_machine
def queued_ms():
    return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e6
def beat():
    global last, queued, shown
    now, waited = time.perf_counter(), queued_ms()
    late = 1000 * (now - last) - 4
    beats.append((late, late - (waited - queued)))
    last, queued = now, waited
    window = program.window
    if shown == 3000 and window.is_attached and window.session.project is not None:
        workspace = window.workspace
        if len(workspace.images.rows) and workspace.thumbnails.get(workspace.images.image_id(0)) is not None:
            shown = 1000 * (now - began)
def begin():
    global began, last, queued
    began = last = time.perf_counter()
    queued = queued_ms()
    timer.start()
    QTimer.singleShot(3000, app.quit)
beats, shown = [], 3000.0
share_the_machine()
app = QApplication([])
timer = QTimer(interval=4, timerType=Qt.TimerType.PreciseTimer)
timer.timeout.connect(beat)
program = Program(app)
program.window.painted.connect(begin)
program.start(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
app.exec()
program.stop()
print(*(max(column) for column in zip(*beats)), shown)
"""


def bench_start(num_starts: int, project: Path | None) -> None:
    """Prints the medians of the program in each language, and of Qt alone."""
    from bundle.screen import first_paint_ms

    with tempfile.TemporaryDirectory() as work:
        environment = {**os.environ, "GRAFT_DATA": work, "PYTHONPATH": str(ROOT)}
        environment |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": f"{work}/pyc"}  # compiled, as installed

        def paint_ms(language: str, *command: str) -> float:
            return first_paint_ms([sys.executable, *command], {**environment, "GRAFT_LANGUAGE": language}, ROOT)

        def first_seconds(language: str, *folder: str) -> list[float]:
            command = [sys.executable, "-c", FIRST_SECONDS, *folder]
            own = {**environment, "GRAFT_LANGUAGE": language}
            done = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, check=True)
            return [float(each) for each in done.stdout.split()[-3:]]

        for language in LANGUAGES:
            first_seconds(language)  # writes the .pyc files
        rounds = [
            [paint_ms("en", "-c", QT_ALONE), *(paint_ms(each, "main.py") for each in LANGUAGES)]
            for _ in range(num_starts)
        ]
        bare, *ours = zip(*rounds, strict=True)
        for language, column in zip(LANGUAGES, ours, strict=True):
            print(
                f"start to first paint, {language}   median {statistics.median(column):.0f} ms "
                f"(best {min(column):.0f}), goal {GOAL_START_MS}; Qt alone {statistics.median(bare):.0f} ms"
            )
        for folder in ([], [str(project)]) if project is not None else ([],):
            stalls = [[first_seconds(each, *folder) for each in LANGUAGES] for _ in range(num_starts)]
            for language, values in zip(LANGUAGES, zip(*stalls, strict=True), strict=True):
                whole, own, shown = (statistics.median(column) for column in zip(*values, strict=True))
                print(
                    f"longest stall in the first 3 s after the first paint, {language}   median {whole:.0f} ms, "
                    f"without the queue for a core {own:.0f}, goal {GOAL_MAX_MS}"
                    + (f"; project: first thumbnail {shown:.0f} ms after the paint" if folder else "")
                )


def bench_heartbeat(seconds: float) -> None:
    """Prints how late a timer of the window is while trainings follow each other without a pause."""
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from engine.project import Project
    from gui.app import Program, share_the_machine
    from gui.preferences import Preferences

    os.environ.setdefault("GRAFT_WEIGHTS", str(SHARED / "weights"))
    work = Path(tempfile.mkdtemp())
    os.environ["GRAFT_DATA"] = str(work / "data")
    Project.create(work / "project", "Bench").close()
    share_the_machine()
    app = QApplication([])
    Preferences().set_first_keys_seen()  # as for everyone but a newcomer: its veil is painted over every change
    Preferences().set_auto_retrain(False)  # the trainings are this program's own
    program = Program(app)
    program.start(work / "project")
    lateness: dict[str, list[tuple[float, float]]] = {"idle": [], "importing and embedding": [], "training": []}
    state = {"name": "idle", "last": time.perf_counter(), "queued": _queued_ms(), "trainings": 0}

    def beat() -> None:
        now, queued = time.perf_counter(), _queued_ms()
        late = 1000 * (now - float(state["last"])) - HEARTBEAT_MS
        lateness[str(state["name"])].append((late, late - (queued - float(state["queued"]))))
        state["last"], state["queued"] = now, queued

    def begin() -> None:
        session = program.session
        if session is None or session.project is None:
            QTimer.singleShot(100, begin)
            return
        state["name"] = "importing and embedding"
        session.work.ended.connect(follow)
        session.add_folder(SHARED / "data" / "steel_neu", True)

    def follow(kind: str, end: object) -> None:
        session = program.session
        assert session is not None
        if kind in ("embed", "train") and type(end).__name__ == "JobSucceeded":
            state["trainings"] = int(state["trainings"]) + (kind == "train")
            state["name"] = "training"
            session.retrain()
            if kind == "embed":
                QTimer.singleShot(int(1000 * seconds), app.quit)
        elif type(end).__name__ == "JobFailed":
            print(f"{kind} failed: {end}")
            app.quit()

    timer = QTimer(interval=HEARTBEAT_MS)
    timer.setTimerType(timer.timerType().PreciseTimer)
    timer.timeout.connect(beat)
    timer.start()
    QTimer.singleShot(3000, begin)
    app.exec()
    began = time.perf_counter()
    program.stop()
    print(f"quit while training    {1000 * (time.perf_counter() - began):.0f} ms, goal 2000")
    for name, values in lateness.items():
        if len(values) > 20:
            whole, own = (sorted(max(0.0, each) for each in column) for column in zip(*values[5:], strict=True))
            at = int(0.99 * len(whole))
            print(
                f"event loop {name:<24} late by p50 {whole[len(whole) // 2]:.1f}, p99 {whole[at]:.1f}, "
                f"max {whole[-1]:.1f} ms; without the queue for a core p99 {own[at]:.1f}, max {own[-1]:.1f} ms; "
                f"{len(whole):,} beats (goal p99 {GOAL_P99_MS}, max {GOAL_MAX_MS})"
            )
    print(f"trainings in that time {state['trainings']}")
    shutil.rmtree(work, ignore_errors=True)


def _queued_ms() -> float:
    """Returns how long the main thread has waited for a core so far (Linux; elsewhere 0)."""
    stat = Path("/proc/self/schedstat")  # of the process' first thread, which is the window's
    return int(stat.read_text().split()[1]) / 1e6 if stat.is_file() else 0.0


def main() -> None:
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--project", type=Path, help="a project to be opened at the start, too")
    parser.add_argument("--no-training", action="store_true")
    options = parser.parse_args()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"load before the start  {load:.1f}")
    if options.starts:
        bench_start(options.starts, options.project and options.project.absolute())
    if not options.no_training:
        bench_heartbeat(options.seconds)


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "build")]
    main()
