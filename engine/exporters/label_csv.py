"""Writes the labels of a project as a CSV file, which `engine.importers.label_csv` reads again."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import NO_CLASS, ImageClass, LabelMode, Mark, has_class
from engine.errors import ExportError
from engine.files import atomic_write_bytes
from engine.images.files import is_image_name
from engine.language import tr
from engine.project import Project

HEADER: Final = ("image", "class", "source", "predicted_class", "confidence", "unknown_score", "note")
HEADER_OF_SEVERAL: Final = (*HEADER, "confirmed")
SEPARATOR: Final = "|"
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "'")


def export_label_csv(project: Project, file: Path) -> int:
    """Writes one row for each image with a class or a note, in filing order, and returns how many there are.

    Columns: image (path below the imported folder; the full path where two folders hold the same one), class, source
    (human, suggestion or import), what the active model says of it, empty without a model (predicted_class, confidence
    and unknown_score, 0..1), and the user's note. Where images have several classes, they stand in one cell, in palette
    order with | between them (a | in a name gets a backslash), and a column confirmed says yes where there are no
    others; so do the classes that the model suggests, whose confidence is that of the whole set.
    UTF-8. Cells that a spreadsheet would run as a formula get a ' in front, which our import removes.

    Raises:
        ExportError: the file has the name of an image.
        DiskError: the file cannot be written; one that was there is untouched.
    """
    if is_image_name(file.name):
        raise ExportError(tr("{file} is the name of an image.", file=file.name), tr("Choose a name that ends in .csv."))
    columns = project.columns()
    palette = project.classes()
    class_names = {image_class.id: image_class.name for image_class in palette}
    sources, notes = project.label_sources(), project.notes()
    has_several = project.label_mode is LabelMode.SEVERAL
    is_confirmed = (columns.marks & Mark.CONFIRMED != 0) & has_several
    listed = np.flatnonzero((columns.class_ids != NO_CLASS) | columns.noted | is_confirmed)
    classes = _class_cells(columns.class_ids, columns.class_bits, palette, listed)
    suggested = [class_names.get(int(class_id), "") for class_id in columns.predicted_ids[listed]]
    if has_several:
        suggested = _class_cells(columns.predicted_ids, columns.predicted_bits, palette, listed)
    name_counts = Counter(columns.names)
    shared = [int(columns.image_ids[row]) for row in listed if name_counts[columns.names[row]] > 1]
    full_paths = {record.id: record.path for record in project.images(shared)} if shared else {}
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER_OF_SEVERAL if has_several else HEADER)
    for row, class_cell, predicted in zip(listed, classes, suggested, strict=True):
        image_id = int(columns.image_ids[row])
        name = str(full_paths.get(image_id, columns.names[row]))
        confidence = float(columns.confidences[row])
        source = sources[image_id].value if image_id in sources else ""
        shown = f"{confidence:.4f}" if (predicted or has_several) and np.isfinite(confidence) else ""
        score = float(columns.unknown_scores[row])
        strangeness = f"{score:.4f}" if np.isfinite(score) else ""
        named = map(escaped_cell, (name, class_cell, source, predicted))
        cells = [*named, shown, strangeness, escaped_cell(notes.get(image_id, ""))]
        writer.writerow([*cells, "yes" if is_confirmed[row] else ""] if has_several else cells)
    atomic_write_bytes(file, text.getvalue().encode("utf-8", "replace"))
    return len(listed)


def _class_cells(
    class_ids: NDArray[np.int32], class_bits: NDArray[np.uint64], palette: Sequence[ImageClass], rows: NDArray[np.intp]
) -> list[str]:
    """Returns the classes of some rows as text, in palette order."""
    names = {each.id: each.name.replace(SEPARATOR, "\\" + SEPARATOR) for each in palette}
    if not class_bits.shape[1]:
        return [names.get(int(class_id), "") for class_id in class_ids[rows]]
    bits = class_bits[rows]
    has = [(names[each.id], has_class(bits, each.id).tolist()) for each in palette]
    return [SEPARATOR.join(name for name, is_there in has if is_there[place]) for place in range(len(rows))]


def escaped_cell(cell: str) -> str:
    """Returns the text of a cell so that no spreadsheet takes it for a formula; `unescaped_cell` takes it back."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
