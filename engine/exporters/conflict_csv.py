"""Writes what two projects say differently of the same pictures as a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from engine.errors import ExportError
from engine.exporters.label_csv import escaped_cell
from engine.files import atomic_write_bytes
from engine.images.files import is_image_name
from engine.language import tr
from engine.store.merging import Conflict

HEADER: Final = ("image", "kind", "here", "there", "used", "reason")


def write_conflicts(conflicts: Iterable[Conflict], file: Path) -> None:
    """Writes a row for each conflict; `used` says whose word counts now, here or there.

    Raises:
        ExportError: the file has the name of an image.
        DiskError: the file cannot be written; one that was there is untouched.
    """
    if is_image_name(file.name):
        raise ExportError(tr("{file} is the name of an image.", file=file.name), tr("Choose a name that ends in .csv."))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for each in conflicts:
        used = "there" if each.is_taken else "here"
        cells = (each.image, each.kind, each.here, each.there, used, each.reason)
        writer.writerow([escaped_cell(cell) for cell in cells])
    atomic_write_bytes(file, text.getvalue().encode("utf-8", "replace"))
