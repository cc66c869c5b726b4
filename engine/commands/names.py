"""The names of the commands. Light, since the window's start reads it too."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

# name -> the line in --help. The module of a command is called as the command, with underscores (see `module_of`).
COMMANDS = {
    "demo": "the whole loop on the built-in sample: import, label, train, evaluate, export, predict",
    "new": "make a project from a folder of images",
    "label": "set classes from a CSV file",
    "import": "take labels from a CSV file, or images from a folder per class",
    "merge": "take over what another project says of the same pictures",
    "train": "train on the labelled images and predict the rest",
    "evaluate": "measure a model on known images, or show its cross-validated figures",
    "predict": "classify images, folders and patterns of any number",
    "runs": "list the versions of the model; use, note, compare, delete or tidy them up",
    "report": "write what is known of the model as one HTML page, for an appendix or an auditor",
    "export": "write the model in a format that other programs read, checked against the original",
    "serve": "answer other programs on this computer, with a token, until Ctrl+C",
    "export-data": "write the labels",
    "check": "look for damage: database, journal, backups, files, pictures; changes nothing",
    "backup": "make a backup of labels and history now, or list those there are",
    "restore": "bring a project back whose database is damaged or gone",
    "backbones": "list the pretrained networks and whether their weights are here",
}

_MODULES = {"import": "import_labels"}  # where the command's own name cannot be that of a module


def module_of(command: str) -> str:
    """Returns the name of the module of a command."""
    return f"engine.commands.{_MODULES.get(command, command.replace('-', '_'))}"


def is_command_line(arguments: Sequence[str]) -> bool:
    """Tells the command line from the window (`graft`, `graft PROJECT`)."""
    return bool(arguments) and (arguments[0] in COMMANDS or not _is_path(arguments[0]))


def _is_path(argument: str) -> bool:
    """Tells whether an argument that is no command is meant as a project folder for the window."""
    if argument.startswith("-"):
        return False
    separators = (os.sep, os.altsep or os.sep)
    return any(separator in argument for separator in separators) or Path(argument).exists()
