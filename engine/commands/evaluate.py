"""`graft evaluate PROJECT|MODEL`: the figures of the active version or of an exported model, its own or on images."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.commands.arguments import add_json_argument, add_model_argument
from engine.commands.console import Console, Document, percent, plural
from engine.commands.projects import open_project_or_model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model_argument(parser)
    parser.add_argument(
        "--images",
        type=Path,
        metavar="FOLDER",
        help="images the model has not seen, a sub-folder per class (default: its cross-validated predictions)",
    )
    parser.add_argument(
        "--csv",
        "--labels",
        dest="labels",
        type=Path,
        metavar="FILE",
        help="image,class rows that say which classes images have: those in the folder (instead of its sub-folders), "
        "or without --images those that it names by paths, from its own folder on; several classes of an image stand "
        "in one cell (a|b) or in several rows",
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace, console: Console) -> None:
    from engine.tasks.evaluate import EvaluateModel

    with open_project_or_model(arguments.model) as model:
        document = console.run(EvaluateModel(model, arguments.images, labels=arguments.labels))
    console.document(document)
    say_figures(document, console)


def say_figures(document: Document, console: Console) -> None:
    """Tells a person how good the model is, class by class."""
    if document.get("mode") == "several":
        _say_several(document, console)
        return
    if num_refused := document.get("num_refused", 0):
        console.say(f"{plural(num_refused, 'refused suggestion')} counted in the share of right ones.")
    low, high = document["accuracy_interval"]
    console.say(
        f"Accuracy {percent(document['accuracy'])} (95 % interval {percent(low)} to {percent(high)}) "
        f"on {plural(document['num_images'], 'image')}; macro F1 {percent(document['macro_f1'])}, "
        f"log loss {document['log_loss']:.3f}, calibration error {percent(document['ece'])}."
    )
    width = max([len("class"), *(len(name) for name in document["classes"])])
    console.say(f"{'class':<{width}s}  precision   recall       F1   images")
    for row in document["per_class"]:
        figures = "".join(f"{percent(row[key]):>9s}" for key in ("precision", "recall", "f1"))
        console.say(f"{row['class']:<{width}s}  {figures}{row['support']:>9,d}")
    _say_unknown(document, console)
    _say_failed(document, console)


def _say_unknown(document: Document, console: Console) -> None:
    """Tells how many images were called unknown: of classes that the model knows, and of each that it does not."""
    if "unknown" not in document:
        return
    known, rows = document["unknown"]["known"], document["unknown"]["new_classes"]
    if known["num_images"]:
        console.say(f"Called unknown though the model knows their class: {percent(known['called_unknown'])}.")
    for row in rows:
        console.say(
            f"“{row['class']}”, which the model does not know: {percent(row['called_unknown'])} of "
            f"{plural(row['num_images'], 'image')} called unknown."
        )


def _say_several(document: Document, console: Console) -> None:
    """As `say_figures` where an image may have several classes."""
    low, high = document["mean_average_precision_interval"]
    console.say(
        f"Mean average precision {percent(document['mean_average_precision'])} (95 % interval {percent(low)} to "
        f"{percent(high)}) on {plural(document['num_images'], 'image')}; macro F1 {percent(document['macro_f1'])}, "
        f"micro F1 {percent(document['micro_f1'])}, exactly the right classes {percent(document['accuracy'])}, "
        f"log loss {document['log_loss']:.3f}, calibration error {percent(document['ece'])}."
    )
    width = max([len("class"), *(len(name) for name in document["classes"])])
    console.say(f"{'class':<{width}s}  av. prec.  precision   recall       F1  threshold   images")
    for row in document["per_class"]:
        columns = (("average_precision", 10), ("precision", 11), ("recall", 9), ("f1", 9))
        figures = "".join(f"{percent(row[key]):>{size}s}" for key, size in columns)
        console.say(f"{row['class']:<{width}s}  {figures}{row['threshold']:>11.2f}{row['support']:>9,d}")
    _say_failed(document, console)


def _say_failed(document: Document, console: Console) -> None:
    for entry in document["failed"]:
        console.say(f"cannot be used: {entry['image']}: {entry['reason']}")
