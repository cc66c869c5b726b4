"""What happened to one image, and what the user did last, as lines for display."""

from __future__ import annotations

from itertools import groupby

from sqlite_utils import Database

from engine.domain import HistoryEntry, LabelMode, Source, StepEntry
from engine.language import tr
from engine.store import meta
from engine.store.merging import KIND as MERGE
from engine.store.refusals import as_dict
from engine.store.steps import REDO, STROKE_MARK, UNDO, stroke_text


def history(db: Database, image_id: int) -> list[HistoryEntry]:
    """Returns what happened to the classes of one image, and which ones were refused, newest last."""
    rows = db.execute(
        """
        SELECT step_id, steps.made_at, steps.who, steps.kind, steps.text, action, classes.name, annotations.source
        FROM annotations JOIN steps ON steps.id = step_id JOIN classes ON classes.id = class_id
        WHERE image_id = ? ORDER BY step_id, classes.position, class_id
        """,
        [image_id],
    ).fetchall()
    has_several = meta.label_mode(db) is LabelMode.SEVERAL
    entries: list[HistoryEntry] = []
    for (step_id, made_at, who, kind, step_text), effects in groupby(rows, lambda row: row[:5]):
        gone: list[str] = []
        come: list[str] = []
        source = Source.HUMAN
        for *_, action, name, row_source in effects:
            (come if action == "add" else gone).append(name)
            source = Source(row_source) if action == "add" else source
        text = _with_kind(_text(", ".join(gone), ", ".join(come), has_several), kind, step_text)
        entries.append(HistoryEntry(made_at, source, who, text, step_id))
    labelled = {entry.step_id for entry in entries}
    entries += [entry for entry in _refusals(db, image_id) if entry.step_id not in labelled]
    return sorted(entries, key=lambda entry: entry.step_id)


def _refusals(db: Database, image_id: int) -> list[HistoryEntry]:
    """Returns what was refused of an image, and what was taken back. A class that settles it is told by its label."""
    rows = db.execute(
        """
        SELECT step_id, made_at, who, kind, text, before, after FROM refusal_history JOIN steps ON steps.id = step_id
        WHERE image_id = ? ORDER BY step_id
        """,
        [image_id],
    ).fetchall()
    names = dict(db.execute("SELECT id, name FROM classes").fetchall()) if rows else {}
    entries = []
    for step_id, made_at, who, kind, step_text, before, after in rows:
        old, new = as_dict(before), as_dict(after)
        refused = ", ".join(names[class_id] for class_id in {**old, **new} if (class_id in old) != (class_id in new))
        text = _with_kind(tr("not {classes} (refused)", classes=refused), kind, step_text)
        entries.append(HistoryEntry(made_at, Source.HUMAN, who, text, step_id))
    return entries


def _with_kind(text: str, kind: str, step_text: str) -> str:
    if kind == UNDO:
        return tr("{step} (undo)", step=text)
    if kind == REDO:
        return tr("{step} (redo)", step=text)
    # A merge says whose labels they are; `who` brought them here.
    return f"{text} ({step_text})" if kind == MERGE else text


def steps(db: Database, limit: int) -> list[StepEntry]:
    """Returns the newest steps that can be undone or redone, newest first. Those of one stroke are one entry."""
    rows = db.execute(
        "SELECT kind, state, id, made_at, text FROM steps WHERE state IN ('done', 'undone') ORDER BY id DESC"
    )
    entries: list[StepEntry] = []
    for (_, state, _), group in groupby(rows, lambda row: (row[0], row[1], STROKE_MARK in row[0] or row[2])):
        if len(entries) == limit:
            break
        listed = list(group)
        _, _, step_id, made_at, text = listed[0]
        entries.append(StepEntry(step_id, made_at, stroke_text(text, len(listed)), state == "undone"))
    return entries


def _text(gone: str, come: str, has_several: bool) -> str:
    if not gone:
        return tr("labelled {classes}", classes=come)
    if come:
        return tr("changed from {old} to {new}", old=gone, new=come)
    return tr("removed {classes}", classes=gone) if has_several else tr("cleared {classes}", classes=gone)
