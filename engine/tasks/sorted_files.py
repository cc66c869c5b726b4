"""Sorts classified image files into a folder per class, as copies or as links. Originals are only read."""

from __future__ import annotations

import filecmp
import os
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.events import FilePrediction
from engine.files import disk_error

UNKNOWN_FOLDER: Final = "unknown"
UNSURE_FOLDER: Final = "unsure"
NO_CLASS_FOLDER: Final = "none"
_RESERVED: Final = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
)


@dataclass(frozen=True, slots=True)
class Sorting:
    """Where classified files go: `folder`/<class>/<file name>.

    What looks like none of the classes goes into "unknown", and what the model is less sure of than `unsure_below`
    (0..1) into "unsure". `has_links`: symbolic links in place of copies.
    """

    folder: Path
    has_links: bool = False
    unsure_below: float = 0.0


class SortedFiles:
    """Puts files into the folders of a sorting. Nothing is overwritten: a name that is taken gets a number."""

    def __init__(self, sorting: Sorting, class_names: Sequence[str], is_resumed: bool = False) -> None:
        """`is_resumed`: a file that is there already, put there before a crash, is not put there again."""
        self._sorting, self._is_resumed = sorting, is_resumed
        self._folders: dict[str, str] = {}
        taken: set[str] = set()
        # The classes come first: one that is called "unknown" keeps its name, and what is unknown gets another.
        for name in (*class_names, "\0unknown", "\0unsure", "\0none"):
            plain = folder_name(name.removeprefix("\0"))
            self._folders[name] = _free(plain, taken)
            taken.add(self._folders[name].casefold())

    def add(self, prediction: FilePrediction) -> None:
        """Copies or links one file that was classified.

        Raises:
            DiskError: the copy or link cannot be made; half a copy never has the name of a whole one.
        """
        target = self._sorting.folder / self._folders[self._place_of(prediction)] / prediction.path.name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if self._is_resumed and _is_there(prediction.path, target):
                return
            target = free_name(target)
            if self._sorting.has_links:
                target.symlink_to(prediction.path.resolve())
            else:
                _copy(prediction.path, target)
        except OSError as err:
            raise disk_error(err, target) from err

    def _place_of(self, prediction: FilePrediction) -> str:
        if prediction.is_unknown:
            return "\0unknown"
        if prediction.confidence < self._sorting.unsure_below:
            return "\0unsure"
        return prediction.classes[0] if prediction.classes else "\0none"


def folder_name(name: str) -> str:
    """Returns a class name as a folder name that every system takes."""
    cleaned = "".join("_" if character in '<>:"/\\|?*' or ord(character) < 32 else character for character in name)
    cleaned = cleaned.strip(" .") or "_"
    return f"{cleaned}_" if cleaned.split(".")[0].casefold() in _RESERVED else cleaned


def free_name(path: Path) -> Path:
    """Returns `path`, or the first of "name (2).jpg", "name (3).jpg" ... that does not exist."""
    candidate, number = path, 1
    while os.path.lexists(candidate):
        number += 1
        candidate = path.with_name(f"{path.stem} ({number}){path.suffix}")
    return candidate


def _free(name: str, taken: set[str]) -> str:
    candidate, number = name, 1
    while candidate.casefold() in taken:
        number += 1
        candidate = f"{name} ({number})"
    return candidate


def _is_there(source: Path, target: Path) -> bool:
    if target.is_symlink():
        return target.resolve() == source.resolve()
    return target.is_file() and filecmp.cmp(source, target, shallow=False)


def _copy(source: Path, target: Path) -> None:
    temporary = target.with_name(f".{target.stem}.{secrets.token_hex(4)}.tmp")
    try:
        shutil.copy2(source, temporary)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
