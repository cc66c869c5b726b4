"""Imports labels from a CSV file with the columns image and class, and notes where there is a column for them."""

from __future__ import annotations

import csv
import io
import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from engine.domain import ImageRecord, LabelMode, Mark, Source
from engine.errors import ImportFormatError
from engine.importers.label_conflicts import LabelConflict, find_conflicts
from engine.language import tr
from engine.project import Project

IMAGE_COLUMN: Final = "image"
CLASS_COLUMN: Final = "class"
NOTE_COLUMN: Final = "note"
CONFIRMED_COLUMN: Final = "confirmed"
SEPARATOR: Final = "|"
"""Between the classes of one image; in a class's name it is written with a backslash before it."""
ESCAPED: Final = ("=", "+", "-", "@", "\t", "\r", "'")
"""A spreadsheet would take cells that begin with these for formulas; our export puts a ' in front of them."""

_NOT_CONFIRMED: Final = tr("It is not confirmed, so its classes may not be complete.")
_DELIMITERS: Final = ",;\t"
_SEPARATORS: Final = re.compile(r"(?<!\\)\|")
_YES: Final = frozenset({"yes", "true", "1", "x"})
_MAX_NAME_LENGTH: Final = 200
_FORMAT_HINT: Final = tr("The first line must name the columns image and class, for example: image,class")


@dataclass(slots=True)
class LabelReport:
    """What an import did. `num_applied` counts images whose row was used, also where they had that class already;
    `num_notes` those that got a note. `conflicts` are images that had another class, whether it was replaced or kept.

    `unknown_images` and `ambiguous_images` hold the names as the file has them, once each; `errors` are sentences that
    name the line.
    """

    num_applied: int = 0
    unknown_images: list[str] = field(default_factory=list)
    ambiguous_images: list[str] = field(default_factory=list)
    new_classes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    num_notes: int = 0
    conflicts: list[LabelConflict] = field(default_factory=list)


@dataclass(slots=True)
class _Wanted:
    """What the rows of one image ask for. `line` is that of the first row with a class."""

    classes: list[str] = field(default_factory=list)
    line: int = 0
    note: str = ""
    is_confirmed: bool = False


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    image: str
    classes: str
    note: str
    is_confirmed: bool | None
    """None where the file has no column for it."""


def classes_in_csv(
    file: Path, names: Sequence[str], known: Set[str]
) -> tuple[dict[str, list[str]], list[tuple[str, str]]]:
    """Returns all classes of the images that a CSV file lists, by name, and (name, reason) of rows that say nothing.

    The file is as for `import_label_csv`, but an image that it lists has just the classes that it gives: none, where
    the cell is empty. Where there is a column confirmed, images without a yes are passed over.

    Args:
        file: the CSV file.
        names: the images, as paths with forward slashes below a folder; a row names one by its end.
        known: names of classes that may hold the separator.

    Raises:
        ImportFormatError: the file cannot be read, is not text, or lacks the header.
    """
    by_ending: dict[str, list[str]] = defaultdict(list)
    for name in names:
        parts = _normal(name).split("/")
        for start in range(len(parts)):
            by_ending["/".join(parts[start:])].append(name)
    report = LabelReport()
    found: dict[str, list[str]] = {}
    failed: list[tuple[str, str]] = []
    for row in _rows(file, report):
        classes, error = _class_names(row, known, has_several=True)
        fitting = by_ending.get(_normal(unescaped_cell(row.image)).removeprefix("./"), [])
        if row.is_confirmed is False:
            error = error or _NOT_CONFIRMED
        elif not fitting:
            error = error or tr("{file} names it, and it is not in the folder.", file=file.name)
        elif len(fitting) > 1:
            error = error or tr(
                "{file} does not say which of {number} images of that name it means.",
                file=file.name,
                number=len(fitting),
            )
        if error:
            failed.append((row.image or file.name, error))
        else:
            found.setdefault(fitting[0], []).extend(classes)
    failed += [(file.name, error) for error in report.errors]
    return found, failed


def classes_of_files(file: Path, known: Set[str]) -> tuple[dict[Path, list[str]], list[tuple[str, str]]]:
    """As `classes_in_csv`, for a table that says itself where its images lie: full paths, or paths from its folder on.

    Returns all classes of the files by their path, in the order of the table, and what says nothing with the reason.
    """
    folder = os.path.dirname(os.path.abspath(file))
    report = LabelReport()
    found: dict[Path, list[str]] = {}
    failed: list[tuple[str, str]] = []
    for row in _rows(file, report):
        classes, error = _class_names(row, known, has_several=True)
        readings = (row.image, unescaped_cell(row.image), row.image.replace("\\", "/"))
        paths = [os.path.normpath(os.path.join(folder, reading)) for reading in readings if row.image]
        path = next((path for path in paths if os.path.isfile(path)), None)
        if row.is_confirmed is False:
            error = error or _NOT_CONFIRMED
        elif path is None:
            error = error or tr("{file} names it, and it is not there.", file=file.name)
        if error or path is None:
            failed.append((row.image or file.name, error))
        else:
            found.setdefault(Path(path), []).extend(classes)
    failed += [(file.name, error) for error in report.errors]
    return found, failed


