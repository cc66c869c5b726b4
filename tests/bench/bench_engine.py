"""How fast pictures become embeddings, and labels a head: `python tests/bench/bench_engine.py [NUM_IMAGES] [--large]`.

All rows of FIGURES "Engine" about the head; --large adds the one of 100,000 images. Forward pass and overlap: see
`bench_embedding.py`; fastai: `bench_fastai.py`; GPU: `bench_gpu.py`; depths: `bench_depth.py`. --only-head leaves
the embedding out. Prints medians, and beside each the rate that the spent processor time allows on two idle cores: on
a busy machine only the second is worth comparing. Needs the shared image sets and weights (GRAFT_SHARED,
GRAFT_WEIGHTS).
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))
SHARED = Path(os.environ.get("GRAFT_SHARED") or ROOT.parent / "shared")
os.environ.setdefault("GRAFT_WEIGHTS", str(SHARED / "weights"))

from engine.backbones import spec  # noqa: E402
from engine.evaluation.calibration import cross_fitted_temperatures, fit_temperature  # noqa: E402
from engine.evaluation.splits import assign_folds  # noqa: E402
from engine.images.decode import decode_rgb  # noqa: E402
from engine.job import run_in_foreground  # noqa: E402
from engine.nn.embed import BATCH_SIZE, Embedder  # noqa: E402
from engine.nn.head import fit_head  # noqa: E402
from engine.project import Project  # noqa: E402
from engine.settings import num_threads  # noqa: E402
from engine.tasks.scan import ScanFolder  # noqa: E402
from engine.weights import find_weights  # noqa: E402

BACKBONE = "mobilenet_v2"
SETS = ("clothing10", "steel_neu", "coffee_leaf")
ROUNDS = 3
IDLE_CORES = 2
LARGE = 50_000


def measure(what: str, unit: str, amount: int, work: Callable[[], object]) -> float:
    """Runs `work` a few times, prints the median rate of `amount` per second, and returns it."""
    walls, processors = [], []
    for _ in range(ROUNDS):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    rate, possible = amount / statistics.median(walls), IDLE_CORES * amount / statistics.median(processors)
    print(f"{what:58s} {rate:9.1f} {unit}/s   (processor time allows {possible:9.1f})", flush=True)
    return rate


def bench_embedding(num_images: int) -> None:
    """Decode alone, forward alone, both, and torch beside them."""
    record = spec(BACKBONE)
    weights = find_weights(record)
    paths = [
        path for name in SETS for path in sorted((SHARED / "data" / name).rglob("*.jpg"))[:: max(1, 1800 // num_images)]
    ]
    with Embedder(record, weights) as embedder:
        views = embedder.preprocessing.num_views
        print(f"{BACKBONE}, {views} views of each of {len(paths)} images, load {os.getloadavg()[0]:.1f}")
        with ThreadPoolExecutor(num_threads(has_window=False)) as pool:
            measure("full decode alone", "images", len(paths), lambda: list(pool.map(decode_rgb, paths)))
            measure("decode, views, normalise", "images", len(paths), lambda: list(pool.map(embedder._decode, paths)))
        batch = np.zeros((BATCH_SIZE * views, 3, record.input_size_px, record.input_size_px), np.float32)
        measure(
            "forward alone, ONNX Runtime",
            "images",
            BATCH_SIZE * 4,
            lambda: [embedder._forward(batch) for _ in range(4)],
        )
        measure("images to embeddings", "images", len(paths), lambda: list(embedder.blocks(paths)))
    bench_torch(batch, views)


def bench_torch(batch: np.ndarray, views: int) -> None:
    """The same forward pass in eager torch."""
    import torch

    from engine.nn.networks import load_backbone

    network = load_backbone(spec(BACKBONE), find_weights(spec(BACKBONE)))
    pictures = torch.from_numpy(batch)
    with torch.inference_mode():
        measure("forward alone, torch eager", "images", BATCH_SIZE, lambda: network(pictures))
        network = network.to(memory_format=torch.channels_last)
        last = pictures.contiguous(memory_format=torch.channels_last)
        measure("forward alone, torch channels last", "images", BATCH_SIZE, lambda: network(last))


def bench_head(num_images: int, size: int = 1280, num_classes: int = 10) -> None:
    """Folds, strength, head and calibration on embeddings that are there already."""
    features, targets = synthetic(num_images, size, num_classes)
    folds = assign_folds(targets, [f"{index:032x}" for index in range(num_images)])

    def refit(**known: object) -> object:
        fit = fit_head(features, targets, num_classes, folds, **known)  # type: ignore[arg-type]
        cross_fitted_temperatures(fit.out_of_fold_logits, targets, folds)
        fit_temperature(fit.out_of_fold_logits, targets)
        return fit

    name = f"{num_images:,} images, {size} features, {num_classes} classes"
    if num_images > LARGE:
        seconds("head, folds and calibration included", 20, refit, name, rounds=1)
        return
    first = fit_head(features, targets, num_classes, folds)
    measure(f"head from nothing: {name}", "fits", 1, refit)
    measure(f"head from the last one: {name}", "fits", 1, lambda: refit(start=first.head, strength=first.strength))


def synthetic(num_images: int, size: int, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns features (N, D) as a cache holds them, and classes (N,) of which a head gets about four in five right.

    Classes differ along few directions among many that vary for other reasons, as features of networks do.
    """
    rng = np.random.default_rng(0)
    targets = rng.integers(0, num_classes, num_images)
    directions = (
        rng.standard_normal((64, size), dtype=np.float32) / np.sqrt(np.arange(1, 65, dtype=np.float32))[:, None]
    )
    codes = rng.standard_normal((num_images, 64), dtype=np.float32)
    codes += 0.35 * rng.standard_normal((num_classes, 64), dtype=np.float32)[targets]
    features = codes @ directions
    features += rng.standard_normal(features.shape, dtype=np.float32)
    np.maximum(features, 0, out=features)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    return features.astype(np.float16).astype(np.float32), targets


