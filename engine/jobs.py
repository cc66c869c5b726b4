"""The engine: one thread that runs jobs in order of priority, and a supervised worker process for the heavy ones.

Three threads see a job. Whoever submits it gets a handle at once. The *engine thread* runs `prepare`, `finish` and the
`work` of short jobs, so the project is touched from one thread. The *supervisor thread* waits for the worker process
while heavy work runs there, so short jobs (a head refit) go on beside it. What happens is told on `Engine.events`.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from engine.events import Event, JobCancelled, JobEnded, JobFailed, JobProgressed, JobQueued, JobStarted, JobSucceeded
from engine.job import (
    CancelledError,
    Job,
    JobContext,
    Outcome,
    Priority,
    QuietContext,
    Result,
    RunningContext,
    Snapshot,
    failure_of,
    run_in_foreground,
)
from engine.worker import (
    CANCEL_GRACE_S,
    PAUSE_GRACE_S,
    Cancelled,
    Failed,
    Reply,
    StopRequest,
    Succeeded,
    Task,
    Worker,
    WorkerOptions,
    run_work,
)

__all__ = [
    "AnyJob",
    "CancelledError",
    "Engine",
    "Job",
    "JobContext",
    "JobHandle",
    "Outcome",
    "Priority",
    "QuietContext",
    "Result",
    "Snapshot",
    "WorkerOptions",
    "run_in_foreground",
]

log = logging.getLogger("graft.engine")

AnyJob = Job[Any, Any, Any]


@dataclass(eq=False, slots=True)
class _Entry:
    """A submitted job, or chain of jobs, until it has ended. Guarded by the engine's lock, except `cancelled`."""

    id: int
    title: str
    priority: int
    steps: Sequence[AnyJob]
    step: int = 0
    cancelled: threading.Event = field(default_factory=threading.Event)
    stop: StopRequest = field(default_factory=StopRequest)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def job(self) -> AnyJob:
        return self.steps[self.step]


