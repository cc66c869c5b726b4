"""The GPU rows of FIGURES, on any machine: `python tests/bench/bench_gpu.py --weights FOLDER [--images FOLDER]`.

Needs this repository, its environment with a torch that knows the GPU, and a folder of weights; pictures are made when
no folder of them is given. Rows: extraction of features against the pure forward rate of the same network at the same
precision (goal >= 70 %), the program's own fine-tuning against bare steps on data that is on the device already (goal
>= 80 %), and how far half precision is from the exact embeddings. Without a GPU the same code runs on the processor:
the figures mean nothing then, but the script is known to work.
"""

from __future__ import annotations

import argparse
import copy
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402

from engine.backbones import CATALOGUE, BackboneSpec  # noqa: E402
from engine.nn.device import CPU, Device, Place, autocast, choose_device, wait_for  # noqa: E402
from engine.nn.embed import GPU_BATCH_SIZE, Embedder  # noqa: E402
from engine.nn.fine_tune import FineTuning  # noqa: E402
from engine.nn.forward import _GpuEngine  # noqa: E402
from engine.nn.head import Head  # noqa: E402
from engine.nn.material import Material, Recipe  # noqa: E402
from engine.nn.networks import load_backbone  # noqa: E402
from engine.weights import find_weights, has_weights  # noqa: E402

ROUNDS = 5
BATCH = 64
LEARNING_RATE = 1e-4
NUM_CLASSES = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, help="folder of weights (default: GRAFT_WEIGHTS)")
    parser.add_argument("--images", type=Path, help="folder of pictures (default: some are made)")
    parser.add_argument("--count", type=int, default=2048, help="how many pictures")
    parser.add_argument("--device", default="auto", help="auto, cuda:0, mps or cpu")
    parser.add_argument("--backbones", nargs="+", metavar="KEY", help="these networks (default: all with weights)")
    arguments = parser.parse_args()
    if arguments.weights is not None:
        os.environ["GRAFT_WEIGHTS"] = str(arguments.weights)
    device = choose_device(arguments.device)
    wanted = arguments.backbones or [record.key for record in CATALOGUE.values() if record.library != "graft"]
    records = [CATALOGUE[key] for key in wanted if has_weights(CATALOGUE[key])]
    print(f"torch {torch.__version__}, {device.name}, {os.cpu_count()} cores, half precision: {device.has_half}")
    if not device.is_gpu:
        print("No GPU here: what follows only shows that the script works.")
    with tempfile.TemporaryDirectory() as folder:
        paths = (
            sorted(arguments.images.rglob("*.jpg"))
            if arguments.images
            else made_pictures(Path(folder), arguments.count)
        )
        for record in records:
            bench_features(record, device, paths[: arguments.count])
            bench_step(record, device)


def bench_features(record: BackboneSpec, device: Device, paths: list[Path]) -> None:
    """Images to embeddings against the forward pass alone, and half precision against exact."""
    weights = find_weights(record)
    with Embedder(record, weights, device=device) as embedder:
        list(embedder.blocks(paths[:GPU_BATCH_SIZE]))
        taken = [timed(device, lambda: list(embedder.blocks(paths))) for _ in range(3)]
        together = len(paths) / statistics.median(taken)
        num_views = embedder.preprocessing.num_views
        decoding = [timed(CPU, lambda: list(embedder._pool.map(embedder._decode, paths))) for _ in range(2)]
        decoded = len(paths) / min(decoding)
    side = record.input_size_px
    views = np.random.default_rng(0).standard_normal((GPU_BATCH_SIZE * num_views, 3, side, side)).astype(np.float32)
    engine = _GpuEngine(record, weights, device)
    with torch.inference_mode():
        there = engine._send(views).to(engine._dtype)
        for _ in range(3):
            engine._network(there)
        forward = GPU_BATCH_SIZE / statistics.median(
            timed(device, lambda: engine._network(there)) for _ in range(ROUNDS)
        )
    exact = load_backbone(record, weights)(torch.from_numpy(views[:8])).numpy()
    difference = np.abs(engine.start(views[:8])() - exact).max() / np.abs(exact).max()
    slower = min(forward, decoded)
    print(
        f"{record.key:<24} features {together:9.0f} images/s; forward alone {forward:9.0f}, "
        f"decode alone {decoded:9.0f}; {100 * together / forward:4.0f} % of forward (goal 70), "
        f"{100 * together / slower:4.0f} % of the slower; "
        f"off by {difference:.1e}",
        flush=True,
    )


def bench_step(record: BackboneSpec, device: Device) -> None:
    """A round of the program's own training of the whole network against the bare steps on data that is there."""
    network: torch.nn.Module = load_backbone(record, find_weights(record))
    place, side = Place(device), record.input_size_px
    batch = BATCH if device.is_gpu else 4
    count = batch * (8 if device.is_gpu else 2)
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((count, 1, 3, side, side)).astype(np.float16)
    goals = np.eye(NUM_CLASSES, dtype=np.float32)[rng.integers(0, NUM_CLASSES, count)]
    zeros = np.zeros(record.embedding_size, np.float32)
    weight = np.zeros((NUM_CLASSES, record.embedding_size), np.float32)
    head = Head(zeros, zeros + 1, weight, np.zeros(NUM_CLASSES, np.float32))
    material = Material(inputs, goals, np.ones(count, np.float32), 1)
    training = FineTuning(network, head, material, Recipe(epochs=ROUNDS + 3, batch_size=batch), place)
    rows = np.arange(count)

    bare = copy.deepcopy(network).eval().requires_grad_(True)
    bare = torch.nn.Sequential(bare, torch.nn.Linear(record.embedding_size, NUM_CLASSES))
    bare = bare.to(device.torch_name, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(bare.parameters(), lr=LEARNING_RATE)
    pictures = torch.randn(batch, 3, side, side, device=device.torch_name).contiguous(memory_format=torch.channels_last)
    targets = torch.randint(NUM_CLASSES, (batch,), device=device.torch_name)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        with autocast(device, place.precision):
            loss = torch.nn.functional.cross_entropy(bare(pictures).float(), targets)
        loss.backward()
        optimiser.step()

    for _ in range(2):
        step()
        training.run_epoch(rows, lambda: None)
    fed, pure = [], []
    for _ in range(ROUNDS):
        fed.append(timed(device, lambda: training.run_epoch(rows, lambda: None)) / count)
        pure.append(timed(device, lambda: [step() for _ in range(count // batch)]) / count)
    rates = [1 / statistics.median(each) for each in (fed, pure)]
    share = statistics.median(there / own for there, own in zip(pure, fed, strict=True))
    print(
        f"{record.key:<24} fine-tuning, {batch} at a time: {rates[0]:9.0f} images/s, bare steps {rates[1]:9.0f}; "
        f"{100 * share:4.0f} % (goal 80), {place.precision}",
        flush=True,
    )
    for note in place.notes:
        print(f"{'':24} {note}")


def timed(device: Device, work: Callable[[], object]) -> float:
    """Returns the seconds that some work takes, the device's own included."""
    wait_for(device)
    started = time.perf_counter()
    work()
    wait_for(device)
    return time.perf_counter() - started


def made_pictures(folder: Path, count: int) -> list[Path]:
    """Returns JPEGs of half a megapixel, smooth enough to compress as photographs do."""
    chance = np.random.default_rng(0)
    paths = []
    for index in range(count):
        coarse = Image.fromarray(chance.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        path = folder / f"{index:05d}.jpg"
        coarse.resize((800, 600), Image.Resampling.BICUBIC).save(path, quality=90)
        paths.append(path)
    return paths


if __name__ == "__main__":
    main()
