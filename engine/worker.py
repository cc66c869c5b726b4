"""The worker process: runs the `work` of heavy jobs outside the program, so that it can be killed and may crash.

One process, spawned (never forked) when the first heavy job comes, then kept warm with torch and onnxruntime loaded; a
fresh one takes its place after a kill or a crash. It ends by itself when the program ends, in whatever way.

The entry point of the program must call `multiprocessing.freeze_support()` first of all in `main` (PyInstaller starts
the worker by running the program again), and must import nothing heavy at its top, since a spawned process imports it.
"""

from __future__ import annotations

import faulthandler
import logging
import multiprocessing
import os
import pickle
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from multiprocessing.connection import Connection, wait
from typing import Any

from engine.errors import AppError, WorkerError
from engine.events import Event
from engine.job import CancelledError, Job, RunningContext, failure_of
from engine.language import tr
from engine.settings import limit_threads

log = logging.getLogger("graft.worker")

CANCEL_GRACE_S = 0.15
"""How long a cancelled job may take to reach its next checkpoint before its process is killed."""

PAUSE_GRACE_S = 3.0
"""The same for a job that makes way for a more urgent one: losing the warm process would cost about as much."""

LOW_PRIORITY_NICENESS = 5


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How the worker process shares the machine. `num_threads` None = leave the libraries' defaults."""

    num_threads: int | None = None
    has_low_priority: bool = True


@dataclass(frozen=True, slots=True)
class Task:
    """What goes to the worker process; pickled."""

    job_id: int
    job_type: type[Job[Any, Any, Any]]
    snapshot: Any


@dataclass(frozen=True, slots=True)
class Succeeded:
    result: Any


@dataclass(frozen=True, slots=True)
class Cancelled:
    pass


@dataclass(frozen=True, slots=True)
class Failed:
    """`details` is empty when the error was expected."""

    error: AppError
    details: str


Reply = Succeeded | Cancelled | Failed


class StopRequest:
    """Asks a running task to stop, from any thread. A later request can only shorten the time it has left."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._deadline: float | None = None

    def set(self, grace_s: float) -> None:
        with self._lock:
            deadline = time.monotonic() + grace_s
            self._deadline = deadline if self._deadline is None else min(deadline, self._deadline)

    def is_set(self) -> bool:
        return self._deadline is not None

    def seconds_left(self) -> float | None:
        """Returns the time until force may be used, or None while nothing was asked for."""
        with self._lock:
            return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())


class _Sign(Enum):
    """What the worker process says besides events and replies."""

    READY = "ready"
    BEGUN = "begun"


@dataclass(slots=True)
class _Supervision:
    """How far the program is with one task. A task that the process has not begun may be given to a fresh process."""

    message: bytes
    send: Callable[[Event], None]
    stop: StopRequest
    is_sent: bool = False
    has_begun: bool = False
    is_told_to_stop: bool = False


def run_work(job_type: type[Job[Any, Any, Any]], snapshot: Any, context: RunningContext) -> Reply:
    """Runs `work` and returns how it ended; never raises. The same in the engine thread and in the worker process."""
    try:
        return Succeeded(job_type.work(snapshot, context))
    except CancelledError:
        return Cancelled()
    except BaseException as err:  # noqa: BLE001 - the job runner; not even a library's SystemExit may pass
        return Failed(*failure_of(err))


class Worker:
    """The program's side of the worker process. `run` and `stop` from one thread; `wake` from any."""

    def __init__(self, options: WorkerOptions) -> None:
        self._options = options
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None
        self._is_ready = False
        self._spawn = multiprocessing.get_context("spawn")
        self._wake_receiver, self._wake_sender = self._spawn.Pipe(duplex=False)
        self._wake_lock = threading.Lock()
        self._is_awake = False

    @property
    def pid(self) -> int | None:
        """Process id while there is a process."""
        return self._process.pid if self._process is not None else None

    def run(self, task: Task, send: Callable[[Event], None], stop: StopRequest) -> Reply:
        """Runs one task in the process and returns how it ended; its events go to `send`. Never raises.

        To stop it early: set `stop`, then call `wake()`. The process may still reach a checkpoint, then it is killed.
        """
        try:
            message = pickle.dumps(task, protocol=pickle.HIGHEST_PROTOCOL)
        except Exception as err:  # noqa: BLE001 - whatever a snapshot's __reduce__ raises: a bug of the job, told as one
            return Failed(*failure_of(err))
        return self._run_message(message, send, stop)

    def wake(self) -> None:
        """Makes `run` look at its stop request now."""
        with self._wake_lock:
            if not self._is_awake:
                self._is_awake = True
                self._wake_sender.send_bytes(b"!")

    def stop(self) -> None:
        """Ends the process, by force if it does not go within a moment."""
        process, connection = self._process, self._connection
        self._process, self._connection, self._is_ready = None, None, False
        if connection is not None:
            connection.close()  # end of file is the worker's sign to go
        if process is not None:
            process.join(0.1)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()

    def close(self) -> None:
        """Ends the process and gives back the handles; the object is then finished."""
        self.stop()
        with self._wake_lock:
            self._is_awake = True  # a late `wake` finds nothing to do
            self._wake_sender.close()
            self._wake_receiver.close()

    def _start(self) -> None:
        ours, theirs = self._spawn.Pipe(duplex=True)
        process = self._spawn.Process(
            target=worker_main, args=(theirs, self._options), name="graft-worker", daemon=True
        )
        process.start()
        theirs.close()  # the worker holds the only other end, so its death is an end of file here
        self._process, self._connection, self._is_ready = process, ours, False

    def _run_message(self, message: bytes, send: Callable[[Event], None], stop: StopRequest) -> Reply:
        for is_last_try in (False, True):
            try:
                if self._process is None or not self._process.is_alive():
                    self.stop()
                    self._start()
            except OSError as err:
                reason = tr("The system refused to start a process ({reason}).", reason=err.strerror or err)
                return Failed(WorkerError(reason, tr("Close other programs, then try again.")), "")
            supervision = _Supervision(message, send, stop)
            try:
                while (reply := self._step(supervision)) is None:
                    pass
            except (EOFError, OSError):  # the process is gone
                reply = self._bury(stop)
                if supervision.has_begun or is_last_try or stop.is_set():
                    return reply
            else:
                return reply
        raise AssertionError("the last try returns")

    def _step(self, task: _Supervision) -> Reply | None:
        """Waits for the next thing to happen to a task and acts on it. Raises EOFError when the process is gone."""
        assert self._process is not None
        assert self._connection is not None
        if self._is_ready and not task.is_sent:
            self._connection.send_bytes(task.message)
            task.is_sent = True
        seconds_left = task.stop.seconds_left()
        if seconds_left is not None and not task.is_told_to_stop:
            if not task.is_sent:
                return Cancelled()
            self._connection.send_bytes(b"")
            task.is_told_to_stop = True
        ready = wait([self._connection, self._process.sentinel, self._wake_receiver], seconds_left)
        if self._wake_receiver in ready:
            self._take_wake_up()
        if self._connection in ready:
            news = self._connection.recv()
            if isinstance(news, _Sign):
                self._is_ready = True
                task.has_begun = news is _Sign.BEGUN
            elif isinstance(news, (Succeeded, Cancelled, Failed)):
                return news
            else:
                task.send(news)
        elif self._process.sentinel in ready:
            raise EOFError
        elif task.stop.seconds_left() == 0.0:
            self._process.kill()
            self.stop()
            return Cancelled()
        return None

    def _take_wake_up(self) -> None:
        with self._wake_lock:
            self._wake_receiver.recv_bytes()
            self._is_awake = False

    def _bury(self, stop: StopRequest) -> Reply:
        """The process is gone without a reply."""
        assert self._process is not None
        self._process.join(1.0)
        code = self._process.exitcode
        self.stop()
        if stop.is_set():
            return Cancelled()
        log.warning("The worker process ended by itself, exit code %s.", code)
        return Failed(
            WorkerError(
                tr("The process that did this work stopped unexpectedly ({cause}).", cause=_cause(code)),
                tr("Nothing was changed. Try again; if it happens again the computer may be short of memory."),
            ),
            "",
        )


