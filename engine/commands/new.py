"""`graft new PROJECT --images FOLDER`: makes a project and brings a folder of images into it, in place."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from engine.commands.arguments import add_group_argument, add_json_argument
from engine.commands.console import Console, Document, plural
from engine.commands.projects import failed_images
from engine.domain import LabelMode
from engine.errors import ProjectError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", type=Path, metavar="PROJECT", help="folder to make the project in")
    parser.add_argument("--images", type=Path, required=True, metavar="FOLDER", help="folder of images; stays as it is")
    parser.add_argument(
        "--labels",
        choices=("folders", "none"),
        default="none",
        help="folders: each image gets the name of its sub-folder as class; none: no classes yet (default)",
    )
    parser.add_argument(
        "--several-classes", action="store_true", help="an image may have several classes (default: one each)"
    )
    add_group_argument(parser)
    parser.add_argument("--name", help="name of the project (default: the folder's)")
    add_json_argument(parser)


def run(arguments: argparse.Namespace, console: Console) -> None:
    has_class_folders = arguments.labels == "folders"
    mode = LabelMode.SEVERAL if arguments.several_classes else LabelMode.ONE
    document = new(
        arguments.project, arguments.images, has_class_folders, console, arguments.name, arguments.group_by, mode
    )
    console.document(document)
    console.say(f"{plural(document['num_images'], 'image')} in {document['project']}.")
    if document["classes"]:
        console.say(f"{plural(document['num_labelled'], 'image')} labelled as {', '.join(document['classes'])}.")
    if document["group_by"]:
        console.say(f"{plural(document['num_groups'], 'group')} of images that are held out together.")
    for entry in document["failed"]:
        console.say(f"cannot be read: {entry['image']}: {entry['reason']}")


def new(
    folder: Path,
    images: Path,
    has_class_folders: bool,
    console: Console,
    name: str | None = None,
    group_rule: str | None = None,
    mode: LabelMode = LabelMode.ONE,
) -> Document:
    """Makes the project and returns what is in it. When that fails, nothing new is left behind.

    Raises:
        ProjectError: the images or the project's folder cannot be used.
        TrainingError: the rule for groups does not divide these images.
    """
    from engine.commands.groups import set_groups
    from engine.project import Project
    from engine.tasks.scan import ScanFolder

    if not images.is_dir():
        what = "is a file, not a folder" if images.exists() else "does not exist"
        raise ProjectError(f"{images} {what}.", "Name a folder that holds images.")
    was_there = set(folder.iterdir()) if folder.is_dir() else None
    project = Project.create(folder, name)
    is_complete = False
    try:
        project.set_label_mode(mode).result()
        report = console.run(ScanFolder(project, images, has_class_folders, reads_all=True))
        num_groups = set_groups(project, group_rule) if group_rule else 0
        snapshot, classes = project.snapshot(), project.classes()
        is_complete = True
    finally:
        project.close()
        if not is_complete:
            _remove(folder, was_there)
    return {
        "project": str(folder),
        "num_images": report.num_added,
        "num_labelled": len(snapshot.image_ids),
        "classes": [entry.name for entry in classes],
        "group_by": group_rule,
        "num_groups": num_groups,
        "failed": failed_images(report.failed),
    }


def _remove(folder: Path, was_there: set[Path] | None) -> None:
    """Takes away a project that could not be completed; what was in the folder before (None = no folder) stays."""
    for path in set(folder.iterdir()) - (was_there or set()):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    if was_there is None:
        folder.rmdir()
