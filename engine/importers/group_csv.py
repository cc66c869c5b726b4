"""Reads which images belong together from a CSV file: an image and its group in each row."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Final

from engine.errors import ImportFormatError
from engine.importers.label_csv import ImageFinder, text_of_table
from engine.language import tr
from engine.project import Project

_DELIMITERS: Final = (",", ";", "\t")
_IMAGE: Final = "image"
_GROUP: Final = "group"


def read_groups(project: Project, file: Path) -> dict[str, str]:
    """Returns the group of each image of the project that the file names, by content hash.

    The header names the columns: image, and group; where there is no column group but just one other, that one. Images
    are given as for `engine.importers.label_csv`. Rows that fit no image, or several, are passed over.

    Raises:
        ImportFormatError: the file cannot be read, is not text, or lacks the columns.
    """
    text = text_of_table(file).lstrip("\r\n")
    first = text.splitlines()[0] if text.strip() else ""
    for delimiter in _DELIMITERS:
        header = [name.strip().strip('"').strip().lower() for name in first.split(delimiter)]
        others = [name for name in header if name != _IMAGE]
        if _IMAGE in header and (_GROUP in header or len(others) == 1):
            break
    else:
        raise ImportFormatError(
            tr(
                "{file} does not begin with a header image,group but with “{shown}”.",
                file=file.name,
                shown=first[:60] or tr("nothing"),
            ),
            tr("Save a table with the columns image and group as CSV."),
        )
    column = _GROUP if _GROUP in header else others[0]
    image_place, group_place = header.index(_IMAGE), header.index(column)
    finder = ImageFinder(project, file)
    content_of = {image.id: image.content_hash for image in project.images()}
    groups: dict[str, str] = {}
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for number, row in enumerate(reader):
            if number == 0 or len(row) <= max(image_place, group_place) or not row[group_place].strip():
                continue
            found = finder.find(row[image_place].strip())
            if len(found) == 1 and content_of[found[0]]:
                groups[content_of[found[0]]] = row[group_place].strip()
    except csv.Error as err:
        raise ImportFormatError(
            tr("Line {line} of {file} is not CSV ({reason}).", line=reader.line_num, file=file.name, reason=err),
            tr("Save the table as CSV again."),
        ) from err
    if not groups:
        raise ImportFormatError(
            tr("{file} names no image of the project.", file=file.name), tr("Name images by their file names or paths.")
        )
    return groups
