"""How much room the program takes on the disk, and emptying the cache of a project, which can be computed again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.errors import ProjectError
from engine.files import disk_error, size_of
from engine.language import tr
from engine.nn.training_plan import SCRATCH_FOLDER
from engine.project import Project
from engine.settings import user_data_folder
from engine.store import features

THUMBNAILS: Final = "thumbnails.db"
_KEPT: Final = (SCRATCH_FOLDER,)
"""What a stopped training has done so far lies in the cache, and is more than a matter of seconds."""


@dataclass(frozen=True, slots=True)
class Storage:
    """What lies where, in bytes. The fields of the project are 0 without one.

    `cache_bytes` is what emptying the cache would free; what a stopped training has done counts as `models_bytes`.
    """

    user_folder: Path
    user_bytes: int
    cache_bytes: int = 0
    models_bytes: int = 0


def measure_storage(project: Project | None) -> Storage:
    """Looks it up on the disk; takes as long as listing the folders does."""
    user_folder = user_data_folder()
    if project is None:
        return Storage(user_folder, size_of(user_folder))
    kept = sum(size_of(project.cache_dir / name) for name in _KEPT)
    return Storage(
        user_folder, size_of(user_folder), size_of(project.cache_dir) - kept, size_of(project.models_dir) + kept
    )


def empty_cache(project: Project, empty_thumbnails: Callable[[], None]) -> int:
    """Deletes what can be computed again and returns the bytes that were freed. Blocks; never while jobs run.

    What a stopped training has done so far stays.

    Args:
        empty_thumbnails: empties the file of thumbnails, which whoever shows them has open.

    Raises:
        ProjectError: the project is open as a read-only copy.
        DiskError: the disk refuses. What is left is still a cache that works.
    """
    if project.read_only:
        raise ProjectError(
            tr("{name} is open as a read-only copy.", name=project.name),
            tr("Open the project itself to change something."),
        )
    before = size_of(project.cache_dir)
    empty_thumbnails()
    project.store.call(features.forget_all)
    for entry in sorted(project.cache_dir.iterdir()):
        if entry.name in _KEPT or entry.name.startswith(THUMBNAILS):
            continue
        try:
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        except OSError as err:
            raise disk_error(err, entry) from err
    return max(0, before - size_of(project.cache_dir))
