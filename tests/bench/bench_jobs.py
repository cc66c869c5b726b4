"""How fast jobs are cancelled, how long the end takes while busy, and how steady the event loop is meanwhile.

Run it: `python tests/bench/bench_jobs.py`. One line per figure, medians of REPEATS; the load of the machine at the end.
Goals (FIGURES.md): cancel of any job <= 250 ms, quit while training <= 2 s, event loop p99 <= 16 ms and max <= 50 ms.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

os.environ["OPENBLAS_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) - 1))  # as with the window open

import numpy as np
from PySide6.QtCore import QCoreApplication, Qt, QTimer

from engine.events import JobProgressed
from engine.job import JobContext
from engine.jobs import Engine
from gui.engine_bridge import EngineBridge
from tests.engine.job_samples import Deaf, DeafInWorker, Sample, SampleInWorker, Steps, StepsInWorker

REPEATS = 9
HEARTBEAT_MS = 5
HEARTBEAT_SECONDS = 5


class Arithmetic(Sample):
    """Keeps every thread of numpy busy until it is cancelled."""

    @staticmethod
    def work(snapshot: int, context: JobContext) -> None:
        matrix = np.random.default_rng(0).random((700, 700), dtype=np.float32)
        for step in range(1_000_000):
            context.checkpoint()
            context.progress(step % 1000, 1000, f"{step} steps")
            matrix = np.tanh(matrix @ matrix)


class ArithmeticInWorker(Arithmetic):
    in_worker = True


def main() -> None:
    """Prints all figures."""
    engine = Engine()
    engine.start()
    engine.submit(SampleInWorker()).wait()
    _report("round trip of an empty job, thread", _median(lambda: _seconds(lambda: engine.submit(Sample()).wait())))
    _report(
        "round trip of an empty job, worker", _median(lambda: _seconds(lambda: engine.submit(SampleInWorker()).wait()))
    )
    for name, job in {
        "cancel at a checkpoint, thread": Steps,
        "cancel at a checkpoint, worker": StepsInWorker,
        "cancel without a checkpoint, worker": DeafInWorker,
    }.items():
        _report(name, _median(lambda job=job: _seconds_to_cancel(engine, job(1000))))  # type: ignore[misc]
    engine.shutdown()
    for name, job in {"quit, worker busy": DeafInWorker, "quit, thread at a checkpoint": Steps}.items():
        _report(name, _median(lambda job=job: _seconds_to_quit(job(1000)), 3))  # type: ignore[misc]
    _report("quit, thread deaf for 1 s", _median(lambda: _seconds_to_quit(Deaf(1)), 3))
    for name, busy in {"idle": None, "thread busy": Arithmetic(), "worker busy": ArithmeticInWorker()}.items():
        late = _heartbeat(busy)
        for percent in (50, 99, 100):
            _report(f"event loop late, {name}, p{percent}", float(np.percentile(late, percent)))
    print(f"load {os.getloadavg()[0]:.1f}")


def _seconds_to_cancel(engine: Engine, job: Sample) -> float:
    handle = engine.submit(job)
    while not isinstance(engine.events.get(), JobProgressed):
        pass
    return _seconds(lambda: (handle.cancel(), handle.wait()))


def _seconds_to_quit(job: Sample) -> float:
    engine = Engine()
    engine.start()
    engine.submit(job)
    while not isinstance(engine.events.get(), JobProgressed):
        pass
    return _seconds(lambda: engine.shutdown(2.0))


def _heartbeat(job: Sample | None) -> list[float]:
    """Returns by how many seconds each beat of a 5 ms timer came too late while the job ran."""
    app = QCoreApplication.instance() or QCoreApplication([])
    engine = Engine()
    engine.start()
    bridge = EngineBridge(engine)
    timer = QTimer(interval=HEARTBEAT_MS, timerType=Qt.TimerType.PreciseTimer)
    beats: list[float] = []
    timer.timeout.connect(lambda: beats.append(time.perf_counter()))
    if job is not None:
        bridge.submit(job)
        while not isinstance(engine.events.get(), JobProgressed):
            pass
    timer.start()
    QTimer.singleShot(1000 * HEARTBEAT_SECONDS, app.quit)
    app.exec()
    timer.stop()
    engine.shutdown()
    return [max(0.0, beat - before - HEARTBEAT_MS / 1000) for before, beat in pairwise(beats)]


def _seconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def _median(measure: Callable[[], float], repeats: int = REPEATS) -> float:
    return statistics.median(measure() for _ in range(repeats))


def _report(what: str, seconds: float) -> None:
    print(f"{what:<45}{seconds * 1000:10.1f} ms", flush=True)


if __name__ == "__main__":
    main()
