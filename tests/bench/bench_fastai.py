"""Graft against fastai's `fine_tune` on the same images, weights and machine: `bench_fastai.py --fastai PYTHON`.

fastai is not part of our environment: make one of its own and name its interpreter, for instance

    python3 -m venv /tmp/fastai && /tmp/fastai/bin/pip install torch torchvision fastai
    python tests/bench/bench_fastai.py --fastai /tmp/fastai/bin/python --sets clothing10 --per-class 10 25

Both learn from the same files and are judged on the same others, at most `--num-test` of them. fastai does what its
documentation shows (`vision_learner(dls, mobilenet_v2, metrics=accuracy).fine_tune(10)`, images resized to 224), with
the weights of `mobilenet_v2-11dd29d8`, and is timed from the first image to the last round, its import left out and
its validation every round left out as well. Graft runs `new`, `label`, `train` as a user would, start of the program
included. Printed: accuracy and seconds of both, and how soon fastai reached Graft's accuracy, if it did.
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

ROOT = Path(__file__).resolve().parent.parent.parent
SHARED = Path(os.environ.get("GRAFT_SHARED") or ROOT.parent / "shared")
WEIGHTS = SHARED / "weights" / "mobilenet_v2-11dd29d8.pth"

# Runs in fastai's environment: folders train/CLASS and test/CLASS -> one JSON line with the course of the training.
PEER = """
import json, os, sys, time
from pathlib import Path
import torch
try:
    import torchvision
except RuntimeError:  # its compiled operators do not fit this torch; networks need only their names
    for module in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[module]
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
torch.set_num_threads(int(sys.argv[4]))
from fastai.vision.all import *
from torchvision.models import mobilenet_v2
folder, weights, epochs = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
set_seed(0)
started, used, used_judging = time.perf_counter(), time.process_time(), [0.0]
def network(*_, **__):
    made = mobilenet_v2()
    made.load_state_dict(torch.load(weights, weights_only=True))
    return made
dls = ImageDataLoaders.from_folder(folder, train="train", valid="test", item_tfms=Resize(224), bs=16, num_workers=0)
model_meta[network] = {"cut": -1, "split": default_split, "stats": imagenet_stats}
learn = vision_learner(dls, network, metrics=accuracy)
course, judging = [], [0.0]
class Watch(Callback):
    order = 60
    def before_validate(self): self.began, self.used = time.perf_counter(), time.process_time()
    def after_validate(self):
        used_judging[0] += time.process_time() - self.used
        judging[0] += time.perf_counter() - self.began
        course.append([time.perf_counter() - started - judging[0], float(learn.recorder.metrics[0].value)])
with learn.no_bar(), learn.no_logging():
    learn.fine_tune(epochs, cbs=Watch())
