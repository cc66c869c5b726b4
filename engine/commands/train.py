"""`graft train PROJECT`: embeds what is missing, trains, and predicts the rest."""

from __future__ import annotations

import argparse
import math
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.commands.arguments import add_group_argument, add_json_argument, add_project_argument
from engine.commands.console import Console, Document, percent, plural
from engine.commands.groups import set_groups
from engine.commands.projects import open_project
from engine.errors import TrainingError, UsageError
from engine.nn.augmentation import AUGMENTATIONS, MIRRORED
from engine.nn.device import DEVICE_VARIABLE, is_here

if TYPE_CHECKING:
    from engine.domain import Run
    from engine.project import Project
    from engine.tasks.train_snapshot import TrainSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_project_argument(parser)
    parser.add_argument(
        "--backbone",
        metavar="KEY",
        help="pretrained network (graft backbones lists them), timm:NAME, run:N for what version N made of its "
        "network, or the folder of an export or of another project, whose network is taken over",
    )
    parser.add_argument(
        "--views",
        choices=("fast", "balanced", "best"),
        help="how many looks an image is worth: 1, 2 or 3 times the time for it. Kept in the project",
    )
    parser.add_argument(
        "--depth",
        choices=("auto", "head", "partial", "full"),
        default="auto",
        help="how much of the network is trained: only the head on top of it, its upper half (partial), all of it "
        "(full); auto measures what pays and keeps that",
    )
    parser.add_argument(
        "--time-budget",
        type=_seconds,
        metavar="S",
        help="seconds that training may take, about (auto: 120; partial and full: as long as they take)",
    )
    parser.add_argument(
        "--augmentation",
        choices=AUGMENTATIONS,
        default=MIRRORED,
        help="what partial and full also learn from: nothing else, mirror images, cut and coloured variants too, or "
        "strongly changed ones too",
    )
    parser.add_argument(
        "--device",
        default="auto",
        metavar="NAME",
        help="what computes: auto (a GPU where there is one), cpu, cuda:0, mps",
    )
    parser.add_argument(
        "--devices",
        type=_count,
        default=1,
        metavar="N",
        help="on how many devices of that kind partial and full are trained at once, each in a process of its own",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the training of the network that was interrupted, on the labels of when it was begun",
    )
    parser.add_argument(
        "--without-accepted",
        action="store_true",
        help="leave labels out that are accepted suggestions: neither learned from nor measured on",
    )
    parser.add_argument("--seed", type=int, default=0, help="for folds and solver: the same seed, the same result")
    add_group_argument(parser, "; none: no groups. Kept in the project (default: what is kept there)")
    parser.add_argument(
        "--automatic-groups",
        choices=("on", "off"),
        help="whether near-duplicates and bursts are held out together. Kept in the project (default: on)",
    )
    parser.add_argument(
        "--test-share",
        type=_share,
        metavar="S",
        help="lock this share (0.05 to 0.5) of the labelled images away before this training and from every later one, "
        "as a test set; its figures are in the window's Review",
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace, console: Console) -> None:
    from engine.tasks.train_snapshot import TrainSettings

    settings = TrainSettings(
        None,
        arguments.depth,
        arguments.time_budget,
        arguments.seed,
        augmentation=arguments.augmentation,
        device=arguments.device,
        num_devices=arguments.devices,
        with_accepted=not arguments.without_accepted,
    )
    if arguments.device != "auto":
        if not is_here(arguments.device):
            raise UsageError(
                f"There is no device {arguments.device} here.", "--device auto takes the best one there is."
            )
        os.environ[DEVICE_VARIABLE] = arguments.device  # the embedding before the training, too
    with open_project(arguments.project) as project:
        if arguments.backbone is not None:
            settings = replace(settings, backbone=_backbone_key(arguments.backbone, project))
        if arguments.views is not None:
            project.set_views_preset(arguments.views)
        if arguments.resume:
            trained = _resume(project, console)
        else:
            if arguments.automatic_groups is not None:
                project.set_automatic_groups(arguments.automatic_groups == "on")
            trained = _train_by_groups(project, settings, console, arguments.group_by, arguments.test_share)
        document = run_document(trained)
    console.document(document)
    say_run(document, console)


def _backbone_key(text: str, project: Project) -> str:
    """Returns the key of what was asked for, after taking it over when it is the folder of another model."""
    from engine.tasks.take_backbone import take_backbone

    path = Path(text)
    return take_backbone(path, project.folder).key if path.exists() else text


