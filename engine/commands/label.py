"""`graft label PROJECT --csv FILE`: sets classes from a file of image,class rows."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.commands.arguments import add_json_argument, add_project_argument
from engine.commands.console import Console, plural
from engine.commands.projects import open_project
from engine.errors import ImportFormatError

MAX_NAMED = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_project_argument(parser)
    parser.add_argument(
        "--csv",
        type=Path,
        required=True,
        metavar="FILE",
        help="CSV with the columns image,class (and note, if you like); an image is a path, or a file name that is "
        "unique in the project; several classes of one image: a|b, where the project allows them",
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace, console: Console) -> None:
    from engine.importers.label_csv import import_label_csv

    with open_project(arguments.project) as project:
        report = import_label_csv(project, arguments.csv)
    console.document(
        {
            "num_applied": report.num_applied,
            "num_notes": report.num_notes,
            "new_classes": list(report.new_classes),
            "unknown_images": list(report.unknown_images),
            "ambiguous_images": list(report.ambiguous_images),
            "errors": list(report.errors),
        }
    )
    console.say(f"{plural(report.num_applied, 'image')} labelled.")
    if report.num_notes:
        console.say(f"{plural(report.num_notes, 'note')} taken over.")
    if report.new_classes:
        console.say(f"new classes: {', '.join(report.new_classes)}")
    require_all_applied(report.unknown_images, report.ambiguous_images, report.errors)


def require_all_applied(unknown: list[str], ambiguous: list[str], errors: list[str]) -> None:
    """Ends in a failure when rows are left over: a script must not take a part for the whole."""
    reasons = [
        f"{plural(len(entries), noun, nouns)} ({_first(entries)})"
        for entries, noun, nouns in (
            (unknown, "image that is not in the project", "images that are not in the project"),
            (ambiguous, "file name that several images have", "file names that several images have"),
            (errors, "row that cannot be read", "rows that cannot be read"),
        )
        if entries
    ]
    if reasons:
        raise ImportFormatError(
            f"Some rows were not applied: {'; '.join(reasons)}.",
            "The other rows were applied; correct these and run the same command again.",
        )


def _first(entries: list[str]) -> str:
    return ", ".join(map(str, entries[:MAX_NAMED])) + (", …" if len(entries) > MAX_NAMED else "")
