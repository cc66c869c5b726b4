"""Exact nearest neighbours among many embeddings: `python tests/bench/bench_neighbours.py [IMAGES] [QUESTIONS]`.

FIGURES "Assistance": 1,000,000 x 1,280 in 200 ms warm. A million real pictures are not at hand, so each embedding is
two real ones of a class (development sets, mobilenet_v2) mixed at random, with what sets a third picture apart from the
middle of its class added: like the real ones, a cloud for each class, and no two alike. The file (5 GB) lies in the
temporary folder while it runs. Prints median and largest time of a question for 50 neighbours, and beside them a plain
product with all embeddings, blockwise, whose answer has to be the same.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from bench_strategies import SETS, embeddings_of  # noqa: E402

from engine.suggestions.neighbours import NeighbourIndex  # noqa: E402
from engine.suggestions.vectors import unit_vectors  # noqa: E402

NUM_WANTED = 50
BLOCK = 8_192
GOAL_MS = 200


def fill(file: Path, num_images: int) -> np.memmap:
    """Writes the embeddings (N, D)."""
    parts, offset = [embeddings_of(name) for name in SETS], 0
    features = np.concatenate([unit_vectors(part[0].astype(np.float32)) for part in parts])
    targets = []
    for _, own in parts:
        targets.append(own + offset)
        offset += int(own.max()) + 1
    classes = np.concatenate(targets)
    rows_of = [np.flatnonzero(classes == at) for at in range(offset)]
    residuals = features - np.stack([features[rows].mean(axis=0) for rows in rows_of])[classes]
    rng = np.random.default_rng(0)
    mapped = np.memmap(file, np.float32, mode="w+", shape=(num_images, features.shape[1]))
    for start in range(0, num_images, BLOCK):
        count = min(BLOCK, num_images - start)
        first = rng.integers(0, len(features), count)
        second = np.array([rows_of[at][rng.integers(len(rows_of[at]))] for at in classes[first]])
        share = rng.random((count, 1), np.float32)
        mixed = share * features[first] + (1 - share) * features[second]
        mapped[start : start + count] = unit_vectors(mixed + 0.5 * residuals[rng.integers(0, len(features), count)])
    return mapped


def all_at_once(embeddings: np.memmap, vector: np.ndarray) -> np.ndarray:
    """Returns the nearest rows by a product with every embedding."""
    similarities = np.concatenate(
        [embeddings[start : start + BLOCK] @ vector for start in range(0, len(embeddings), BLOCK)]
    )
    return np.sort(np.argpartition(-similarities, NUM_WANTED)[:NUM_WANTED])


def main() -> None:
    """Prints the figures."""
    num_images = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    num_questions = int(sys.argv[2]) if len(sys.argv) > 2 else 30
    with tempfile.TemporaryDirectory() as folder:
        embeddings = fill(Path(folder, "embeddings.f32"), num_images)
        began = time.perf_counter()
        index = NeighbourIndex(lambda rows: np.asarray(embeddings[rows]), num_images)
        print(f"{num_images:,} x {embeddings.shape[1]:,}: made in {time.perf_counter() - began:.1f} s")
        walls, processors, plain, same = [], [], [], 0
        asked = np.random.default_rng(1).integers(0, num_images, num_questions)
        for number, row in enumerate(asked.tolist()):
            vector = np.asarray(embeddings[row])
            wall, processor = time.perf_counter(), time.process_time()
            found = index.nearest(vector, NUM_WANTED)
            walls.append(1000 * (time.perf_counter() - wall))
            processors.append(1000 * (time.process_time() - processor))
            if number < 3:
                wall = time.perf_counter()
                same += np.array_equal(np.sort(found.rows), all_at_once(embeddings, vector))
                plain.append(1000 * (time.perf_counter() - wall))
        print(
            f"a question for {NUM_WANTED}: median {statistics.median(walls):.0f} ms, largest {max(walls):.0f} "
            f"(goal {GOAL_MS}); {statistics.median(processors):.0f} ms of processor time; a plain product "
            f"{statistics.median(plain):.0f} ms; same answer {same} of {len(plain)}; load {os.getloadavg()[0]:.1f}"
        )


if __name__ == "__main__":
    main()
