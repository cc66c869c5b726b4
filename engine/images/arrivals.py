"""Tells which image files are new in a folder and complete: nothing that is still being written is handed out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from engine.images.scan import can_reach, walk_images

SETTLE_S: Final = 1.0
"""A file counts as complete when neither its size nor its date has changed for so long."""
RETRY_S: Final = 2.0
GIVE_UP_S: Final = 20.0
"""A file that cannot be read is tried again for so long: its writer may only be pausing."""


@dataclass(slots=True)
class Arrivals:
    """What one look found: files that are complete now, in the order of their names, and how many are being written."""

    complete: list[Path] = field(default_factory=list)
    num_waiting: int = 0
    is_there: bool = True
    """False while the folder cannot be reached. What was known of it is not forgotten."""


@dataclass(slots=True)
class _Waiting:
    size_bytes: int
    mtime_ns: int
    since: float
    not_before: float = 0.0


class ArrivalFinder:
    """Looks into a folder again and again. For one thread; looking may take long on a network drive.

    A name that was handed out is never handed out again, whatever becomes of the file, unless `try_again` says so.
    """

    def __init__(
        self,
        folder: Path,
        takes_present: bool = False,
        skip: Iterable[Path] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`takes_present`: the files that are there at the first look count as new. `skip`: folders not to enter."""
        self._folder = folder
        self._takes_present = takes_present
        self._skip = frozenset(Path(os.path.realpath(each)) for each in skip)
        self._clock = clock
        self._known: set[str] = set()
        self._waiting: dict[str, _Waiting] = {}
        self._first_failed: dict[str, float] = {}
        self._has_looked = False

    @property
    def folder(self) -> Path:
        return self._folder

    def look(self) -> Arrivals:
        """Returns what is complete since the last look. Never raises for a folder that is gone."""
        now = self._clock()
        found = Arrivals()
        if not self._folder.is_dir():
            found.is_there = False
            return found
        seen: set[str] = set()
        for file in walk_images(self._folder, lambda _name, _reason: None, self._skip):
            place = file.location
            if place in self._known:
                continue
            seen.add(place)
            if not self._has_looked and not self._takes_present:
                self._known.add(place)
                continue
            if self._is_complete(place, file.size_bytes, file.mtime_ns, now):
                found.complete.append(file.path)
        if not seen and not can_reach(self._folder):
            # The place of a drive that was taken away is often an empty folder; one that never held anything is not.
            found.is_there = not self._known and not self._waiting
            self._has_looked |= found.is_there
            return found
        self._has_looked = True
        for place in self._waiting.keys() - seen:
            del self._waiting[place]  # deleted or renamed before it was complete
        for path in found.complete:
            place = os.fspath(path)
            self._known.add(place)
            del self._waiting[place]
        found.num_waiting = len(self._waiting)
        return found

    def try_again(self, paths: Iterable[Path]) -> list[Path]:
        """Lets files that could not be read be tried again later; returns those that were tried long enough."""
        now = self._clock()
        given_up: list[Path] = []
        for path in paths:
            place = os.fspath(path)
            first = self._first_failed.setdefault(place, now)
            if now - first >= GIVE_UP_S:
                del self._first_failed[place]
                given_up.append(path)
                continue
            self._known.discard(place)
            self._waiting[place] = _Waiting(-1, -1, now, now + RETRY_S)
        return given_up

    def _is_complete(self, place: str, size_bytes: int, mtime_ns: int, now: float) -> bool:
        waiting = self._waiting.get(place)
        if waiting is None:
            self._waiting[place] = _Waiting(size_bytes, mtime_ns, now)
            return False
        if (waiting.size_bytes, waiting.mtime_ns) != (size_bytes, mtime_ns):
            waiting.size_bytes, waiting.mtime_ns, waiting.since = size_bytes, mtime_ns, now
            return False
        return size_bytes > 0 and now - waiting.since >= SETTLE_S and now >= waiting.not_before