def _resume(project: Project, console: Console) -> Run:
    from engine.tasks.interrupted import find_interrupted
    from engine.tasks.train_network import resume_job

    interrupted = find_interrupted(project)
    if interrupted is None:
        raise TrainingError("No training of the network was interrupted here.", "Train without --resume.")
    return console.run(resume_job(project, interrupted))


def _train_by_groups(
    project: Project, settings: TrainSettings, console: Console, group_rule: str | None, test_share: float | None
) -> Run:
    """Trains with another rule for groups (None = the one that is set), which stays only when that succeeds."""
    if group_rule is None:
        return train(project, settings, console, test_share)
    before, table = project.group_rule(), project.group_table()
    set_groups(project, group_rule)
    try:
        return train(project, settings, console, test_share)
    except BaseException:
        project.set_group_rule(before)
        project.set_group_table(table)
        raise


def train(project: Project, settings: TrainSettings, console: Console, test_share: float | None = None) -> Run:
    """Runs the chain behind Retrain and returns the new run. `test_share` of the labels is locked away before.

    Raises:
        TrainingError, BackboneError: these labels or weights do not do.
    """
    from engine.tasks.locked_test import lock_test_set
    from engine.tasks.train import retrain_jobs

    *before, training = retrain_jobs(project, settings, embed_all=True)
    for job in before:
        console.run(job)
    if test_share is not None:
        test = lock_test_set(project, test_share, settings.seed)
        console.say(f"{plural(len(test.hashes), 'image')} locked away as a test set.")
    run: Run = console.run(training)  # the last outcome of the chain is the run
    return run


def run_document(run: Run) -> Document:
    """Returns the JSON document of a run."""
    from engine.evaluation.representation import STACKED, unlike_of
    from engine.evaluation.selection import num_refused, words_on

    validation, unlike = run.validation, unlike_of(run.settings)
    several = {}
    if validation.mean_average_precision is not None:
        several = {
            "mean_average_precision": validation.mean_average_precision,
            "mean_average_precision_interval": list(validation.mean_average_precision_interval or ()),
            "micro_f1": validation.micro_f1,
        }
    return {
        "run": run.id,
        "mode": run.mode.value,
        "backbone": run.backbone,
        "depth": run.depth,
        "num_images": run.num_images,
        "num_classes": len(run.class_names),
        "classes": list(run.class_names),
        "validation": {
            "method": validation.method,
            "accuracy": validation.accuracy,
            "accuracy_interval": list(validation.accuracy_interval),
            "macro_f1": validation.macro_f1,
            "log_loss": validation.log_loss,
            "ece": validation.ece,
            **several,
        },
        "notes": list(run.settings.get("notes", [])),
        "accepted": words_on(run.settings),
        "num_refused": num_refused(run.settings),
        "unlike_labelled": asdict(unlike) | {"meaning": unlike.words()} if unlike is not None else None,
        "num_in_stacks": int(run.settings.get(STACKED, 0)),
        "story": str(run.settings.get("story", "")),
        "seconds": dict(run.seconds),
    }


def say_run(document: Document, console: Console) -> None:
    """Tells a person what was trained and how good it is."""
    validation = document["validation"]
    low, high = validation["accuracy_interval"]
    images, classes = plural(document["num_images"], "image"), plural(document["num_classes"], "class", "classes")
    console.say(
        f"Version {document['run']}: {document['backbone']}, {document['depth']}, trained on {images} of {classes}."
    )
    if document["mode"] == "several":
        first, last = validation["mean_average_precision_interval"]
        console.say(
            f"Mean average precision {percent(validation['mean_average_precision'])} (95 % interval {percent(first)} "
            f"to {percent(last)}), macro F1 {percent(validation['macro_f1'])}, exactly the right classes for "
            f"{percent(validation['accuracy'])} of the confirmed images, measured by {validation['method']}."
        )
    else:
        console.say(
            f"Accuracy {percent(validation['accuracy'])} (95 % interval {percent(low)} to {percent(high)}), "
            f"macro F1 {percent(validation['macro_f1'])}, measured by {validation['method']}."
        )
    unlike = document.get("unlike_labelled") or {"meaning": ""}
    for note in [unlike["meaning"], document["accepted"], document["story"], *document["notes"]]:
        if note:
            console.say(note)
    console.say(", ".join(f"{step} {seconds:.1f} s" for step, seconds in document["seconds"].items()))


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text} is not a number of devices from 1 to 64")
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0.05 <= share <= 0.5:
        raise argparse.ArgumentTypeError(f"“{text}” is not a share from 0.05 to 0.5")
    return share


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds above zero")
    return value
