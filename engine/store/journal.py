"""`labels.jsonl`: the second copy of everything the user did, one JSON line each, appended after each commit.

From it all labels can be rebuilt with the database gone. Every line carries its number (`seq`), its `kind`, and at its
end a checksum, so that a line that was torn or altered is told from a good one. Kinds:

- `project`: id and name of the project; the first line.
- `root`, `images`: an import folder; images that are new or changed (rows as in `image_log`).
- the kinds of steps (`label`, `clear`, `undo`, ...): the effects, as the state *after* the step, of classes
  (`[class id, row]`), images (`[image id, root id, path, hash, class id, class name, source]`, once for each class of
  an image), marks (`[image id, root id, path, hash, marks]`), notes (`[image id, root id, path, hash, note]`),
  refusals (`[image id, root id, path, hash, [[class id, class name, run id]]]`) and settings (`{name: value}`). Images
  are found again by place or content hash, classes by id or name.
- `state`: the whole present state (roots, classes, images, marks, refusals, runs), where the lines before it are not
  enough.
- `run`, `active_run`, `run_note`, `run_deleted`: a finished training; the one that is in use; what the user noted on
  one; whether one is deleted.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engine import syncing

JOURNAL_FILE: Final = "labels.jsonl"
_MARK: Final = b',"crc":"'
_TAIL_SIZE: Final = len(_MARK) + 8 + 2  # the checksum's eight digits, a quote and the closing brace
_CHUNK_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One good line: its number, its kind, its fields, and its text without the checksum."""

    seq: int
    kind: str
    fields: dict[str, Any]
    text: str


class Journal:
    """The open journal of one project; used in the store thread only."""

    def __init__(self, file: Path) -> None:
        """Opens the journal, making it when it is not there.

        Raises:
            OSError: it cannot be opened or made.
        """
        is_new = not file.exists()
        self._handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
        if is_new:
            syncing.sync_folder(file.parent)
        self._ends_in_newline = _ends_in_newline(file)
        self.last_seq = last_seq(file)
        """Number of the newest good line; 0 in an empty journal."""
        self.synced_seq = 0
        """Number of the newest line that this object knows to survive a power cut."""

    def append(self, lines: Sequence[tuple[int, str]]) -> None:
        """Appends (number, line) pairs. They survive the end of the process at once, a power cut after `sync`.

        Raises:
            OSError: the disk is full or failed. Nothing is left half-written as far as the disk allows.
        """
        if not lines:
            return
        size = os.fstat(self._handle).st_size
        data = b"".join(sealed(text) for _, text in lines)
        if not self._ends_in_newline:
            data = b"\n" + data  # a torn last line becomes one bad line instead of spoiling the next
        self._ends_in_newline = False
        try:
            written = 0
            while written < len(data):
                written += os.write(self._handle, data[written:])
        except OSError:
            os.ftruncate(self._handle, size)
            raise
        self._ends_in_newline = True
        self.last_seq = lines[-1][0]

    def sync(self) -> None:
        """Returns when everything appended is on the disk.

        Raises:
            OSError: the disk failed.
        """
        if self.synced_seq != self.last_seq:
            syncing.sync_handle(self._handle)
            self.synced_seq = self.last_seq

    def close(self) -> None:
        """Closes the file."""
        os.close(self._handle)


def sealed(text: str) -> bytes:
    """Returns a JSON object as a line with its checksum."""
    body = text.encode("ascii")
    return body[:-1] + _MARK + f'{zlib.crc32(body):08x}"}}\n'.encode("ascii")


def unsealed(line: bytes) -> JournalLine | None:
    """Returns what a line says, or None when it is torn or altered."""
    line = line.rstrip(b"\r\n")
    body = line[:-_TAIL_SIZE] + b"}"
    if len(line) <= _TAIL_SIZE or line[-_TAIL_SIZE:] != _MARK + f'{zlib.crc32(body):08x}"}}'.encode("ascii"):
        return None
    fields = json.loads(body)
    return JournalLine(int(fields["seq"]), str(fields["kind"]), fields, body.decode("ascii"))


def read_lines(file: Path, after: int = 0) -> Iterator[JournalLine]:
    """Yields the good lines with a number above `after`, each number once, in order; damaged lines are left out."""
    seq = after
    with open(file, "rb") as lines:
        for raw in lines:
            line = unsealed(raw)
            if line is not None and line.seq > seq:
                seq = line.seq
                yield line


def last_seq(file: Path) -> int:
    """Returns the number of the newest good line, reading from the end; 0 when there is none."""
    with open(file, "rb") as lines:
        lines.seek(0, os.SEEK_END)
        place, tail = lines.tell(), b""
        while place > 0:
            step = min(max(_CHUNK_BYTES, len(tail)), place)
            place -= step
            lines.seek(place)
            tail = lines.read(step) + tail
            whole = tail.split(b"\n")[0 if place == 0 else 1 :]
            for raw in reversed(whole):
                line = unsealed(raw)
                if line is not None:
                    return line.seq
    return 0


def _ends_in_newline(file: Path) -> bool:
    with open(file, "rb") as lines:
        size = lines.seek(0, os.SEEK_END)
        if size == 0:
            return True
        lines.seek(size - 1)
        return lines.read(1) == b"\n"
