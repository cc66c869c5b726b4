"""`graft export-data PROJECT --format csv --to FILE`: writes the labels."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.commands.arguments import add_json_argument, add_project_argument
from engine.commands.console import Console, plural
from engine.commands.projects import open_project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_project_argument(parser)
    parser.add_argument(
        "--format", choices=("csv",), default="csv", help="csv: image,class rows, as `label` reads them"
    )
    parser.add_argument("--to", type=Path, required=True, metavar="FILE", help="file to write")
    add_json_argument(parser)


def run(arguments: argparse.Namespace, console: Console) -> None:
    from engine.exporters.label_csv import export_label_csv

    with open_project(arguments.project) as project:
        export_label_csv(project, arguments.to)
        num_labelled = len(project.snapshot().image_ids)
    console.document({"format": arguments.format, "file": str(arguments.to), "num_images": num_labelled})
    console.say(f"{plural(num_labelled, 'labelled image')} written to {arguments.to}.")
