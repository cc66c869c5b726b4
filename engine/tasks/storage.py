"""How much room the program takes on the disk, and how fresh the backups are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.files import size_of
from engine.project import Project
from engine.settings import user_data_folder


@dataclass(frozen=True, slots=True)
class Storage:
    """What lies where, in bytes. The fields of the project are 0 and None without one."""

    user_folder: Path
    user_bytes: int
    cache_bytes: int = 0
    models_bytes: int = 0
    num_backups: int = 0
    last_backup_at: float | None = None


def measure_storage(project: Project | None) -> Storage:
    """Looks it up on the disk; takes as long as listing the folders does."""
    user_folder = user_data_folder()
    if project is None:
        return Storage(user_folder, size_of(user_folder))
    times = [path.stat().st_mtime for path in project.backups_dir.glob("*.db")] if project.backups_dir.is_dir() else []
    return Storage(
        user_folder,
        size_of(user_folder),
        size_of(project.cache_dir),
        size_of(project.models_dir),
        len(times),
        max(times, default=None),
    )
