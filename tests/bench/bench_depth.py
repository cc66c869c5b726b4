"""How fast this machine trains networks, what the presets of variants are worth, and what Auto gains.

    bench_depth.py [BACKBONE ...]                            pace of each depth, memory, time for 800 images
    bench_depth.py --presets SET ... [--depth partial|full]  each preset on the same images held out
    bench_depth.py --auto SET ... [--budget S]               Auto beside the head on images that neither has seen

Needs the shared image sets and weights (GRAFT_SHARED, GRAFT_WEIGHTS). The last two take minutes a set; say the load.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))
SHARED = Path(os.environ.get("GRAFT_SHARED") or ROOT.parent / "shared")
os.environ.setdefault("GRAFT_WEIGHTS", str(SHARED / "weights"))
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from engine.backbones import BackboneSpec, spec  # noqa: E402
from engine.evaluation.calibration import fit_temperature  # noqa: E402
from engine.evaluation.metrics import log_loss  # noqa: E402
from engine.evaluation.splits import assign_folds  # noqa: E402
from engine.job import QuietContext  # noqa: E402
from engine.nn.augmentation import AUGMENTATIONS, PRESETS, Augmentation  # noqa: E402
from engine.nn.deep_training import DeepInputs, DeepTraining  # noqa: E402
from engine.nn.embed import Embedder  # noqa: E402
from engine.nn.head import fit_head, probabilities_of  # noqa: E402
from engine.nn.network_depths import NetworkDepths  # noqa: E402
from engine.nn.preprocessing import default_preprocessing  # noqa: E402
from engine.nn.training_plan import (  # noqa: E402
    FULL,
    PARTIAL,
    Plan,
    choose_plan,
    duration_words,
    least_seconds,
)
from engine.weights import find_weights  # noqa: E402

NUM_IMAGES, NUM_VIEWS, NUM_LOOKS = 800, 4, 2


def bench_pace(keys: list[str]) -> None:
    """Images a second of a training step, memory, and how long the most thorough training of 800 images takes."""
    for key in keys:
        network = NetworkDepths(spec(key), find_weights(spec(key)))
        for depth in (PARTIAL, FULL):
            pace = network.pace(depth, lambda: None)
            amounts = (NUM_IMAGES, NUM_VIEWS if depth == PARTIAL else NUM_LOOKS, NUM_IMAGES, NUM_LOOKS)
            plan = choose_plan(pace, *amounts, None)
            assert plan is not None
            print(
                f"{key:16s} {depth:8s} {1 / pace.step_s:7.0f} images/s trained, {pace.memory_bytes / 1e6:6.0f} MB; "
                f"{NUM_IMAGES} images: {duration_words(least_seconds(pace, *amounts))} at least, "
                f"{duration_words(plan.seconds)} at most",
                flush=True,
            )


def bench_presets(
    name: str, record: BackboneSpec, depth: str, epochs: int, per_class: int, only: list[str] | None
) -> None:
    """Trains with each preset without the same fifth of the images and prints what it says of them."""
    paths, targets = images_of(name, per_class)
    preprocessing, weights = default_preprocessing(record), find_weights(record)
    with Embedder(record, weights, preprocessing) as embedder:
        features = np.concatenate([block.features for block in embedder.blocks(paths)])
    hashes = [f"{index:032x}" for index in range(len(paths))]
    folds = assign_folds(targets, hashes)
    num_classes = int(targets.max()) + 1
    fit = fit_head(features, targets, num_classes, folds)
    held_out = folds == 0
    logits = fit.out_of_fold_logits
    accuracy = float((logits[held_out].argmax(axis=1) == targets[held_out]).mean())
    print(f"{name}, {record.key}, {depth}, {epochs} rounds, {held_out.sum()} of {len(paths)} held out, {load()}")
    temperature = fit_temperature(logits[~held_out], targets[~held_out])
    loss = log_loss(probabilities_of(logits[held_out], temperature), targets[held_out])
    print(f"  {'head':22s} accuracy {accuracy:.3f}   log loss {loss:.3f}", flush=True)
    presets: dict[str, Augmentation] = {key: PRESETS[key] for key in AUGMENTATIONS}
    # Not among the presets, to see what mixing two images is worth.
    presets["mirror, no mixup"] = Augmentation(mixup=0.0)
    network = NetworkDepths(record, weights)
    network.pace(depth, lambda: None)  # which chooses the number of threads
    lower, upper, shape = network.parts(depth)
    for key, preset in presets.items():
        if only and key not in only:
            continue
        PRESETS[key] = preset
        with tempfile.TemporaryDirectory() as scratch:
            inputs = DeepInputs(
                depth=depth,
                paths=paths,
                content_hashes=hashes,
                units=hashes,
                features=features,
                targets=targets,
                num_classes=num_classes,
                folds=folds,
                strength=fit.strength,
                temperature=1.0,
                preprocessing=preprocessing,
                augmentation=key,
                is_class_balanced=True,
                seed=0,
                scratch=Path(scratch),
                stamps={},
            )
            started = time.perf_counter()
            plan = Plan(epochs, 1, 0.0, 0, 0)
            training = DeepTraining(lower, upper, shape, inputs, plan, network.place, QuietContext(), lambda _: None)
            found = training.measure()
            seconds = time.perf_counter() - started
            accuracy = float((found.probabilities.argmax(axis=1) == targets[found.rows]).mean())
            loss = log_loss(found.probabilities, targets[found.rows])
            print(f"  {key:22s} accuracy {accuracy:.3f}   log loss {loss:.3f}   {seconds:5.0f} s", flush=True)


def bench_auto(name: str, backbone: str, budget_s: float, augmentation: str) -> None:
    """Labels 80 % of a set, trains the head and then with Auto, and judges both on the others."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        labels = lay_out(SHARED / "data" / name, work)
        with open(work / "labels.csv", "w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows([("image", "class"), *labels])
        graft("new", work / "project", "--images", work / "images", "--labels", "none")
        graft("label", work / "project", "--csv", work / "labels.csv")
        found, begun_at = {}, load()
        for depth, more in (("head", []), ("auto", ["--time-budget", budget_s, "--augmentation", augmentation])):
            started = time.perf_counter()
            trained = graft("train", work / "project", "--backbone", backbone, "--depth", depth, *more, "--json")
            seconds = time.perf_counter() - started
            judged = graft("evaluate", work / "project", "--images", work / "test", "--json")
            found[depth] = judged["accuracy"]
            print(
                f"{name:12s} {depth:5s} kept {trained['depth']:8s} accuracy {judged['accuracy']:.3f} of "
                f"{judged['num_images']}, log loss {judged['log_loss']:.3f}, own estimate "
                f"{trained['validation']['accuracy']:.3f}, {seconds:5.0f} s, {begun_at} to {load()}",
                flush=True,
            )
            if depth == "auto":
                print(f"{'':12s} {trained['story']}")
        print(f"{'':12s} difference {100 * (found['auto'] - found['head']):+.1f} points", flush=True)


def images_of(name: str, per_class: int) -> tuple[list[Path], np.ndarray]:
    """Returns files of a set and their targets, `per_class` of each at most (0 = all)."""
    folders = sorted(each for each in (SHARED / "data" / name).iterdir() if each.is_dir())
    paths, targets = list[Path](), list[int]()
    for target, folder in enumerate(folders):
        files = sorted(each for each in folder.iterdir() if each.is_file())
        random.Random(target).shuffle(files)
        files = files[:per_class] if per_class else files
        paths += files
        targets += [target] * len(files)
    return paths, np.array(targets, np.int64)


def lay_out(source: Path, work: Path, share: float = 0.8, seed: int = 0) -> list[tuple[str, str]]:
    """Copies the files to learn from and to be judged on as `shared/checks/loop.py` does; returns (name, class)."""
    rng, labels = random.Random(seed), list[tuple[str, str]]()
    for folder in sorted(each for each in source.iterdir() if each.is_dir()):
        files = sorted(each for each in folder.iterdir() if each.is_file())
        rng.shuffle(files)
        for index, file in enumerate(files):
            is_labelled = index < round(len(files) * share)
            place = work / "images" / f"{folder.name}__{file.name}"
            if not is_labelled:
                place = work / "test" / folder.name / file.name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place)
            if is_labelled:
                labels.append((place.name, folder.name))
    return labels


def graft(*arguments: object) -> dict:  # type: ignore[type-arg]
    command = [sys.executable, ROOT / "main.py", *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout) if "--json" in arguments else {}  # type: ignore[no-any-return]


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backbones", nargs="*", default=["mobilenet_v2", "starter"])
    parser.add_argument("--presets", nargs="+", metavar="SET")
    parser.add_argument("--only", nargs="+", metavar="PRESET", help="these presets (default: all)")
    parser.add_argument("--auto", nargs="+", metavar="SET")
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--depth", choices=(PARTIAL, FULL), default=PARTIAL)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--per-class", type=int, default=0)
    parser.add_argument("--budget", type=float, default=600.0)
    parser.add_argument("--augmentation", default="mirror")
    arguments = parser.parse_args()
    for name in arguments.presets or ():
        bench_presets(
            name, spec(arguments.backbone), arguments.depth, arguments.epochs, arguments.per_class, arguments.only
        )
    for name in arguments.auto or ():
        bench_auto(name, arguments.backbone, arguments.budget, arguments.augmentation)
    if not (arguments.presets or arguments.auto):
        print(load())
        bench_pace(arguments.backbones)


if __name__ == "__main__":
    main()
