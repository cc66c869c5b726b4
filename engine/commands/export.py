"""`graft export PROJECT --format onnx,openvino --to DIR`: writes a version's model, each format checked."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from engine.commands.arguments import add_json_argument
from engine.commands.console import Console, Document, percent, plural
from engine.commands.projects import open_project
from engine.errors import AppError, ExportError, UsageError
from engine.exporters.registry import FORMATS, model_format
from engine.extras import EXTRAS, is_installed, sizes_in_words, why_not

if TYPE_CHECKING:
    from engine.domain import Run
    from engine.project import Project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", type=Path, nargs="?", metavar="PROJECT", help="a project's folder")
    parser.add_argument(
        "--format",
        type=_formats,
        default=["onnx"],
        metavar="NAMES",
        help=f"one or several of {', '.join(FORMATS)}, with commas between; each of several gets a folder in "
        "DIR. Default: onnx",
    )
    parser.add_argument("--to", type=Path, metavar="DIR", help="new folder to write")
    parser.add_argument("--version", type=int, metavar="N", help="this version instead of the one in use")
    parser.add_argument(
        "--install", action="store_true", help="fetch the libraries that a format needs and are missing"
    )
    parser.add_argument("--list", action="store_true", help="list the formats, what they are for and what they need")
    add_json_argument(parser)


def run(arguments: argparse.Namespace, console: Console) -> None:
    if arguments.list:
        _list(console)
        return
    if arguments.project is None or arguments.to is None:
        raise UsageError("A project and --to DIR are needed.", "graft export --help says how it is used.")
    with open_project(arguments.project) as project:
        run_ = _run_of(project, arguments.version)
        if len(arguments.format) == 1:
            document = _export(arguments.format[0], arguments.to, project, run_, arguments.install, console)
            console.document(document)
            say_export(document, console)
            return
        _export_several(arguments, project, run_, console)


def say_export(document: Document, console: Console) -> None:
    """Tells a person what was written and how far it was checked."""
    parity = document["parity"]
    console.say(f"{document['format']} model in {document['folder']}: {', '.join(document['files'])}")
    if parity["unchecked_because"]:
        console.say(f"Not checked. {parity['unchecked_because']}")
        return
    console.say(
        f"Checked in {parity['runtime']} on {plural(parity['num_images'], 'image')}: "
        f"{percent(parity['top1_agreement'])} the same class, probabilities within {parity['max_abs_diff']:.1e}."
    )


def _formats(text: str) -> list[str]:
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in FORMATS]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown) or 'nothing'} is no format; choose {', '.join(FORMATS)}")
    return names


def _run_of(project: Project, version: int | None) -> Run | None:
    """Returns the version that is wanted; None for the one in use."""
    if version is None:
        return None
    found = next((each for each in project.runs() if each.id == version), None)
    if found is None:
        raise ExportError(f"There is no version {version} in this project.", "graft runs PROJECT lists them.")
    return found


def _export(
    name: str, folder: Path, project: Project, run_: Run | None, can_install: bool, console: Console
) -> Document:
    from engine.tasks.export import ExportModel
    from engine.tasks.install_extra import InstallExtra

    needed = model_format(name).extra
    if needed and can_install and not is_installed(EXTRAS[needed]):
        console.say(f"Installing {EXTRAS[needed].title}: {sizes_in_words(EXTRAS[needed])}.")
        console.run(InstallExtra(needed))
    return console.run(ExportModel(project, name, folder, run_)).document()


def _export_several(arguments: argparse.Namespace, project: Project, run_: Run | None, console: Console) -> None:
    """Exports one format after the other; one that fails leaves the others as they are.

    Raises:
        ExportError: not all of them could be exported; what could is there.
    """
    made: list[Document] = []
    failed: list[Document] = []
    for name in arguments.format:
        try:
            made.append(_export(name, arguments.to / name, project, run_, arguments.install, console))
        except AppError as err:
            failed.append({"format": name, "reason": str(err)})
        else:
            say_export(made[-1], console)
    console.document({"exports": made, "failed": failed})
    if failed:
        reasons = " ".join(f"{entry['format']}: {entry['reason']}" for entry in failed)
        raise ExportError(f"{len(made)} of {plural(len(arguments.format), 'format')} exported. {reasons}")


def _list(console: Console) -> None:
    rows = [_row(name) for name in FORMATS]
    console.document({"formats": rows})
    for row in rows:
        needs = "" if row["is_installed"] else f" [{row['cannot'] or row['needs']}]"
        console.say(f"{row['format']:<12s} {row['title']:<26s} {row['description']}{needs}")


def _row(name: str) -> Document:
    record = FORMATS[name]
    extra = EXTRAS.get(record.extra)
    has_all = extra is None or is_installed(extra)
    return {
        "format": name,
        "title": record.title,
        "description": record.description,
        "caution": record.caution,
        "is_installed": has_all,
        "needs": "" if extra is None or has_all else f"{extra.title}: {sizes_in_words(extra)}",
        "cannot": "" if extra is None or has_all else why_not(extra),
    }
