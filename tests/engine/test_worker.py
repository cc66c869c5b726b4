"""The worker process: real cancel, crashes that are only failed jobs, no process left behind."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.errors import AppError, ExportError, InternalError, WorkerError
from engine.events import Event, ImagesAdded, JobCancelled, JobEnded, JobFailed, JobProgressed, JobSucceeded
from engine.jobs import AnyJob, Engine, JobHandle, Priority, WorkerOptions
from tests.engine import job_samples
from tests.engine.job_samples import (
    DeafInWorker,
    EmitsInWorker,
    Environment,
    KilledInWorker,
    LeavesAFile,
    ProcessId,
    RaisesInWorker,
    ResumableInWorker,
    Reverses,
    Sample,
    SampleInWorker,
    StepsInWorker,
    UnpicklableResult,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine(WorkerOptions(num_threads=1))
    engine.start()
    yield engine
    assert engine.shutdown(5)


def end_of(engine: Engine, handle: JobHandle, seen: list[Event] | None = None) -> Event:
    """Waits for the end of a job; all its events go to `seen`."""
    assert handle.wait(30)
    while True:
        event = engine.events.get(timeout=5)
        if seen is not None:
            seen.append(event)
        if isinstance(event, JobEnded) and event.job_id == handle.id:
            return event


def next_event(engine: Engine, kind: type) -> Event:
    while not isinstance(event := engine.events.get(timeout=20), kind):
        pass
    return event


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")")[-1].split()[0] != "Z"
    except OSError:
        return False


def test_work_runs_in_another_process_that_stays_warm(engine: Engine) -> None:
    first, second = (end_of(engine, engine.submit(ProcessId())) for _ in range(2))
    assert isinstance(first, JobSucceeded)
    assert isinstance(second, JobSucceeded)
    assert first.result != os.getpid()
    assert first.result == second.result == engine.worker_pid


def test_a_checkpoint_cancels_and_keeps_the_worker(engine: Engine) -> None:
    handle = engine.submit(StepsInWorker(100_000))
    next_event(engine, JobProgressed)
    pid, started = engine.worker_pid, time.monotonic()
    handle.cancel()
    assert end_of(engine, handle) == JobCancelled(handle.id)
    assert time.monotonic() - started < 0.25
    assert engine.worker_pid == pid


def test_a_cancel_that_comes_too_late_does_not_hit_the_next_job(engine: Engine) -> None:
    for _ in range(30):
        late = engine.submit(SampleInWorker(1))
        time.sleep(0.001)
        late.cancel()
        assert isinstance(end_of(engine, engine.submit(StepsInWorker(1))), JobSucceeded)


def test_a_deaf_job_is_killed_soon_and_the_next_one_runs(engine: Engine) -> None:
    handle = engine.submit(DeafInWorker(60))
    next_event(engine, JobProgressed)
    pid, started = engine.worker_pid, time.monotonic()
    assert pid is not None
    handle.cancel()
    assert end_of(engine, handle) == JobCancelled(handle.id)
    assert time.monotonic() - started < 0.5, "tests/bench measures the 250 ms"
    assert not is_running(pid)
    assert isinstance(end_of(engine, engine.submit(SampleInWorker("again"))), JobSucceeded)


def test_a_resumable_job_makes_way_for_a_more_urgent_one_and_is_begun_again(engine: Engine) -> None:
    diary: list[str] = []
    long = engine.submit(ResumableInWorker(150, diary, Priority.BACKGROUND))
    next_event(engine, JobProgressed)
    pid = engine.worker_pid
    assert engine.submit(SampleInWorker("urgent"), Priority.INTERACTIVE).wait(0.6)
    assert not long.has_ended
    seen: list[Event] = []
    assert end_of(engine, long, seen) == JobSucceeded(long.id, 150)
    assert sum(isinstance(event, JobEnded) and event.job_id == long.id for event in seen) == 1
    assert diary == ["prepare 150", "clean up 150", "prepare 150", "finish 150"]
    assert engine.worker_pid == pid, "the warm process is kept"


def test_a_resumable_job_does_not_make_way_for_its_equals(engine: Engine) -> None:
    diary: list[str] = []
    first = engine.submit(ResumableInWorker(40, diary))
    next_event(engine, JobProgressed)
    end_of(engine, engine.submit(SampleInWorker()))
    assert first.has_ended
    assert diary == ["prepare 40", "finish 40"]


def test_a_paused_job_can_be_cancelled_at_any_moment(engine: Engine) -> None:
    for delay_s in (0, 0.001, 0.003, 0.01, 0.03, 0.1):
        long = engine.submit(ResumableInWorker(10_000, priority=Priority.BACKGROUND))
        next_event(engine, JobProgressed)
        urgent = engine.submit(StepsInWorker(10), Priority.INTERACTIVE)
        time.sleep(delay_s)
        long.cancel()
        assert long.wait(0.5)
        assert urgent.wait(5)
        ends = []
        while not engine.events.empty():
            event = engine.events.get()
            ends += [event] if isinstance(event, JobEnded) else []
        assert sorted(ends, key=lambda end: end.job_id) == [JobCancelled(long.id), JobSucceeded(urgent.id, 10)]


def test_every_heavy_job_ends_exactly_once_whatever_happens_to_it(engine: Engine) -> None:
    chance = random.Random(7)
    kinds: list[Callable[[], list[AnyJob]]] = [
        lambda: [StepsInWorker(4)],
        lambda: [Sample()],
        lambda: [ResumableInWorker(20)],
        lambda: [DeafInWorker(0.3)],
        lambda: [Sample(), StepsInWorker(2), Sample()],
        lambda: [RaisesInWorker("work")],
        lambda: [KilledInWorker("kill")],
    ]
    handles, timers = [], []
    for _ in range(60):
        jobs = chance.choices(kinds, weights=[8, 4, 4, 1, 4, 4, 0.5])[0]()
        handles.append(engine.submit_chain(jobs, chance.choice(list(Priority))))
        if chance.random() < 0.5:
            timers.append(threading.Timer(chance.random() * 1.5, handles[-1].cancel))
            timers[-1].start()
        time.sleep(chance.random() * 0.02)
    assert all(handle.wait(60) for handle in handles)
    for timer in timers:
        timer.join()
    ends = []
    while not engine.events.empty():
        event = engine.events.get()
        ends += [event.job_id] if isinstance(event, JobEnded) else []
    assert sorted(ends) == [handle.id for handle in handles]
    assert not engine.is_busy


def test_what_a_killed_job_left_behind_is_removed(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "half"
    handle = engine.submit(LeavesAFile(str(file)))
    next_event(engine, ImagesAdded)
    assert file.exists()
    handle.cancel()
    assert end_of(engine, handle) == JobCancelled(handle.id)
    assert not file.exists()


@pytest.mark.parametrize("kind", ["kill", "segfault"])
def test_a_crash_of_the_worker_is_a_failed_job_with_a_sentence(engine: Engine, kind: str) -> None:
    end = end_of(engine, engine.submit(KilledInWorker(kind)))
    assert isinstance(end, JobFailed)
    assert isinstance(end.error, WorkerError)
    assert ("SIGKILL" if kind == "kill" else "SIGSEGV") in end.error.message
    assert end.error.hint
    assert isinstance(end_of(engine, engine.submit(SampleInWorker("again"))), JobSucceeded)


def test_a_worker_killed_from_outside_while_idle_is_replaced(engine: Engine) -> None:
    end_of(engine, engine.submit(SampleInWorker()))
    assert engine.worker_pid is not None
    os.kill(engine.worker_pid, signal.SIGKILL)
    assert isinstance(end_of(engine, engine.submit(SampleInWorker("again"))), JobSucceeded)


def test_errors_cross_the_process_border_as_they_were_raised(engine: Engine) -> None:
    end = end_of(engine, engine.submit(RaisesInWorker("work")))
    assert isinstance(end, JobFailed)
    assert type(end.error) is ExportError
    assert (end.error.message, end.error.hint) == ("The copy differs from the original.", "Report this.")


def test_a_bug_in_the_worker_brings_its_traceback_home(engine: Engine) -> None:
    end = end_of(engine, engine.submit(RaisesInWorker("bug")))
    assert isinstance(end, JobFailed)
    assert isinstance(end.error, InternalError)
    assert "a bug of ours" in end.details


@pytest.mark.parametrize("job", [SampleInWorker(lambda: None), UnpicklableResult()], ids=["snapshot", "result"])
def test_what_cannot_be_pickled_is_a_failed_job(engine: Engine, job: SampleInWorker) -> None:
    end = end_of(engine, engine.submit(job))
    assert isinstance(end, JobFailed)
    assert isinstance(end.error, InternalError)


def test_all_events_arrive_and_progress_is_limited(engine: Engine) -> None:
    seen: list[Event] = []
    started = time.monotonic()
    end_of(engine, engine.submit(EmitsInWorker(50)), seen)
    seconds = time.monotonic() - started
    assert seen.count(ImagesAdded(7)) == 50
    progress = [event for event in seen if isinstance(event, JobProgressed)]
    assert len(progress) <= 3 + 20 * seconds
    assert (progress[-1].done, progress[-1].total) == (20_000, 20_000)


def test_a_large_snapshot_and_result_pass(engine: Engine) -> None:
    data = b"first" + bytes(60_000_000) + b"last"
    end = end_of(engine, engine.submit(Reverses(data)))
    assert isinstance(end, JobSucceeded)
    assert end.result == data[::-1]


def test_the_worker_has_few_threads_sleeping_waits_and_low_priority(engine: Engine) -> None:
    end = end_of(engine, engine.submit(Environment()))
    assert isinstance(end, JobSucceeded)
    assert end.result["torch_threads"] == 1
    assert end.result["policy"] == "PASSIVE"
    assert end.result["niceness"] > os.nice(0)


def test_every_error_of_the_family_survives_pickling() -> None:
    import pickle

    family, waiting = [], [AppError]
    while waiting:
        family.append(waiting.pop())
        waiting.extend(family[-1].__subclasses__())
    for kind in family:
        error = pickle.loads(pickle.dumps(kind("It broke.", "Mend it.")))
        assert type(error) is kind
        assert (error.message, error.hint, str(error)) == ("It broke.", "Mend it.", "It broke. Mend it.")


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is not there on Windows")
def test_the_worker_goes_when_the_program_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        "import sys, time\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from engine.jobs import Engine\n"
        "from tests.engine.job_samples import DeafInWorker, StepsInWorker\n"
        "if __name__ == '__main__':\n"
        "    engine = Engine()\n"
        "    engine.start()\n"
        "    engine.submit(StepsInWorker(1)).wait(20)\n"
        "    engine.submit(DeafInWorker(60))\n"
        "    time.sleep(0.3)\n"
        "    print(engine.worker_pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    program = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    worker_pid = int(program.stdout.readline())
    assert is_running(worker_pid)
    program.kill()
    program.wait()
    program.stdout.close()
    deadline = time.monotonic() + 2
    while is_running(worker_pid):
        assert time.monotonic() < deadline, "the worker outlived the program"
        time.sleep(0.01)


def test_the_samples_are_importable_by_the_worker() -> None:
    assert job_samples.__name__ == "tests.engine.job_samples"


def test_a_worker_whose_program_ended_while_it_was_starting_ends_without_a_word(repository: Path) -> None:
    code = """
import threading
from engine.worker import WorkerOptions, worker_main

class Gone:
    def send_bytes(self, data):
        raise BrokenPipeError(32, "Broken pipe")

    def recv_bytes(self):
        threading.Event().wait()

worker_main(Gone(), WorkerOptions())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
