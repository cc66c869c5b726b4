"""Images in the journal: complete rows, so that a project can be rebuilt from it without looking at a single file.

A journal row is [image id, root id, position, path, hash, size, mtime, width, height, orientation, date, camera,
status, reason], with the path as text that `os.fsencode` turns back into the very bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from typing import Any

from sqlite_utils import Database

from engine.domain import NewImage, display_name
from engine.store import outbox

_COLUMNS = """
    SELECT id, root_id, position, relative_path, content_hash, size_bytes, mtime_ns, width_px, height_px, orientation,
           taken_at, camera, status, reason
    FROM images
"""
_INSERT = """
    INSERT INTO images(id, root_id, position, relative_path, content_hash, size_bytes, mtime_ns, width_px, height_px,
                       orientation, taken_at, camera, status, reason, name)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_WITH_IDS = " WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id"


def fields(image: NewImage) -> tuple[object, ...]:
    """Returns the columns of a new image from its content hash on."""
    return (
        image.content_hash,
        image.size_bytes,
        image.mtime_ns,
        image.width_px,
        image.height_px,
        image.orientation,
        image.taken_at,
        image.camera,
        int(image.status),
        image.reason,
    )


def queue_root(db: Database, root_id: int, path: bytes) -> None:
    """Queues the journal line of an import folder."""
    outbox.add(db, "root", {"root": root_id, "path": os.fsdecode(path)})


def queue_rows(db: Database, image_rows: Iterable[Sequence[Any]]) -> None:
    """As `queue_images`, for rows that are at hand: as in the journal, with the path as bytes."""
    outbox.add(db, "images", {"files": [[*row[:3], os.fsdecode(row[3]), *row[4:]] for row in image_rows]})


def queue_images(db: Database, image_ids: Sequence[int]) -> None:
    """Queues the journal line of images that are new or have changed."""
    outbox.add(db, "images", {"files": rows(db, image_ids)})


def rows(db: Database, image_ids: Sequence[int] | None = None) -> list[list[Any]]:
    """Returns the journal rows of images; of all when no ids are given."""
    if image_ids is None:
        found = db.execute(_COLUMNS + " ORDER BY id").fetchall()
    else:
        found = db.execute(_COLUMNS + _WITH_IDS, [json.dumps(list(image_ids))]).fetchall()
    return [[*row[:3], os.fsdecode(row[3]), *row[4:]] for row in found]


def insert(db: Database, image_rows: Iterable[Sequence[Any]]) -> None:
    """Adds images: journal rows with the path as bytes, and the name at their end."""
    db.conn.executemany(_INSERT, image_rows)


def put_root(db: Database, root_id: int, path: str) -> None:
    """Takes an import folder over from the journal."""
    stored = os.fsencode(path)
    if db.execute("SELECT 1 FROM roots WHERE path = ?", [stored]).fetchone() is None:
        db.execute(
            "INSERT INTO roots(id, path) VALUES (?, ?) ON CONFLICT(id) DO UPDATE SET path = excluded.path",
            [root_id, stored],
        )


def put(db: Database, files: Iterable[Sequence[Any]]) -> None:
    """Takes images over from the journal, replacing what is known of those that are there."""
    taken = [[*row[:3], os.fsencode(row[3]), *row[4:]] for row in files]
    for root_id in {row[1] for row in taken}:
        _ensure_root(db, root_id)
    # Only after a lost line can another image seem to be in the place; it was moved away in that line.
    db.conn.executemany(
        """
        UPDATE images SET relative_path = CAST('lost-' || id AS BLOB), status = 2
        WHERE root_id = ? AND relative_path = ? AND id != ?
        """,
        [(row[1], row[3], row[0]) for row in taken],
    )
    db.conn.executemany(
        _INSERT
        + """
        ON CONFLICT(id) DO UPDATE SET
            root_id = excluded.root_id, position = excluded.position, relative_path = excluded.relative_path,
            content_hash = excluded.content_hash, size_bytes = excluded.size_bytes, mtime_ns = excluded.mtime_ns,
            width_px = excluded.width_px, height_px = excluded.height_px, orientation = excluded.orientation,
            taken_at = excluded.taken_at, camera = excluded.camera, status = excluded.status, reason = excluded.reason,
            name = excluded.name
        """,
        [[*row, display_name(row[3])] for row in taken],
    )


def add_mentioned(db: Database, image_id: int, root_id: int, relative_path: bytes, content_hash: str) -> int:
    """Returns the id of an image that a step in the journal speaks of, by its place or its id and content.

    When the line that filed it is lost, a bare row is added. The next rescan fills in what is missing (its size and
    date cannot match, so it is read anew).
    """
    same_place = "SELECT id FROM images WHERE root_id = ? AND relative_path = ?"
    same_content = "SELECT id FROM images WHERE id = ? AND content_hash = ?"
    found = db.execute(same_place, [root_id, relative_path]).fetchone()
    if not found and content_hash:  # no hash: the file had not been read yet
        found = db.execute(same_content, [image_id, content_hash]).fetchone()
    if found:
        return int(found[0])
    taken = db.execute("SELECT 1 FROM images WHERE id = ?", [image_id]).fetchone()
    new_id = last_id(db) + 1 if taken else image_id
    bare = NewImage(relative_path, content_hash, size_bytes=0, mtime_ns=0)
    (position,) = db.execute("SELECT coalesce(max(position), 0) + 1 FROM images").fetchone()
    put(db, [[new_id, root_id, position, os.fsdecode(relative_path), *fields(bare)]])
    return new_id


def last_id(db: Database) -> int:
    """Returns the highest image id that was given out; images are never deleted."""
    return int(db.execute("SELECT coalesce(max(id), 0) FROM images").fetchone()[0])


def _ensure_root(db: Database, root_id: int) -> None:
    """Adds a folder under a made-up name when the journal line that named it is lost."""
    db.execute("INSERT OR IGNORE INTO roots(id, path) VALUES (?, ?)", [root_id, os.fsencode(f"lost-folder-{root_id}")])
