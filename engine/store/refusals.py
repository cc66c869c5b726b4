"""Suggestions that somebody looked at and took out: "this image is not of that class", with a history for undo.

What is refused of an image is kept as JSON, class id to the id of the run that suggested it: '{"3": 12}', "" for
nothing. It holds while the image has no class: giving it one settles the matter, and undoing that brings it back.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

_PAIRS = """
    SELECT image_id, CAST(key AS INTEGER) FROM image_refusals, json_each(refused)
    WHERE CAST(key AS INTEGER) IN (SELECT id FROM classes WHERE deleted = 0)
"""


def pairs(db: Database, among: str = "", values: Mapping[str, int] | None = None) -> NDArray[np.int64]:
    """Returns (image id, class id) of what is refused (R, 2), of all images or of those that a query names.

    Classes that were deleted play no part.
    """
    where = f" AND image_id IN ({among})" if among else ""
    rows = db.execute(f"{_PAIRS}{where} ORDER BY image_id", dict(values or {})).fetchall()
    return np.array(rows, np.int64).reshape(-1, 2)


def all_refused(db: Database) -> dict[int, str]:
    """Returns what is refused by image id, as it is kept."""
    return dict(db.execute("SELECT image_id, refused FROM image_refusals").fetchall())


def add(db: Database, step_id: int, image_ids: Iterable[int], class_id: int, run_id: int) -> None:
    """Notes that images are not of a class that a run suggested, under a step. Those that have a class are left out."""
    wishes: list[tuple[int, str]] = []
    for image_id, refused in unlabelled(db, image_ids):
        wishes.append((image_id, as_text({**as_dict(refused), class_id: run_id})))
    apply(db, step_id, wishes)


def unlabelled(db: Database, image_ids: Iterable[int]) -> list[tuple[int, str]]:
    """Returns those of some images that have no class, each with what is refused of it so far."""
    return db.execute(
        """
        SELECT id, coalesce(refused, '') FROM images LEFT JOIN image_refusals ON image_id = id
        WHERE id IN (SELECT value FROM json_each(?)) AND id NOT IN (SELECT image_id FROM image_classes) ORDER BY id
        """,
        [json.dumps(list(image_ids))],
    ).fetchall()


def apply(db: Database, step_id: int, wishes: Iterable[tuple[int, str]]) -> None:
    """Makes what is refused of images what it is to be, as (image id, text), under a step."""
    for image_id, refused in wishes:
        before = _get(db, image_id)
        if before == refused:
            continue
        db.execute(
            """
            INSERT INTO refusal_history VALUES (?, ?, ?, ?)
            ON CONFLICT(step_id, image_id) DO UPDATE SET after = excluded.after
            """,
            [step_id, image_id, before, refused],
        )
        if refused:
            db.execute("INSERT OR REPLACE INTO image_refusals VALUES (?, ?)", [image_id, refused])
        else:
            db.execute("DELETE FROM image_refusals WHERE image_id = ?", [image_id])


def settle(db: Database, step_id: int, labelled: str) -> None:
    """Forgets, under a step, what was refused of images that get a class; `labelled` is a query for them."""
    rows = db.execute(f"SELECT image_id FROM image_refusals WHERE image_id IN ({labelled})").fetchall()  # noqa: S608
    apply(db, step_id, [(image_id, "") for (image_id,) in rows])


def revert(db: Database, step_id: int, opposite_of: int) -> None:
    """Makes what is refused of images what it was before a step, as effects of `step_id`."""
    query = "SELECT image_id, before FROM refusal_history WHERE step_id = ?"
    apply(db, step_id, db.execute(query, [opposite_of]).fetchall())


def effects(db: Database, step_id: int) -> list[list[Any]]:
    """Returns what a step did, for the journal: [image id, root id, path, hash, [[class id, class name, run id]]]."""
    rows = db.execute(
        """
        SELECT images.id, root_id, relative_path, content_hash, after
        FROM refusal_history JOIN images ON images.id = image_id WHERE step_id = ? ORDER BY images.id
        """,
        [step_id],
    ).fetchall()
    return _for_journal(db, rows)


def state(db: Database) -> list[list[Any]]:
    """Returns everything that is refused, as `effects` does."""
    rows = db.execute(
        """
        SELECT images.id, root_id, relative_path, content_hash, refused
        FROM image_refusals JOIN images ON images.id = image_id ORDER BY images.id
        """
    ).fetchall()
    return _for_journal(db, rows)


def as_dict(refused: str) -> dict[int, int]:
    """Returns class id to run id of what is kept of one image."""
    return {int(class_id): int(run_id) for class_id, run_id in json.loads(refused or "{}").items()}


def as_text(refused: Mapping[int, int]) -> str:
    """Returns how class id to run id is kept; always the same text for the same content."""
    return json.dumps({str(class_id): refused[class_id] for class_id in sorted(refused)}) if refused else ""


def _get(db: Database, image_id: int) -> str:
    row = db.execute("SELECT refused FROM image_refusals WHERE image_id = ?", [image_id]).fetchone()
    return str(row[0]) if row else ""


def _for_journal(db: Database, rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    found = list(rows)
    names = dict(db.execute("SELECT id, name FROM classes").fetchall()) if found else {}
    return [
        [
            image_id,
            root_id,
            os.fsdecode(path),
            content_hash,
            [[class_id, names.get(class_id, ""), run_id] for class_id, run_id in as_dict(refused).items()],
        ]
        for image_id, root_id, path, content_hash, refused in found
    ]
