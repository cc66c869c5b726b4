"""Failures of the environment (full disk, locked file, damage) as sentences. Anything else stays a bug."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import ProjectDamagedError, ProjectInUseError, StoreError
from engine.files import disk_error
from engine.language import tr


def store_error(err: sqlite3.Error | OSError, file: Path) -> StoreError | None:
    """Returns the sentence for a failure at `file`, or None when it is a bug of ours, not of the environment."""
    if isinstance(err, OSError):
        plain = disk_error(err, file)
        return StoreError(plain.message, plain.hint)
    # Extended result codes keep the primary code in the low byte. Errors made by the sqlite3 module itself have none.
    code = (getattr(err, "sqlite_errorcode", None) or 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        full = disk_error(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), file)
        return StoreError(
            full.message,
            tr("Make room on it. What was saved before is safe; the change is tried again when there is room."),
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return ProjectInUseError(
            tr("The project in {folder} is open in another window or program.", folder=file.parent),
            tr("Close it there, or open a read-only copy."),
        )
    if str(err).startswith("Could not decode to UTF-8"):  # the sqlite3 module's own, without a code
        return damaged(file)
    if code in (0, sqlite3.SQLITE_ERROR):
        return None
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return damaged(file)
    # A read-only disk can look like a failing one: SQLite then opens the file for reading and fails to lock it.
    is_read_only = file.exists() and not os.access(file, os.W_OK)
    if is_read_only or code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return StoreError(
            tr("The project in {folder} cannot be written: the folder or the disk is read-only.", folder=file.parent),
            tr("Open it read-only, or copy the project to a folder that you may write to."),
        )
    if code == sqlite3.SQLITE_IOERR:
        return StoreError(
            tr("The disk that holds {folder} failed while the project was read or written.", folder=file.parent),
            tr(
                "Check the disk and its cable. What was saved before is safe; "
                "the change is tried again when there is room."
            ),
        )
    return None


def damaged(file: Path) -> ProjectDamagedError:
    """Returns the error for a database that cannot be trusted."""
    return ProjectDamagedError(
        tr("The project's database {file} is damaged.", file=file),
        tr("Restore the project: every label comes back from its newest backup and its journal."),
    )


@contextmanager
def environment_errors(file: Path) -> Iterator[None]:
    """Turns failures of the environment inside the block into StoreError; `file` is what was being worked on."""
    try:
        yield
    except (sqlite3.Error, OSError) as err:
        translated = store_error(err, file)
        if translated is None:
            raise
        raise translated from err
