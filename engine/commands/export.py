"""`graft export PROJECT --format onnx --to DIR`: writes the active version's model, checked against the original."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.commands.arguments import add_json_argument, add_project_argument
from engine.commands.console import Console, Document, percent, plural
from engine.commands.projects import open_project
from engine.exporters.registry import FORMATS


def add_arguments(parser: argparse.ArgumentParser) -> None:

    add_project_argument(parser)
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="onnx",
        help=" ".join(f"{name}: {record.description}" for name, record in FORMATS.items()) + " Default: onnx.",
    )
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="new folder to write")
    add_json_argument(parser)


def run(arguments: argparse.Namespace, console: Console) -> None:
    from engine.tasks.export import ExportModel

    with open_project(arguments.project) as project:
        document = console.run(ExportModel(project, arguments.format, arguments.to)).document()
    console.document(document)
    say_export(document, console)


def say_export(document: Document, console: Console) -> None:
    """Tells a person what was written and how far it was checked."""
    parity = document["parity"]
    console.say(f"{document['format']} model in {document['folder']}: {', '.join(document['files'])}")
    console.say(
        f"Checked in {parity['runtime']} on {plural(parity['num_images'], 'image')}: "
        f"{percent(parity['top1_agreement'])} the same class, probabilities within {parity['max_abs_diff']:.1e}."
    )
