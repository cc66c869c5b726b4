"""Finished trainings. Bulk results (predictions) lie in the run's folder; here is what lists and selects runs."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

from sqlite_utils import Database

from engine.domain import LabelMode, Run, Validation
from engine.errors import ProjectError
from engine.store import outbox


def next_id(db: Database) -> int:
    """Returns an id that no run has had."""
    return int(db.execute("SELECT coalesce(max(id), 0) + 1 FROM runs").fetchone()[0])


def add(db: Database, run: Run) -> Run:
    """Records a run and makes it the active one; an id of 0 is replaced by a new one. Returns the run as recorded."""
    stored = replace(run, id=run.id or next_id(db), is_active=True)
    insert(db, stored)
    activate(db, stored.id, journal=False)
    outbox.add(db, "run", {"run": asdict(stored)})
    return stored


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
        raise ProjectError(f"There is no version {run_id} of the model.", "Choose one from the list of versions.")
    if journal:
        outbox.add(db, "active_run", {"run": run_id})
    return run


def set_note(db: Database, run_id: int, note: str, journal: bool = True) -> None:
    """Notes something of the user's on a run; "" removes the note."""
    db.execute("UPDATE runs SET note = ? WHERE id = ?", [note, run_id])
    if journal:
        outbox.add(db, "run_note", {"run": run_id, "note": note})


def notes(db: Database) -> dict[int, str]:
    """Returns the user's notes by run id; runs without one are left out."""
    return dict(db.execute("SELECT id, note FROM runs WHERE note != ''").fetchall())


def from_record(record: dict[str, Any], is_active: bool) -> Run:
    """Returns the run that a JSON record describes."""
    validation = dict(record["validation"])
    for name in ("accuracy_interval", "mean_average_precision_interval"):
        if validation.get(name) is not None:
            validation[name] = tuple(validation[name])
    mode = LabelMode(record.get("mode", LabelMode.ONE))
    return Run(**{**record, "validation": Validation(**validation), "is_active": is_active, "mode": mode})