def bench_retrain(num_labelled: int = 1000) -> None:
    """From the Retrain click to predictions that the window can show: the chain of jobs, and reading them."""
    from engine.tasks.embed import ComputeEmbeddings
    from engine.tasks.near_duplicates import jobs_ahead_of_training
    from engine.tasks.train import retrain_jobs
    from engine.tasks.train_snapshot import TrainSettings

    with tempfile.TemporaryDirectory() as folder:
        project = Project.create(Path(folder) / "project")
        for name in SETS:
            run_in_foreground(ScanFolder(project, SHARED / "data" / name, True))
        ids = [image.id for image in project.images()]
        rng = np.random.default_rng(0)
        rng.shuffle(ids)
        project.clear(ids[num_labelled:]).result()
        run_in_foreground(ComputeEmbeddings(project, BACKBONE))
        for job in jobs_ahead_of_training(project, BACKBONE, has_new_images=True):
            run_in_foreground(job)  # as the window does in the pause after labelling

        def retrain() -> None:
            for job in retrain_jobs(project, TrainSettings(BACKBONE)):
                run_in_foreground(job)
            project.suggestions()

        classes = f"{num_labelled:,} labelled of {len(ids):,} images, {len(project.classes())} classes"
        seconds("Retrain to new predictions, first", 1.5, retrain, classes, rounds=1)
        seconds("Retrain to new predictions, then", 1.5, retrain, classes)
        project.close()


def bench_fresh_folder(num_images: int = 500, num_labelled: int = 50) -> None:
    """A folder of photographs nobody has looked at, fifty labelled, to the first model with its figures."""
    with tempfile.TemporaryDirectory() as folder:
        images = Path(folder) / "images"
        images.mkdir()
        files = sorted((SHARED / "data" / "clothing10").rglob("*.jpg"))
        names = []
        for file in files[:: max(1, len(files) // num_images)][:num_images]:
            names.append((f"{file.parent.name}__{file.name}", file.parent.name))
            shutil.copy(file, images / names[-1][0])
        chosen = [names[index] for index in np.random.default_rng(0).permutation(len(names))[:num_labelled]]
        csv = "\n".join(["image,class", *(",".join(pair) for pair in chosen)])
        (Path(folder) / "labels.csv").write_text(csv, encoding="utf-8")

        def go() -> None:
            project = Path(folder) / "project"
            shutil.rmtree(project, ignore_errors=True)
            for arguments in (
                ["new", project, "--images", images],
                ["label", project, "--csv", Path(folder) / "labels.csv"],
                ["train", project, "--backbone", BACKBONE, "--depth", "head"],
            ):
                command = [sys.executable, str(ROOT / "main.py"), *map(str, arguments)]
                subprocess.run(command, check=True, capture_output=True)

        what = f"{len(names)} photographs, {num_labelled} labelled, three starts of the program included"
        seconds("fresh folder to first evaluated model", 15, go, what)


def seconds(what: str, goal_s: float, work: Callable[[], object], of: str, rounds: int = ROUNDS) -> None:
    """Prints the median time of some work, and the time that its processor time would take on idle cores."""
    walls, processors = [], []
    for _ in range(rounds):
        wall, times = time.perf_counter(), os.times()
        work()
        walls.append(time.perf_counter() - wall)
        processors.append(sum(os.times()[:4]) - sum(times[:4]))
    print(
        f"{what:42s} {statistics.median(walls):6.2f} s (goal {goal_s:g}), {statistics.median(processors):.2f} s of "
        f"processor time; {of}; load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def main() -> None:
    if "--only-head" not in sys.argv:
        bench_embedding(int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 300)
    bench_head(1000)
    bench_retrain()
    bench_fresh_folder()
    if "--large" in sys.argv:
        bench_head(100_000)


if __name__ == "__main__":
    main()
