"""The backups of an open project: which there are, one more now, and back to what one of them holds."""

from __future__ import annotations

import calendar
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.domain import Change
from engine.errors import ProjectError
from engine.language import tr
from engine.project.project import Project
from engine.store import backup, going_back
from engine.store.going_back import GoingBackPlan as GoingBackPlan
from engine.store.going_back import LabelState as LabelState

_STAMP: Final = re.compile(r"\d{8}T\d{6}")


@dataclass(frozen=True, slots=True)
class BackupFile:
    """One backup. `made_at` in POSIX seconds; those made before an update of the program are never removed by it."""

    file: Path
    made_at: float
    size_bytes: int
    is_before_update: bool = False


def list_backups(project: Project) -> list[BackupFile]:
    """Returns the backups of a project, newest first. Whether they are good is looked at when one is used."""
    found: list[BackupFile] = []
    before_updates = project.backups_dir.glob("before-update-from-*.db")
    for file, is_before_update in [
        *((file, False) for file in backup.newest_first(project.backups_dir)),
        *((file, True) for file in before_updates),
    ]:
        try:
            facts = file.stat()
        except OSError:  # rotated out meanwhile
            continue
        found.append(BackupFile(file, _made_at(file, facts.st_mtime), facts.st_size, is_before_update))
    return sorted(found, key=lambda each: (each.made_at, each.file.name), reverse=True)


def back_up(project: Project) -> Path:
    """Makes a backup now and returns its file. Blocks; labels are saved meanwhile.

    Raises:
        ProjectError: the project is open as a read-only copy.
        StoreError: the disk is full, read-only, or failed; the older backups are kept.
    """
    _refuse_read_only(project)
    return project.store.back_up().result()


def plan_going_back(project: Project, file: Path) -> tuple[LabelState, GoingBackPlan]:
    """Returns what a backup holds and what going back to it would change now. Blocks.

    Raises:
        StoreError: it is damaged, of another project or from a newer program.
    """
    wanted = going_back.read_backup(file)
    return wanted, project.store.call(lambda db: going_back.plan(db, wanted))


def go_back(project: Project, wanted: LabelState, made_at: float) -> Change | None:
    """Makes a backup of the present state, then labels, classes, marks and notes what they were, as one step.

    Blocks. Images, versions of the model and settings stay; the step can be undone. None where nothing differs.

    Raises:
        ProjectError: the project is open as a read-only copy.
        StoreError: no backup could be made, or the disk failed; nothing has changed.
    """
    back_up(project)
    moment = time.strftime(tr("%Y-%m-%d %H:%M"), time.localtime(made_at))
    text = tr("go back to the backup of {moment}", moment=moment)
    return project.store.submit(lambda db: going_back.apply(db, wanted, text)).result()


def _made_at(file: Path, otherwise: float) -> float:
    """Returns when a backup was made, by its name: a copy of the project has files of another date."""
    stamp = _STAMP.search(file.name)
    try:
        return float(calendar.timegm(time.strptime(stamp[0], "%Y%m%dT%H%M%S"))) if stamp else otherwise
    except ValueError:
        return otherwise


def _refuse_read_only(project: Project) -> None:
    if project.read_only:
        raise ProjectError(
            tr("{name} is open as a read-only copy.", name=project.name),
            tr("Open the project itself to change something."),
        )
