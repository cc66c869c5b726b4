"""Image files of a project: the folders they were imported from, and one row per file. Files are never touched."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from engine.domain import ImageRecord, ImageRoot, ImageStatus, NewImage
from engine.errors import ProjectError
from engine.language import tr
from engine.store import image_log

_SELECT = """
    SELECT images.id, roots.path, relative_path, name, content_hash, size_bytes, mtime_ns, width_px, height_px,
           orientation, taken_at, camera, status, reason
    FROM images JOIN roots ON roots.id = root_id
"""
_WITH_IDS = " WHERE images.id IN (SELECT value FROM json_each(?))"


def add_root(db: Database, path: Path) -> int:
    """Returns the id of an import folder, adding it when it is new."""
    stored = os.fsencode(path)
    row = db.execute("SELECT id FROM roots WHERE path = ?", [stored]).fetchone()
    if row is not None:
        return int(row[0])
    root_id = int(db.execute("INSERT INTO roots(path) VALUES (?)", [stored]).lastrowid or 0)
    image_log.queue_root(db, root_id, stored)
    return root_id


def repoint_root(db: Database, root_id: int, path: Path) -> None:
    """Notes that an import folder is to be found somewhere else now.

    Raises:
        ProjectError: there is no such folder in the project, or another one is there already.
    """
    stored = os.fsencode(path)
    if db.execute("SELECT 1 FROM roots WHERE id = ?", [root_id]).fetchone() is None:
        raise ProjectError(tr("That folder is not in the project."), tr("Open the project again."))
    if db.execute("SELECT 1 FROM roots WHERE path = ? AND id != ?", [stored, root_id]).fetchone() is not None:
        raise ProjectError(
            tr("{path} is in the project already.", path=path), tr("Choose the folder that the images are in now.")
        )
    db.execute("UPDATE roots SET path = ? WHERE id = ?", [stored, root_id])
    image_log.queue_root(db, root_id, stored)


def all_roots(db: Database) -> list[ImageRoot]:
    """Returns the import folders, oldest first."""
    rows = db.execute("SELECT id, path FROM roots ORDER BY id").fetchall()
    return [ImageRoot(root_id, Path(os.fsdecode(path))) for root_id, path in rows]


def add(db: Database, root_id: int, new_images: Sequence[NewImage]) -> list[int]:
    """Files new images after those that are there, in the order given; returns their ids."""
    if not new_images:
        return []
    first_id = image_log.last_id(db) + 1
    ids = list(range(first_id, first_id + len(new_images)))
    rows = [
        (image_id, root_id, position, image.relative_path, *image_log.fields(image), image.name)
        for position, (image_id, image) in enumerate(zip(ids, new_images, strict=True), last_position(db) + 1)
    ]
    image_log.insert(db, rows)
    image_log.queue_rows(db, [row[:-1] for row in rows])
    return ids


def last_position(db: Database) -> int:
    """Returns the place of the last image in filing order; 0 when there is none."""
    return int(db.execute("SELECT coalesce(max(position), 0) FROM images").fetchone()[0])


def fill_in(db: Database, read: Iterable[tuple[int, NewImage]]) -> None:
    """Notes what files hold that were filed unread. An image that was read or changed meanwhile stays as it is."""
    listed = list(read)
    db.conn.executemany(
        """
        UPDATE images SET content_hash = ?, width_px = ?, height_px = ?, orientation = ?, taken_at = ?, camera = ?,
            status = ?, reason = ?
        WHERE id = ? AND content_hash = '' AND status = 0 AND size_bytes = ? AND mtime_ns = ?
        """,
        (
            (image.content_hash, *image_log.fields(image)[3:], image_id, image.size_bytes, image.mtime_ns)
            for image_id, image in listed
        ),
    )
    image_log.queue_images(db, [image_id for image_id, _ in listed])


def unread_ids(db: Database) -> list[int]:
    """Returns the images whose files were found and not read yet, in filing order."""
    query = "SELECT id FROM images WHERE content_hash = '' AND status = 0 ORDER BY position"
    return [image_id for (image_id,) in db.execute(query).fetchall()]


def update(db: Database, changes: Iterable[tuple[int, NewImage]], root_id: int | None) -> None:
    """Replaces what is known of images (changed or moved files); with `root_id` also the folder they are in."""
    listed = list(changes)
    db.conn.executemany(
        """
        UPDATE images SET root_id = coalesce(?, root_id), relative_path = ?, name = ?, content_hash = ?, size_bytes = ?,
            mtime_ns = ?, width_px = ?, height_px = ?, orientation = ?, taken_at = ?, camera = ?, status = ?, reason = ?
        WHERE id = ?
        """,
        ((root_id, image.relative_path, image.name, *image_log.fields(image), image_id) for image_id, image in listed),
    )
    image_log.queue_images(db, [image_id for image_id, _ in listed])


def set_status(db: Database, image_ids: Iterable[int], status: ImageStatus, reason: str) -> None:
    """Notes that images are missing, unreadable or there again."""
    db.execute(
        "UPDATE images SET status = ?, reason = ? WHERE id IN (SELECT value FROM json_each(?))",
        [int(status), reason, json.dumps(list(image_ids))],
    )


def records(db: Database, image_ids: Sequence[int] | None) -> list[ImageRecord]:
    """Returns images in the order of the ids (those that exist), or all in filing order."""
    if image_ids is None:
        return [_record(row) for row in db.execute(_SELECT + " ORDER BY position").fetchall()]
    wanted = json.dumps([int(image_id) for image_id in image_ids])
    rows = db.execute(_SELECT + _WITH_IDS, [wanted]).fetchall()
    found = {row[0]: row for row in rows}
    return [_record(found[image_id]) for image_id in image_ids if image_id in found]


def records_of_root(db: Database, root_id: int) -> dict[bytes, ImageRecord]:
    """Returns the images of one import folder by their path below it, in filing order."""
    rows = db.execute(_SELECT + " WHERE root_id = ? ORDER BY position", [root_id]).fetchall()
    return {row[2]: _record(row) for row in rows}


def id_at(db: Database, root_id: int, relative_path: bytes) -> int | None:
    """Returns the image at a place below an import folder, None where there is none."""
    found = db.execute(
        "SELECT id FROM images WHERE root_id = ? AND relative_path = ?", [root_id, relative_path]
    ).fetchone()
    return int(found[0]) if found else None


def _record(row: tuple[Any, ...]) -> ImageRecord:
    path = Path(os.fsdecode(row[1]), os.fsdecode(row[2]))
    (name, content_hash, size_bytes, mtime_ns, width_px, height_px, orientation, taken_at, camera) = row[3:12]
    return ImageRecord(
        id=row[0],
        path=path,
        name=name,
        content_hash=content_hash,
        size_bytes=size_bytes,
        mtime_ns=mtime_ns,
        width_px=width_px,
        height_px=height_px,
        orientation=orientation,
        taken_at=taken_at,
        camera=camera,
        status=ImageStatus(row[12]),
        reason=row[13],
    )
