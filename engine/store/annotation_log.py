"""Which classes each image has: an append-only history, and the current state derived from it in the same transaction.

A change goes in two parts: one of the `want` functions works out what differs from the present state and says how many
images that would change; `apply` then writes the difference under a step, once per step. Both are a few statements for
any number of images.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from engine.domain import Source
from engine.errors import ProjectError
from engine.language import count, tr
from engine.store import refusals

_FEWEST_TOGETHER = 3
_IS_THERE = """
    SELECT 1 FROM image_classes
    WHERE image_classes.image_id = {other}.image_id AND image_classes.class_id = {other}.class_id
"""


def prepare_connection(db: Database) -> None:
    """Makes the temporary tables that `want` fills; they live in memory and as long as the connection."""
    db.execute(
        """
        CREATE TEMP TABLE wanted(
            image_id INTEGER NOT NULL, class_id INTEGER NOT NULL, source TEXT NOT NULL, PRIMARY KEY(image_id, class_id)
        ) WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TEMP TABLE differences(
            image_id INTEGER NOT NULL, class_id INTEGER NOT NULL, action TEXT NOT NULL, source TEXT NOT NULL,
            PRIMARY KEY(image_id, class_id)
        ) WITHOUT ROWID
        """
    )


def want(db: Database, wishes: Iterable[tuple[int, int, str]]) -> int:
    """Works out how images get exactly the classes of the wishes: (image id, class id or NO_CLASS, source).

    An image with several wishes gets several classes.

    Returns:
        How many images that would change.

    Raises:
        ProjectError: some of them are no images of the project.
    """
    _note(db, wishes)
    db.execute(
        """
        INSERT INTO differences
        SELECT image_id, class_id, 'remove', source FROM image_classes
        WHERE image_id IN (SELECT image_id FROM wanted) AND NOT EXISTS (
            SELECT 1 FROM wanted
            WHERE wanted.image_id = image_classes.image_id AND wanted.class_id = image_classes.class_id
        )
        """
    )
    return _add_what_is_not_there(db)


def want_also(db: Database, wishes: Iterable[tuple[int, int, str]]) -> int:
    """As `want`, but images keep the classes that they have."""
    _note(db, wishes)
    return _add_what_is_not_there(db)


def want_without(db: Database, image_ids: Iterable[int], class_id: int) -> int:
    """As `want`, for images that lose one class and keep the others."""
    _note(db, ((image_id, class_id, "") for image_id in image_ids))
    db.execute(
        """
        INSERT INTO differences
        SELECT image_id, class_id, 'remove', image_classes.source FROM wanted JOIN image_classes
        USING (image_id, class_id)
        """
    )
    return _num_changing(db)


def want_for_all_of(db: Database, class_id: int, new_class_id: int) -> int:
    """As `want`, for all images of a class, which get another instead (NO_CLASS: none). Their sources stay."""
    _note(db, ())
    db.execute(
        """
        INSERT INTO differences
        SELECT image_id, class_id, 'remove', source FROM image_classes WHERE class_id = ?
        """,
        [class_id],
    )
    db.execute("INSERT INTO wanted SELECT image_id, ?, source FROM differences", [new_class_id])
    return _add_what_is_not_there(db)


def apply(db: Database, step_id: int) -> None:
    """Writes the differences that were worked out into history and current state. At most once per step."""
    db.execute(
        """
        INSERT INTO annotations(step_id, image_id, class_id, action, source)
        SELECT ?, image_id, class_id, action, source FROM differences
        """,
        [step_id],
    )
    db.execute(
        """
        DELETE FROM image_classes
        WHERE (image_id, class_id) IN (SELECT image_id, class_id FROM differences WHERE action = 'remove')
        """
    )
    db.execute("INSERT INTO image_classes SELECT image_id, class_id, source FROM differences WHERE action = 'add'")
    refusals.settle(db, step_id, "SELECT image_id FROM differences WHERE action = 'add'")


def revert(db: Database, step_id: int, opposite_of: int) -> None:
    """Gives the images that a step touched the classes back that they had before it, as effects of `step_id`."""
    _note(db, ())
    db.execute(
        f"""
        INSERT INTO differences
        SELECT image_id, class_id, CASE action WHEN 'add' THEN 'remove' ELSE 'add' END, source FROM annotations
        WHERE step_id = ? AND (action = 'add') = EXISTS ({_IS_THERE.format(other="annotations")})
        """,  # noqa: S608
        [opposite_of],
    )
    apply(db, step_id)


def classes_after(db: Database, image_id: int, step_id: int) -> list[tuple[int, str]]:
    """Returns the classes that one image had right after a step, as (class id, source)."""
    rows = db.execute(
        """
        SELECT class_id, source, action, max(step_id) FROM annotations WHERE image_id = ? AND step_id <= ?
        GROUP BY class_id
        """,
        [image_id, step_id],
    ).fetchall()
    return [(class_id, source) for class_id, source, action, _ in rows if action == "add"]


def effects(db: Database, step_id: int) -> list[list[Any]]:
    """Returns what a step did to images, for the journal.

    Each is [image id, root id, path, hash, class id, class name, source], class and source as they are after the step;
    an image with several classes comes once for each. 0 and "" mean that the image has no class.
    """
    rows = db.execute(
        """
        SELECT images.id, images.root_id, images.relative_path, images.content_hash,
               coalesce(image_classes.class_id, 0), coalesce(classes.name, ''), coalesce(image_classes.source, '')
        FROM (SELECT DISTINCT image_id FROM annotations WHERE step_id = ?) AS touched
        JOIN images ON images.id = touched.image_id
        LEFT JOIN image_classes ON image_classes.image_id = images.id
        LEFT JOIN classes ON classes.id = image_classes.class_id
        ORDER BY images.id, image_classes.class_id
        """,
        [step_id],
    ).fetchall()
    return [[row[0], row[1], os.fsdecode(row[2]), *row[3:]] for row in rows]


def num_changed_since(db: Database, step_id: int) -> int:
    """Returns how many images have other classes now than right after a step (0 = before the first)."""
    if step_id == 0:  # asked after every key while there is no model yet, so it must not look through the history
        return int(db.execute("SELECT count(DISTINCT image_id) FROM image_classes").fetchone()[0])
    row = db.execute(
        f"""
        SELECT count(DISTINCT image_id) FROM (
            SELECT image_id, class_id, action, min(step_id) FROM annotations WHERE step_id > ?
            GROUP BY image_id, class_id
        ) AS first_change
        WHERE (action = 'add') = EXISTS ({_IS_THERE.format(other="first_change")})
        """,  # noqa: S608
        [step_id],
    ).fetchone()
    return int(row[0])


def labelled(db: Database) -> list[tuple[int, str, int]]:
    """Returns (image id, content hash, class id) of all readable images that have a class, in filing order.

    An image with several classes comes once for each.
    """
    return db.execute(
        """
        SELECT images.id, images.content_hash, image_classes.class_id
        FROM image_classes JOIN images ON images.id = image_classes.image_id
        WHERE images.status = 0 ORDER BY images.position
        """
    ).fetchall()


def has_two_classes(db: Database) -> bool:
    """Tells whether any image has more than one class."""
    query = "SELECT 1 FROM image_classes GROUP BY image_id HAVING count(*) > 1 LIMIT 1"
    return db.execute(query).fetchone() is not None


def sources(db: Database) -> dict[int, Source]:
    """Returns where the present class of each labelled image came from, by image id (of several, the newest class)."""
    rows = db.execute("SELECT image_id, source FROM image_classes ORDER BY image_id, class_id").fetchall()
    return {image_id: Source(source) for image_id, source in rows}


def accepted_ids(db: Database, among: str = "", values: dict[str, int] | None = None) -> NDArray[np.int64]:
    """Returns the images that have a class which is an accepted suggestion, of all or of those a query names."""
    return _ids_from(db, (Source.SUGGESTION, Source.UNSEEN), among, values)


def unseen_ids(db: Database) -> NDArray[np.int64]:
    """Returns the images that have a class which was suggested, and accepted without a look."""
    return _ids_from(db, (Source.UNSEEN,))


def labelled_together(db: Database, image_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns for images (N,) the step in which they got their first class by hand, 0 where that was one by one.

    What is named as a whole stack, or selected and labelled at once, has been chosen together, whatever was changed
    later. Imports and accepted suggestions are not chosen by hand.
    """
    rows = db.execute(
        """
        SELECT image_id, step_id FROM (
            SELECT image_id, min(step_id) AS step_id FROM annotations
            WHERE action = 'add' AND source = ? GROUP BY image_id
        )
        WHERE step_id IN (
            SELECT step_id FROM annotations WHERE action = 'add' GROUP BY step_id HAVING count(DISTINCT class_id) = 1
        )
        """,
        [Source.HUMAN.value],
    ).fetchall()
    step_of = dict(rows)
    steps = np.array([step_of.get(image_id, 0) for image_id in image_ids.tolist()], np.int64)
    found, codes, counts = np.unique(steps, return_inverse=True, return_counts=True)
    return np.where((counts >= _FEWEST_TOGETHER)[codes], found[codes], 0).astype(np.int64)


