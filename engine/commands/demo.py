"""`graft demo`: the whole loop on the built-in sample, with a part of it held back as an honest test."""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from engine import sample
from engine.commands import evaluate, export, train
from engine.commands.arguments import add_json_argument
from engine.commands.console import Console, Document, percent, plural
from engine.errors import BackboneError, ProjectError
from engine.files import disk_error

if TYPE_CHECKING:
    from engine.project import Project

SAMPLE = sample.SOURCE
TEST_FRACTION = 0.3
SEED = 0
NUM_SHOWN = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="new folder for the project and the export (default: a temporary one)"
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace, console: Console) -> None:
    from engine.project import Project

    backbone = _usable_backbone()
    out = _new_folder(arguments.out)
    training, test = split_sample(SAMPLE)
    console.say("Graft's demo: the whole loop on the built-in sample, rendered machine parts.")
    project = Project.create(out / "project", "demo")
    try:
        document = _whole_loop(project, out, training, test, backbone, console)
    finally:
        project.close()
    console.document(document)
    console.say(f"\nLook at it in the window: python3 build/run.py {out / 'project'}")


def _whole_loop(
    project: Project,
    out: Path,
    training: dict[str, list[Path]],
    test: dict[str, list[Path]],
    backbone: str,
    console: Console,
) -> Document:
    from engine.tasks.evaluate import EvaluateModel
    from engine.tasks.export import ExportModel
    from engine.tasks.predict import PredictImages
    from engine.tasks.scan import ScanFolder
    from engine.tasks.train_snapshot import TrainSettings

    copies = sample.copy_mixed(
        [file for files in (*training.values(), *test.values()) for file in files], out / "images"
    )
    report = console.run(ScanFolder(project, out / "images", False))
    console.say(f"\n1 Import    {plural(report.num_added, 'image')} from {out / 'images'}")

    num_labelled = _label(project, {name: [copies[file] for file in files] for name, files in training.items()})
    num_test = sum(map(len, test.values()))
    console.say(f"2 Label     {plural(num_labelled, 'image')} as {', '.join(training)}; {num_test} held back as a test")

    console.say("3 Train")
    trained = train.run_document(train.train(project, TrainSettings(backbone=backbone, seed=SEED), console))
    train.say_run(trained, console)

    console.say("4 Evaluate  on the images that were held back")
    test_folder = _copy_test_images(test, out / "test_images")
    evaluated = console.run(EvaluateModel(project, test_folder))
    evaluate.say_figures(evaluated, console)

    console.say("5 Export")
    exported = console.run(ExportModel(project, "onnx", out / "export")).document()
    export.say_export(exported, console)

    predicted = console.run(PredictImages(project, test_folder)).document()
    console.say(f"6 Predict   the first {NUM_SHOWN} of {plural(len(predicted['predictions']), 'image')}")
    for entry in predicted["predictions"][:NUM_SHOWN]:
        console.say(f"  {entry['image']}: {entry['class']}, {percent(entry['confidence'])} sure")
    return {
        "project": str(project.folder),
        "train": trained,
        "evaluate": evaluated,
        "predict": predicted,
        "export": exported,
    }


def split_sample(folder: Path) -> tuple[dict[str, list[Path]], dict[str, list[Path]]]:
    """Returns the images to label and those to hold back, by class; the same split every time.

    Raises:
        ProjectError: the sample is not there.
    """
    rng = random.Random(SEED)
    training, test = {}, {}
    for class_folder in sorted(path for path in folder.glob("*") if path.is_dir()):
        files = sorted(path for path in class_folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
        rng.shuffle(files)
        num_test = round(len(files) * TEST_FRACTION)
        if files:
            test[class_folder.name], training[class_folder.name] = files[:num_test], files[num_test:]
    if not training:
        raise ProjectError(f"The built-in sample is missing from {folder}.", "Get the program's files again.")
    return training, test


def _label(project: Project, training: dict[str, list[Path]]) -> int:
    """Sets the classes of the training images, in one step. Returns how many there are."""
    from engine.domain import Source

    class_ids = {name: project.add_class(name).result().id for name in training}
    class_id_of = {path.resolve(): class_ids[name] for name, paths in training.items() for path in paths}
    records = project.images()
    pairs = [(record.id, class_id_of[path]) for record in records if (path := record.path.resolve()) in class_id_of]
    project.label_many(pairs, Source.HUMAN, "label the demo's images").result()
    return len(pairs)


def _copy_test_images(test: dict[str, list[Path]], folder: Path) -> Path:
    """Copies the held-back images into a folder per class, which is what `evaluate --images` takes."""
    try:
        for name, files in test.items():
            (folder / name).mkdir(parents=True)
            for file in files:
                shutil.copy(file, folder / name)
    except OSError as err:
        raise disk_error(err, folder) from err
    return folder


def _new_folder(wanted: Path | None) -> Path:
    """Returns the folder to work in, made if need be.

    Raises:
        ProjectError: it holds something already.
        DiskError: it cannot be made.
    """
    if wanted is None:
        return Path(tempfile.mkdtemp(prefix="graft-demo-"))
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        is_used = any(wanted.iterdir())
    except OSError as err:
        raise disk_error(err, wanted / "project") from err
    if is_used:
        raise ProjectError(f"{wanted} is not empty.", "Name a new folder with --out.")
    return wanted


def _usable_backbone() -> str:
    """Returns the key of a backbone whose weights are here, before anything is made.

    Raises:
        BackboneError: there is none.
    """
    from engine.weights import default_backbone

    try:
        return default_backbone()
    except BackboneError as err:
        raise BackboneError(
            "The demo needs the weights of a pretrained network, and this machine has none.",
            "Set GRAFT_WEIGHTS to a folder that holds mobilenet_v2-<hash>.pth, or any that graft backbones lists.",
        ) from err
