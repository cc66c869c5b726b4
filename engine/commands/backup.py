"""`graft backup PROJECT [--list]`: makes a backup of a project's database, or lists those there are."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from engine.commands.arguments import add_json_argument, add_project_argument
from engine.commands.console import Console, Document
from engine.errors import StoreError

if TYPE_CHECKING:
    from engine.project.backups import BackupFile


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Makes a backup of a project's labels and history now, and reads it back to be sure of it. The newest ten are "
        "kept. The program makes them by itself, too; the window's Preferences and graft restore go back to them."
    )
    add_project_argument(parser)
    parser.add_argument(
        "--list", action="store_true", help="list the backups instead, and whether they are good; changes nothing"
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace, console: Console) -> None:
    from engine.project import Project
    from engine.project.backups import back_up, list_backups
    from engine.store.backup import is_good

    with Project.open(arguments.project, read_only=arguments.list) as project:
        made = None if arguments.list else back_up(project)
        listed = [(each, is_good(each.file)) for each in list_backups(project) if made in (None, each.file)]
    documents = [_document(each, good) for each, good in listed]
    if arguments.list:
        console.document({"backups": documents})
        for document in documents:
            _say(document, console)
        if not documents:
            console.say("There is no backup yet.")
        return
    if not documents or not documents[0]["is_good"]:
        raise StoreError(f"The backup {made} cannot be read back.", "Check the disk; the older backups are kept.")
    console.document(documents[0])
    console.say(f"Backup in {made} ({_size(documents[0]['size_bytes'])}), read back and good.")


def _document(each: BackupFile, good: bool) -> Document:
    return {
        "file": str(each.file),
        "made_at": each.made_at,
        "size_bytes": each.size_bytes,
        "is_before_update": each.is_before_update,
        "is_good": good,
    }


def _say(document: Document, console: Console) -> None:
    made_at = time.strftime("%Y-%m-%d %H:%M", time.localtime(document["made_at"]))
    words = "good" if document["is_good"] else "damaged"
    words += ", made before an update of the program" if document["is_before_update"] else ""
    console.say(f"{made_at}  {_size(document['size_bytes']):>9s}  {document['file']}  {words}")


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB"
