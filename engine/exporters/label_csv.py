"""Writes the labels of a project as a CSV file, which `engine.importers.label_csv` reads again."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np

from engine.domain import NO_CLASS
from engine.errors import ExportError
from engine.files import atomic_write_bytes
from engine.images.files import is_image_name
from engine.project import Project

HEADER: Final = ("image", "class", "source", "predicted_class", "confidence")
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "'")


def export_label_csv(project: Project, file: Path) -> int:
    """Writes one row for each labelled image, in filing order, and returns how many there are.

    Columns: image (path below the imported folder; the full path where two folders hold the same one), class, source
    (human, suggestion or import), and what the active model says of it: predicted_class and confidence (0..1), empty
    without a model. UTF-8. Cells that a spreadsheet would run as a formula get a ' in front, which our import removes.

    Raises:
        ExportError: the file has the name of an image.
        DiskError: the file cannot be written; one that was there is untouched.
    """
    if is_image_name(file.name):
        raise ExportError(f"{file.name} is the name of an image.", "Choose a name that ends in .csv.")
    columns = project.columns()
    class_names = {image_class.id: image_class.name for image_class in project.classes()}
    sources = project.label_sources()
    name_counts = Counter(columns.names)
    is_labelled = columns.class_ids != NO_CLASS
    labelled = np.flatnonzero(is_labelled)
    shared = [int(columns.image_ids[row]) for row in labelled if name_counts[columns.names[row]] > 1]
    full_paths = {record.id: record.path for record in project.images(shared)} if shared else {}
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for row in labelled:
        image_id = int(columns.image_ids[row])
        name = str(full_paths.get(image_id, columns.names[row]))
        predicted = class_names.get(int(columns.predicted_ids[row]), "")
        confidence = float(columns.confidences[row])
        cells = (name, class_names[int(columns.class_ids[row])], sources[image_id].value, predicted)
        writer.writerow([*map(_escaped, cells), f"{confidence:.4f}" if predicted and np.isfinite(confidence) else ""])
    atomic_write_bytes(file, text.getvalue().encode("utf-8", "replace"))
    return len(labelled)


def _escaped(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
