"""A disk whose power may go at any moment: what is on it then, as far as the rules of file systems allow.

Rules: what a file held at its last sync is there. Of the writes after that, any may be there or not, in any order, and
each may be torn at 512 bytes. Names (created, renamed, removed) come onto the disk in their order; those before a sync
of the folder are there, and so is the name of a file that was synced itself (as ext4, XFS, btrfs, APFS and NTFS do it).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

from tests.power_cut.recording import Event

SECTOR = 512


@dataclass(slots=True)
class _File:
    """Contents on the disk and, in order, what was written since: (place, bytes), or (size, None) for a new length."""

    durable: bytes = b""
    waiting: list[tuple[int, bytes | None]] = field(default_factory=list)
    name_known_at: int = 0


class Disk:
    """Takes events one by one; `after_power_cut` gives one of the states that may be found then."""

    def __init__(self, start: Path) -> None:
        """Args: start: the files that were there before the first event."""
        self._names: dict[str, _File] = {}
        self._log: list[tuple[str, str, _File | None]] = []
        self._num_durable = 0
        for file in start.rglob("*"):
            if file.is_file():
                self._names[str(file.relative_to(start.parent))] = _File(file.read_bytes())
        self._durable_names = dict(self._names)

    def take(self, event: Event) -> None:
        """Does what an event says."""
        if event.kind == "create":
            if event.path not in self._names:
                file = self._names[event.path] = _File()
                self._log.append(("add", event.path, file))
                file.name_known_at = len(self._log)
        elif event.kind == "write":
            self._names[event.path].waiting.append((event.offset, event.data))
        elif event.kind == "truncate":
            self._names[event.path].waiting.append((event.offset, None))
        elif event.kind == "sync":
            self._sync(event.path)
        elif event.kind == "rename":
            file = self._names.pop(event.path)
            self._names[event.target] = file
            self._log += [("rename", f"{event.path}\0{event.target}", file)]
        elif event.kind == "unlink":
            self._names.pop(event.path, None)
            self._log.append(("remove", event.path, None))

    def after_power_cut(self, rng: random.Random) -> dict[str, bytes]:
        """Returns the files (path and contents) of one possible state."""
        how = rng.choice(("nothing", "everything", "start", "some", "torn"))
        names = dict(self._durable_names)
        last = rng.randint(self._num_durable, len(self._log)) if how != "nothing" else self._num_durable
        last = len(self._log) if how == "everything" else last
        for kind, path, file in self._log[self._num_durable : last]:
            _rename(names, kind, path, file)
        return {path: _contents(file, how, rng) for path, file in names.items()}

    def _sync(self, path: str) -> None:
        file = self._names.get(path)
        if file is None:  # a folder
            self._settle(len(self._log))
            return
        file.durable = _applied(file.durable, file.waiting)
        file.waiting.clear()
        self._settle(file.name_known_at)

    def _settle(self, num: int) -> None:
        for kind, path, file in self._log[self._num_durable : num]:
            _rename(self._durable_names, kind, path, file)
        self._num_durable = max(self._num_durable, num)


def _rename(names: dict[str, _File], kind: str, path: str, file: _File | None) -> None:
    if kind == "add" and file is not None:
        names[path] = file
    elif kind == "remove":
        names.pop(path, None)
    elif file is not None:
        old, new = path.split("\0")
        names.pop(old, None)
        names[new] = file


def _contents(file: _File, how: str, rng: random.Random) -> bytes:
    if how == "nothing" or not file.waiting:
        return file.durable
    if how == "everything":
        return _applied(file.durable, file.waiting)
    if how == "start":
        return _applied(file.durable, file.waiting[: rng.randint(0, len(file.waiting))])
    kept: list[tuple[int, bytes | None]] = []
    share = rng.random()
    for place, data in file.waiting:
        if how == "some" or data is None:
            if rng.random() < share:
                kept.append((place, data))
            continue
        # A sector is written whole or not at all; where one begins depends on the place in the file.
        start = 0
        while start < len(data):
            end = min(len(data), start + SECTOR - (place + start) % SECTOR)
            if rng.random() < share:
                kept.append((place + start, data[start:end]))
            start = end
    return _applied(file.durable, kept)


def _applied(contents: bytes, writes: list[tuple[int, bytes | None]]) -> bytes:
    if not writes:
        return contents
    buffer = bytearray(contents)
    for place, data in writes:
        if data is None:
            if place < len(buffer):
                del buffer[place:]
            else:
                buffer.extend(bytes(place - len(buffer)))
        else:
            if place > len(buffer):
                buffer.extend(bytes(place - len(buffer)))
            buffer[place : place + len(data)] = data
    return bytes(buffer)
