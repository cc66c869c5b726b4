"""`graft predict PROJECT|MODEL FOLDER`: classifies the images of a folder."""

from __future__ import annotations

import argparse
import csv
import io
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from engine.commands.arguments import add_json_argument, add_model_argument
from engine.commands.console import Console, percent, plural
from engine.commands.projects import open_project_or_model
from engine.exporters.label_csv import SEPARATOR
from engine.files import atomic_write_bytes, disk_error

UNKNOWN_FOLDER: Final = "unknown"
NO_CLASS_FOLDER: Final = "none"

if TYPE_CHECKING:
    from engine.tasks.predict import ImagePredictions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model_argument(parser)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="folder of images (with its sub-folders)")
    parser.add_argument(
        "--csv", type=Path, metavar="FILE", help="write image, class, confidence, unknown score and all probabilities"
    )
    parser.add_argument("--sorted-copies", type=Path, metavar="DIR", help="copy each image into DIR/<its class>/")
    add_json_argument(parser)


def run(arguments: argparse.Namespace, console: Console) -> None:
    from engine.tasks.predict import PredictImages

    with open_project_or_model(arguments.model) as model:
        predictions = console.run(PredictImages(model, arguments.folder))
    if arguments.csv:
        write_csv(predictions, arguments.csv)
    if arguments.sorted_copies:
        copy_sorted(predictions, arguments.sorted_copies)
    document = predictions.document()
    console.document(document)
    for entry in document["predictions"]:
        what = "unknown" if entry["unknown"] else class_text(entry)
        console.say(f"{entry['image']}\t{what}\t{percent(entry['confidence'])}")
    for entry in document["failed"]:
        console.say(f"cannot be read: {entry['image']}: {entry['reason']}")
    if arguments.csv:
        console.say(f"{plural(len(predictions.names), 'prediction')} written to {arguments.csv}.")
    if arguments.sorted_copies:
        console.say(f"{plural(len(predictions.names), 'image')} copied into {arguments.sorted_copies}.")


def write_csv(predictions: ImagePredictions, path: Path) -> None:
    """Writes one row per image: image, class, confidence, unknown (yes, no), unknown_score, then all probabilities.

    The class is the likeliest one, also where the image looks unknown; where images may have several, they stand in one
    cell with | between them. Without an unknown score its two cells are empty.

    Raises:
        DiskError: the file cannot be written; one that was there is untouched.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", "class", "confidence", "unknown", "unknown_score", *predictions.class_names])
    for entry in predictions.document()["predictions"]:
        probabilities = [f"{entry['probabilities'][name]:.6f}" for name in predictions.class_names]
        score = entry["unknown_score"]
        unknown = ["", ""] if score is None else ["yes" if entry["unknown"] else "no", f"{score:.4f}"]
        writer.writerow([entry["image"], class_text(entry), f"{entry['confidence']:.6f}", *unknown, *probabilities])
    atomic_write_bytes(path, text.getvalue().encode("utf-8"))


def class_text(entry: dict[str, Any]) -> str:
    """Returns the class of an image, or its classes with | between them."""
    return SEPARATOR.join(entry["classes"]) if "classes" in entry else str(entry["class"])


def copy_sorted(predictions: ImagePredictions, folder: Path) -> None:
    """Copies each image into `folder`/<predicted class>/, or "unknown" where it looks like none of the classes.

    Where images may have several classes, it is the likeliest one, or "none". Nothing is overwritten: a name that is
    taken gets a number.

    Raises:
        DiskError: a copy cannot be written.
    """
    for path, entry in zip(predictions.paths, predictions.document()["predictions"], strict=True):
        place = UNKNOWN_FOLDER if entry["unknown"] else entry["class"] or NO_CLASS_FOLDER
        target = folder / safe_name(place) / path.name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, free_name(target))
        except OSError as err:
            raise disk_error(err, target) from err


def safe_name(name: str) -> str:
    """Returns a class name as a folder name that every system takes."""
    cleaned = "".join("_" if character in '<>:"/\\|?*' or ord(character) < 32 else character for character in name)
    return cleaned.strip(" .") or "_"


def free_name(path: Path) -> Path:
    """Returns `path`, or the first of "name (2).jpg", "name (3).jpg" ... that does not exist."""
    candidate, number = path, 1
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.stem} ({number}){path.suffix}")
    return candidate
