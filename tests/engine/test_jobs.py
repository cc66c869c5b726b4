"""The engine thread: order, exactly one end per job, cancel, chains, shutdown."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ExportError, InternalError, TrainingError
from engine.events import (
    Event,
    JobCancelled,
    JobEnded,
    JobFailed,
    JobProgressed,
    JobQueued,
    JobStarted,
    JobSucceeded,
)
from engine.jobs import CancelledError, Engine, Priority, QuietContext, run_in_foreground
from tests.engine.job_samples import Deaf, Raises, Sample, SampleInWorker, Steps, StepsInWorker


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine()
    engine.start()
    yield engine
    assert engine.shutdown(5)
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("graft-")]


def taken(engine: Engine) -> list[Event]:
    events = []
    while not engine.events.empty():
        events.append(engine.events.get())
    return events


def ends(events: list[Event], job_id: int) -> list[Event]:
    return [event for event in events if isinstance(event, JobEnded) and event.job_id == job_id]


def until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)


def test_a_job_is_queued_started_and_succeeds_with_what_finish_returned(engine: Engine) -> None:
    diary: list[str] = []
    handle = engine.submit(Sample("x", diary))
    assert handle.wait(5)
    assert taken(engine) == [JobQueued(1, "Sample"), JobStarted(1, "Sample"), JobSucceeded(1, "x")]
    assert diary == ["prepare x", "finish x"]
    assert handle.has_ended
    assert not engine.is_busy


def test_jobs_run_by_priority_then_in_the_order_of_submission() -> None:
    engine, diary = Engine(), []
    for value, priority in enumerate([Priority.BACKGROUND, Priority.NORMAL, Priority.INTERACTIVE, Priority.NORMAL]):
        engine.submit(Sample(value, diary, priority))
    last = engine.submit(Sample(4, diary), Priority.BACKGROUND)
    engine.start()
    assert last.wait(5)
    assert [entry for entry in diary if entry.startswith("prepare")] == [f"prepare {n}" for n in (2, 1, 3, 0, 4)]
    assert engine.shutdown(5)


def test_a_short_job_runs_while_the_worker_is_busy(engine: Engine) -> None:
    heavy = engine.submit(StepsInWorker(400))
    until(lambda: any(isinstance(event, JobProgressed) for event in taken(engine)))
    started = time.monotonic()
    assert engine.submit(Sample("quick")).wait(5)
    assert time.monotonic() - started < 0.5
    assert not heavy.has_ended
    heavy.cancel()
    assert heavy.wait(5)


def test_two_heavy_jobs_run_one_after_the_other(engine: Engine) -> None:
    first, second = engine.submit(StepsInWorker(20)), engine.submit(StepsInWorker(1))
    assert second.wait(20)
    assert first.has_ended
    order = [event.job_id for event in taken(engine) if isinstance(event, JobStarted | JobEnded)]
    assert order == [first.id, first.id, second.id, second.id]


def test_the_end_is_posted_before_the_job_stops_counting_as_busy(engine: Engine) -> None:
    for _ in range(300):
        handle = engine.submit(Sample())
        while engine.is_busy:
            pass
        assert len(ends(taken(engine), handle.id)) == 1


def test_a_job_cancelled_while_it_waits_never_starts(engine: Engine) -> None:
    blocker, diary = engine.submit(Steps(1000)), []
    waiting = engine.submit(Sample("never", diary))
    waiting.cancel()
    assert waiting.has_ended
    blocker.cancel()
    assert blocker.wait(1)
    events = taken(engine)
    assert ends(events, waiting.id) == [JobCancelled(waiting.id)]
    assert JobStarted(waiting.id, "Sample") not in events
    assert diary == []


def test_a_running_job_is_cancelled_within_250_ms_and_cleans_up(engine: Engine) -> None:
    diary: list[str] = []
    handle = engine.submit(Steps(10_000, diary))
    until(lambda: bool(diary))
    started = time.monotonic()
    handle.cancel()
    assert handle.wait(5)
    assert time.monotonic() - started < 0.25
    assert ends(taken(engine), handle.id) == [JobCancelled(handle.id)]
    assert diary == ["prepare 10000", "clean up 10000"]


def test_cancelling_twice_or_after_the_end_changes_nothing(engine: Engine) -> None:
    handle = engine.submit(Sample())
    assert handle.wait(5)
    handle.cancel()
    handle.cancel()
    assert engine.submit(Sample()).wait(5)
    assert len(ends(taken(engine), handle.id)) == 1


@pytest.mark.parametrize(
    ("part", "kind"), [("prepare", TrainingError), ("work", ExportError), ("finish", TrainingError)]
)
def test_an_expected_error_in_any_part_arrives_as_it_was_raised(engine: Engine, part: str, kind: type) -> None:
    handle = engine.submit(Raises(part))
    assert handle.wait(5)
    (end,) = ends(taken(engine), handle.id)
    assert isinstance(end, JobFailed)
    assert type(end.error) is kind
    assert end.details == ""


@pytest.mark.parametrize("kind", ["bug", "exit"])
def test_a_bug_becomes_an_internal_error_with_its_traceback_and_is_logged(
    engine: Engine, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    handle = engine.submit(Raises(kind))
    assert handle.wait(5)
    (end,) = ends(taken(engine), handle.id)
    assert isinstance(end, JobFailed)
    assert isinstance(end.error, InternalError)
    assert "job_samples.py" in end.details
    assert "job_samples.py" in caplog.text
    assert engine.submit(Sample()).wait(5), "the engine lives on"


def test_a_full_disk_in_a_job_is_a_sentence_not_a_bug(engine: Engine) -> None:
    handle = engine.submit(Raises("disk"))
    assert handle.wait(5)
    (end,) = ends(taken(engine), handle.id)
    assert isinstance(end, JobFailed)
    assert "is full" in end.error.message
    assert end.details == ""


def test_a_chain_runs_in_order_as_one_job_with_the_last_result(engine: Engine) -> None:
    diary: list[str] = []
    handle = engine.submit_chain([Sample(1, diary), SampleInWorker(2, diary), Sample(3, diary)], title="Retraining")
    assert handle.wait(20)
    assert taken(engine) == [
        JobQueued(handle.id, "Retraining"),
        JobStarted(handle.id, "Retraining"),
        JobSucceeded(handle.id, 3),
    ]
    assert diary == [f"{part} {n}" for n in (1, 2, 3) for part in ("prepare", "finish")]


def test_a_failure_ends_a_chain(engine: Engine) -> None:
    diary: list[str] = []
    handle = engine.submit_chain([Sample(1, diary), Raises("work"), Sample(3, diary)])
    assert handle.wait(5)
    (end,) = ends(taken(engine), handle.id)
    assert isinstance(end, JobFailed)
    assert diary == ["prepare 1", "finish 1"]


def test_a_cancel_ends_a_chain(engine: Engine) -> None:
    diary: list[str] = []
    handle = engine.submit_chain([Steps(10_000, diary), Sample(2, diary)])
    until(lambda: bool(diary))
    handle.cancel()
    assert handle.wait(1)
    assert ends(taken(engine), handle.id) == [JobCancelled(handle.id)]
    assert diary == ["prepare 10000", "clean up 10000"]


def test_shutdown_while_busy_ends_every_job_within_two_seconds() -> None:
    engine = Engine()
    engine.start()
    handles = [engine.submit(StepsInWorker(10_000)), engine.submit(Steps(10_000))]
    handles += [engine.submit(Sample(n)) for n in range(20)]
    until(lambda: sum(isinstance(event, JobStarted) for event in list_of_started(engine)) == 2)
    started = time.monotonic()
    assert engine.shutdown(2)
    assert time.monotonic() - started < 2
    assert all(handle.has_ended for handle in handles)
    assert not engine.is_busy
    assert engine.worker_pid is None
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("graft-")]


def list_of_started(engine: Engine, seen: list[Event] = []) -> list[Event]:  # noqa: B006 - collects between calls
    seen.extend(taken(engine))
    return seen


def test_shutdown_does_not_wait_for_a_deaf_job_and_still_posts_its_end() -> None:
    engine = Engine()
    engine.start()
    handle = engine.submit(Deaf(1.0))
    until(lambda: any(isinstance(event, JobProgressed) for event in taken(engine)))
    started = time.monotonic()
    assert not engine.shutdown(0.3)
    assert time.monotonic() - started < 0.6
    assert ends(taken(engine), handle.id) == [JobCancelled(handle.id)]
    until(lambda: not [thread for thread in threading.enumerate() if thread.name == "graft-engine"])
    assert ends(taken(engine), handle.id) == [], "the late end of the deaf job is not posted again"


def test_shutting_down_again_or_without_a_start_does_nothing() -> None:
    engine = Engine()
    handle = engine.submit(Sample())
    assert engine.shutdown()
    assert engine.shutdown()
    assert taken(engine) == [JobQueued(handle.id, "Sample"), JobCancelled(handle.id)]


def test_a_job_submitted_after_shutdown_is_cancelled_at_once() -> None:
    engine = Engine()
    engine.start()
    assert engine.shutdown()
    handle = engine.submit(Sample())
    assert handle.has_ended
    assert taken(engine) == [JobQueued(handle.id, "Sample"), JobCancelled(handle.id)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["sample", "steps", "bug", "chain"]),
            st.sampled_from(list(Priority)),
            st.one_of(st.none(), st.floats(0, 0.01)),
        ),
        min_size=1,
        max_size=12,
    ),
    st.booleans(),
)
def test_every_job_ends_exactly_once_whatever_is_cancelled_when(
    plan: list[tuple[str, Priority, float | None]], is_shut_down_early: bool
) -> None:
    engine = Engine()
    engine.start()
    handles, cancellers = [], []
    for kind, priority, cancel_after_s in plan:
        if kind == "chain":
            handle = engine.submit_chain([Sample(1), Steps(1), Sample(3)], priority)
        else:
            job = {"sample": Sample(1), "steps": Steps(2), "bug": Raises("bug")}[kind]
            handle = engine.submit(job, priority)
        handles.append(handle)
        if cancel_after_s is not None:
            cancellers.append(threading.Timer(cancel_after_s, handle.cancel))
            cancellers[-1].start()
    if not is_shut_down_early:
        assert all(handle.wait(10) for handle in handles)
    assert engine.shutdown(5)
    for canceller in cancellers:
        canceller.join()
    events = taken(engine)
    for handle in handles:
        own = [event for event in events if getattr(event, "job_id", None) == handle.id]
        assert isinstance(own[0], JobQueued)
        assert sum(isinstance(event, JobEnded) for event in own) == 1
        assert isinstance(own[-1], JobEnded)


def test_in_the_foreground_a_job_returns_its_outcome_and_raises_its_errors() -> None:
    assert run_in_foreground(SampleInWorker("y")) == "y"
    with pytest.raises(ExportError):
        run_in_foreground(Raises("work"), QuietContext())


def test_in_the_foreground_an_interrupted_job_cleans_up() -> None:
    class Interrupted(QuietContext):
        def checkpoint(self) -> None:
            raise CancelledError

    diary: list[str] = []
    with pytest.raises(CancelledError):
        run_in_foreground(Steps(5, diary), Interrupted())
    assert diary == ["prepare 5", "clean up 5"]
