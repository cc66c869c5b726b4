"""A private copy of a database that another process may be writing to, without taking part in its locking.

A database is its file plus the write-ahead log. The log only grows until its contents are moved into the file, so the
pair is consistent when the file and the head of the log stayed the same while both were read; a half-written end of the
log is recognised by SQLite's own checksums.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Final

from engine.errors import StoreError
from engine.language import tr

_NUM_TRIES: Final = 20
_PAUSE_S: Final = 0.05
_LOG_HEAD_BYTES: Final = 32


def make_temporary_folder() -> Path:
    """Returns a new folder for a copy; whoever asked removes it."""
    return Path(tempfile.mkdtemp(prefix="graft-read-only-"))


def copy_database(source: Path, target: Path) -> None:
    """Copies a database as it was at one moment. Never call it for a database that this process has open.

    Raises:
        OSError: it cannot be read, or the disk for temporary files is full.
        StoreError: it is written to so fast that no consistent copy was got.
    """
    log, log_copy = _log_of(source), _log_of(target)
    for _ in range(_NUM_TRIES):
        before = _fingerprint(source, log)
        shutil.copyfile(source, target)
        if log.exists():
            shutil.copyfile(log, log_copy)
        else:
            log_copy.unlink(missing_ok=True)
        if _fingerprint(source, log) == before:
            return
        time.sleep(_PAUSE_S)
    raise StoreError(
        tr("The project in {folder} is changing too fast for a copy just now.", folder=source.parent),
        tr("Try again in a moment."),
    )


def _log_of(file: Path) -> Path:
    return file.with_name(file.name + "-wal")


def _fingerprint(file: Path, log: Path) -> tuple[int, int, bytes]:
    state = file.stat()
    try:
        with open(log, "rb") as contents:
            head = contents.read(_LOG_HEAD_BYTES)
    except FileNotFoundError:
        head = b""
    return state.st_size, state.st_mtime_ns, head
