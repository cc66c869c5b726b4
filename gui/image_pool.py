"""Worker threads that make pictures, what is wanted now first, and a bounded cache of what they made.

Widgets say what they want to see now; a new wish replaces the old one, so that what scrolled away is never made.
Nothing is decoded in the GUI thread, and no QPixmap is touched outside it.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Generic, Protocol, TypeVar

from PySide6.QtCore import QCoreApplication, QObject, Qt, Signal

from engine.errors import AppError

LINGER_S = 0.4
"""A thread without work ends after this time; the next wish starts a new one."""
CLOSE_S = 0.25
"""How long closing waits for what is being made; a thread that hangs on a drive is left behind."""


class HasSize(Protocol):
    """What a pool can keep: a QImage, or something around one."""

    def sizeInBytes(self) -> int: ...


T = TypeVar("T", bound=HasSize)


class ImagePool(QObject, Generic[T]):
    """Makes images by key in a few threads. All methods are for the GUI thread.

    Args:
        load: makes one image; called in a worker thread; raises AppError when the image cannot be had.
        limit_bytes: what the cache may hold; the least recently used go first.
    """

    loaded = Signal(object)
    """A list of keys that became available (or failed), in the GUI thread."""
    _arrived = Signal()

    def __init__(
        self,
        load: Callable[[Hashable], T],
        num_threads: int,
        limit_bytes: int,
        name: str,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._load = load
        self._num_threads = num_threads
        self.limit_bytes = limit_bytes
        self._name = name
        self._images: OrderedDict[Hashable, T] = OrderedDict()
        self._num_bytes = 0
        self._failures: dict[Hashable, str] = {}
        self._wishes: dict[str, list[Hashable]] = {}
        # Shared with the threads, guarded by the condition.
        self._changed = threading.Condition()
        self._queue: deque[Hashable] = deque()
        self._in_flight: set[Hashable] = set()
        self._idle_work: Iterator[Callable[[], None]] | None = None
        self._idle_worker: threading.Thread | None = None
        self._idle_from = 0.0
        self._threads: dict[threading.Thread, Hashable] = {}
        """With the key that each one makes; threads that were given up are not here."""
        self._num_waiting = 0
        self._is_closed = False
        self._generation = 0
        self._attempt = 0
        self._done: deque[tuple[int, int, Hashable, T | str]] = deque()
        self._arrived.connect(self._on_arrived, Qt.ConnectionType.QueuedConnection)
        app = QCoreApplication.instance()
        if app is not None:
            app.aboutToQuit.connect(self.close)

    # ------------------------------------------------------------------------------------------------ GUI thread

    def get(self, key: Hashable) -> T | None:
        """Returns the image when it is there now."""
        image = self._images.get(key)
        if image is not None:
            self._images.move_to_end(key)
        return image

    def failure(self, key: Hashable) -> str | None:
        """Returns why the image could not be made, or None."""
        return self._failures.get(key)

    def want(self, consumer: str, keys: Iterable[Hashable]) -> None:
        """Replaces what `consumer` wants to see now, most wanted first. Consumers are served by their names' order."""
        self._wishes[consumer] = list(keys)
        self._queue_missing()

    def _queue_missing(self) -> None:
        missing: dict[Hashable, None] = {}
        for name in sorted(self._wishes):
            for key in self._wishes[name]:
                if key not in self._images and key not in self._failures:
                    missing[key] = None
        with self._changed:
            self._queue = deque(key for key in missing if key not in self._in_flight)
            self._wake()

    def wanted(self) -> list[Hashable]:
        """Returns what waits to be made (any thread)."""
        with self._changed:
            return list(self._queue)

    def set_idle_work(self, work: Iterator[Callable[[], None]] | None) -> None:
        """Gives one thread something to do, piece by piece, while nothing is wanted."""
        with self._changed:
            self._idle_work = work
            self._wake()

    def hold_idle_work(self, for_s: float) -> None:
        """Lets the idle work rest for a while, because the user needs the processor now."""
        self._idle_from = time.monotonic() + for_s

    def forget(self) -> None:
        """Empties the cache, also of failures. What is in the making is thrown away when it arrives."""
        self._images.clear()
        self._failures.clear()
        self._wishes.clear()
        self._num_bytes = 0
        with self._changed:
            self._generation += 1
            self._queue.clear()
            self._in_flight.clear()
            self._idle_work = None

    def retry_failures(self) -> None:
        """Lets failed images be tried again, for instance after a rescan, also those that are just failing."""
        self._failures.clear()
        self._attempt += 1

    def close(self) -> None:
        """Stops the threads and waits for them, but not for ever. The pool can be used again afterwards."""
        with self._changed:
            self._is_closed = True
            self._queue.clear()
            self._idle_work = None
            threads = list(self._threads)
            self._changed.notify_all()
        latest = time.monotonic() + CLOSE_S
        for thread in threads:
            thread.join(max(0.0, latest - time.monotonic()))
        with self._changed:
            self._is_closed = False
            for thread in list(self._threads):
                self._give_up(thread)

    def replace_thread(self, ident: int) -> None:
        """Gives up a thread that hangs, by its identifier, so that another one serves the other wishes.

        Should it come back after all, what it made is taken.
        """
        with self._changed:
            for thread in [each for each in self._threads if each.ident == ident]:
                self._give_up(thread)
            self._wake()

    def _give_up(self, thread: threading.Thread) -> None:
        """Counts no more on a thread; it ends as soon as it comes back. The caller holds the condition."""
        self._in_flight.discard(self._threads.pop(thread))
        if self._idle_worker is thread:
            self._idle_worker = None

    def _wake(self) -> None:
        """Sees to it that there are threads for the work. The caller holds the condition."""
        num_jobs = len(self._queue) + (self._idle_work is not None and self._idle_worker is None)
        if self._is_closed or not num_jobs:
            return
        self._changed.notify_all()
        while len(self._threads) < self._num_threads and num_jobs > self._num_waiting:
            thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._threads[thread] = None
            self._num_waiting += 1  # counted as ready until it looks for itself
            thread.start()

    def _on_arrived(self) -> None:
        keys: list[Hashable] = []
        has_old_failures = False
        while self._done:
            generation, attempt, key, outcome = self._done.popleft()
            if generation != self._generation:
                continue
            with self._changed:
                # Not earlier: what is made but not yet here must not be made a second time.
                self._in_flight.discard(key)
            if isinstance(outcome, str) and attempt != self._attempt:
                has_old_failures = True  # what it failed at may be mended since
                continue
            keys.append(key)
            if isinstance(outcome, str):
                self._failures[key] = outcome
                continue
            self._failures.pop(key, None)  # a thread that was given up came back with the image
            old = self._images.pop(key, None)
            self._num_bytes += outcome.sizeInBytes() - (old.sizeInBytes() if old is not None else 0)
            self._images[key] = outcome
        while self._num_bytes > self.limit_bytes and len(self._images) > 1:
            _, dropped = self._images.popitem(last=False)
            self._num_bytes -= dropped.sizeInBytes()
        if has_old_failures:
            self._queue_missing()
        if keys:
            self.loaded.emit(keys)

    # ------------------------------------------------------------------------------------------- worker threads

    def _work(self) -> None:
        with self._changed:
            self._num_waiting -= 1
        try:
            while (job := self._next_job()) is not None:
                job()
        except BaseException:
            with self._changed:
                if threading.current_thread() in self._threads:
                    self._give_up(threading.current_thread())
            raise

    def _next_job(self) -> Callable[[], None] | None:
        me = threading.current_thread()
        with self._changed:
            while not self._is_closed and me in self._threads:
                if self._queue:
                    key = self._threads[me] = self._queue.popleft()
                    self._in_flight.add(key)
                    generation, attempt = self._generation, self._attempt
                    return lambda: self._make(key, generation, attempt)
                has_idle_work = self._idle_work is not None and self._idle_worker is None
                rest_s = self._idle_from - time.monotonic()
                if has_idle_work and rest_s <= 0:
                    self._idle_worker = me
                    return self._do_idle_work
                self._num_waiting += 1
                is_woken = self._changed.wait(rest_s if has_idle_work else LINGER_S)
                self._num_waiting -= 1
                # A wish may have come between the end of the wait and getting the lock back, and whoever made it
                # counted on this thread: the queue decides, and the thread is off the list before the lock is free.
                if not is_woken and not self._queue and not has_idle_work:
                    break
            self._threads.pop(me, None)
        return None

    def _make(self, key: Hashable, generation: int, attempt: int) -> None:
        outcome: T | str
        try:
            outcome = self._load(key)
        except AppError as err:
            outcome = str(err)
        self._done.append((generation, attempt, key, outcome))
        try:
            self._arrived.emit()
        except RuntimeError:  # the window went away meanwhile, and the C++ half of this object with it
            self._is_closed = True

    def _do_idle_work(self) -> None:
        with self._changed:
            source = self._idle_work
        is_exhausted = True
        try:
            piece = next(source, None) if source is not None else None
            is_exhausted = piece is None
            if piece is not None:
                piece()
        finally:
            with self._changed:
                if self._idle_worker is threading.current_thread():
                    self._idle_worker = None
                if is_exhausted and source is self._idle_work:
                    self._idle_work = None
