"""The user's classes: rows that are never removed, only marked deleted, with a history for undo."""

from __future__ import annotations

import json
from typing import Any, Final

from sqlite_utils import Database

from engine.domain import ImageClass
from engine.errors import ProjectError
from engine.language import tr

COLORS: Final = (
    "#f2b134",
    "#5fc27e",
    "#e5735c",
    "#7aa2f7",
    "#c586f0",
    "#4fc3c3",
    "#f08fb4",
    "#b5c94c",
    "#d99a6c",
    "#8f9bb3",
    "#e8d44d",
    "#6c8cff",
)
MOUSE_KEYS: Final = {"mouse4": tr("mouse button 4"), "mouse5": tr("mouse button 5")}
"""Keys that are no characters, with their names for texts."""
RESERVED_KEYS: Final = frozenset("xhv?/ ")
_FIELDS: Final = ("name", "color", "key", "position", "deleted")


def all_classes(db: Database) -> list[ImageClass]:
    """Returns the classes that are not deleted, in palette order."""
    rows = db.execute("SELECT id, name, color, key, position FROM classes WHERE deleted = 0 ORDER BY position, id")
    return [ImageClass(*row) for row in rows.fetchall()]


def merged(db: Database) -> dict[int, int]:
    """Returns for each class that was merged into another the class that its images got, however many merges later.

    A merge is a step that deletes a class and gives its images another one; undone, it is none.
    """
    rows = db.execute(
        """
        SELECT class_id, target FROM (
            SELECT class_history.class_id, (
                SELECT annotations.class_id FROM annotations
                WHERE annotations.step_id = class_history.step_id AND action = 'add' LIMIT 1
            ) AS target
            FROM class_history
            JOIN steps ON steps.id = class_history.step_id AND steps.state = 'done' AND steps.kind = 'classes'
            JOIN classes ON classes.id = class_history.class_id AND classes.deleted = 1
            WHERE json_extract(class_history.after, '$.deleted') = 1
        ) WHERE target IS NOT NULL
        """
    )
    into = dict(rows.fetchall())
    for class_id, target in into.items():
        while target in into:  # it ends: what a class was merged into was there when that was done
            target = into[target]
        into[class_id] = target
    return into


def get(db: Database, class_id: int) -> ImageClass:
    """Returns one class.

    Raises:
        ProjectError: there is no such class (any more).
    """
    row = db.execute(
        "SELECT id, name, color, key, position FROM classes WHERE id = ? AND deleted = 0", [class_id]
    ).fetchone()
    if row is None:
        raise ProjectError(tr("That class does not exist any more."), tr("Choose one of the classes in the palette."))
    return ImageClass(*row)


def find(db: Database, name: str) -> ImageClass | None:
    """Returns the class of that name, or None."""
    row = db.execute(
        "SELECT id, name, color, key, position FROM classes WHERE name = ? AND deleted = 0", [name]
    ).fetchone()
    return ImageClass(*row) if row else None


def checked_name(db: Database, name: str, own_id: int = 0) -> str:
    """Returns the name as it is stored.

    Raises:
        ProjectError: it is empty or taken by another class.
    """
    name = " ".join(name.split())
    if not name:
        raise ProjectError(tr("A class needs a name."), tr("Type one."))
    taken = find(db, name)
    if taken is not None and taken.id != own_id:
        raise ProjectError(
            tr("There is a class called {name} already.", name=name), tr("Use it, or choose another name.")
        )
    return name


def checked_key(key: str) -> str:
    """Returns a class key as it is stored: one character, lower case, or the name of a thumb button of the mouse.

    Raises:
        ProjectError: it is not a single visible character, or has a meaning of its own in the window.
    """
    key = key.lower()
    if key in MOUSE_KEYS:
        return key
    if len(key) != 1 or not key.isprintable():
        raise ProjectError(tr("A class key is a single letter or digit."), tr("Choose another key."))
    if key in RESERVED_KEYS:
        raise ProjectError(tr("The key {key} has a meaning of its own.", key=key.upper()), tr("Choose another key."))
    return key


def next_color(db: Database) -> str:
    """Returns the colour of the palette that the fewest classes have."""
    used = [image_class.color for image_class in all_classes(db)]
    return min(COLORS, key=used.count)


