"""`graft report PROJECT --to FILE.html`: writes what is known of the model as one page that opens anywhere."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.commands.arguments import add_json_argument, add_project_argument
from engine.commands.console import Console
from engine.commands.projects import open_project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_project_argument(parser)
    parser.add_argument("--to", type=Path, required=True, metavar="FILE", help="the page to write, ending in .html")
    add_json_argument(parser)


def run(arguments: argparse.Namespace, console: Console) -> None:
    from engine.tasks.report import WriteReport

    with open_project(arguments.project) as project:
        written = console.run(WriteReport(project, arguments.to))
    console.document({"file": str(written.file), "size_bytes": written.size_bytes})
    console.say(f"Report in {written.file} ({written.size_bytes / 1e3:,.0f} kB).")
