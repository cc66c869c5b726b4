"""The bridge delivers what the engine says in the GUI thread, and rests when there is nothing to wait for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from engine.errors import AppError, InternalError, StoreError
from engine.events import EmbeddingsAdded, ImagesAdded, JobCancelled, JobFailed, JobQueued, JobStarted, JobSucceeded
from engine.jobs import Engine
from gui.engine_bridge import EngineBridge
from tests.engine.job_samples import EmitsInWorker, Raises, Sample, Steps

SIGNALS = ("job_queued", "job_started", "job_succeeded", "job_cancelled", "job_failed", "job_ended")


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine()
    engine.start()
    yield engine
    assert engine.shutdown(5)


@pytest.fixture
def bridge(qtbot: QtBot, engine: Engine) -> EngineBridge:
    return EngineBridge(engine)


def record(bridge: EngineBridge) -> list[tuple[str, Any]]:
    heard: list[tuple[str, Any]] = []
    for name in SIGNALS:
        getattr(bridge, name).connect(lambda event, name=name: heard.append((name, event)))
    return heard


def test_a_job_arrives_as_signals_in_order_in_the_gui_thread(qtbot: QtBot, bridge: EngineBridge) -> None:
    heard, threads = record(bridge), []
    bridge.job_succeeded.connect(lambda event: threads.append(threading.current_thread()))
    with qtbot.waitSignal(bridge.job_ended, timeout=5000):
        handle = bridge.submit(Sample("x"))
    success = JobSucceeded(handle.id, "x")
    assert heard == [
        ("job_queued", JobQueued(handle.id, "Sample")),
        ("job_started", JobStarted(handle.id, "Sample")),
        ("job_succeeded", success),
        ("job_ended", success),
    ]
    assert threads == [threading.main_thread()]


def test_a_chain_ends_once_with_its_own_title(qtbot: QtBot, bridge: EngineBridge) -> None:
    heard = record(bridge)
    with qtbot.waitSignal(bridge.job_ended, timeout=5000):
        handle = bridge.submit([Sample(1), Sample(2)], title="Retraining")
    assert heard[0] == ("job_queued", JobQueued(handle.id, "Retraining"))
    assert [name for name, _ in heard].count("job_ended") == 1


def test_progress_failure_and_cancel_have_signals_of_their_own(qtbot: QtBot, bridge: EngineBridge) -> None:
    heard = record(bridge)
    with qtbot.waitSignal(bridge.job_progressed, timeout=5000):
        steps = bridge.submit(Steps(10_000))
    with qtbot.waitSignal(bridge.job_cancelled, timeout=5000):
        steps.cancel()
    with qtbot.waitSignal(bridge.job_failed, timeout=5000):
        bridge.submit(Raises("work"))
    kinds = [type(event) for name, event in heard if name == "job_ended"]
    assert kinds == [JobCancelled, JobFailed]


def test_the_end_of_one_job_can_be_asked_for(qtbot: QtBot, bridge: EngineBridge) -> None:
    ends: list[Any] = []
    bridge.submit(Sample("other"))
    handle = bridge.submit(Sample("mine"), on_end=ends.append)
    qtbot.waitUntil(lambda: not bridge.is_active, timeout=5000)
    assert ends == [JobSucceeded(handle.id, "mine")]


def test_events_of_the_worker_process_arrive(qtbot: QtBot, bridge: EngineBridge) -> None:
    images: list[Any] = []
    bridge.images_added.connect(images.append)
    with qtbot.waitSignal(bridge.job_succeeded, timeout=20_000):
        bridge.submit(EmitsInWorker(5))
    assert images == [ImagesAdded(7)] * 5


def test_any_event_can_be_fed_without_running_anything(qtbot: QtBot, engine: Engine, bridge: EngineBridge) -> None:
    with qtbot.waitSignal(bridge.embeddings_added, timeout=5000) as blocker:
        engine.events.put(EmbeddingsAdded(3))
        bridge.wake()
    assert blocker.args == [EmbeddingsAdded(3)]


def test_the_timer_rests_unless_there_is_something_to_wait_for(qtbot: QtBot, bridge: EngineBridge) -> None:
    busy: list[bool] = []
    bridge.busy_changed.connect(busy.append)
    assert not bridge.is_active
    bridge.submit(Sample())
    assert bridge.is_active
    qtbot.waitUntil(lambda: not bridge.is_active, timeout=5000)
    future: Future[int] = Future()
    bridge.when_done(future, lambda value: None)
    qtbot.wait(100)
    assert bridge.is_active, "a future is still open"
    future.set_result(1)
    qtbot.waitUntil(lambda: not bridge.is_active, timeout=5000)
    assert busy == [True, False, True, False]


def test_no_end_is_missed_when_jobs_come_and_go_quickly(qtbot: QtBot, bridge: EngineBridge) -> None:
    ended: list[int] = []
    bridge.job_ended.connect(lambda event: ended.append(event.job_id))
    handles = []
    for _ in range(20):
        handles += [bridge.submit(Sample()) for _ in range(10)]
        qtbot.wait(3)
    qtbot.waitUntil(lambda: not bridge.is_active, timeout=5000)
    assert ended == [handle.id for handle in handles]


def test_futures_are_delivered_in_the_gui_thread_and_in_order(qtbot: QtBot, bridge: EngineBridge) -> None:
    got: list[int] = []

    def on_success(value: int) -> None:
        assert threading.current_thread() is threading.main_thread()
        got.append(value)

    with ThreadPoolExecutor(1) as store:
        for number in range(200):
            bridge.when_done(store.submit(int, number), on_success, lambda err: got.append(-1))
        qtbot.waitUntil(lambda: not bridge.is_active, timeout=5000)
    assert got == list(range(200))


@pytest.mark.parametrize(
    ("raised", "kind"), [(StoreError("The disk is full."), StoreError), (KeyError("x"), InternalError)]
)
def test_a_failed_future_calls_on_error_with_a_sentence(
    qtbot: QtBot, bridge: EngineBridge, raised: Exception, kind: type[AppError]
) -> None:
    errors: list[AppError] = []
    future: Future[int] = Future()
    bridge.when_done(future, lambda value: pytest.fail("not a success"), errors.append)
    future.set_exception(raised)
    qtbot.waitUntil(lambda: bool(errors), timeout=5000)
    assert type(errors[0]) is kind


def test_a_cancelled_future_is_told_as_an_error(qtbot: QtBot, bridge: EngineBridge) -> None:
    errors: list[AppError] = []
    future: Future[int] = Future()
    future.cancel()
    bridge.when_done(future, None, errors.append)
    qtbot.waitUntil(lambda: bool(errors), timeout=5000)
    assert isinstance(errors[0], StoreError)


def test_a_failing_receiver_does_not_keep_the_next_result_from_its_own(qtbot: QtBot, bridge: EngineBridge) -> None:
    got: list[int] = []

    def fail(value: int) -> None:
        raise RuntimeError("a bug in a panel")

    done: list[Future[int]] = [Future(), Future()]
    bridge.when_done(done[0], fail)
    bridge.when_done(done[1], got.append)
    with qtbot.captureExceptions() as exceptions:
        for future in done:
            future.set_result(7)
        qtbot.waitUntil(lambda: not bridge.is_active, timeout=5000)
    assert got == [7]
    assert [kind for kind, _, _ in exceptions] == [RuntimeError]
