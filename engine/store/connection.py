"""Opens the one connection, with settings under which an acknowledged write survives a power cut."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlite_utils import Database

from engine.errors import ProjectError, StoreError
from engine.language import tr
from engine.store import annotation_log, meta, outbox
from engine.store.failures import damaged
from engine.store.journal import JOURNAL_FILE
from engine.store.migrations import APPLICATION_ID, SCHEMA_VERSION

BUSY_TIMEOUT_S = 0.25


def connect(file: Path, origin: Path) -> Database:
    """Returns an exclusive connection to an existing database that was checked for damage.

    `origin` is the database that messages speak of: `file` itself, or what it is a private copy of.

    Raises:
        sqlite3.Error: locked, damaged, not a database, or the disk failed.
        StoreError: damaged, or made by a newer program.
        ProjectError: the file is a database, but not a project.
    """
    # mode=rw: a missing file is an error, not a new empty database.
    address = f"{file.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, cached_statements=256)
    try:
        db = Database(connection, execute_plugins=False)
        # Exclusive first: then the write-ahead log needs no shared memory file, and the lock is kept until closing.
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        _check_version(db, origin)
        mode = db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise StoreError(
                tr(
                    "The disk that holds {folder} cannot keep a project safe (SQLite's {mode} journal).",
                    folder=origin.parent,
                    mode=mode,
                ),
                tr("Keep the project on a disk of this computer."),
            )
        for setting in (
            "synchronous = FULL",
            "foreign_keys = ON",
            "trusted_schema = OFF",
            "cell_size_check = ON",
            "temp_store = MEMORY",
            "journal_size_limit = 67108864",
            # A backstop: the store moves the log into the file earlier, when nobody waits for it.
            "wal_autocheckpoint = 4000",
        ):
            db.execute(f"PRAGMA {setting}")
        if sys.platform == "darwin":
            db.execute("PRAGMA fullfsync = ON")
            db.execute("PRAGMA checkpoint_fullfsync = ON")
        with transaction(db):  # takes the lock for good
            pass
        check_for_damage(db, origin)
        annotation_log.prepare_connection(db)
    except BaseException:
        connection.close()
        raise
    return db


@contextmanager
def transaction(db: Database) -> Iterator[None]:
    """Commits what the block does, durably, or rolls all of it back when it raises.

    Raises:
        sqlite3.Error: the commit failed; nothing was changed.
    """
    # Writing from the start, also for work that only reads: a later upgrade of the lock could fail half-way.
    db.conn.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.conn.execute("COMMIT")
    finally:
        if db.conn.in_transaction:
            db.conn.execute("ROLLBACK")


def check_for_damage(db: Database, file: Path) -> None:
    """Does nothing when SQLite finds the database sound.

    The quick check looks at structure only, so the tables that hold the labels are compared with their indexes as well.

    Raises:
        ProjectDamagedError: it is not sound.
        sqlite3.Error: it is not, and so much so that the check itself failed.
    """
    for check in ("quick_check(1)", "integrity_check(classes)", "integrity_check(image_classes)"):
        if db.execute(f"PRAGMA {check}").fetchone()[0] != "ok":
            raise damaged(file)
    meta.get(db, meta.PROJECT_ID)
    outbox.last_seq(db)


def _check_version(db: Database, file: Path) -> None:
    application_id = db.execute("PRAGMA application_id").fetchone()[0]
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if application_id != APPLICATION_ID:
        if (file.parent / JOURNAL_FILE).exists():  # ours, then: its first page is gone
            raise damaged(file)
        raise ProjectError(tr("{folder} is not a Graft project.", folder=file.parent), tr("Choose another folder."))
    if version > SCHEMA_VERSION:
        raise StoreError(
            tr("The project in {folder} was saved by a newer version of Graft.", folder=file.parent),
            tr("Update Graft, then open it again; nothing has been changed."),
        )
