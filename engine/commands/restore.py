"""`graft restore PROJECT`: brings a project back whose database is damaged or gone."""

from __future__ import annotations

import argparse

from engine.commands.arguments import add_json_argument, add_project_argument
from engine.commands.console import Console, plural


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_project_argument(parser)
    add_json_argument(parser)


def run(arguments: argparse.Namespace, console: Console) -> None:
    from engine.project import Project
    from engine.tasks.scan import Rescan

    with Project.restore(arguments.project) as project:
        console.run(Rescan(project, reads_all=True))  # finds images that were imported after the backup
        num_images, num_labelled = len(project.columns()), len(project.snapshot().image_ids)
        missing = [run.id for run in project.missing_runs()]
    console.document(
        {
            "project": str(arguments.project),
            "num_images": num_images,
            "num_labelled": num_labelled,
            "runs_without_files": missing,
        }
    )
    console.say(f"Restored: {plural(num_images, 'image')}, {num_labelled:,} of them labelled.")
    for run_id in missing:
        console.say(
            f"The files of version {run_id} of the model are not there: its figures are kept, it cannot be used."
        )
