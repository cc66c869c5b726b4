"""Reads many files at once: a pool of threads that stays a little ahead of whoever takes the results."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import Final

from engine.images.scan import FileFacts, FoundFile, read_facts

READ_AHEAD: Final = 64
NUM_READERS: Final = max(2, min(4, os.cpu_count() or 2))


def read_files(files: Iterable[tuple[FoundFile, bool]], checkpoint: Callable[[], None]) -> Generator[FileFacts]:
    """Yields what files hold, in their order; never raises for a bad one. Each comes with whether it is a suspect.

    `checkpoint` is called between files and at least every 100 ms; it may raise to end the reading.
    """
    pool = ThreadPoolExecutor(NUM_READERS, thread_name_prefix="graft-read")
    waiting = iter(files)
    reading: deque[Future[FileFacts]] = deque()
    try:
        while True:
            ahead = islice(waiting, READ_AHEAD - len(reading))
            reading += [pool.submit(read_facts, found, is_suspect) for found, is_suspect in ahead]
            if not reading:
                return
            first = reading.popleft()
            checkpoint()
            while not wait([first], timeout=0.1).done:
                checkpoint()
            yield first.result()
    finally:
        # Not waited for: a reader that hangs on a network drive must not hold up a cancel.
        pool.shutdown(wait=False, cancel_futures=True)