def import_label_csv(project: Project, file: Path, replaces: bool = True) -> LabelReport:
    """Labels images as a CSV file says, as one undoable step; classes that are new are added before it.

    The header names the columns; others than image, class and note are passed over, so what `export_label_csv` wrote
    can be read again. An image is given by its full path, its path below the imported folder (or below the CSV file),
    the end of its path, or its file name; the last two must fit one image only. An empty cell changes nothing, so a
    half-filled list does no harm. Comma, semicolon and tab are understood, as are UTF-8, UTF-16 with a mark, and
    Windows' Latin.

    Where images have several classes, they stand in one cell (a|b) or in several rows, and join those that an image has
    already; a column confirmed (yes) says that there are no others. Notes and marks are steps of their own.

    Args:
        project: the open project.
        file: the CSV file.
        replaces: whether an image that has another class gets the one of the file, or keeps its own.

    Raises:
        ImportFormatError: the file cannot be read, is not text, or lacks the header.
    """
    report = LabelReport()
    finder = ImageFinder(project, file)
    has_several = project.label_mode is LabelMode.SEVERAL
    known = {image_class.name for image_class in project.classes()}
    wanted: dict[int, _Wanted] = defaultdict(_Wanted)
    for row in _rows(file, report):
        names, error = _class_names(row, known, has_several)
        if error:
            report.errors.append(error)
        elif names or row.note or row.is_confirmed:
            found = finder.find(row.image)
            if not found:
                report.unknown_images.append(row.image)
            elif len(found) > 1:
                report.ambiguous_images.append(row.image)
            else:
                _take(wanted[found[0]], row, names, has_several, report)
    report.unknown_images = list(dict.fromkeys(report.unknown_images))
    report.ambiguous_images = list(dict.fromkeys(report.ambiguous_images))
    if not has_several:  # with several they join those that are there
        named = {image_id: each.classes[0] for image_id, each in wanted.items() if each.classes}
        conflicts = find_conflicts(project, named)
        report.conflicts = list(conflicts.values())
        for image_id in () if replaces else conflicts:
            wanted[image_id].classes.clear()
    _apply(project, wanted, file.name, report)
    return report


def _class_names(row: _Row, known: Set[str], has_several: bool) -> tuple[list[str], str]:
    """Returns the classes that a row names, and why it cannot be used ("" when it can)."""
    text = unescaped_cell(row.classes)
    names = [] if text in known else [_plain(part) for part in _SEPARATORS.split(text)]
    names = [name for name in names if name] or ([_plain(text)] if text.strip() else [])
    if not row.image:
        return [], tr("Line {line} names no image.", line=row.line)
    if any(len(name) > _MAX_NAME_LENGTH for name in names):
        return [], tr(
            "Line {line} has a class name of more than {limit} characters.",
            line=row.line,
            limit=_MAX_NAME_LENGTH,
        )
    if len(names) > 1 and not has_several:
        return [], tr(
            "Line {line} gives {image} several classes, and this project allows one per image.",
            line=row.line,
            image=row.image,
        )
    return names, ""


def _take(wanted: _Wanted, row: _Row, names: list[str], has_several: bool, report: LabelReport) -> None:
    """Adds what a row asks for to what is wanted of its image; of two notes, or two classes, the first counts."""
    wanted.note = wanted.note or row.note
    wanted.is_confirmed |= bool(row.is_confirmed)
    if not has_several and wanted.classes and names and names != wanted.classes:
        report.errors.append(
            tr(
                "Line {line} gives {image} another class than line {used_line}, which was used.",
                line=row.line,
                image=row.image,
                used_line=wanted.line,
            )
        )
        return
    wanted.classes += [name for name in names if name not in wanted.classes]
    wanted.line = wanted.line or row.line


def _apply(project: Project, wanted: dict[int, _Wanted], file_name: str, report: LabelReport) -> None:
    class_ids = {image_class.name: image_class.id for image_class in project.classes()}
    for name in dict.fromkeys(name for each in wanted.values() for name in each.classes):
        if name not in class_ids:
            class_ids[name] = project.add_class(name).result().id
            report.new_classes.append(name)
    pairs = [(image_id, class_ids[name]) for image_id, each in wanted.items() for name in each.classes]
    if pairs:
        project.label_many(pairs, Source.IMPORT, tr("import labels from {file}", file=file_name)).result()
    confirmed = [image_id for image_id, each in wanted.items() if each.is_confirmed]
    if confirmed and project.label_mode is LabelMode.SEVERAL:
        project.mark(confirmed, Mark.CONFIRMED, True).result()
    notes = {image_id: each.note for image_id, each in wanted.items() if each.note}
    if notes:
        project.set_notes(notes, tr("import notes from {file}", file=file_name)).result()
    report.num_applied = sum(bool(each.classes) or each.is_confirmed for each in wanted.values())
    report.num_notes = len(notes)


