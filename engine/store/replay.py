"""Brings a database that is behind its journal up to date, line by line, and writes whole states into the journal.

The same code serves a restore from backup, a restore with no backup at all, and a disk that forgot its last writes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from sqlite_utils import Database

from engine.domain import LabelMode, Run
from engine.language import tr
from engine.store import (
    annotation_log,
    classes,
    image_log,
    image_notes,
    images,
    marks,
    meta,
    outbox,
    refusals,
    runs,
    steps,
)
from engine.store.journal import JournalLine

STATE = "state"


def apply(db: Database, lines: Iterable[JournalLine]) -> int:
    """Applies journal lines newer than the database, inside the open transaction; returns their number."""
    num_lines = 0
    for line in lines:
        _apply_one(db, line)
        outbox.add_with_seq(db, line.seq, line.text)
        num_lines += 1
    return num_lines


def add_state(db: Database) -> None:
    """Queues a line with everything that matters of the present state, so that the journal is complete from here on."""
    image_rows = db.execute(
        """
        SELECT images.id, root_id, relative_path, content_hash, coalesce(image_classes.class_id, 0),
               coalesce(classes.name, ''), coalesce(source, ''), coalesce(marks, 0), coalesce(note, '')
        FROM images
        LEFT JOIN image_classes ON image_classes.image_id = images.id
        LEFT JOIN classes ON classes.id = image_classes.class_id
        LEFT JOIN image_marks ON image_marks.image_id = images.id
        LEFT JOIN image_notes ON image_notes.image_id = images.id
        WHERE image_classes.class_id IS NOT NULL OR image_marks.marks != 0 OR note IS NOT NULL ORDER BY images.id
        """
    ).fetchall()
    class_rows = db.execute("SELECT id, name, color, key, position, deleted FROM classes ORDER BY id").fetchall()
    fields = ("name", "color", "key", "position", "deleted")
    outbox.add(
        db,
        STATE,
        {
            "step": steps.last_id(db),
            "roots": [[root.id, str(root.path)] for root in images.all_roots(db)],
            "files": image_log.rows(db),
            "classes": [[row[0], dict(zip(fields, row[1:], strict=True))] for row in class_rows],
            "images": [[row[0], row[1], os.fsdecode(row[2]), *row[3:7]] for row in image_rows],
            "marks": [[row[0], row[1], os.fsdecode(row[2]), row[3], row[7]] for row in image_rows],
            "image_notes": [[row[0], row[1], os.fsdecode(row[2]), row[3], row[8]] for row in image_rows],
            "refusals": refusals.state(db),
            "label_mode": meta.label_mode(db).value,
            "runs": [asdict(run) for run in runs.lasting(db)],
            "notes": list(runs.notes(db).items()),
            "group_rule": meta.get(db, meta.GROUP_RULE),
            "choices": {key: meta.get(db, key) for key in meta.CHOICES},
        },
    )


def _apply_one(db: Database, line: JournalLine) -> None:
    fields = line.fields
    if line.kind == "root":
        image_log.put_root(db, fields["root"], fields["path"])
    elif line.kind == "images":
        image_log.put(db, fields["files"])
    elif line.kind == "run":
        _put_run(db, fields["run"])
    elif line.kind == "active_run":
        if any(run.id == fields["run"] for run in runs.all_runs(db)):
            runs.activate(db, fields["run"], journal=False)
    elif line.kind == "run_deleted":
        runs.set_deleted(db, fields["run"], fields["deleted"], journal=False)
    elif line.kind == "run_note":
        runs.set_note(db, fields["run"], fields["note"], journal=False)
    elif line.kind == "group_rule":
        meta.set_group_rule(db, fields["rule"], journal=False)
    elif line.kind == "choice":
        meta.set_choice(db, fields["key"], fields["value"], journal=False)
    elif line.kind == STATE:
        _apply_state(db, fields)
    elif line.kind != "project":
        step_id = max(int(fields["step"]), steps.last_id(db) + 1)
        steps.insert_replayed(db, step_id, line.kind, fields["text"], fields["at"], fields["who"], fields["target"])
        _apply_effects(db, step_id, fields)


def _apply_state(db: Database, fields: dict[str, Any]) -> None:
    for root_id, path in fields["roots"]:
        image_log.put_root(db, root_id, path)
    image_log.put(db, fields["files"])
    for run in fields["runs"]:
        _put_run(db, run)
    runs.keep_only(db, {run["id"] for run in fields["runs"]})
    for run_id, note in fields["notes"]:
        runs.set_note(db, run_id, note, journal=False)
    meta.set_group_rule(db, fields.get("group_rule"), journal=False)
    for key, value in fields.get("choices", {}).items():
        meta.set_choice(db, key, value, journal=False)
    step_id = max(int(fields["step"]), steps.last_id(db) + 1)
    steps.insert_barrier(db, step_id, "restore", tr("restore from the journal"))
    listed = {entry[0] for entry in fields["images"]}
    others = db.execute(
        """
        SELECT id, root_id, relative_path, content_hash FROM images WHERE id IN (
            SELECT image_id FROM image_classes
            UNION SELECT image_id FROM image_marks WHERE marks != 0
            UNION SELECT image_id FROM image_notes
        )
        """
    ).fetchall()
    refused = {entry[0] for entry in fields.get("refusals", ())}
    settled = [[*place, []] for *place, _ in refusals.state(db) if place[0] not in refused]
    gone = [[row[0], row[1], os.fsdecode(row[2]), row[3]] for row in others if row[0] not in listed]
    known = {entry[0] for entry in fields["classes"]}
    extra = [row[0] for row in db.execute("SELECT id FROM classes WHERE deleted = 0") if row[0] not in known]
    _apply_effects(
        db,
        step_id,
        {
            "classes": fields["classes"],
            "images": [*fields["images"], *([*entry, 0, "", ""] for entry in gone)],
            "marks": [*fields["marks"], *([*entry, 0] for entry in gone)],
            "notes": [*fields.get("image_notes", ()), *([*entry, ""] for entry in gone)],
            "refusals": [*fields.get("refusals", ()), *settled],
            "settings": {meta.LABEL_MODE: fields.get("label_mode", LabelMode.ONE.value)},
        },
    )
    for class_id in extra:
        classes.change(db, step_id, class_id, deleted=1)


def _apply_effects(db: Database, step_id: int, effects: dict[str, Any]) -> None:
    classes.put_all(db, step_id, dict(effects["classes"]))
    wishes = []
    for *place, class_id, class_name, source in effects["images"]:
        wishes.append((_image_id(db, *place), _class_id(db, class_id, class_name), source))
    if wishes and annotation_log.want(db, wishes):
        annotation_log.apply(db, step_id)
    mark_wishes = {_image_id(db, *place): mark for *place, mark in effects["marks"]}
    if mark_wishes:
        marks.apply(db, step_id, mark_wishes.items())
    # Lines of before version 3 of the tables have neither notes nor settings, those of before version 4 no refusals.
    notes = {_image_id(db, *place): note for *place, note in effects.get("notes", ())}
    image_notes.apply(db, step_id, notes.items())
    wanted = [
        (_image_id(db, *place), {_class_id(db, class_id, name): run_id for class_id, name, run_id in refused})
        for *place, refused in effects.get("refusals", ())
    ]
    refusals.apply(db, step_id, ((image_id, refusals.as_text(refused)) for image_id, refused in wanted))
    for key, value in effects.get("settings", {}).items():
        meta.change(db, step_id, key, value)


def _image_id(db: Database, image_id: int, root_id: int, path: str, content_hash: str) -> int:
    return image_log.add_mentioned(db, image_id, root_id, os.fsencode(path), content_hash)


def _class_id(db: Database, class_id: int, name: str) -> int:
    if class_id == 0:
        return 0
    if db.execute("SELECT 1 FROM classes WHERE id = ?", [class_id]).fetchone():
        return class_id
    found = classes.find(db, name)  # the line that added the class is lost: its name is enough
    if found is not None:
        return found.id
    db.execute(
        "INSERT INTO classes(id, name, color, key, position, deleted) VALUES (?, ?, ?, NULL, ?, 0)",
        [class_id, name, classes.next_color(db), classes.next_position(db)],
    )
    return class_id


def _put_run(db: Database, record: dict[str, Any]) -> None:
    run: Run = runs.from_record(record, bool(record["is_active"]))
    runs.insert(db, run)
    if run.is_active:
        runs.activate(db, run.id, journal=False)
