"""Imports labels from a CSV file with the columns image and class."""

from __future__ import annotations

import csv
import io
import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from engine.domain import ImageRecord, Source
from engine.errors import ImportFormatError
from engine.project import Project

IMAGE_COLUMN: Final = "image"
CLASS_COLUMN: Final = "class"
ESCAPED: Final = ("=", "+", "-", "@", "\t", "\r", "'")
"""A spreadsheet would take cells that begin with these for formulas; our export puts a ' in front of them."""

_DELIMITERS: Final = ",;\t"
_MAX_NAME_LENGTH: Final = 200
_FORMAT_HINT: Final = "The first line must name the columns image and class, for example: image,class"


@dataclass(slots=True)
class LabelReport:
    """What an import did. `num_applied` counts images whose row was used, also where they had that class already.

    `unknown_images` and `ambiguous_images` hold the names as the file has them, once each; `errors` are sentences that
    name the line.
    """

    num_applied: int = 0
    unknown_images: list[str] = field(default_factory=list)
    ambiguous_images: list[str] = field(default_factory=list)
    new_classes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def import_label_csv(project: Project, file: Path) -> LabelReport:
    """Labels images as a CSV file says, as one undoable step; classes that are new are added before it.

    The header names the columns; others than image and class are passed over, so what `export_label_csv` wrote can be
    read again. An image is given by its full path, its path below the imported folder (or below the CSV file), the end
    of its path, or its file name; the last two must fit one image only. An empty class changes nothing, so a
    half-filled list does no harm. Comma, semicolon and tab are understood, as are UTF-8, UTF-16 with a mark, and
    Windows' Latin.

    Raises:
        ImportFormatError: the file cannot be read, is not text, or lacks the header.
    """
    report = LabelReport()
    finder = _ImageFinder(project, file)
    wanted: dict[int, str] = {}
    first_lines: dict[int, int] = {}
    for line, image_text, class_text in _rows(file, report):
        class_name = " ".join(_unescaped(class_text).split())
        if not image_text:
            report.errors.append(f"Line {line} names no image.")
        elif len(class_name) > _MAX_NAME_LENGTH:
            report.errors.append(f"Line {line} has a class name of more than {_MAX_NAME_LENGTH} characters.")
        elif class_name:
            found = finder.find(image_text)
            if not found:
                report.unknown_images.append(image_text)
            elif len(found) > 1:
                report.ambiguous_images.append(image_text)
            elif wanted.setdefault(found[0], class_name) != class_name:
                first = first_lines[found[0]]
                report.errors.append(f"Line {line} gives {image_text} another class than line {first}, which was used.")
            else:
                first_lines.setdefault(found[0], line)
    report.unknown_images = list(dict.fromkeys(report.unknown_images))
    report.ambiguous_images = list(dict.fromkeys(report.ambiguous_images))
    _apply(project, wanted, f"import labels from {file.name}", report)
    return report


def _apply(project: Project, wanted: dict[int, str], text: str, report: LabelReport) -> None:
    class_ids = {image_class.name: image_class.id for image_class in project.classes()}
    for name in dict.fromkeys(wanted.values()):
        if name not in class_ids:
            class_ids[name] = project.add_class(name).result().id
            report.new_classes.append(name)
    if wanted:
        pairs = [(image_id, class_ids[name]) for image_id, name in wanted.items()]
        project.label_many(pairs, Source.IMPORT, text).result()
    report.num_applied = len(wanted)


def _rows(file: Path, report: LabelReport) -> Iterator[tuple[int, str, str]]:
    """Yields (line number, image, class) of every row; rows that are too short are noted as errors."""
    text = _text(file)
    header_line = text.lstrip("\r\n").splitlines()[0] if text.strip() else ""
    for delimiter in _DELIMITERS:
        header = [name.strip().strip('"').strip().lower() for name in header_line.split(delimiter)]
        if IMAGE_COLUMN in header and CLASS_COLUMN in header:
            break
    else:
        shown = header_line[:60] or "nothing"
        raise ImportFormatError(
            f"{file.name} does not begin with a header image,class but with “{shown}”.", _FORMAT_HINT
        )
    image_column, class_column = header.index(IMAGE_COLUMN), header.index(CLASS_COLUMN)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    is_header = True
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if is_header:
                is_header = False
            elif len(row) <= max(image_column, class_column):
                report.errors.append(f"Line {reader.line_num} has too few columns.")
            else:
                yield reader.line_num, row[image_column].strip(), row[class_column]
    except csv.Error as err:
        raise ImportFormatError(
            f"Line {reader.line_num} of {file.name} is not CSV ({err}).", "Save the table as CSV again."
        ) from err


def _text(file: Path) -> str:
    if not file.is_file():
        what = "is a folder, not a file" if file.is_dir() else "is not there"
        raise ImportFormatError(f"{file} {what}.", "Choose a CSV file with the columns image and class.")
    try:
        data = file.read_bytes()
    except OSError as err:
        raise ImportFormatError(f"{file} cannot be read ({err.strerror or err}).", "Check its permissions.") from err
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
    raise ImportFormatError(f"{file.name} is not a text file.", "Save the table as CSV (UTF-8) and try again.")


def _unescaped(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and cell[1:2] in ESCAPED and len(cell) > 1 else cell


class _ImageFinder:
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
        for reading in dict.fromkeys((text, _unescaped(text), text.replace("\\", "/"))):
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
