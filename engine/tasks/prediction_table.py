"""The CSV table of predictions: grows row by row while a folder is classified, and can be gone on with after a crash.

Rows are added to `<name>.part`, made durable batch by batch; the table gets its name when it is complete, so a part is
never taken for the whole, and a table that was there stays until then.
"""

from __future__ import annotations

import csv
import io
import math
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final

from engine import syncing
from engine.domain import LabelMode
from engine.errors import ImportFormatError
from engine.events import FilePrediction
from engine.exporters.label_csv import SEPARATOR, escaped_cell
from engine.files import disk_error
from engine.images.files import is_image_name
from engine.importers.label_csv import unescaped_cell
from engine.language import tr

_FIRST_COLUMNS: Final = ("image", "class", "confidence", "unknown", "unknown_score")
_MODEL_COLUMN: Final = "model"


class PredictionTable:
    """A table that is being written. Close it, or `complete` it; what is not completed stays as the part.

    One row per image: image, class (the likeliest, also where the image looks unknown; several with | between them),
    confidence, unknown (yes, no) and unknown_score (both empty where the model cannot tell), the probability of each
    class, and the model that said so. UTF-8; cells that a spreadsheet would run as a formula get a ' in front.
    """

    def __init__(self, file: Path, class_names: Sequence[str], model: str, mode: LabelMode, is_resumed: bool) -> None:
        """Opens the part of a table: anew, or with `is_resumed` after the rows that the part, or the table, has.

        Raises:
            ImportFormatError: the name is that of an image, or the table to go on with is not one of this model.
            DiskError: it cannot be written.
        """
        if is_image_name(file.name):
            raise ImportFormatError(
                tr("{name} is the name of an image.", name=file.name), tr("Choose a name that ends in .csv.")
            )
        self.file, self._part = file, part_of(file)
        self._header = [*_FIRST_COLUMNS, *map(escaped_cell, class_names), _MODEL_COLUMN]
        self._model, self._mode = model, mode
        self.done: Counter[str] = Counter()
        """Names of the images that had a row already, with how many rows each."""
        try:
            start = self._begin() if is_resumed else 0
            self._stream: IO[bytes] = open(self._part, "r+b" if start else "wb")  # noqa: SIM115 (closed by close)
            self._stream.truncate(start)
            self._stream.seek(start)
            if not start:
                self._write([self._header])
        except OSError as err:
            raise disk_error(err, self._part) from err

    def add(self, predictions: Sequence[FilePrediction]) -> None:
        """Adds the rows of those that were classified; they are durable when this returns.

        Raises:
            DiskError: the disk is full or refuses; the rows of before stay.
        """
        rows = [self._row(prediction) for prediction in predictions if not prediction.reason]
        try:
            if rows:
                self._write(rows)
        except OSError as err:
            raise disk_error(err, self._part) from err

    def complete(self) -> None:
        """Gives the table its name.

        Raises:
            DiskError: it cannot be renamed.
        """
        self.close()
        try:
            os.replace(self._part, self.file)
            syncing.sync_folder(self.file.parent)
        except OSError as err:
            raise disk_error(err, self.file) from err

    def close(self) -> None:
        """Ends the writing. Safe to call twice."""
        self._stream.close()

    def _write(self, rows: Sequence[Sequence[str]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(rows)
        self._stream.write(text.getvalue().encode("utf-8", "replace"))
        self._stream.flush()
        syncing.sync_handle(self._stream.fileno())

    def _row(self, prediction: FilePrediction) -> list[str]:
        score = prediction.unknown_score
        unknown = ["yes" if prediction.is_unknown else "no", f"{score:.4f}"] if math.isfinite(score) else ["", ""]
        probabilities = [f"{value:.6f}" for value in prediction.probabilities]
        return [
            escaped_cell(prediction.name),
            escaped_cell(classes_text(prediction.classes, self._mode)),
            f"{prediction.confidence:.6f}",
            *unknown,
            *probabilities,
            escaped_cell(self._model),
        ]

    def _begin(self) -> int:
        """Takes up the rows that are there and returns where they end, in bytes; 0 where there is nothing yet.

        Raises OSError or ImportFormatError.
        """
        if not self._part.exists():
            if not self.file.exists():
                return 0
            shutil.copyfile(self.file, self._part)  # It was complete, and images have come since.
        end = 0
        for index, (row, end_of_row) in enumerate(_whole_rows(self._part)):
            is_right = row == self._header if index == 0 else len(row) == len(self._header)
            if not is_right:
                what = tr("{name} has other columns, so it cannot be gone on with.", name=self._part.name)
                if index:
                    what = tr(
                        "{name} has a row {row} that was not written like this, so it cannot be gone on with.",
                        name=self._part.name,
                        row=index + 1,
                    )
                raise ImportFormatError(
                    what,
                    tr(
                        "It was written for other classes, or changed since; name another file, or delete {part}.",
                        part=self._part,
                    ),
                )
            if index and row[-1] != escaped_cell(self._model):
                raise ImportFormatError(
                    tr(
                        "{name} was begun with another model ({other}; this is {model}).",
                        name=self._part.name,
                        other=row[-1],
                        model=self._model,
                    ),
                    tr("Go on with that one, or name another file."),
                )
            if index:
                self.done[unescaped_cell(row[0])] += 1
            end = end_of_row
        return end


def part_of(file: Path) -> Path:
    """Returns where the rows of a table lie until it is complete."""
    return file.with_name(f"{file.name}.part")


def classes_text(classes: Sequence[str], mode: LabelMode) -> str:
    """Returns the class of an image, or its classes with | between them (a | in a name gets a backslash then)."""
    if mode is LabelMode.ONE:
        return classes[0] if classes else ""
    return SEPARATOR.join(name.replace(SEPARATOR, "\\" + SEPARATOR) for name in classes)


def _whole_rows(file: Path) -> Iterator[tuple[list[str], int]]:
    """Yields the rows that were written to their end, with the place where they end, in bytes.

    What a crash has torn is left out: a last row without its end, or blocks that the disk never got (zeros).
    Raises OSError.
    """
    end, record = 0, b""
    with open(file, "rb") as stream:
        for line in stream:
            if b"\0" in line or not line.endswith(b"\n"):
                return
            record += line
            if record.count(b'"') % 2:
                continue  # A line break inside quotes.
            end += len(record)
            yield next(csv.reader([record.decode("utf-8", "replace").removesuffix("\n")])), end
            record = b""