print(json.dumps({"seconds": time.perf_counter() - started - judging[0],
                  "processor": time.process_time() - used - used_judging[0],
                  "accuracy": course[-1][1], "course": course}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fastai", required=True, help="the interpreter of an environment with fastai")
    parser.add_argument("--sets", nargs="+", default=["clothing10", "coffee_leaf"])
    parser.add_argument("--per-class", nargs="+", type=int, default=[10, 25])
    parser.add_argument("--epochs", type=int, default=10, help="of fine_tune")
    parser.add_argument("--num-test", type=int, default=150)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    print(f"{'set':12s} {'per class':>9s} {'':8s}{'accuracy':>9s} {'seconds':>8s} {'faster':>7s}   load", flush=True)
    for name in arguments.sets:
        for per_class in arguments.per_class:
            with tempfile.TemporaryDirectory() as folder:
                compare(name, per_class, Path(folder), arguments)


def compare(name: str, per_class: int, work: Path, arguments: argparse.Namespace) -> None:
    """Prints the rows of one set."""
    labels = lay_out(SHARED / "data" / name, per_class, arguments.num_test, work)
    load = f"{os.getloadavg()[0]:.1f}"
    accuracy, own_s, whole_s, own_processor_s = ours(work, labels, arguments.threads)
    text = subprocess.run(
        [arguments.fastai, "-c", PEER, work, WEIGHTS, str(arguments.epochs), str(arguments.threads)],
        env=dict(os.environ, OMP_WAIT_POLICY="PASSIVE"),  # or waiting threads would take time from the others
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    peer = json.loads(text.strip().splitlines()[-1])
    soonest = next((seconds for seconds, share in peer["course"] if share >= accuracy), None)
    print(
        f"{name:12s} {per_class:9d} {'Graft':8s}{accuracy:9.3f} {own_s:8.1f}         {load:>6s}   (with the program's "
        f"start and all files: {whole_s:.1f} s, {own_processor_s:.1f} s of processor time)"
    )
    reached = f"reached {accuracy:.3f} after {soonest:.0f} s" if soonest else f"never reached {accuracy:.3f}"
    print(
        f"{'':12s} {'':9s} {'fastai':8s}{peer['accuracy']:9.3f} {peer['seconds']:8.1f} "
        f"{peer['seconds'] / own_s:5.0f} x {os.getloadavg()[0]:6.1f}   ({reached}; {peer['processor']:.1f} s of "
        f"processor time, {peer['processor'] / own_processor_s:.0f} x)",
        flush=True,
    )


def lay_out(source: Path, per_class: int, num_test: int, work: Path) -> list[tuple[str, str]]:
    """Links the files to learn from and to be judged on; returns (name, class) of those to learn from."""
    rng, labels, others = random.Random(0), list[tuple[str, str]](), list[tuple[Path, str]]()
    (work / "images").mkdir()
    for folder in sorted(each for each in source.iterdir() if each.is_dir()):
        files = sorted(each for each in folder.iterdir() if each.is_file())
        rng.shuffle(files)
        for file in files[:per_class]:
            place = work / "train" / folder.name / file.name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place)
            shutil.copy(file, work / "images" / f"{folder.name}__{file.name}")
            labels.append((f"{folder.name}__{file.name}", folder.name))
        others += [(file, folder.name) for file in files[per_class:]]
    rng.shuffle(others)
    for file, folder_name in others[:num_test]:
        place = work / "test" / folder_name / file.name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place)
    return labels


def ours(work: Path, labels: list[tuple[str, str]], num_threads: int) -> tuple[float, float, float, float]:
    """Returns accuracy, seconds of embedding and training, those of all of `train`, and its processor time."""
    with open(work / "labels.csv", "w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([("image", "class"), *labels])
    project = work / "project"
    graft("new", project, "--images", work / "images", "--labels", "none", threads=num_threads)
    graft("label", project, "--csv", work / "labels.csv", threads=num_threads)
    # The graph of the network is made once on a machine, as fastai's environment is.
    warm = ["--backbone", "mobilenet_v2", "--depth", "head", "--json"]
    started, used = time.perf_counter(), processor_s()
    trained = graft("train", project, *warm, threads=num_threads)
    whole, processor = time.perf_counter() - started, processor_s() - used
    judged = graft("evaluate", project, "--images", work / "test", "--json", threads=num_threads)
    seconds = trained["seconds"]
    return judged["accuracy"], seconds["embed"] + seconds["train"], whole, processor


def processor_s() -> float:
    """Returns the processor time of the programs that have ended so far."""
    times = os.times()
    return times.children_user + times.children_system


def graft(*arguments: object, threads: int) -> dict:  # type: ignore[type-arg]
    environment = dict(os.environ, GRAFT_WEIGHTS=str(SHARED / "weights"), GRAFT_THREADS=str(threads))
    done = subprocess.run(
        [sys.executable, ROOT / "main.py", *map(str, arguments)],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    return json.loads(done.stdout) if "--json" in arguments else {}  # type: ignore[no-any-return]


if __name__ == "__main__":
    main()
