"""Steps: what the user did, one after the other, each with everything needed to take it back.

A step records its effects in six histories (annotations, marks, notes, refusals, classes, settings). Undo and redo are
steps too: they write the opposite effects, so that the history only ever grows, and mark their target as undone or
done.
"""

from __future__ import annotations

import getpass
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from sqlite_utils import Database

from engine.domain import Change, merged
from engine.language import trn
from engine.store import annotation_log, classes, columns, image_notes, marks, meta, outbox, refusals

STROKE_MARK = ":"
"""Between the kind of a step and the stroke of keys that it belongs to: steps of one stroke are undone together."""
UNDO = "undo"
REDO = "redo"
SET_UP = "set up"
"""A step that made the project what it is, before there was anything in it: not to be undone."""


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the table."""

    id: int
    kind: str
    text: str

    @property
    def is_in_stroke(self) -> bool:
        """Whether there may be more steps that are to be undone and redone together with this one."""
        return STROKE_MARK in self.kind


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
    return _insert(db, kind, text, "note" if kind == SET_UP else "done", None, made_at)


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
            "refusals": refusals.effects(db, step_id),
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
    """Takes the newest step back, with all of its stroke. Returns what changed, or None: there is nothing to undo."""
    changes = [_reverse(db, step, UNDO, step.id) for step in _next_stroke(db, next_to_undo)]
    return merged(changes) if changes else None


def redo(db: Database) -> Change | None:
    """Does the step again that was undone last, with all of its stroke. Returns what changed, or None."""
    undo_of = "SELECT max(id) FROM steps WHERE target_id = ? AND kind = ?"
    changes = [
        _reverse(db, step, REDO, db.execute(undo_of, [step.id, UNDO]).fetchone()[0])
        for step in _next_stroke(db, next_to_redo)
    ]
    return merged(changes) if changes else None


def text_of_undo(db: Database) -> str | None:
    """Returns the text of what `undo` would take back, or None."""
    return _text_of_stroke(db, next_to_undo(db), "SELECT kind FROM steps WHERE state = 'done' ORDER BY id DESC")


def text_of_redo(db: Database) -> str | None:
    """Returns the text of what `redo` would do again, or None."""
    return _text_of_stroke(db, next_to_redo(db), "SELECT kind FROM steps WHERE state = 'undone' ORDER BY id")


def stroke_text(text: str, num_steps: int) -> str:
    """Returns the text of several steps that were made in one stroke, given that of one."""
    if num_steps == 1:
        return text
    return trn("{step} and {number:,} more", "{step} and {number:,} more", num_steps - 1, step=text)


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
        own_state, target_id = "note" if kind == SET_UP else "done", None
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
    refusals.revert(db, new_id, opposite_of)
    meta.revert(db, new_id, opposite_of)
    return finish(db, new_id)


def _next_stroke(db: Database, next_step: Callable[[Database], Step | None]) -> Iterator[Step]:
    """Gives the next step, and after it has been dealt with those of the same stroke."""
    first = step = next_step(db)
    while step is not None:
        yield step
        step = next_step(db) if step.is_in_stroke else None
        step = step if step is not None and first is not None and step.kind == first.kind else None


def _text_of_stroke(db: Database, step: Step | None, kinds: str) -> str | None:
    if step is None:
        return None
    if not step.is_in_stroke:
        return step.text
    same = itertools.takewhile(lambda row: row[0] == step.kind, db.execute(kinds))
    return stroke_text(step.text, sum(1 for _ in same))


def _insert(db: Database, kind: str, text: str, state: str, target_id: int | None, made_at: float | None) -> int:
    cursor = db.execute(
        "INSERT INTO steps(kind, text, made_at, who, state, target_id) VALUES (?, ?, ?, ?, ?, ?)",
        [kind, text, time.time() if made_at is None else made_at, who(), state, target_id],
    )
    return int(cursor.lastrowid or 0)


def _step(db: Database, query: str) -> Step | None:
    row = db.execute(query).fetchone()
    return Step(*row) if row else None
