"""Start of the program to its first painted window, and how even the event loop is while the engine trains flat out.

Run with: python tests/bench/bench_window.py [--starts N] [--no-training]     (a display is needed, Xvfb will do)

The start is measured from outside the program's own code: the kernel's time of the process' start against the time of
the first paint event. Beside it, in the same run and in turns, a window that is Qt alone: load on the machine shows in
both. Then a project of steel_neu pictures is trained over and over while a timer of 4 ms notes how late it is, and how
much of that the window's thread stood in the kernel's queue for a core: that part is the load of other programs, and
the second figure of each row is without it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("GRAFT_SHARED") or ROOT.parent / "shared")
GOAL_START_MS, GOAL_P99_MS, GOAL_MAX_MS = 300, 16, 50
HEARTBEAT_MS = 4

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


def bench_start(num_starts: int) -> None:
    """Prints the medians of the program and of Qt alone."""
    from bundle.screen import first_paint_ms

    with tempfile.TemporaryDirectory() as data:

        def paint_ms(*command: str) -> float:
            return first_paint_ms([sys.executable, *command], {**os.environ, "GRAFT_DATA": data}, ROOT)

        paint_ms("main.py")  # writes the .pyc files
        pairs = [(paint_ms("main.py"), paint_ms("-c", QT_ALONE)) for _ in range(num_starts)]
    ours, bare = (statistics.median(column) for column in zip(*pairs, strict=True))
    best = min(pair[0] for pair in pairs)
    print(
        f"start to first paint   median {ours:.0f} ms (best {best:.0f}), goal {GOAL_START_MS}; Qt alone {bare:.0f} ms"
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
    parser.add_argument("--no-training", action="store_true")
    options = parser.parse_args()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"load before the start  {load:.1f}")
    if options.starts:
        bench_start(options.starts)
    if not options.no_training:
        bench_heartbeat(options.seconds)


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "build")]
    main()
