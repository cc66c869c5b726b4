"""Makes a new database and brings an older one up to date. Only ever forwards, and never without a backup."""

from __future__ import annotations

import os
import sqlite3
import time
import uuid
from pathlib import Path

from sqlite_utils import Database

from engine import syncing
from engine.store import meta, outbox
from engine.store.connection import transaction
from engine.store.migrations import APPLICATION_ID, SCHEMA_VERSION, migrations


def create(file: Path, name: str, project_id: str | None = None) -> None:
    """Makes an empty project database; it appears at `file` complete or not at all.

    With `project_id` it takes the place of a lost one, whose journal already begins with the line of that project.

    Raises:
        sqlite3.Error, OSError: the disk is full, read-only, or failed.
    """
    temporary = file.with_name(f".{file.name}.{uuid.uuid4().hex[:8]}.tmp")
    connection = sqlite3.connect(temporary, isolation_level=None)
    try:
        db = Database(connection, execute_plugins=False)
        with transaction(db):
            migrations.apply(db)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            meta.put(db, meta.NAME, name)
            meta.put(db, meta.CREATED_AT, repr(time.time()))
            meta.put(db, meta.PROJECT_ID, project_id or uuid.uuid4().hex)
            if project_id is None:
                outbox.add(db, "project", {"project": meta.get(db, meta.PROJECT_ID), "name": name})
        connection.close()
        syncing.sync_file(temporary)
        os.replace(temporary, file)
        syncing.sync_folder(file.parent)
    finally:
        connection.close()
        temporary.unlink(missing_ok=True)


def version(db: Database) -> int:
    """Returns the number of the newest migration that the file has seen."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def migrate(db: Database) -> None:
    """Brings the tables up to date, in one transaction."""
    with transaction(db):
        migrations.apply(db)
        db.conn.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
