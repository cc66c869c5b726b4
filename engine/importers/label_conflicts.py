"""What an import of labels finds labelled otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.domain import NO_CLASS, has_class
from engine.project import Project


@dataclass(frozen=True, slots=True)
class LabelConflict:
    """An image whose class in the project is another than the one that an import gives it."""

    image: str
    here: str
    there: str


def find_conflicts(project: Project, wanted: Mapping[int, str]) -> dict[int, LabelConflict]:
    """Returns those images that have a class, and not the one that is wanted, in filing order.

    Args:
        project: the open project.
        wanted: name of a class by image id.
    """
    columns, palette = project.columns(), project.classes()
    names = {each.id: each.name for each in palette}
    ids = {each.name: each.id for each in palette}
    found: dict[int, LabelConflict] = {}
    for row, image_id in enumerate(columns.image_ids.tolist()):
        name, class_id = wanted.get(image_id), int(columns.class_ids[row])
        if name is None or class_id == NO_CLASS or names[class_id] == name:
            continue
        bits = columns.class_bits[row : row + 1]
        if bits.shape[1] and name in ids and has_class(bits, ids[name])[0]:
            continue
        found[image_id] = LabelConflict(columns.names[row], names[class_id], name)
    return found
