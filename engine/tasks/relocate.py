"""Points an import folder of a project to where it is now: another drive letter, another mount point, another disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from engine.errors import ProjectError
from engine.images.scan import display_name
from engine.language import tr
from engine.project import Project

_MAX_LOOKED_FOR: Final = 64


def relocate_root(project: Project, root_id: int, folder: Path, image_ids: Sequence[int]) -> Path:
    """Notes where an import folder is now and returns that place; labels and pictures are as before.

    Args:
        project: the open project.
        root_id: the folder that moved.
        folder: where the user says it is; the folder that it lies in will do.
        image_ids: images of that folder, of which some are looked for in the new place.

    Raises:
        ProjectError: none of the images is there, or the folder is in the project already.
    """
    root = next((root for root in project.roots() if root.id == root_id), None)
    if root is None:
        raise ProjectError(tr("That folder is not in the project any more."), tr("Open the project again."))
    step = max(1, len(image_ids) // _MAX_LOOKED_FOR)
    records = project.images(list(image_ids[::step]))
    inside = [os.path.relpath(record.path, root.path) for record in records]
    for place in (folder, folder / root.path.name):
        if any((place / name).is_file() for name in inside):
            project.repoint_root(root_id, place)
            return place
    raise ProjectError(
        tr("None of the images is in {folder}.", folder=display_name(os.fspath(folder))),
        tr(
            "Choose the folder that was {folder}; names and sub-folders must be as before.",
            folder=display_name(os.fspath(root.path)),
        ),
    )
