"""The user's notes on images, with a history for undo. An empty text is no note."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from sqlite_utils import Database


def get(db: Database, image_id: int) -> str:
    """Returns the note on an image, "" when there is none."""
    row = db.execute("SELECT note FROM image_notes WHERE image_id = ?", [image_id]).fetchone()
    return str(row[0]) if row else ""


def noted_ids(db: Database) -> list[int]:
    """Returns the images that have a note."""
    return [image_id for (image_id,) in db.execute("SELECT image_id FROM image_notes").fetchall()]


def all_notes(db: Database) -> dict[int, str]:
    """Returns all notes by image id."""
    return dict(db.execute("SELECT image_id, note FROM image_notes").fetchall())


def apply(db: Database, step_id: int, wishes: Iterable[tuple[int, str]]) -> None:
    """Gives images their notes, as (image id, text), under a step. At most once per step."""
    for image_id, note in wishes:
        before = get(db, image_id)
        if before == note:
            continue
        db.execute("INSERT INTO note_history VALUES (?, ?, ?, ?)", [step_id, image_id, before, note])
        if note:
            db.execute("INSERT OR REPLACE INTO image_notes VALUES (?, ?)", [image_id, note])
        else:
            db.execute("DELETE FROM image_notes WHERE image_id = ?", [image_id])


def revert(db: Database, step_id: int, opposite_of: int) -> None:
    """Gives images the notes back that they had before a step, as effects of `step_id`."""
    apply(
        db, step_id, db.execute("SELECT image_id, before FROM note_history WHERE step_id = ?", [opposite_of]).fetchall()
    )


def effects(db: Database, step_id: int) -> list[list[Any]]:
    """Returns what a step did to notes, for the journal: [image id, root id, path, hash, note]."""
    rows = db.execute(
        """
        SELECT images.id, root_id, relative_path, content_hash, after
        FROM note_history JOIN images ON images.id = image_id WHERE step_id = ? ORDER BY images.id
        """,
        [step_id],
    ).fetchall()
    return [[row[0], row[1], os.fsdecode(row[2]), *row[3:]] for row in rows]
