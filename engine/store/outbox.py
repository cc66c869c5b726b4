"""Lines for the journal, queued in the database in the same transaction as the change that they describe.

So a crash between the commit and the journal's own fsync loses nothing: what is not in the file yet is still here.
"""

from __future__ import annotations

import json
from typing import Any

from sqlite_utils import Database


def last_seq(db: Database) -> int:
    """Returns the number of the newest line that this database knows of; 0 when there is none."""
    return int(db.execute("SELECT coalesce(max(seq), 0) FROM journal_outbox").fetchone()[0])


def add(db: Database, kind: str, content: dict[str, Any]) -> None:
    """Queues one line. The store writes it to the journal after the commit."""
    seq = last_seq(db) + 1
    add_with_seq(db, seq, json.dumps({"seq": seq, "kind": kind, **content}, separators=(",", ":")))


def add_with_seq(db: Database, seq: int, line: str) -> None:
    """Queues a line that has its number already (when the journal itself is being replayed)."""
    db.execute("INSERT OR REPLACE INTO journal_outbox(seq, line) VALUES (?, ?)", [seq, line])


def after(db: Database, seq: int) -> list[tuple[int, str]]:
    """Returns the queued lines with a number above `seq`, in order."""
    return db.execute("SELECT seq, line FROM journal_outbox WHERE seq > ? ORDER BY seq", [seq]).fetchall()


def forget_written(db: Database, seq: int) -> None:
    """Drops the lines that are safely in the file, save the newest, which carries the number on."""
    db.execute("DELETE FROM journal_outbox WHERE seq < ? AND seq < (SELECT max(seq) FROM journal_outbox)", [seq])
