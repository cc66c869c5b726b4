"""The names of the commands. Light, since the window's start reads it too."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

# name -> the line in --help. The module of a command is called as the command, with underscores.
COMMANDS = {
    "demo": "the whole loop on the built-in sample: import, label, train, evaluate, export, predict",
    "new": "make a project from a folder of images",
    "label": "set classes from a CSV file",
    "train": "train on the labelled images and predict the rest",
    "evaluate": "measure a model on known images, or show its cross-validated figures",
    "predict": "classify images, folders and patterns of any number",
    "runs": "list the versions of the model; use, note, compare, delete or tidy them up",
    "report": "write what is known of the model as one HTML page, for an appendix or an auditor",
    "export": "write the model in a format that other programs read, checked against the original",
    "serve": "answer other programs on this computer, with a token, until Ctrl+C",
    "export-data": "write the labels",
    "restore": "bring a project back whose database is damaged or gone",
    "backbones": "list the pretrained networks and whether their weights are here",
}


def is_command_line(arguments: Sequence[str]) -> bool:
    """Tells the command line from the window (`graft`, `graft PROJECT`)."""
    return bool(arguments) and (arguments[0] in COMMANDS or not _is_path(arguments[0]))


def _is_path(argument: str) -> bool:
    """Tells whether an argument that is no command is meant as a project folder for the window."""
    if argument.startswith("-"):
        return False
    separators = (os.sep, os.altsep or os.sep)
    return any(separator in argument for separator in separators) or Path(argument).exists()
