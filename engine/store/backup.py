"""Copies of the database in `backups/`: made in small steps between the work, verified, the oldest rotated out."""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from sqlite_utils import Database

from engine import syncing
from engine.errors import StoreError
from engine.language import tr
from engine.store import outbox
from engine.store.migrations import APPLICATION_ID

NUM_KEPT: Final = 10
PAGES_PER_STEP: Final = 100
_NAME: Final = re.compile(r"project-\d{8}T\d{6}-\d{10}\.db")
_COUNTED: Final = ("images", "classes", "steps", "annotations", "image_classes", "image_marks", "runs")


def make(db: Database, folder: Path, between_steps: Callable[[], None] = lambda: None) -> Path:
    """Writes a verified backup of the open database and returns its file; older ones beyond the last ten are removed.

    Runs on the database's own connection, which may be written to in `between_steps`: the copy follows.

    Raises:
        sqlite3.Error, OSError: the disk is full or failed; what was there is untouched.
        StoreError: the copy is not good.
    """
    folder.mkdir(exist_ok=True)
    for left_over in folder.glob(".*.tmp"):  # of a process that was killed
        left_over.unlink()
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    file = _write(db, folder, f"project-{stamp}-{{seq:010d}}.db", between_steps)
    for old in newest_first(folder)[NUM_KEPT:]:
        remove(old)
    return file


def make_before_update(db: Database, folder: Path, version: int) -> Path:
    """As `make`, before a migration from `version`. Such a backup is never rotated out."""
    folder.mkdir(exist_ok=True)
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    return _write(db, folder, f"before-update-from-{version}-{stamp}.db", lambda: None)


def newest_first(folder: Path) -> list[Path]:
    """Returns the backups that rotation knows, newest first; their goodness is not looked at."""
    if not folder.is_dir():
        return []
    return sorted((file for file in folder.iterdir() if _NAME.fullmatch(file.name)), reverse=True)


def good_ones(folder: Path) -> Iterator[Path]:
    """Yields the backups that are sound, newest first; those made before an update come last."""
    before_updates = sorted(folder.glob("before-update-from-*.db"), reverse=True) if folder.is_dir() else []
    return (file for file in (*newest_first(folder), *before_updates) if is_good(file))


def is_good(file: Path) -> bool:
    """Tells whether a backup can be trusted: every byte as it was written, and sound for SQLite."""
    try:
        if _hash_file(file).read_text("ascii").strip() != _hash_of(file):
            return False
        connection = _open_read_only(file)
    except (OSError, ValueError, sqlite3.Error):
        return False
    try:
        is_ours = connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        is_sound = connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
        return bool(is_ours and is_sound)
    except sqlite3.Error:
        return False
    finally:
        connection.close()


def remove(file: Path) -> None:
    """Removes a backup and its hash."""
    file.unlink(missing_ok=True)
    _hash_file(file).unlink(missing_ok=True)


def set_aside(file: Path, backups: Path) -> Path | None:
    """Moves a database, or the log that is left of one, into the backups folder; returns its new name.

    The log must go even without its database: SQLite would play it into the next database of that name.

    Raises:
        OSError: the disk is read-only, or failed.
    """
    parts = [suffix for suffix in ("-wal", "-shm", "-journal", "") if file.with_name(file.name + suffix).exists()]
    if not parts:
        return None
    backups.mkdir(exist_ok=True)
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    target = backups / f"damaged-{stamp}-{time.monotonic_ns() % 1_000_000:06d}.db"
    for suffix in parts:
        os.replace(file.with_name(file.name + suffix), target.with_name(target.name + suffix))
    return target if "" in parts else None


def copy_to(db: Database, file: Path, between_steps: Callable[[], None] = lambda: None) -> None:
    """Copies the open database to a new, complete and durable file.

    Raises:
        sqlite3.Error, OSError: the disk is full or failed; no file is left.
    """

    def after_step(_status: int, remaining: int, _total: int) -> None:
        if remaining:  # not after the last step: the copy is complete then, and follows no more
            between_steps()

    target = sqlite3.connect(file, isolation_level=None)
    try:
        target.execute("PRAGMA synchronous = OFF")  # synced once, below
        db.conn.backup(target, pages=PAGES_PER_STEP, progress=after_step, sleep=0)
        target.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
        target.close()
        syncing.sync_file(file)
    except BaseException:
        target.close()
        file.unlink(missing_ok=True)
        raise


def _write(db: Database, folder: Path, name: str, between_steps: Callable[[], None]) -> Path:
    temporary = folder / f".{os.getpid()}-{time.monotonic_ns()}.tmp"
    copy_to(db, temporary, between_steps)
    try:
        _verify(db, temporary)
        file = folder / name.format(seq=outbox.last_seq(db))
        hash_file = _hash_file(file)
        hash_file.write_text(_hash_of(temporary), "ascii")
        syncing.sync_file(hash_file)
        os.replace(temporary, file)
        syncing.sync_folder(folder)
    finally:
        temporary.unlink(missing_ok=True)
    return file


def _verify(db: Database, copy: Path) -> None:
    connection = _open_read_only(copy)
    try:
        sound = connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
        complete = sound and _counts(connection) == _counts(db.conn)
    finally:
        connection.close()
    if not complete:
        raise StoreError(
            tr("A backup in {folder} could not be written faithfully; the older ones are kept.", folder=copy.parent),
            tr("Check the disk."),
        )


def _counts(connection: sqlite3.Connection) -> list[int]:
    return [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in _COUNTED]  # noqa: S608


def _open_read_only(file: Path) -> sqlite3.Connection:
    # immutable: no locks and no files beside it, so looking at a backup changes nothing in the folder.
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)


def _hash_file(file: Path) -> Path:
    return file.with_suffix(".sha256")


def _hash_of(file: Path) -> str:
    with open(file, "rb") as contents:
        return hashlib.file_digest(contents, "sha256").hexdigest()