def _rows(file: Path, report: LabelReport) -> Iterator[_Row]:
    """Yields every row; rows that are too short are noted as errors."""
    text = text_of_table(file)
    header_line = text.lstrip("\r\n").splitlines()[0] if text.strip() else ""
    for delimiter in _DELIMITERS:
        header = [name.strip().strip('"').strip().lower() for name in header_line.split(delimiter)]
        if IMAGE_COLUMN in header and CLASS_COLUMN in header:
            break
    else:
        shown = header_line[:60] or tr("nothing")
        raise ImportFormatError(
            tr("{file} does not begin with a header image,class but with “{shown}”.", file=file.name, shown=shown),
            _FORMAT_HINT,
        )
    image_column, class_column = header.index(IMAGE_COLUMN), header.index(CLASS_COLUMN)
    places = {name: place for place, name in reversed(list(enumerate(header)))}
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    is_header = True

    def cell(row: list[str], name: str) -> str:
        place = places.get(name, len(row))
        return row[place].strip() if place < len(row) else ""

    try:
        for row in reader:
            if not any(entry.strip() for entry in row):
                continue
            if is_header:
                is_header = False
            elif len(row) <= max(image_column, class_column):
                report.errors.append(tr("Line {line} has too few columns.", line=reader.line_num))
            else:
                yield _Row(
                    line=reader.line_num,
                    image=cell(row, IMAGE_COLUMN),
                    classes=row[class_column],
                    note=unescaped_cell(cell(row, NOTE_COLUMN)),
                    is_confirmed=cell(row, CONFIRMED_COLUMN).lower() in _YES if CONFIRMED_COLUMN in places else None,
                )
    except csv.Error as err:
        raise ImportFormatError(
            tr("Line {line} of {file} is not CSV ({reason}).", line=reader.line_num, file=file.name, reason=err),
            tr("Save the table as CSV again."),
        ) from err


def text_of_table(file: Path) -> str:
    if not file.is_file():
        message = (
            tr("{file} is a folder, not a file.", file=file) if file.is_dir() else tr("{file} is not there.", file=file)
        )
        raise ImportFormatError(message, tr("Choose a CSV file with the columns image and class."))
    try:
        data = file.read_bytes()
    except OSError as err:
        raise ImportFormatError(
            tr("{file} cannot be read ({reason}).", file=file, reason=err.strerror or err), tr("Check its permissions.")
        ) from err
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):  # what a spreadsheet calls "Unicode text"
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "cp1252", "latin-1"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise ImportFormatError(
        tr("{file} is not a text file.", file=file.name), tr("Save the table as CSV (UTF-8) and try again.")
    )


def _plain(name: str) -> str:
    return " ".join(name.replace("\\" + SEPARATOR, SEPARATOR).split())


def unescaped_cell(cell: str) -> str:
    """Returns what `engine.exporters.label_csv.escaped_cell` was given."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in ESCAPED and len(cell) > 1 else cell


class ImageFinder:
    """Finds images by what a CSV file calls them."""

    def __init__(self, project: Project, file: Path) -> None:
        self._folder = os.path.dirname(os.path.abspath(file))
        self._by_path: dict[str, list[int]] = defaultdict(list)
        self._by_name: dict[str, list[int]] = defaultdict(list)
        self._by_file_name: dict[str, list[ImageRecord]] = defaultdict(list)
        for record in project.images():
            path = _normal(os.fspath(record.path))
            self._by_path[path].append(record.id)
            self._by_name[_normal(record.name)].append(record.id)
            self._by_file_name[path.rpartition("/")[2]].append(record)

    def find(self, text: str) -> list[int]:
        """Returns the ids that a name fits; the most exact reading that fits any is taken."""
        for reading in dict.fromkeys((text, unescaped_cell(text), text.replace("\\", "/"))):
            found = self._find(_normal(reading.removeprefix("./")))
            if found:
                return found
        return []

    def _find(self, name: str) -> list[int]:
        ending = "/" + name
        return (
            self._by_path.get(name)
            or self._by_name.get(name)
            or self._by_path.get(_normal(os.path.normpath(os.path.join(self._folder, name))))
            or [
                record.id
                for record in self._by_file_name.get(name.rpartition("/")[2], ())
                if _normal(os.fspath(record.path)).endswith(ending)
            ]
        )


def _normal(path: str) -> str:
    """Returns a path with forward slashes and composed letters (macOS stores decomposed ones)."""
    return unicodedata.normalize("NFC", path.replace(os.sep, "/"))
