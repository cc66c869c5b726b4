"""Looks for damage in a database, its journal and its backups, and rehearses a restore. Changes nothing."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlite_utils import Database

from engine.store import (
    connection,
    copying,
    going_back,
    journal,
    meta,
    outbox,
    replay,
    schema,
)
from engine.store.journal import JournalLine
from engine.store.migrations import SCHEMA_VERSION

MAX_MESSAGES: Final = 5
_BACKUP_SEQ: Final = re.compile(r"project-\d{8}T\d{6}-(\d{10})\.db")
_DERIVED: Final = {
    "classes": """
        SELECT count(DISTINCT image_id) FROM (
            SELECT image_id, class_id FROM (
                SELECT image_id, class_id, action, max(id) FROM annotations GROUP BY image_id, class_id
            ) WHERE action = 'add'
            EXCEPT SELECT image_id, class_id FROM image_classes
            UNION ALL SELECT * FROM (
                SELECT image_id, class_id FROM image_classes
                EXCEPT SELECT image_id, class_id FROM (
                    SELECT image_id, class_id, action, max(id) FROM annotations GROUP BY image_id, class_id
                ) WHERE action = 'add'
            )
        )
    """,
    "marks": """
        SELECT count(*) FROM image_marks LEFT JOIN (
            SELECT image_id, after, max(step_id) FROM mark_history GROUP BY image_id
        ) USING (image_id) WHERE marks != coalesce(after, 0)
    """,
    "notes": """
        SELECT count(*) FROM image_notes LEFT JOIN (
            SELECT image_id, after, max(step_id) FROM note_history GROUP BY image_id
        ) USING (image_id) WHERE note != coalesce(after, '')
    """,
    "refusals": """
        SELECT count(*) FROM image_refusals LEFT JOIN (
            SELECT image_id, after, max(step_id) FROM refusal_history GROUP BY image_id
        ) USING (image_id) WHERE refused != coalesce(after, '')
    """,
}


@dataclass(frozen=True, slots=True)
class JournalFacts:
    """What a journal holds. `hole_at` is the number of the first line after the last hole that no later line with the
    whole state makes good; 0 where there is none."""

    num_lines: int
    num_damaged: int
    last_seq: int
    hole_at: int


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a restore would bring back now. `source` is the backup that it would begin with."""

    source: Path | None
    num_differing: int
    """Pictures with other classes, marks, notes or refused classes than in the database."""
    classes_differ: bool


def integrity(db: Database) -> list[str]:
    """Returns what SQLite finds wrong with a database, in its words; the first few."""
    found = [str(row[0]) for row in db.execute(f"PRAGMA integrity_check({MAX_MESSAGES})") if row[0] != "ok"]
    broken = Counter((table, parent) for table, _, parent, _ in db.execute("PRAGMA foreign_key_check"))
    return found + [f"{number:,} of {table} without their {parent}" for (table, parent), number in broken.items()]


def num_unlike_history(db: Database) -> int:
    """Returns how many images have other classes, marks, notes or refused classes than their history says."""
    return sum(int(db.execute(query).fetchone()[0]) for query in _DERIVED.values())


def look_at_journal(file: Path) -> JournalFacts | None:
    """Returns what a journal holds; None where there is none.

    Raises:
        OSError: it cannot be read.
    """
    if not file.is_file():
        return None
    num_lines = num_damaged = seq = hole_at = 0
    with open(file, "rb") as lines:
        for raw in lines:
            line = journal.unsealed(raw)
            if line is None:
                num_damaged += 1
                continue
            num_lines += 1
            if line.seq > seq + 1:
                hole_at = line.seq
            if line.kind == replay.STATE:
                hole_at = 0
            seq = max(seq, line.seq)
    return JournalFacts(num_lines, num_damaged, seq, hole_at)


def seq_of_backup(file: Path) -> int:
    """Returns the number of the newest journal line that a backup holds, by its name; 0 where that does not say."""
    found = _BACKUP_SEQ.fullmatch(file.name)
    return int(found[1]) if found else 0


def rehearse_restore(folder: Path, db: Database, source: Path | None) -> Rehearsal:
    """Does in a temporary folder what a restore would do, and compares with the open database.

    Args:
        folder: the project's.
        db: its database, or a copy of it.
        source: its newest good backup; None where there is none.

    Raises:
        OSError, sqlite3.Error: the disk for temporary files is full, or a file cannot be read.
    """
    temporary = copying.make_temporary_folder()
    try:
        file = temporary / "restored.db"
        if source is not None:
            shutil.copyfile(source, file)
        else:
            schema.create(file, meta.get(db, meta.NAME) or "", meta.get(db, meta.PROJECT_ID))
        restored = connection.connect(file, origin=file)
        try:
            if schema.version(restored) < SCHEMA_VERSION:
                schema.migrate(restored)
            with connection.transaction(restored):
                replay.apply(restored, _lines(folder, db, outbox.last_seq(restored)))
            then, now = _contents(restored), _contents(db)
        finally:
            restored.close()
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    (palette_then, says_then), (palette_now, says_now) = then, now
    nothing: tuple[object, ...] = ((), 0, "", "")
    differing = [
        place
        for place in says_then.keys() | says_now.keys()
        if says_then.get(place, nothing) != says_now.get(place, nothing)
    ]
    return Rehearsal(source, len(differing), palette_then != palette_now)


def _lines(folder: Path, db: Database, after: int) -> list[JournalLine]:
    """Returns the lines that the database knows of: those of the file, and those that are still on their way there."""
    file, last = folder / journal.JOURNAL_FILE, outbox.last_seq(db)
    found = [line for line in journal.read_lines(file, after) if line.seq <= last] if file.is_file() else []
    newest = max((line.seq for line in found), default=after)
    for _, text in outbox.after(db, newest):
        line = journal.unsealed(journal.sealed(text))
        if line is not None:
            found.append(line)
    return found


def _contents(db: Database) -> tuple[list[object], dict[tuple[int, bytes], tuple[object, ...]]]:
    """Returns the classes in palette order, and what is said of each picture, by its place."""
    state = going_back.read(db)
    rows = {class_id: row for class_id, row in state.class_rows.items() if not row["deleted"]}
    palette: list[object] = []
    palette += sorted((row["position"], row["name"], row["color"], row["key"]) for row in rows.values())
    says: dict[tuple[int, bytes], tuple[object, ...]] = {}
    for image_id, (root_id, path, _) in state.places.items():
        given = state.labels.get(image_id, {})
        # A damaged database may know labels of classes that it does not know.
        labels = sorted((rows[each]["name"] if each in rows else "", source) for each, source in given.items())
        texts = (state.notes.get(image_id, ""), state.refusals.get(image_id, ""))
        says[root_id, path] = (tuple(labels), state.marks.get(image_id, 0), *texts)
    return palette, says
