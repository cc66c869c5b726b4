"""`graft merge PROJECT OTHER_PROJECT`: takes over what another project says of the same pictures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from engine.commands.arguments import add_json_argument, add_project_argument
from engine.commands.console import Console, plural
from engine.commands.projects import failed_images, open_project

if TYPE_CHECKING:
    from engine.project.merging import MergePlan

MAX_NAMED = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Takes over the classes, marks and notes that another project gives to the same pictures, as one step that can "
        "be undone. Pictures are the same when their content is, wherever they lie. Where both projects say something "
        "else, PROJECT stays as it is. OTHER_PROJECT is read and never written."
    )
    add_project_argument(parser)
    parser.add_argument("other", type=Path, metavar="OTHER_PROJECT", help="the other project's folder; stays as it is")
    parser.add_argument(
        "--prefer-other", action="store_true", help="where both say something else, the other project counts"
    )
    parser.add_argument(
        "--conflicts", type=Path, metavar="FILE.csv", help="write a table of what both projects say differently"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what it would do")
    add_json_argument(parser)


def run(arguments: argparse.Namespace, console: Console) -> None:
    from engine.exporters.conflict_csv import write_conflicts
    from engine.project.merging import merge_project

    with open_project(arguments.project) as project:
        if arguments.conflicts is not None:  # before anything changes: the file may be one that cannot be written
            plan, _ = merge_project(project, arguments.other, arguments.prefer_other, is_dry=True)
            write_conflicts(plan.conflicts, arguments.conflicts)
        plan, _ = merge_project(project, arguments.other, arguments.prefer_other, arguments.dry_run)
    console.document(
        {
            "is_dry_run": arguments.dry_run,
            "num_new": plan.num_new,
            "num_equal": plan.num_equal,
            "num_conflicts": len(plan.conflicts),
            "num_marks": plan.num_marks,
            "num_notes": plan.num_notes,
            "new_classes": plan.new_classes,
            "conflicts": [
                {
                    "image": each.image,
                    "kind": each.kind,
                    "here": each.here,
                    "there": each.there,
                    "used": "there" if each.is_taken else "here",
                    "reason": each.reason,
                }
                for each in plan.conflicts
            ],
            "not_found": failed_images(plan.not_found),
        }
    )
    _say(plan, arguments, console)


def _say(plan: MergePlan, arguments: argparse.Namespace, console: Console) -> None:
    if arguments.dry_run:
        console.say("Nothing was changed; this is what a merge would do:")
    console.say(f"new:        {plural(plan.num_new, 'picture')} labelled as there")
    console.say(f"equal:      {plural(plan.num_equal, 'picture')}")
    if plan.num_marks or plan.num_notes:
        console.say(f"besides:    {plural(plan.num_marks, 'mark')}, {plural(plan.num_notes, 'note')}")
    if plan.new_classes:
        console.say(f"classes:    {', '.join(plan.new_classes)} (new here)")
    console.say(f"conflicts:  {_conflict_words(plan)}")
    for each in plan.conflicts[:MAX_NAMED]:
        reason = f" ({each.reason})" if each.reason else ""
        what = "note " if each.kind == "note" else ""
        console.say(f"            {each.image}: {what}{each.here or 'none'} here, {each.there or 'none'} there{reason}")
    if len(plan.conflicts) > MAX_NAMED:
        console.say(f"            … and {len(plan.conflicts) - MAX_NAMED:,} more")
    if arguments.conflicts is not None:
        console.say(f"            all of them are in {arguments.conflicts}")
    console.say(f"not found:  {plural(len(plan.not_found), 'picture')}")
    for image, reason in plan.not_found[:MAX_NAMED]:
        console.say(f"            {image}: {reason}")
    if len(plan.not_found) > MAX_NAMED:
        console.say(f"            … and {len(plan.not_found) - MAX_NAMED:,} more")
    if not arguments.dry_run and plan.changes_nothing:
        console.say("Nothing was to be changed.")


def _conflict_words(plan: MergePlan) -> str:
    num_taken = sum(each.is_taken for each in plan.conflicts)
    num_kept = len(plan.conflicts) - num_taken
    parts = [f"{num_kept:,} kept as here"] * bool(num_kept) + [f"{num_taken:,} taken from there"] * bool(num_taken)
    return ", ".join(parts) or "0"
