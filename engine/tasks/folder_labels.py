"""Classes that the names of folders give, where images have others already."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from engine.domain import Source
from engine.importers.label_conflicts import LabelConflict, find_conflicts
from engine.language import trn
from engine.project import Project


def classes_by_folder(project: Project, folder: Path) -> dict[int, str]:
    """Returns the class that each image below a folder has by its first sub-folder, by image id; "" in none."""
    roots = [root.path for root in project.roots() if _is_same(root.path, folder)]
    prefixes = tuple({os.path.join(os.path.abspath(each), "") for each in (folder, *roots)})
    found: dict[int, str] = {}
    for record in project.images():
        path = os.fspath(record.path)
        prefix = next((each for each in prefixes if path.startswith(each)), None)
        if prefix is not None:
            top, is_inside, _ = path[len(prefix) :].partition(os.sep)
            found[record.id] = " ".join(os.fsencode(top).decode("utf-8", "replace").split()) if is_inside else ""
    return found


def folder_conflicts(project: Project, folder: Path) -> dict[int, LabelConflict]:
    """Returns the images below a folder that have a class, and not the one that their sub-folder names."""
    return find_conflicts(project, {image: name for image, name in classes_by_folder(project, folder).items() if name})


def take_folder_classes(project: Project, conflicts: Mapping[int, LabelConflict]) -> None:
    """Gives images the class of their folder, as one step; where images have several classes, it joins those."""
    if not conflicts:
        return
    ids = {each.name: each.id for each in project.classes()}
    for name in dict.fromkeys(each.there for each in conflicts.values()):
        if name not in ids:
            ids[name] = project.add_class(name).result().id
    pairs = [(image_id, ids[each.there]) for image_id, each in conflicts.items()]
    text = trn("label {number:,} image by folder", "label {number:,} images by folder", len(pairs))
    project.label_many(pairs, Source.IMPORT, text).result()


def _is_same(first: Path, second: Path) -> bool:
    try:
        return os.path.samefile(first, second)
    except OSError:
        return False