def next_key(db: Database, name: str) -> str | None:
    """Returns a free key for a new class: 1 to 9, then a letter of its name; None when those are taken."""
    used = {image_class.key for image_class in all_classes(db)}
    letters = [letter for letter in name.lower() if letter.isalpha() and letter.isascii()]
    return next((key for key in [*"123456789", *letters] if key not in used and key not in RESERVED_KEYS), None)


def last_id(db: Database) -> int:
    """Returns the highest class id that was given out; classes are only marked as deleted."""
    return int(db.execute("SELECT coalesce(max(id), 0) FROM classes").fetchone()[0])


def next_position(db: Database) -> int:
    """Returns the position after the last class."""
    return int(db.execute("SELECT coalesce(max(position), -1) + 1 FROM classes WHERE deleted = 0").fetchone()[0])


def insert(db: Database, step_id: int, name: str, color: str, key: str | None, class_id: int | None = None) -> int:
    """Adds a class under a step and returns its id."""
    cursor = db.execute(
        "INSERT INTO classes(id, name, color, key, position, deleted) VALUES (?, ?, ?, ?, ?, 0)",
        [class_id, name, color, key, next_position(db)],
    )
    new_id = int(cursor.lastrowid or 0)
    _record(db, step_id, new_id, None)
    return new_id


def change(db: Database, step_id: int, class_id: int, **fields: str | int | None) -> None:
    """Changes some fields of a class (name, color, key, position, deleted) under a step."""
    before = _row(db, class_id)
    _write(db, class_id, {**before, **fields})
    _record(db, step_id, class_id, before)


def put_all(db: Database, step_id: int, rows: dict[int, dict[str, Any]]) -> None:
    """Makes classes look like `rows` (by class id) under a step, adding those that are not there under their ids."""
    # Those that go first, so that a name which passes from one class to another is never held by two.
    for class_id, row in sorted(rows.items(), key=lambda entry: -int(entry[1]["deleted"])):
        _put(db, step_id, class_id, row)


def _put(db: Database, step_id: int, class_id: int, row: dict[str, Any]) -> None:
    namesake = find(db, row["name"])
    if not row["deleted"] and namesake is not None and namesake.id != class_id:
        # Only when a line of the journal is lost: the other class had given its name up in it.
        change(db, step_id, namesake.id, name=f"{namesake.name} ({namesake.id})")
    exists = db.execute("SELECT 1 FROM classes WHERE id = ?", [class_id]).fetchone()
    if exists:
        change(db, step_id, class_id, **{name: row[name] for name in _FIELDS})
        return
    db.execute(
        "INSERT INTO classes(id, name, color, key, position, deleted) VALUES (?, ?, ?, ?, ?, ?)",
        [class_id, *(row[name] for name in _FIELDS)],
    )
    _record(db, step_id, class_id, None)


def revert(db: Database, step_id: int, opposite_of: int) -> None:
    """Makes classes look as they did before a step, as effects of `step_id`."""
    rows = db.execute("SELECT class_id, before FROM class_history WHERE step_id = ?", [opposite_of]).fetchall()
    wanted = {
        class_id: json.loads(before) if before else {**_row(db, class_id), "deleted": 1} for class_id, before in rows
    }
    put_all(db, step_id, wanted)


def effects(db: Database, step_id: int) -> list[list[Any]]:
    """Returns what a step did to classes, for the journal: [class id, row afterwards]."""
    rows = db.execute("SELECT class_id, after FROM class_history WHERE step_id = ? ORDER BY class_id", [step_id])
    return [[class_id, json.loads(after)] for class_id, after in rows.fetchall()]


def _row(db: Database, class_id: int) -> dict[str, Any]:
    row = db.execute("SELECT name, color, key, position, deleted FROM classes WHERE id = ?", [class_id]).fetchone()
    return dict(zip(_FIELDS, row, strict=True))


def _write(db: Database, class_id: int, row: dict[str, Any]) -> None:
    db.execute(
        "UPDATE classes SET name = ?, color = ?, key = ?, position = ?, deleted = ? WHERE id = ?",
        [*(row[name] for name in _FIELDS), class_id],
    )


def _record(db: Database, step_id: int, class_id: int, before: dict[str, Any] | None) -> None:
    db.execute(
        """
        INSERT INTO class_history(step_id, class_id, before, after) VALUES (?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET after = excluded.after
        """,
        [step_id, class_id, json.dumps(before) if before else None, json.dumps(_row(db, class_id))],
    )
