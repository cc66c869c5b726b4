"""Brings a project back whose database is damaged or gone: newest good backup, then the journal on top of it."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from engine import syncing
from engine.errors import ProjectError
from engine.language import tr
from engine.store import backup, journal, owner, schema
from engine.store.failures import environment_errors
from engine.store.second_copies import BACKUPS_FOLDER
from engine.store.store import DATABASE_FILE


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What a restore used. `set_aside` is where the damaged database went; both are None where there was none."""

    backup: Path | None
    set_aside: Path | None


def restore(folder: Path) -> RestoreReport:
    """Puts the newest good backup (or an empty database) in the place of the database; the old one is kept aside.

    The journal is applied by the next `Store.open`, as for every database that is behind its journal.

    Raises:
        ProjectError: there is neither a good backup nor a journal.
        ProjectInUseError: a window has it open.
        StoreError: the disk is full, read-only, or failed.
    """
    file = folder / DATABASE_FILE
    backups = folder / BACKUPS_FOLDER
    with environment_errors(file):
        source = next(backup.good_ones(backups), None)
        project = _project_line(folder / journal.JOURNAL_FILE)
        if source is None and project is None:
            raise ProjectError(
                tr("{folder} holds neither a good backup nor a journal to restore from.", folder=folder),
                tr("If you have a copy of the folder elsewhere, use that."),
            )
        owner.refuse_open_database(file)
        temporary = file.with_name(f".{file.name}.restore.tmp")
        temporary.unlink(missing_ok=True)
        if source is not None:
            shutil.copyfile(source, temporary)
            syncing.sync_file(temporary)
        elif project is not None:
            schema.create(temporary, str(project["name"]), str(project["project"]))
        aside = backup.set_aside(file, backups)
        os.replace(temporary, file)
        syncing.sync_folder(folder)
    return RestoreReport(source, aside)


def can_restore(folder: Path) -> bool:
    """Tells whether a folder without a database looks like a project that can be brought back."""
    return bool(backup.newest_first(folder / BACKUPS_FOLDER)) or (folder / journal.JOURNAL_FILE).is_file()


def _project_line(file: Path) -> dict[str, object] | None:
    """Returns the fields of the line that names the project; made-up ones when that line is lost but others are not."""
    if not file.is_file():
        return None
    first = next(journal.read_lines(file), None)
    if first is None:
        return None
    if first.kind == "project":
        return first.fields
    return {"name": file.parent.name, "project": f"restored-{time.time_ns()}"}