def _ids_from(
    db: Database, sources: Sequence[Source], among: str = "", values: dict[str, int] | None = None
) -> NDArray[np.int64]:
    named = ", ".join(f"'{each.value}'" for each in sources)
    where = f" AND image_id IN ({among})" if among else ""
    rows = db.execute(f"SELECT image_id FROM image_classes WHERE source IN ({named}){where}", values or {})  # noqa: S608
    return np.fromiter((image_id for (image_id,) in rows), np.int64)


def label_text(num_images: int, class_name: str, one_image: str) -> str:
    """Returns the text of a step that gave images a class, e.g. "label 12 images as rust"."""
    what = one_image if num_images == 1 else count(num_images, "image")
    return tr("label {images} as {class_name}", images=what, class_name=class_name)


def display_name(db: Database, image_ids: Sequence[int]) -> str:
    """Returns the file name of the only image of a step, for its text; "" when there are several."""
    if len(image_ids) != 1:
        return ""
    row = db.execute("SELECT name FROM images WHERE id = ?", [image_ids[0]]).fetchone()
    return str(row[0]).rpartition("/")[2] if row else ""


def _note(db: Database, wishes: Iterable[tuple[int, int, str]]) -> None:
    db.execute("DELETE FROM wanted")
    db.execute("DELETE FROM differences")
    db.conn.executemany("INSERT OR REPLACE INTO wanted VALUES (?, ?, ?)", wishes)
    if db.execute("SELECT 1 FROM wanted WHERE image_id NOT IN (SELECT id FROM images) LIMIT 1").fetchone():
        raise ProjectError(tr("Some of these images are not in the project."), tr("Open the project again."))


def _add_what_is_not_there(db: Database) -> int:
    db.execute(
        f"""
        INSERT INTO differences
        SELECT image_id, class_id, 'add', source FROM wanted
        WHERE class_id != 0 AND NOT EXISTS ({_IS_THERE.format(other="wanted")})
        """  # noqa: S608
    )
    return _num_changing(db)


def _num_changing(db: Database) -> int:
    return int(db.execute("SELECT count(DISTINCT image_id) FROM differences").fetchone()[0])
