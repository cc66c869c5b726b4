"""`graft import PROJECT FILE_OR_FOLDER`: takes labels from a CSV file, or images from a folder per class."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.commands.arguments import add_json_argument, add_project_argument
from engine.commands.console import Console, Document, plural
from engine.commands.label import require_all_applied
from engine.commands.projects import failed_images, open_project
from engine.errors import ImportFormatError

if TYPE_CHECKING:
    from engine.importers.label_conflicts import LabelConflict
    from engine.project import Project

MAX_NAMED = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Takes labels from a CSV file with the columns image,class, or from a folder with a sub-folder per class "
        "whose images come into the project where they lie. An image that has another class already keeps it."
    )
    add_project_argument(parser)
    parser.add_argument(
        "source",
        type=Path,
        metavar="FILE_OR_FOLDER",
        help="a CSV with the columns image,class (and note, if you like; other columns are passed over), as "
        "`export-data` writes it; or a folder with a sub-folder of images for each class",
    )
    parser.add_argument(
        "--replace", action="store_true", help="an image that has another class already gets the imported one"
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace, console: Console) -> None:
    source: Path = arguments.source
    if not source.exists():
        raise ImportFormatError(f"{source} is not there.", "Name a CSV file, or a folder with a sub-folder per class.")
    if (source / "project.db").is_file():
        raise ImportFormatError(f"{source} is a project.", "graft merge takes the labels of another project.")
    with open_project(arguments.project) as project:
        document = (
            _from_folder(project, source, arguments.replace, console)
            if source.is_dir()
            else _from_csv(project, source, arguments.replace)
        )
    console.document(document)
    _say(document, console)
    if not source.is_dir():
        require_all_applied(document["unknown_images"], document["ambiguous_images"], document["errors"])


def _from_csv(project: Project, file: Path, replaces: bool) -> Document:
    from engine.importers.label_csv import import_label_csv

    report = import_label_csv(project, file, replaces)
    return {
        "num_added": 0,
        "num_labelled": report.num_applied,
        "num_equal": 0,  # they are among those that are labelled
        "num_notes": report.num_notes,
        "new_classes": list(report.new_classes),
        "conflicts": _conflicts(report.conflicts, replaces),
        "unknown_images": list(report.unknown_images),
        "ambiguous_images": list(report.ambiguous_images),
        "errors": list(report.errors),
        "num_without_class": 0,
        "failed": [],
    }


def _from_folder(project: Project, folder: Path, replaces: bool, console: Console) -> Document:
    from engine.tasks.folder_labels import classes_by_folder, folder_conflicts, take_folder_classes
    from engine.tasks.scan import ScanFolder

    before, labelled_before = {each.name for each in project.classes()}, project.label_sources().keys()
    report = console.run(ScanFolder(project, folder, classes_from_folders=True, reads_all=True))
    conflicts = folder_conflicts(project, folder)
    if replaces:
        take_folder_classes(project, conflicts)
    named = classes_by_folder(project, folder)
    return {
        "num_added": report.num_added,
        "num_labelled": report.num_labelled + (len(conflicts) if replaces else 0),
        "num_equal": len({image_id for image_id in named if named[image_id]} & labelled_before - conflicts.keys()),
        "num_notes": 0,
        "new_classes": [each.name for each in project.classes() if each.name not in before],
        "conflicts": _conflicts(list(conflicts.values()), replaces),
        "unknown_images": [],
        "ambiguous_images": [],
        "errors": [],
        "num_without_class": sum(not name for name in named.values()),
        "failed": failed_images(report.failed),
    }


def _conflicts(found: Sequence[LabelConflict], replaces: bool) -> list[Document]:
    return [{"image": each.image, "here": each.here, "there": each.there, "replaced": replaces} for each in found]


def _say(document: Document, console: Console) -> None:
    if document["num_added"]:
        console.say(f"{plural(document['num_added'], 'image')} added.")
    console.say(f"{plural(document['num_labelled'], 'image')} labelled.")
    if document["num_equal"]:
        console.say(f"{plural(document['num_equal'], 'image')} had that class already.")
    if document["num_notes"]:
        console.say(f"{plural(document['num_notes'], 'note')} taken over.")
    if document["new_classes"]:
        console.say(f"new classes: {', '.join(document['new_classes'])}")
    conflicts = document["conflicts"]
    if conflicts:
        is_one = len(conflicts) == 1
        if conflicts[0]["replaced"]:
            end = "had another class, which was replaced"
        else:
            end = f"{'has' if is_one else 'have'} another class, and {'keeps' if is_one else 'keep'} it (see --replace)"
        console.say(f"{plural(len(conflicts), 'image')} {end}:")
        for each in conflicts[:MAX_NAMED]:
            console.say(f"  {each['image']}: {each['here']} here, {each['there']} imported")
        if len(conflicts) > MAX_NAMED:
            console.say(f"  … and {len(conflicts) - MAX_NAMED:,} more (--json lists all)")
    if document["num_without_class"]:
        console.say(f"{plural(document['num_without_class'], 'image')} in no sub-folder got no class.")
    for entry in document["failed"]:
        console.say(f"cannot be read: {entry['image']}: {entry['reason']}")
