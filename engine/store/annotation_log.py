"""Which class each image has: an append-only history, and the current state derived from it in the same transaction.

A change goes in two parts: `want` notes the classes that images should have and says how many that would change;
`apply` then writes the difference under a step, once per step. Both are a few statements for any number of images.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from sqlite_utils import Database

from engine.domain import HistoryEntry, Source
from engine.errors import ProjectError


def prepare_connection(db: Database) -> None:
    """Makes the temporary table that `want` fills; it lives in memory and as long as the connection."""
    db.execute(
        "CREATE TEMP TABLE wanted(image_id INTEGER PRIMARY KEY, class_id INTEGER NOT NULL, source TEXT NOT NULL)"
    )


def want(db: Database, wishes: Iterable[tuple[int, int, str]]) -> int:
    """Notes what classes images should have: (image id, class id or NO_CLASS, source). The last wish of an image wins.

    Returns:
        How many images do not have the wanted class yet.

    Raises:
        ProjectError: some of them are no images of the project.
    """
    db.execute("DELETE FROM wanted")
    db.conn.executemany("INSERT OR REPLACE INTO wanted VALUES (?, ?, ?)", wishes)
    if db.execute("SELECT 1 FROM wanted WHERE image_id NOT IN (SELECT id FROM images) LIMIT 1").fetchone():
        raise ProjectError("Some of these images are not in the project.", "Open the project again.")
    return _num_changing(db)


def want_for_all_of(db: Database, class_id: int, new_class_id: int) -> int:
    """As `want`, for all images of a class. Their sources stay."""
    db.execute("DELETE FROM wanted")
    db.execute(
        "INSERT INTO wanted SELECT image_id, ?, source FROM image_classes WHERE class_id = ?", [new_class_id, class_id]
    )
    return _num_changing(db)


def apply(db: Database, step_id: int) -> None:
    """Writes what differs from the noted wishes into history and current state. At most once per step."""
    db.execute(
        """
        INSERT INTO annotations(step_id, image_id, class_id, action, source)
        SELECT ?, image_id, image_classes.class_id, 'remove', image_classes.source
        FROM wanted JOIN image_classes USING (image_id)
        WHERE image_classes.class_id != wanted.class_id
        """,
        [step_id],
    )
    db.execute(
        """
        INSERT INTO annotations(step_id, image_id, class_id, action, source)
        SELECT ?, image_id, class_id, 'add', source FROM wanted
        WHERE class_id != 0 AND NOT EXISTS (
            SELECT 1 FROM image_classes
            WHERE image_classes.image_id = wanted.image_id AND image_classes.class_id = wanted.class_id
        )
        """,
        [step_id],
    )
    db.execute(
        """
        DELETE FROM image_classes WHERE (image_id, class_id) IN (
            SELECT image_id, class_id FROM annotations WHERE step_id = ? AND action = 'remove'
        )
        """,
        [step_id],
    )
    db.execute(
        """
        INSERT INTO image_classes
        SELECT image_id, class_id, source FROM annotations WHERE step_id = ? AND action = 'add'
        """,
        [step_id],
    )


def revert(db: Database, step_id: int, opposite_of: int) -> None:
    """Gives the images that a step touched the classes back that they had before it, as effects of `step_id`."""
    db.execute("DELETE FROM wanted")
    db.execute(
        """
        INSERT INTO wanted
        SELECT image_id,
               max(CASE action WHEN 'remove' THEN class_id ELSE 0 END),
               max(CASE action WHEN 'remove' THEN source ELSE '' END)
        FROM annotations WHERE step_id = ? GROUP BY image_id
        """,
        [opposite_of],
    )
    apply(db, step_id)


def effects(db: Database, step_id: int) -> list[list[Any]]:
    """Returns what a step did to images, for the journal.

    Each is [image id, root id, path, hash, class id, class name, source], class and source as they are after the step;
    0 and "" mean that the image has no class.
    """
    rows = db.execute(
        """
        SELECT images.id, images.root_id, images.relative_path, images.content_hash,
               coalesce(image_classes.class_id, 0), coalesce(classes.name, ''), coalesce(image_classes.source, '')
        FROM (SELECT DISTINCT image_id FROM annotations WHERE step_id = ?) AS touched
        JOIN images ON images.id = touched.image_id
        LEFT JOIN image_classes ON image_classes.image_id = images.id
        LEFT JOIN classes ON classes.id = image_classes.class_id
        ORDER BY images.id
        """,
        [step_id],
    ).fetchall()
    return [[row[0], row[1], os.fsdecode(row[2]), *row[3:]] for row in rows]


def num_changed_since(db: Database, step_id: int) -> int:
    """Returns how many images have another class now than right after a step (0 = before the first)."""
    row = db.execute(
        """
        WITH first_change AS (
            SELECT image_id, min(step_id) AS step_id FROM annotations WHERE step_id > ? GROUP BY image_id
        ), before AS (
            SELECT image_id, max(CASE action WHEN 'remove' THEN class_id ELSE 0 END) AS class_id
            FROM annotations JOIN first_change USING (image_id, step_id) GROUP BY image_id
        )
        SELECT count(*) FROM before LEFT JOIN image_classes AS now USING (image_id)
        WHERE coalesce(now.class_id, 0) != before.class_id
        """,
        [step_id],
    ).fetchone()
    return int(row[0])


def history(db: Database, image_id: int) -> list[HistoryEntry]:
    """Returns what happened to one image, newest last."""
    rows = db.execute(
        """
        SELECT steps.made_at, steps.who, steps.kind,
               max(CASE action WHEN 'remove' THEN classes.name END),
               max(CASE action WHEN 'add' THEN classes.name END),
               max(CASE action WHEN 'add' THEN annotations.source END)
        FROM annotations JOIN steps ON steps.id = step_id JOIN classes ON classes.id = class_id
        WHERE image_id = ? GROUP BY step_id ORDER BY step_id
        """,
        [image_id],
    ).fetchall()
    return [_entry(*row) for row in rows]


def labelled(db: Database) -> list[tuple[int, str, int]]:
    """Returns (image id, content hash, class id) of all readable images that have a class, in filing order."""
    return db.execute(
        """
        SELECT images.id, images.content_hash, image_classes.class_id
        FROM image_classes JOIN images ON images.id = image_classes.image_id
        WHERE images.status = 0 ORDER BY images.position
        """
    ).fetchall()


def sources(db: Database) -> dict[int, Source]:
    """Returns where the present class of each labelled image came from, by image id."""
    rows = db.execute("SELECT image_id, source FROM image_classes").fetchall()
    return {image_id: Source(source) for image_id, source in rows}


def label_text(num_images: int, class_name: str, one_image: str) -> str:
    """Returns the text of a step that gave images a class, e.g. "label 12 images as rust"."""
    what = one_image if num_images == 1 else f"{num_images:,} images"
    return f"label {what} as {class_name}"


def display_name(db: Database, image_ids: Sequence[int]) -> str:
    """Returns the file name of the only image of a step, for its text; "" when there are several."""
    if len(image_ids) != 1:
        return ""
    row = db.execute("SELECT name FROM images WHERE id = ?", [image_ids[0]]).fetchone()
    return str(row[0]).rpartition("/")[2] if row else ""


def _num_changing(db: Database) -> int:
    row = db.execute(
        """
        SELECT count(*) FROM wanted LEFT JOIN image_classes USING (image_id)
        WHERE coalesce(image_classes.class_id, 0) != wanted.class_id
        """
    ).fetchone()
    return int(row[0])


def _entry(
    made_at: float, who: str, kind: str, before: str | None, after: str | None, source: str | None
) -> HistoryEntry:
    if after is None:
        text = f"cleared {before}"
    elif before is None:
        text = f"labelled {after}"
    else:
        text = f"changed from {before} to {after}"
    if kind in ("undo", "redo"):
        text = f"{text} ({kind})"
    return HistoryEntry(made_at, Source(source) if source else Source.HUMAN, who, text)
