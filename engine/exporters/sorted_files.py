"""Puts classified image files into one folder per class: as copies or links, resumable, never touching an original.

A folder for what looks like none of the classes, one for what the model is unsure of, and a list of what went where
(`graft-sorted.csv`), which is also what lets an interrupted sorting go on.
"""

from __future__ import annotations

import csv
import errno
import filecmp
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Final, TextIO

from engine.errors import ExportError
from engine.files import disk_error
from engine.language import tr

UNKNOWN_FOLDER: Final = "unknown"
UNSURE_FOLDER: Final = "unsure"
NO_CLASS_FOLDER: Final = "none"
"""Where images may have several classes: those that have none."""
LIST_NAME: Final = "graft-sorted.csv"
_LIST_HEADER: Final = ["image", "sorted_to", "model"]
_MAX_NAME_BYTES: Final = 120
_RESERVED: Final = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
)
"""Names that no file may have on Windows."""
_NO_LINK_ERRORS: Final = frozenset(
    {errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES}
)


class Placing(StrEnum):
    """How a file comes into the folder of its class."""

    COPY = "copy"
    HARD_LINK = "hardlink"
    SYMBOLIC_LINK = "symlink"


@dataclass(frozen=True, slots=True)
class SortPlan:
    """What is to be made. Predictions less sure than `unsure_below` (0..1) go to a folder of their own.

    `model` is any text that tells models apart: a folder that another one has sorted is not mixed with it.
    """

    folder: Path
    how: Placing = Placing.COPY
    unsure_below: float = 0.0
    model: str = ""


class Sorter:
    """A sorting in progress, for one thread. Use as a context manager."""

    def __init__(self, plan: SortPlan, class_names: Sequence[str]) -> None:
        """Makes the folder, or goes on in one that was left half done.

        Raises:
            ExportError: the folder was sorted by another model, or its list is damaged.
            DiskError: it cannot be made or written.
        """
        self._plan = plan
        self._names = folder_names(class_names)
        self._made: set[Path] = set()
        self._placed: dict[str, Path] = {}
        self._taken: set[Path] = set()
        try:
            plan.folder.mkdir(parents=True, exist_ok=True)
            has_list = (plan.folder / LIST_NAME).is_file()
            if has_list:
                self._read_list()
            self._list: TextIO = (plan.folder / LIST_NAME).open(
                "a", newline="", encoding="utf-8", errors="surrogateescape"
            )
            self._writer = csv.writer(self._list, lineterminator="\n")
            if not has_list or not (plan.folder / LIST_NAME).stat().st_size:
                self._write([*_LIST_HEADER[:2], f"model {plan.model}"])
        except OSError as err:
            raise disk_error(err, plan.folder / LIST_NAME) from err

    @property
    def num_placed(self) -> int:
        """How many files are in the folder, those of earlier goes too."""
        return len(self._placed)

    def place(self, path: Path, class_name: str | None, confidence: float, is_unknown: bool) -> Path:
        """Puts a file where its prediction says and returns where that is; a second time nothing happens.

        `class_name` is None for an image that has no class, where images may have several.

        Raises:
            ExportError: the system makes no such links there.
            DiskError: the disk is full or refuses; what was placed before stays.
        """
        source = os.fspath(path.absolute())
        if (known := self._placed.get(source)) is not None:
            return known
        folder = self._plan.folder / self.folder_of(class_name, confidence, is_unknown)
        try:
            if folder not in self._made:
                folder.mkdir(exist_ok=True)
                self._made.add(folder)
            target = self._put(path, folder)
            self._write([source, os.path.relpath(target, self._plan.folder), ""])
        except OSError as err:
            if self._plan.how is not Placing.COPY and (err.errno in _NO_LINK_ERRORS or _lacks_privilege(err)):
                raise _no_links(self._plan) from err
            raise disk_error(err, folder / path.name) from err
        self._placed[source] = target
        self._taken.add(target)
        return target

    def folder_of(self, class_name: str | None, confidence: float, is_unknown: bool) -> str:
        """Returns the name of the folder that a prediction belongs in."""
        if is_unknown:
            return UNKNOWN_FOLDER
        if confidence < self._plan.unsure_below:
            return UNSURE_FOLDER
        return NO_CLASS_FOLDER if class_name is None else self._names[class_name]

    def close(self) -> None:
        """Ends the list. What was placed stays."""
        self._list.close()

    def __enter__(self) -> Sorter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _put(self, path: Path, folder: Path) -> Path:
        """Makes the copy or link under the first free name."""
        for target in _names_of(path, folder):
            if target in self._taken:
                continue
            if os.path.lexists(target):
                # Made by an interrupted go that could not note it any more? Then it is there already.
                if self._is_the_same(path, target):
                    return target
                continue
            try:
                if self._plan.how is Placing.HARD_LINK:
                    os.link(path.resolve(), target)
                elif self._plan.how is Placing.SYMBOLIC_LINK:
                    os.symlink(path.absolute(), target)
                else:
                    _copy(path, target)
            except FileExistsError:
                continue
            return target
        raise AssertionError("there is always a free name")

    def _is_the_same(self, path: Path, target: Path) -> bool:
        try:
            if self._plan.how is not Placing.COPY:
                return target.samefile(path)
            one, other = path.stat(), target.stat()
            is_alike = one.st_size == other.st_size and abs(one.st_mtime_ns - other.st_mtime_ns) < 2_000_000_000
            return is_alike and not target.is_symlink() and filecmp.cmp(path, target, shallow=False)
        except OSError:
            return False

    def _read_list(self) -> None:
        file = self._plan.folder / LIST_NAME
        data = file.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):  # the last line was being written when the program ended
            with file.open("r+b") as stream:
                stream.truncate(len(whole))
        text = whole.decode("utf-8", "surrogateescape")
        rows = list(csv.reader(text.splitlines(keepends=True)))
        if not rows:
            return
        if rows[0][:2] != _LIST_HEADER[:2] or len(rows[0]) != 3:
            raise ExportError(tr("{file} is not a list that Graft wrote.", file=file), tr("Choose another folder."))
        if rows[0][2] != f"model {self._plan.model}":
            raise ExportError(
                tr("{folder} holds what another model has sorted.", folder=self._plan.folder),
                tr("Choose another folder, or delete it first."),
            )
        for row in rows[1:]:
            if len(row) >= 2:
                self._placed[row[0]] = self._plan.folder / row[1]
        self._taken = set(self._placed.values())

    def _write(self, row: list[str]) -> None:
        self._writer.writerow(row)
        self._list.flush()