def _cause(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        try:
            return signal.Signals(-exit_code).name
        except ValueError:
            return tr("signal {number}", number=-exit_code)
    return tr("exit code {code}", code=exit_code)


# ---- inside the worker process ----


def worker_main(connection: Connection, options: WorkerOptions) -> None:
    """Runs tasks until the program goes away. The main function of the worker process."""
    if options.num_threads is not None:
        limit_threads(options.num_threads)
    if options.has_low_priority:
        _lower_priority()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in the terminal is the program's to handle
    if sys.stderr is not None:
        faulthandler.enable()
    tasks: queue.SimpleQueue[tuple[bytes, threading.Event]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(connection, tasks), name="graft-listen", daemon=True).start()
    send_lock = threading.Lock()

    def send(news: Event | Reply | _Sign) -> None:
        data = pickle.dumps(news, protocol=pickle.HIGHEST_PROTOCOL)
        try:
            with send_lock:
                connection.send_bytes(data)
        except OSError:
            os._exit(0)  # the program is gone, perhaps while we were starting: as in _listen

    send(_Sign.READY)
    while True:
        message, cancelled = tasks.get()
        send(_Sign.BEGUN)
        reply = _run_message(message, cancelled, send)
        try:
            send(reply)
        except (pickle.PicklingError, TypeError, AttributeError) as err:  # what pickle raises for what it cannot take
            send(Failed(*failure_of(err)))


def _run_message(message: bytes, cancelled: threading.Event, send: Callable[[Event], None]) -> Reply:
    try:
        task = pickle.loads(message)  # noqa: S301 - from our own program through a private pipe, never from a file
    except BaseException as err:  # noqa: BLE001 - importing the job's module may raise anything
        return Failed(*failure_of(err))
    return run_work(task.job_type, task.snapshot, RunningContext(task.job_id, cancelled, send))


def _listen(connection: Connection, tasks: queue.SimpleQueue[tuple[bytes, threading.Event]]) -> None:
    """Takes what the program sends: a task, an empty message (cancel the last task), or the end of the program."""
    cancelled = threading.Event()  # one per task, so that a cancel that comes too late cannot hit the next task
    while True:
        try:
            message = connection.recv_bytes()
        except (EOFError, OSError):
            os._exit(0)  # the program is gone: nobody wants the result, and no clean-up may hold us up
        if message:
            cancelled = threading.Event()
            tasks.put((message, cancelled))
        else:
            cancelled.set()


def _lower_priority() -> None:
    if sys.platform == "win32":
        import ctypes

        below_normal = 0x00004000
        kernel = ctypes.windll.kernel32
        kernel.SetPriorityClass(kernel.GetCurrentProcess(), below_normal)
    else:
        os.nice(LOW_PRIORITY_NICENESS)
