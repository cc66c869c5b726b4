"""Finding a class by typing a part of its name. Made once per list of classes, so that a key costs little."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.domain import ImageClass

_WORDS = re.compile(r"[\W_]+")


class ClassSearch:
    """The names of some classes, made ready for searching."""

    def __init__(self, classes: Sequence[ImageClass], recent: Sequence[int] = ()) -> None:
        ages = {class_id: age for age, class_id in enumerate(recent)}
        self._entries = [
            (ages.get(item.id, len(ages)), at, item.name.casefold(), item) for at, item in enumerate(classes)
        ]
        self._names = {name for _, _, name, _ in self._entries}

    def has(self, text: str) -> bool:
        """Tells whether a class has exactly this name, in whatever case."""
        return text.strip().casefold() in self._names

    def find(self, text: str) -> list[ImageClass]:
        """Returns the classes whose name contains `text`, best first.

        A name that is the text comes first, then names that begin with it, then names with a word that does, then the
        rest. Among equals the most recently used lead, then the order of the palette.
        """
        wanted = text.strip().casefold()
        found = [(_rank(name, wanted), age, at, item) for age, at, name, item in self._entries if wanted in name]
        return [item for *_, item in sorted(found, key=lambda each: each[:3])]


def find_classes(classes: Sequence[ImageClass], text: str, recent: Sequence[int] = ()) -> list[ImageClass]:
    """Returns the classes whose name contains `text`, best first; `recent` has the newest first."""
    return ClassSearch(classes, recent).find(text)


def _rank(name: str, wanted: str) -> int:
    if name == wanted:
        return 0
    if name.startswith(wanted):
        return 1
    return 2 if any(word.startswith(wanted) for word in _WORDS.split(name)) else 3
