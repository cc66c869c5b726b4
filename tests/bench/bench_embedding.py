"""How well decoding and the forward pass overlap, and what ONNX Runtime gains: `bench_embedding.py [NUM_IMAGES]`.

Prints the rows of FIGURES about embedding, each as a ratio against the named alternative in the same round; rounds are
interleaved and the median counts, so that other work on the machine hits both sides alike. Then the looks at each image
(Fast, Balanced, Best) and every network whose weights are here. Needs the shared image sets and weights (GRAFT_SHARED).
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))
SHARED = Path(os.environ.get("GRAFT_SHARED") or ROOT.parent / "shared")
os.environ.setdefault("GRAFT_WEIGHTS", str(SHARED / "weights"))
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from engine.backbones import CATALOGUE, spec  # noqa: E402
from engine.nn.device import CPU  # noqa: E402
from engine.nn.embed import BATCH_SIZE, Embedder  # noqa: E402
from engine.nn.preprocessing import Preset, default_preprocessing  # noqa: E402
from engine.settings import num_threads  # noqa: E402
from engine.weights import find_weights, has_weights  # noqa: E402

BACKBONE = "mobilenet_v2"
SETS = ("clothing10", "steel_neu", "coffee_leaf")
ROUNDS = 5


def interleaved(
    works: dict[str, Callable[[], object]], rounds: int = ROUNDS, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Runs every work once to warm up, then all of them in turn; returns their seconds, round by round."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            started = clock()
            work()
            if number:
                taken[name].append(clock() - started)
    return taken


def pictures(count: int) -> list[Path]:
    """Returns files of the development sets, evenly taken."""
    files = [path for name in SETS for path in sorted((SHARED / "data" / name).rglob("*.jpg"))]
    return files[:: max(1, len(files) // count)][:count]


def bench_overlap(paths: Sequence[Path]) -> None:
    """Images to embeddings against the slower of decoding alone and forward alone."""
    record = spec(BACKBONE)
    with Embedder(record, find_weights(record), device=CPU) as embedder:
        views = embedder.preprocessing.num_views
        side = record.input_size_px
        batch = np.random.default_rng(0).standard_normal((BATCH_SIZE * views, 3, side, side)).astype(np.float32)
        num_batches = max(1, len(paths) // BATCH_SIZE)
        with ThreadPoolExecutor(num_threads(has_window=False)) as pool:
            taken = interleaved(
                {
                    "decode and views alone": lambda: list(pool.map(embedder._decode, paths)),
                    "forward alone": lambda: [embedder._forward(batch) for _ in range(num_batches)],
                    "images to embeddings": lambda: list(embedder.blocks(paths)),
                }
            )
    amounts = {"forward alone": num_batches * BATCH_SIZE}
    for name, seconds in taken.items():
        rate = amounts.get(name, len(paths)) / statistics.median(seconds)
        print(f"{name:<42}{rate:10.1f} images/s", flush=True)
    forward = [seconds * len(paths) / amounts["forward alone"] for seconds in taken["forward alone"]]
    ratios, in_turn = [], []
    for decoding, passing, together in zip(
        taken["decode and views alone"], forward, taken["images to embeddings"], strict=True
    ):
        ratios.append(max(decoding, passing) / together)
        in_turn.append((decoding + passing) / together)
    print(f"{'of the slower alone (goal >= 75 %)':<42}{100 * statistics.median(ratios):10.0f} %")
    # Both use all cores here, so that nothing is faster than one after the other at full load.
    print(f"{'of one after the other, all cores busy':<42}{100 * statistics.median(in_turn):10.0f} %", flush=True)


def bench_torch() -> None:
    """ONNX Runtime against torch, same pictures, and how far their embeddings are apart."""
    import torch

    from engine.nn.networks import load_backbone

    record = spec(BACKBONE)
    weights, side = find_weights(record), record.input_size_px
    batch = np.random.default_rng(0).standard_normal((BATCH_SIZE, 3, side, side)).astype(np.float32)
    torch.set_num_threads(num_threads(has_window=False))
    network = load_backbone(record, weights)
    last = load_backbone(record, weights).to(memory_format=torch.channels_last)
    plain = torch.from_numpy(batch)
    channels_last = plain.contiguous(memory_format=torch.channels_last)
    with Embedder(record, weights, device=CPU) as embedder, torch.inference_mode():
        run = embedder._forward_pass
        difference = float(np.abs(run(batch) - network(plain).numpy()).max() / np.abs(network(plain).numpy()).max())
        works: dict[str, Callable[[], object]] = {
            "torch eager": lambda: network(plain),
            "torch channels last": lambda: last(channels_last),
            "ONNX Runtime": lambda: run(batch),
        }
        # On a busy machine only the processor time that was spent says what idle cores would do.
        clocks = {"by the clock": time.perf_counter, "by processor time": time.process_time}
        taken = {name: interleaved(works, clock=clock) for name, clock in clocks.items()}
    for name, seconds in taken["by the clock"].items():
        print(f"forward, {name:<33}{BATCH_SIZE / statistics.median(seconds):10.1f} views/s")
    for clock, times in taken.items():
        for name in ("torch eager", "torch channels last"):
            gains = [other / own for other, own in zip(times[name], times["ONNX Runtime"], strict=True)]
            goal = " (goal >= 5)" if name == "torch eager" else ""
            print(f"{'x ' + name + goal + ', ' + clock:<52}{statistics.median(gains):6.1f}")
    print(f"{'largest relative difference (goal <= 1e-3)':<42}{difference:10.1e}", flush=True)


def bench_presets(paths: Sequence[Path]) -> None:
    """What the looks at each image cost."""
    record = spec(BACKBONE)
    embedders = {
        preset: Embedder(record, find_weights(record), default_preprocessing(record, preset), device=CPU)
        for preset in Preset
    }
    taken = interleaved(
        {str(preset): (lambda one=one: list(one.blocks(paths))) for preset, one in embedders.items()}, rounds=3
    )
    for embedder in embedders.values():
        embedder.close()
    for name, seconds in taken.items():
        print(f"{name:<42}{len(paths) / statistics.median(seconds):10.1f} images/s", flush=True)


def bench_networks(paths: Sequence[Path]) -> None:
    """Every network of the catalogue whose weights are on this machine."""
    for record in [each for each in CATALOGUE.values() if has_weights(each)]:
        with Embedder(record, find_weights(record), device=CPU) as embedder:
            list(embedder.blocks(paths[:BATCH_SIZE]))
            started = time.perf_counter()
            kept = sum(len(block.kept) for block in embedder.blocks(paths))
            print(f"{record.key:<42}{kept / (time.perf_counter() - started):10.1f} images/s", flush=True)


def main() -> None:
    paths = pictures(int(sys.argv[1]) if len(sys.argv) > 1 else 160)
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    print(f"{BACKBONE}, {len(paths)} images, {num_threads(has_window=False)} threads, load {load}")
    for bench in (
        lambda: bench_overlap(paths),
        bench_torch,
        lambda: bench_presets(paths),
        lambda: bench_networks(paths),
    ):
        bench()
        print()


if __name__ == "__main__":
    main()