class JobHandle:
    """What the submitter keeps of a job or chain. Usable from any thread."""

    def __init__(self, engine: Engine, entry: _Entry) -> None:
        self._engine = engine
        self._entry = entry

    @property
    def id(self) -> int:
        """The `job_id` of its events."""
        return self._entry.id

    @property
    def has_ended(self) -> bool:
        return self._entry.ended.is_set()

    def cancel(self) -> None:
        """Ends the job as cancelled, soon. Does nothing when it has ended or is just writing its result."""
        self._engine._cancel(self._entry)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Waits for the end and returns whether it has come. Never call it in the GUI thread."""
        return self._entry.ended.wait(timeout_s)


class Engine:
    """Runs jobs. Every job submitted gets exactly one JobEnded on `events`, whatever happens.

    `events` is written by any of the engine's threads and meant for one reader.
    """

    def __init__(self, options: WorkerOptions | None = None) -> None:
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._waiting: list[_Entry] = []
        self._replies: deque[tuple[_Entry, Reply]] = deque()
        self._live: set[_Entry] = set()
        self._in_worker: _Entry | None = None
        self._is_stopping = False
        self._last_id = 0
        self._thread: threading.Thread | None = None
        self._supervisor: threading.Thread | None = None
        self._tasks: queue.SimpleQueue[tuple[_Entry, Task] | None] = queue.SimpleQueue()
        self._worker = Worker(options or WorkerOptions())

    @property
    def is_busy(self) -> bool:
        """Whether any job has not ended. An end is on `events` before its job stops counting here."""
        with self._changed:
            return bool(self._live)

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker, while there is one."""
        return self._worker.pid

    def start(self) -> None:
        """Starts the engine thread. Jobs may be submitted before."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="graft-engine", daemon=True)
            self._thread.start()

    def submit(self, job: AnyJob, priority: Priority | None = None) -> JobHandle:
        """Queues a job; lower priorities run first, equal ones in the order of submission."""
        return self._submit([job], job.title, job.priority if priority is None else priority)

    def submit_chain(
        self, jobs: Sequence[AnyJob], priority: Priority | None = None, title: str | None = None
    ) -> JobHandle:
        """Queues jobs that run one after the other as one: one id, one title, one end.

        Each job is prepared after the one before has finished. The first failure or cancel ends the chain. The result
        is that of the last job; so are, by default, the title and the priority.
        """
        goal = jobs[-1]
        return self._submit(list(jobs), title or goal.title, goal.priority if priority is None else priority)

    def shutdown(self, timeout_s: float = 2.0) -> bool:
        """Cancels everything, ends the worker and the threads; returns whether all was over in time.

        After it, each job has had its end, also one that did not react; such a thread dies with the program. What is
        submitted later is cancelled at once.
        """
        deadline = time.monotonic() + timeout_s
        with self._changed:
            self._is_stopping = True
            live = list(self._live)
            self._changed.notify_all()
        for entry in live:
            self._cancel(entry)
        has_stopped = _join(self._thread, deadline)
        self._tasks.put(None)
        if _join(self._supervisor, deadline):
            self._worker.close()
        else:
            has_stopped = False
        for entry in live:
            self._end(entry, JobCancelled(entry.id))
        if not has_stopped:
            log.warning("A job did not stop within %.1f s at the end of the program.", timeout_s)
        return has_stopped

    # ---- any thread ----

    def _submit(self, steps: Sequence[AnyJob], title: str, priority: int) -> JobHandle:
        with self._changed:
            self._last_id += 1
            entry = _Entry(self._last_id, title, priority, steps)
            self._live.add(entry)
            self.events.put(JobQueued(entry.id, title))
            if self._is_stopping:
                self._end(entry, JobCancelled(entry.id))
            else:
                self._waiting.append(entry)
                self._make_way_for(entry)
                self._changed.notify_all()
        return JobHandle(self, entry)

    def _make_way_for(self, entry: _Entry) -> None:
        """Pauses the job in the worker when `entry` is more urgent and needs its place. Under the lock."""
        running = self._in_worker
        if running is None or not entry.job.in_worker or not running.job.is_resumable:
            return
        if entry.priority < running.priority:
            running.stop.set(PAUSE_GRACE_S)
            self._worker.wake()

    def _cancel(self, entry: _Entry) -> None:
        with self._changed:
            entry.cancelled.set()
            entry.stop.set(CANCEL_GRACE_S)
            if entry in self._waiting:
                self._waiting.remove(entry)
                self._end(entry, JobCancelled(entry.id))
            elif entry is self._in_worker:
                self._worker.wake()

    def _end(self, entry: _Entry, end: JobEnded) -> None:
        """Posts the end of a job, once; later calls for the same job do nothing."""
        with self._changed:
            if entry not in self._live:
                return
            self.events.put(end)
            self._live.remove(entry)
            entry.ended.set()
            self._changed.notify_all()

    # ---- the engine thread ----

    def _run(self) -> None:
        while (turn := self._wait_for_turn()) is not None:
            turn()

    def _wait_for_turn(self) -> Callable[[], None] | None:
        """Returns what to do next, or None when the engine stops."""
        with self._changed:
            while True:
                if self._replies:
                    return partial(self._conclude, *self._replies.popleft())
                entry = self._next_waiting()
                if entry is not None:
                    self._waiting.remove(entry)
                    if entry.job.in_worker:
                        self._in_worker = entry
                    return partial(self._begin, entry)
                if self._is_stopping and self._in_worker is None:
                    return None
                self._changed.wait()

    def _next_waiting(self) -> _Entry | None:
        """Returns the first entry by (priority, age) that can run now; there is one place in the worker."""
        can_run = [entry for entry in self._waiting if not (entry.job.in_worker and self._in_worker is not None)]
        return min(can_run, key=lambda entry: (entry.priority, entry.id), default=None)

    def _begin(self, entry: _Entry) -> None:
        job = entry.job
        if entry.step == 0:
            self.events.put(JobStarted(entry.id, entry.title))
        try:
            snapshot = job.prepare()
        except BaseException as err:  # noqa: BLE001 - the job runner
            self._conclude(entry, Failed(*failure_of(err)))
            return
        if job.in_worker:
            if self._supervisor is None:
                self._supervisor = threading.Thread(target=self._supervise, name="graft-supervisor", daemon=True)
                self._supervisor.start()
            self._tasks.put((entry, Task(entry.id, type(job), snapshot)))
        else:
            context = RunningContext(entry.id, entry.cancelled, self.events.put)
            self._conclude(entry, run_work(type(job), snapshot, context))

    def _conclude(self, entry: _Entry, reply: Reply) -> None:
        """Finishes the entry's present step, then ends the entry or queues its next step."""
        outcome: object = None
        if entry.cancelled.is_set():
            reply = Cancelled()
        elif isinstance(reply, Cancelled) and entry.stop.is_set():
            self._pause(entry)
            return
        if isinstance(reply, Succeeded):
            try:
                outcome = entry.job.finish(reply.result)
            except BaseException as err:  # noqa: BLE001 - the job runner
                reply = Failed(*failure_of(err))
        if not isinstance(reply, Succeeded):
            self._clean_up(entry.job)
        with self._changed:
            if entry is self._in_worker:
                self._in_worker = None
                self._changed.notify_all()
            has_next = isinstance(reply, Succeeded) and entry.step + 1 < len(entry.steps)
            if has_next and not entry.cancelled.is_set():
                entry.step += 1
                entry.stop = StopRequest()
                self._waiting.append(entry)
                self._make_way_for(entry)
                return
        if has_next:
            self._end(entry, JobCancelled(entry.id))
        elif isinstance(reply, Succeeded):
            self._end(entry, JobSucceeded(entry.id, outcome))
        elif isinstance(reply, Cancelled):
            self._end(entry, JobCancelled(entry.id))
        else:
            if reply.details:
                log.error("The job %r failed:\n%s", entry.title, reply.details)
            self._end(entry, JobFailed(entry.id, reply.error, reply.details))

    def _pause(self, entry: _Entry) -> None:
        """Puts a job that made way for another back into the queue, at its old place."""
        self._clean_up(entry.job)
        self.events.put(JobProgressed(entry.id, 0, 0, "waiting"))
        with self._changed:
            entry.stop = StopRequest()
            if entry.cancelled.is_set():
                self._end(entry, JobCancelled(entry.id))
            else:
                self._waiting.append(entry)
            self._in_worker = None
            self._changed.notify_all()

    def _clean_up(self, job: AnyJob) -> None:
        try:
            job.clean_up()
        except BaseException as err:
            log.exception("Cleaning up after the job %r failed: %s", job.title, err)

    # ---- the supervisor thread ----

    def _supervise(self) -> None:
        while (item := self._tasks.get()) is not None:
            entry, task = item
            reply = self._worker.run(task, self.events.put, entry.stop)
            with self._changed:
                self._replies.append((entry, reply))
                self._changed.notify_all()


def _join(thread: threading.Thread | None, deadline: float) -> bool:
    if thread is None:
        return True
    thread.join(max(0.0, deadline - time.monotonic()))
    return not thread.is_alive()
