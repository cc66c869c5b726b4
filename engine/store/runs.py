"""Finished trainings. Bulk results (predictions) lie in the run's folder; here is what lists and selects runs."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, replace
from typing import Any

from sqlite_utils import Database

from engine.domain import LabelMode, Run, Validation
from engine.errors import ProjectError
from engine.language import tr
from engine.store import outbox


def next_id(db: Database) -> int:
    """Returns an id that no run has had."""
    return int(db.execute("SELECT coalesce(max(id), 0) + 1 FROM runs").fetchone()[0])


def add(db: Database, run: Run) -> Run:
    """Records a run and makes it the active one; an id of 0 is replaced by a new one. Returns the run as recorded.

    It takes the place of the run that was active, where that was a passing one (see `is_passing`).
    """
    before = active(db)
    stored = replace(run, id=run.id or next_id(db), is_active=True)
    insert(db, stored)
    activate(db, stored.id, journal=False)
    if before is not None and is_passing(db, before):
        db.execute("DELETE FROM runs WHERE id = ?", [before.id])
    if not is_passing(db, stored):
        outbox.add(db, "run", {"run": asdict(stored)})
    return stored


def is_passing(db: Database, run: Run) -> bool:
    """Tells whether a run was made by itself and nobody has noted anything on it: the next one takes its place.

    There may be thousands in a day, so neither the database nor the journal keeps them.
    """
    if not run.settings.get("is_automatic"):
        return False
    row = db.execute("SELECT note FROM runs WHERE id = ?", [run.id]).fetchone()
    return row is None or not row[0]


def lasting(db: Database) -> list[Run]:
    """Returns the runs that the journal keeps, oldest first; the newest of them stands in for a passing active one."""
    listed = [run for run in all_runs(db) if not is_passing(db, run)]
    if listed and not any(run.is_active for run in listed):
        listed[-1] = replace(listed[-1], is_active=active(db) is not None)
    return listed


def insert(db: Database, run: Run) -> None:
    """Writes the row of a run, replacing one of the same id."""
    db.execute(
        """
        INSERT OR REPLACE INTO runs(id, created_at, backbone, weights_hash, depth, seed, folder, label_step, num_images,
            is_active, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)
        """,
        [
            run.id,
            run.created_at,
            run.backbone,
            run.weights_hash,
            run.depth,
            run.seed,
            run.folder,
            run.last_step,
            run.num_images,
            json.dumps(asdict(run)),
        ],
    )


def all_runs(db: Database) -> list[Run]:
    """Returns the runs that are not deleted, oldest first."""
    rows = db.execute("SELECT record, is_active FROM runs WHERE deleted = 0 ORDER BY id").fetchall()
    return [from_record(json.loads(record), bool(is_active)) for record, is_active in rows]


def active(db: Database) -> Run | None:
    """Returns the run whose predictions the window shows, or None."""
    row = db.execute("SELECT record FROM runs WHERE is_active = 1 AND deleted = 0").fetchone()
    return from_record(json.loads(row[0]), True) if row else None


def activate(db: Database, run_id: int, journal: bool = True) -> Run:
    """Makes a run the active one and returns it.

    Raises:
        ProjectError: there is no such run.
    """
    db.execute("UPDATE runs SET is_active = (id = ?) WHERE is_active != (id = ?)", [run_id, run_id])
    run = active(db)
    if run is None:
        raise _no_such_run(run_id)
    if journal:
        outbox.add(db, "active_run", {"run": run_id})
    return run


def get(db: Database, run_id: int) -> Run:
    """Returns a run that is not deleted.

    Raises:
        ProjectError: there is no such run.
    """
    row = db.execute("SELECT record, is_active FROM runs WHERE id = ? AND deleted = 0", [run_id]).fetchone()
    if row is None:
        raise _no_such_run(run_id)
    return from_record(json.loads(row[0]), bool(row[1]))


def set_deleted(db: Database, run_id: int, is_deleted: bool, journal: bool = True) -> None:
    """Deletes a run, or brings it back; its folder is the caller's matter. What the journal says is done unasked.

    Raises:
        ProjectError: there is no such run, or it is the active one, which can only be replaced by another.
    """
    if journal:
        row = db.execute("SELECT is_active FROM runs WHERE id = ? AND deleted != ?", [run_id, is_deleted]).fetchone()
        if row is None:
            raise _no_such_run(run_id)
        if row[0] and is_deleted:
            raise ProjectError(
                tr("Version {version} of the model is in use.", version=run_id),
                tr("Use another version first, then delete this one."),
            )
    db.execute(
        "UPDATE runs SET deleted = ?1, is_active = is_active AND NOT ?1 WHERE id = ?2", [int(is_deleted), run_id]
    )
    if journal:
        outbox.add(db, "run_deleted", {"run": run_id, "deleted": is_deleted})


def deleted_runs(db: Database) -> list[Run]:
    """Returns the runs that are deleted, oldest first."""
    rows = db.execute("SELECT record FROM runs WHERE deleted != 0 ORDER BY id").fetchall()
    return [from_record(json.loads(record), False) for (record,) in rows]


def keep_only(db: Database, run_ids: Collection[int]) -> None:
    """Deletes all other runs, when the journal tells which ones there are."""
    for (run_id,) in db.execute("SELECT id FROM runs WHERE deleted = 0").fetchall():
        if run_id not in run_ids:
            set_deleted(db, run_id, True, journal=False)


def set_note(db: Database, run_id: int, note: str, journal: bool = True) -> None:
    """Notes something of the user's on a run; "" removes the note.

    Raises:
        ProjectError: there is no such run.
    """
    row = db.execute("SELECT record, is_active FROM runs WHERE id = ? AND deleted = 0", [run_id]).fetchone()
    if row is None and journal:
        raise _no_such_run(run_id)
    if journal and note and is_passing(db, run := from_record(json.loads(row[0]), bool(row[1]))):
        outbox.add(db, "run", {"run": asdict(run)})  # from now on it is one to keep
    db.execute("UPDATE runs SET note = ? WHERE id = ?", [note, run_id])
    if journal:
        outbox.add(db, "run_note", {"run": run_id, "note": note})


def notes(db: Database) -> dict[int, str]:
    """Returns the user's notes by run id; runs without one are left out."""
    return dict(db.execute("SELECT id, note FROM runs WHERE note != '' AND deleted = 0").fetchall())


def from_record(record: dict[str, Any], is_active: bool) -> Run:
    """Returns the run that a JSON record describes."""
    validation = dict(record["validation"])
    for name in ("accuracy_interval", "mean_average_precision_interval"):
        if validation.get(name) is not None:
            validation[name] = tuple(validation[name])
    mode = LabelMode(record.get("mode", LabelMode.ONE))
    return Run(**{**record, "validation": Validation(**validation), "is_active": is_active, "mode": mode})


def _no_such_run(run_id: int) -> ProjectError:
    return ProjectError(
        tr("There is no version {version} of the model.", version=run_id), tr("Choose one from the list of versions.")
    )
