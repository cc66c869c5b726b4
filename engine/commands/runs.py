"""`graft runs PROJECT`: lists the versions of the model, and uses, notes, compares, deletes and tidies them up."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from engine.commands.arguments import add_json_argument, add_project_argument
from engine.commands.console import Console, Document, percent, plural
from engine.commands.projects import open_project
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.domain import Run
    from engine.project import Project

KEPT_NEWEST = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_project_argument(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--activate", type=int, metavar="N", help="use version N: its predictions are the current ones")
    what.add_argument(
        "--note", nargs=2, metavar=("N", "TEXT"), help="write a note on version N; an empty text removes it"
    )
    what.add_argument(
        "--compare", nargs=2, type=int, metavar=("N", "M"), help="what differs between two versions, image by image"
    )
    what.add_argument("--delete", type=int, metavar="N", help="delete version N with its files")
    what.add_argument(
        "--prune",
        action="store_true",
        help="delete all versions but the one in use, the best, those with a note, the newest, and those that one of "
        "them began with",
    )
    parser.add_argument(
        "--keep",
        type=_count,
        metavar="K",
        help=f"with --prune: how many of the newest to keep (default: {KEPT_NEWEST})",
    )
    parser.add_argument("--dry-run", action="store_true", help="with --prune: only say what it would delete")
    add_json_argument(parser)


def run(arguments: argparse.Namespace, console: Console) -> None:
    if not arguments.prune and (arguments.keep is not None or arguments.dry_run):
        raise UsageError("--keep and --dry-run belong to --prune.", "graft runs --help says how it is used.")
    with open_project(arguments.project) as project:
        if arguments.compare:
            first_id, second_id = arguments.compare
            _compare(project, first_id, second_id, console)
        elif arguments.prune:
            num_newest = KEPT_NEWEST if arguments.keep is None else arguments.keep
            _prune(project, num_newest, arguments.dry_run, console)
        else:
            _change(project, arguments)
            _list(project, console)


def _change(project: Project, arguments: argparse.Namespace) -> None:
    if arguments.activate is not None:
        project.activate_run(arguments.activate)
    elif arguments.delete is not None:
        project.delete_run(arguments.delete)
    elif arguments.note:
        number, text = arguments.note
        if not number.isdecimal():
            raise UsageError(f"{number} is not the number of a version.", "graft runs PROJECT lists them.")
        project.set_run_note(int(number), text.strip())


def _list(project: Project, console: Console) -> None:
    notes, missing = project.run_notes(), {run.id for run in project.missing_runs()}
    documents = [
        run_document(run, notes.get(run.id, ""), run.id in missing, project.run_size_bytes(run))
        for run in project.runs()
    ]
    console.document({"runs": documents})
    if not documents:
        console.say("There is no version yet: label some images and run graft train.")
    for document in documents:
        _say(document, console)


def run_document(run: Run, note: str, is_missing: bool, size_bytes: int) -> Document:
    """Returns a version for JSON: what was measured, what it was made of and with."""
    validation = run.validation
    return {
        "run": run.id,
        "is_active": run.is_active,
        "created_at": run.created_at,
        "note": note,
        "backbone": run.backbone,
        "weights_hash": run.weights_hash,
        "depth": run.depth,
        "seed": run.seed,
        "num_images": run.num_images,
        "classes": list(run.class_names),
        "labels_hash": run.labels_hash,
        "last_step": run.last_step,
        "validation": {
            "method": validation.method,
            "accuracy": validation.accuracy,
            "accuracy_interval": list(validation.accuracy_interval),
            "macro_f1": validation.macro_f1,
            "log_loss": validation.log_loss,
            "ece": validation.ece,
        },
        "settings": dict(run.settings),
        "seconds": dict(run.seconds),
        "made_with": dict(run.made_with),
        "size_bytes": size_bytes,
        "files_are_missing": is_missing,
    }


def _say(document: Document, console: Console) -> None:
    low, high = document["validation"]["accuracy_interval"]
    made_at = time.strftime("%Y-%m-%d %H:%M", time.localtime(document["created_at"]))
    parts = [
        f"{'*' if document['is_active'] else ' '}{document['run']:>4d}  {made_at}",
        f"{percent(document['validation']['accuracy']):>7s} ({100 * low:.1f}–{100 * high:.1f})",
        f"{plural(document['num_images'], 'image')}, {plural(len(document['classes']), 'class', 'classes')}",
        f"{document['backbone']}, {document['depth']}",
        f"{document['size_bytes'] / 1e6:.1f} MB",
    ]
    parts += ["its files are missing"] * document["files_are_missing"]
    parts += [f"“{document['note']}”"] if document["note"] else []
    console.say("  ".join(parts))


def _compare(project: Project, first_id: int, second_id: int, console: Console) -> None:
    from engine.tasks.compare_runs import CompareRuns
    from engine.tasks.comparison_words import document, figure_rows, sentences

    comparison = console.run(CompareRuns(project, first_id, second_id))
    console.document(document(comparison))
    for sentence in sentences(comparison):
        console.say(sentence)
    rows = [(each.name, each.first, each.second) for each in figure_rows(comparison)]
    rows += [(each.name, each.first, each.second) for each in comparison.settings]
    head = ("", f"version {first_id}", f"version {second_id}")
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(2)]
    for name, first, second in (head, *rows):
        console.say(f"{name:<{widths[0]}s}  {first:<{widths[1]}s}  {second}")


def _prune(project: Project, num_newest: int, is_dry: bool, console: Console) -> None:
    plan = project.plan_pruning(num_newest)
    if not is_dry:
        project.delete_runs(plan.run_ids)
    console.document(
        {
            "deleted": [] if is_dry else plan.run_ids,
            "would_delete": plan.run_ids,
            "freed_bytes": plan.size_bytes,
            "kept": {str(run_id): reason for run_id, reason in sorted(plan.reasons.items())},
        }
    )
    if not plan.run_ids:
        console.say("There is nothing to tidy up.")
        return
    verb = "Would delete" if is_dry else "Deleted"
    console.say(
        f"{verb} {plural(len(plan.run_ids), 'version')} ({_numbers(plan.run_ids)}), {plan.size_bytes / 1e6:.1f} MB."
    )
    for run_id, reason in sorted(plan.reasons.items()):
        console.say(f"kept: version {run_id}, {reason}")


def _numbers(run_ids: list[int]) -> str:
    return ", ".join(map(str, sorted(run_ids)))


def _count(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = -1
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is not a number of versions")
    return value
