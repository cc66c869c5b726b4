"""What a check of a project found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

MAX_NAMED = 3


class Level(StrEnum):
    """How much a finding matters. NOTE: good to know, and nothing to be done or done by itself."""

    GOOD = "good"
    NOTE = "note"
    WRONG = "wrong"


class Part(StrEnum):
    """What of a project a finding is about."""

    DATABASE = "database"
    JOURNAL = "journal"
    BACKUPS = "backups"
    MODELS = "models"
    CACHE = "cache"
    PICTURES = "pictures"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence, and one more that says what to do; the latter is empty where all is well."""

    part: Part
    level: Level
    text: str
    hint: str = ""


def good(part: Part, text: str) -> Finding:
    return Finding(part, Level.GOOD, text)


def first_of(names: Iterable[str]) -> str:
    """Returns the first few names as a list in a sentence."""
    listed = list(names)
    return ", ".join(listed[:MAX_NAMED]) + (", …" if len(listed) > MAX_NAMED else "")
