"""What the user said of images besides their class (skipped, unsure), with a history for undo."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from typing import Any

from sqlite_utils import Database


def changed_by(db: Database, image_ids: Sequence[int], mark: int, on: bool) -> list[tuple[int, int]]:
    """Returns (image id, marks afterwards) of those images that setting or removing `mark` would change."""
    rows = db.execute(
        """
        SELECT images.id, coalesce(marks, 0) FROM images LEFT JOIN image_marks ON image_id = images.id
        WHERE images.id IN (SELECT value FROM json_each(?)) ORDER BY images.id
        """,
        [json.dumps(list(image_ids))],
    ).fetchall()
    wanted = [(image_id, before, before | mark if on else before & ~mark) for image_id, before in rows]
    return [(image_id, after) for image_id, before, after in wanted if before != after]


def apply(db: Database, step_id: int, wishes: Iterable[tuple[int, int]]) -> None:
    """Gives images their marks, as (image id, marks), under a step. At most once per step."""
    db.conn.executemany(
        """
        INSERT INTO mark_history(step_id, image_id, before, after)
        SELECT ?, ?, coalesce((SELECT marks FROM image_marks WHERE image_id = ?), 0), ?
        """,
        [(step_id, image_id, image_id, after) for image_id, after in wishes],
    )
    db.execute(
        """
        INSERT OR REPLACE INTO image_marks(image_id, marks)
        SELECT image_id, after FROM mark_history WHERE step_id = ?
        """,
        [step_id],
    )


def revert(db: Database, step_id: int, opposite_of: int) -> None:
    """Gives images the marks back that they had before a step, as effects of `step_id`."""
    rows = db.execute("SELECT image_id, before FROM mark_history WHERE step_id = ?", [opposite_of]).fetchall()
    if rows:
        apply(db, step_id, rows)


def effects(db: Database, step_id: int) -> list[list[Any]]:
    """Returns what a step did to marks, for the journal: [image id, root id, path, hash, marks]."""
    rows = db.execute(
        """
        SELECT images.id, root_id, relative_path, content_hash, after
        FROM mark_history JOIN images ON images.id = image_id WHERE step_id = ? ORDER BY images.id
        """,
        [step_id],
    ).fetchall()
    return [[row[0], row[1], os.fsdecode(row[2]), *row[3:]] for row in rows]
