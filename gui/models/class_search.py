"""Finding a class by typing a part of its name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.domain import ImageClass


def find_classes(classes: Sequence[ImageClass], text: str, recent: Sequence[int] = ()) -> list[ImageClass]:
    """Returns the classes whose name contains `text`, best first.

    A name that is the text comes first, then names that begin with it, then names with a word that does, then the
    rest. Among equals the most recently used (`recent`, newest first) lead, then the order of the palette.
    """
    wanted = text.strip().casefold()
    ages = {class_id: age for age, class_id in enumerate(recent)}
    found: list[tuple[int, int, int, ImageClass]] = []
    for item in classes:
        name = item.name.casefold()
        if wanted in name:
            found.append((_rank(name, wanted), ages.get(item.id, len(ages)), item.position, item))
    return [item for *_, item in sorted(found, key=lambda each: each[:3])]


def _rank(name: str, wanted: str) -> int:
    if name == wanted:
        return 0
    if name.startswith(wanted):
        return 1
    return 2 if any(word.startswith(wanted) for word in re.split(r"[\W_]+", name)) else 3
