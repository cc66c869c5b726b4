"""Steps: what the user did, one after the other, each with everything needed to take it back.

A step records its effects in five histories (annotations, marks, notes, classes, settings). Undo and redo are steps
too: they write the opposite effects, so that the history only ever grows, and mark their target as undone or done.
"""

from __future__ import annotations

import getpass
import time
from dataclasses import dataclass
from functools import cache

from sqlite_utils import Database

from engine.domain import Change
from engine.store import annotation_log, classes, columns, image_notes, marks, meta, outbox

UNDO = "undo"
REDO = "redo"


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the table."""

    id: int
    kind: str
    text: str


@cache
def who() -> str:
    """Returns the name of the user at this computer, or "" where there is none to be had."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user in the password file; no pwd module on Windows
        return ""


def begin(db: Database, kind: str, text: str, made_at: float | None = None) -> int:
    """Adds an undoable step and returns its id. What had been undone can no longer be redone.

    Call it when it is certain that something will change: a step without effects would be an undo that does nothing.
    """
    db.execute("UPDATE steps SET state = 'discarded' WHERE state = 'undone'")
    return _insert(db, kind, text, "done", None, made_at)


def finish(db: Database, step_id: int) -> Change:
    """Queues the journal line of a step whose effects are all written; returns what it changed."""
    kind, text, made_at, name, target_id = db.execute(
        "SELECT kind, text, made_at, who, target_id FROM steps WHERE id = ?", [step_id]
    ).fetchone()
    class_effects = classes.effects(db, step_id)
    settings = meta.effects(db, step_id)
    outbox.add(
        db,
        kind,
        {
            "step": step_id,
            "at": made_at,
            "who": name,
            "text": text,
            "target": target_id,
            "classes": class_effects,
            "images": annotation_log.effects(db, step_id),
            "marks": marks.effects(db, step_id),
            "notes": image_notes.effects(db, step_id),
            "settings": settings,
        },
    )
    return columns.change_of(db, step_id, text, bool(class_effects), meta.LABEL_MODE in settings)


def next_to_undo(db: Database) -> Step | None:
    """Returns the newest step that is done, or None."""
    return _step(db, "SELECT id, kind, text FROM steps WHERE state = 'done' ORDER BY id DESC LIMIT 1")


def next_to_redo(db: Database) -> Step | None:
    """Returns the step that was undone last, or None."""
    return _step(db, "SELECT id, kind, text FROM steps WHERE state = 'undone' ORDER BY id LIMIT 1")


def undo(db: Database) -> Change | None:
    """Takes the newest step back. Returns what changed, or None when there is nothing to undo."""
    step = next_to_undo(db)
    if step is None:
        return None
    return _reverse(db, step, UNDO, step.id)


def redo(db: Database) -> Change | None:
    """Does the step again that was undone last. Returns what changed, or None when there is nothing to redo."""
    step = next_to_redo(db)
    if step is None:
        return None
    (undo_id,) = db.execute("SELECT max(id) FROM steps WHERE target_id = ? AND kind = ?", [step.id, UNDO]).fetchone()
    return _reverse(db, step, REDO, undo_id)


def last_id(db: Database) -> int:
    """Returns the id of the newest step, undos and redos included; 0 when there is none."""
    return int(db.execute("SELECT coalesce(max(id), 0) FROM steps").fetchone()[0])


def insert_barrier(db: Database, step_id: int, kind: str, text: str) -> None:
    """Adds a step that cannot be undone, nor anything before it: its effects are not those of one act of the user's."""
    db.execute("UPDATE steps SET state = 'discarded' WHERE state IN ('done', 'undone')")
    db.execute(
        "INSERT INTO steps(id, kind, text, made_at, who, state) VALUES (?, ?, ?, ?, ?, 'note')",
        [step_id, kind, text, time.time(), who()],
    )


def insert_replayed(
    db: Database, step_id: int, kind: str, text: str, made_at: float, name: str, target_id: int | None
) -> None:
    """Adds a step read from the journal, under its own id, and settles what can be undone and redone after it."""
    if kind in (UNDO, REDO):
        state = "undone" if kind == UNDO else "done"
        db.execute("UPDATE steps SET state = ? WHERE id = ?", [state, target_id])
        known = db.execute("SELECT 1 FROM steps WHERE id = ?", [target_id]).fetchone()
        own_state, target_id = "note", target_id if known else None
    else:
        db.execute("UPDATE steps SET state = 'discarded' WHERE state = 'undone'")
        own_state, target_id = "done", None
    db.execute(
        "INSERT INTO steps(id, kind, text, made_at, who, state, target_id) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [step_id, kind, text, made_at, name, own_state, target_id],
    )


def _reverse(db: Database, step: Step, kind: str, opposite_of: int) -> Change:
    """Writes the opposite of the effects of the step `opposite_of`, as a new step about `step`."""
    state = "undone" if kind == UNDO else "done"
    db.execute("UPDATE steps SET state = ? WHERE id = ?", [state, step.id])
    new_id = _insert(db, kind, step.text, "note", step.id, None)
    annotation_log.revert(db, new_id, opposite_of)
    classes.revert(db, new_id, opposite_of)
    marks.revert(db, new_id, opposite_of)
    image_notes.revert(db, new_id, opposite_of)
    meta.revert(db, new_id, opposite_of)
    return finish(db, new_id)


def _insert(db: Database, kind: str, text: str, state: str, target_id: int | None, made_at: float | None) -> int:
    cursor = db.execute(
        "INSERT INTO steps(kind, text, made_at, who, state, target_id) VALUES (?, ?, ?, ?, ?, ?)",
        [kind, text, time.time() if made_at is None else made_at, who(), state, target_id],
    )
    return int(cursor.lastrowid or 0)


def _step(db: Database, query: str) -> Step | None:
    row = db.execute(query).fetchone()
    return Step(*row) if row else None
