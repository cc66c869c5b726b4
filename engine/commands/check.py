"""`graft check PROJECT`: looks for damage in everything that a project consists of, and changes nothing."""

from __future__ import annotations

import argparse
import textwrap

from engine.commands.arguments import add_json_argument, add_project_argument
from engine.commands.console import Console, plural
from engine.errors import ProjectError

_PART_WIDTH = 10
_LEVEL_WIDTH = 7
_TEXT_WIDTH = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Looks for damage: database, journal, backups (and whether a restore would bring every label back), "
        "the files of the model's versions, the cache, the pictures. Changes nothing, and may run while a window has "
        "the project open. The exit status is 1 when something is wrong."
    )
    add_project_argument(parser)
    parser.add_argument(
        "--pictures",
        action="store_true",
        help="read every picture and compare what is in it (default: whether it is there, its size and its date)",
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace, console: Console) -> None:
    from engine.tasks.check_project import CheckProject
    from engine.tasks.findings import Level

    findings = console.run(CheckProject(arguments.project, arguments.pictures))
    wrong = [each for each in findings if each.level is Level.WRONG]
    console.document(
        {
            "project": str(arguments.project),
            "is_good": not wrong,
            "findings": [
                {"part": each.part.value, "level": each.level.value, "text": each.text, "hint": each.hint}
                for each in findings
            ],
        }
    )
    part = ""
    for each in findings:
        head = each.part.value if each.part != part else ""
        part = each.part
        _say_row(console, head, each.level.value, each.text)
        if each.hint:
            _say_row(console, "", "", f"→ {each.hint}")
    if wrong:
        raise ProjectError(
            f"{plural(len(wrong), 'thing is', 'things are')} wrong with {arguments.project}.",
            "What to do stands below each.",
        )


def _say_row(console: Console, part: str, level: str, text: str) -> None:
    first = f"{part:<{_PART_WIDTH}s}{level:<{_LEVEL_WIDTH}s}"
    lines = textwrap.wrap(text, _TEXT_WIDTH, break_long_words=False, break_on_hyphens=False) or [""]
    console.say(f"{first}{lines[0]}".rstrip())
    for line in lines[1:]:
        console.say(" " * len(first) + line)