def folder_names(class_names: Iterable[str]) -> dict[str, str]:
    """Returns for each class the folder that every system takes, no two alike even where case is not told apart."""
    taken = {UNKNOWN_FOLDER, UNSURE_FOLDER, NO_CLASS_FOLDER, LIST_NAME}
    found: dict[str, str] = {}
    for name in class_names:
        wanted = safe_name(name)
        candidate, number = wanted, 1
        while candidate.casefold() in taken:
            number += 1
            candidate = f"{wanted} ({number})"
        taken.add(candidate.casefold())
        found[name] = candidate
    return found


def safe_name(name: str) -> str:
    """Returns a class name as a folder name that every system takes."""
    cleaned = "".join("_" if character in '<>:"/\\|?*' or ord(character) < 32 else character for character in name)
    cleaned = cleaned.strip(" .")
    while len(cleaned.encode("utf-8", "surrogateescape")) > _MAX_NAME_BYTES:
        cleaned = cleaned[:-1].rstrip(" .")
    if cleaned.partition(".")[0].casefold() in _RESERVED:
        cleaned += "_"
    return cleaned or "_"


def check_place(plan: SortPlan, sample: Path) -> None:
    """Tries whether a link of the planned kind to `sample` can be made there, and removes it again.

    Raises:
        ExportError: the system makes no such links there.
        DiskError: the folder cannot be written.
    """
    trial = plan.folder / ".graft-trial"
    made = [each for each in (plan.folder, *plan.folder.parents) if not each.exists()]
    try:
        plan.folder.mkdir(parents=True, exist_ok=True)
        trial.unlink(missing_ok=True)
        if plan.how is Placing.HARD_LINK:
            os.link(sample.resolve(), trial)
        elif plan.how is Placing.SYMBOLIC_LINK:
            os.symlink(sample.absolute(), trial)
        else:
            trial.touch()
    except OSError as err:
        if plan.how is not Placing.COPY and (err.errno in _NO_LINK_ERRORS or _lacks_privilege(err)):
            raise _no_links(plan) from err
        raise disk_error(err, plan.folder) from err
    finally:
        with suppress(OSError):
            trial.unlink(missing_ok=True)
            for folder in made:
                folder.rmdir()


def free_bytes(folder: Path) -> int:
    """Returns how much room is left on the disk that a folder is on, or would be on.

    Raises:
        DiskError: nobody can tell.
    """
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    try:
        return shutil.disk_usage(there).free
    except OSError as err:
        raise disk_error(err, folder) from err


def _copy(path: Path, target: Path) -> None:
    """Copies under a temporary name; the name itself is taken first, so that nothing is ever written over."""
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    temporary = target.with_name(f".{target.name[:60]}.part")
    try:
        shutil.copy2(path, temporary)
        os.replace(temporary, target)
    except BaseException:
        for leftover in (temporary, target):
            with suppress(OSError):
                leftover.unlink(missing_ok=True)
        raise


def _names_of(path: Path, folder: Path) -> Iterator[Path]:
    """Yields "name.jpg", "name (2).jpg", "name (3).jpg" ... in a folder."""
    yield folder / path.name
    number = 2
    while True:
        yield folder / f"{path.stem} ({number}){path.suffix}"
        number += 1


def _lacks_privilege(err: OSError) -> bool:
    return getattr(err, "winerror", None) == 1314


def _no_links(plan: SortPlan) -> ExportError:
    if plan.how is Placing.HARD_LINK:
        return ExportError(
            tr(
                "No hard links to these pictures can be made in {folder}: both must lie on one disk that has them.",
                folder=plan.folder,
            ),
            tr("Choose a folder on the disk of the pictures, or make copies or symbolic links."),
        )
    return ExportError(
        tr("No symbolic links can be made in {folder}.", folder=plan.folder),
        tr("Make copies, or choose another disk (on Windows, switch on the developer mode for links)."),
    )
