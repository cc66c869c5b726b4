"""What looking costs: a heat map per network, a map of many images, a frame of the map.

Run with: python tests/bench/bench_explain.py [--rounds N] [--images N ...] [--features FILE.npy] [--peers]

- Heat maps: real pictures (../shared/data, or GRAFT_SHARED), decoding included, network warm, one thread, as in the
  window. Networks of ../shared/weights and Starter.
- Map: embeddings of the pictures in ../shared/pool by MobileNetV2 where `--features FILE.npy` names them, else clusters
  of 1,280 random numbers. Beside it scikit-learn's own t-SNE and the first two principal axes, and how often the
  nearest image on the map has the same class (clusters only).
- Frames: 100,000 points in a window of 1,200 x 800, panned.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
SHARED = Path(os.environ.get("GRAFT_SHARED") or ROOT.parent / "shared")
os.environ.setdefault("GRAFT_WEIGHTS", str(SHARED / "weights"))

import numpy as np  # noqa: E402

from engine.backbones import spec  # noqa: E402
from engine.images.decode import decode_rgb  # noqa: E402
from engine.nn.explain import Explainer  # noqa: E402
from engine.nn.head import Head  # noqa: E402
from engine.nn.preprocessing import default_preprocessing  # noqa: E402
from engine.nn.run_model import RunModel  # noqa: E402
from engine.suggestions.embedding_map import EmbeddingMap, lay_out, place  # noqa: E402
from engine.weights import find_weights  # noqa: E402

REAL = ("starter", "mobilenet_v2", "mobilenet_v3_small", "squeezenet1_1")
SETS = ("coffee_leaf", "caltech59", "steel_neu")
GOAL_HEAT_MS, GOAL_FRAME_MS, GOAL_MAP_S = 150, 16, 20
NUM_PICTURES = 8


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def timed(act: Callable[[], object]) -> tuple[float, float]:
    """Returns seconds by the clock and of the processor."""
    began, used = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - began, time.process_time() - used


def heat_maps(rounds: int) -> None:
    paths = [file for name in SETS for file in sorted((SHARED / "data" / name).rglob("*.jpg"))[::40][:NUM_PICTURES]]
    print(f"\nHeat map of one picture, decoding included ({len(paths)} pictures, {load()}; goal {GOAL_HEAT_MS} ms)")
    print(f"{'network':22s} {'how':9s} {'first':>9s} {'median':>9s} {'p95':>9s} {'cpu':>9s}")
    for key in REAL:
        heat_maps_of(key, paths, rounds)


def heat_maps_of(key: str, paths: list[Path], rounds: int) -> None:
    record = spec(key)
    size = record.embedding_size
    weight = np.random.default_rng(0).normal(size=(5, size)).astype(np.float32)
    head = Head(np.zeros(size, np.float32), np.ones(size, np.float32), weight, np.zeros(5, np.float32))
    weights, preprocessing = find_weights(record), default_preprocessing(record)
    model = RunModel(record, weights, "", preprocessing, head, list("abcde"), [1, 2, 3, 4, 5], {})
    explainer = Explainer(model, 1)

    def explain(path: Path) -> None:
        explainer.explain(decode_rgb(path), 1).heat()

    first, _ = timed(lambda: explain(paths[0]))
    took = 1e3 * np.array([timed(lambda path=path: explain(path)) for _ in range(rounds) for path in paths])
    how = explainer.explain(decode_rgb(paths[0]), 0).method
    (median, cpu), p95 = np.median(took, axis=0), np.quantile(took[:, 0], 0.95)
    print(f"{key:22s} {how:9s} {1e3 * first:6.0f} ms {median:6.0f} ms {p95:6.0f} ms {cpu:6.0f} ms")


def clusters(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    names = rng.integers(0, 60, count)
    flat = np.random.default_rng(1).normal(size=(60, 64))[names] + 1.2 * rng.normal(size=(count, 64))
    return (flat @ (rng.normal(size=(64, 1280)) / 8)).astype(np.float32), names


def agreement(places: np.ndarray, names: np.ndarray) -> float:
    from sklearn.neighbors import NearestNeighbors

    some = np.arange(0, len(places), max(1, len(places) // 2000))
    nearest = NearestNeighbors(n_neighbors=2).fit(places).kneighbors(places[some], return_distance=False)[:, 1]
    return float((names[nearest] == names[some]).mean())


def maps(counts: list[int], features: Path | None, has_peers: bool) -> None:
    print(f"\nMap of N embeddings of 1,280 numbers ({load()}; goal 10,000 in {GOAL_MAP_S} s)")
    print(f"{'N':>8s} {'how':26s} {'clock':>9s} {'cpu':>9s}  nearest of the same class")
    for count in counts:
        map_of(count, features, has_peers)


def map_of(count: int, features: Path | None, has_peers: bool) -> None:
    names: np.ndarray | None
    if features is not None and len(np.load(features, mmap_mode="r")) >= count:
        rows, names, how = np.load(features)[:count].astype(np.float32), None, "ours (real)"
    else:
        rows, names = clusters(count)
        how = "ours"
    found: list[EmbeddingMap] = []
    wall, cpu = timed(lambda: found.append(lay_out(lambda some: rows[some], len(rows))))
    made = found[0]
    right = f"{agreement(made.places, names):.3f}" if names is not None else "-"
    print(f"{count:8,d} {how:26s} {wall:7.1f} s {cpu:7.1f} s  {right}")
    wall, cpu = timed(lambda: place(made, rows[:100]))
    print(f"{'':8s} {'placing 100 more':26s} {wall:7.2f} s {cpu:7.2f} s")
    if names is not None:
        print(f"{'':8s} {'two principal axes':26s} {'':19s}  {agreement(made.reduced[:, :2], names):.3f}")
    if has_peers and count <= 10_000:
        from sklearn.manifold import TSNE

        wall, cpu = timed(lambda: TSNE(init="pca", random_state=0, n_jobs=2).fit_transform(made.reduced))
        print(f"{'':8s} {'scikit-learn t-SNE, 50 axes':26s} {wall:7.1f} s {cpu:7.1f} s")


def frames(count: int = 100_000) -> None:
    from PySide6.QtCore import QPoint
    from PySide6.QtGui import QImage
    from PySide6.QtWidgets import QApplication

    from gui import theme
    from gui.widgets.scatter_view import ScatterView

    app = QApplication.instance() or QApplication([])
    theme.apply(app)  # type: ignore[arg-type]
    view = ScatterView()
    view.resize(1200, 800)
    screen = QImage(1200, 800, QImage.Format.Format_RGB32)
    rng = np.random.default_rng(0)
    middles = rng.random((60, 2))[rng.integers(0, 60, count)]
    view.set_points((middles + 0.03 * rng.normal(size=(count, 2))).astype(np.float32))
    view.set_looks(rng.integers(0, 1 << 24, count).astype(np.uint32) | 0xFF000000, rng.random(count) < 0.03)
    view.set_selected(rng.random(count) < 0.02)
    print(f"\nFrames of {count:,} points while panning, 1,200 x 800 ({load()}; goal p95 {GOAL_FRAME_MS} ms)")
    for zoom in (1.0, 3.0, 10.0):
        view.fit()
        view.zoom_by(zoom)
        walls, cpus = [], []
        for step in range(120):
            view.pan(4 if step % 40 < 20 else -4, 2)
            began, used = time.perf_counter(), time.thread_time()
            view.render(screen, QPoint())
            walls.append(1e3 * (time.perf_counter() - began))
            cpus.append(1e3 * (time.thread_time() - used))
        print(
            f"zoom {zoom:4.0f}: median {statistics.median(walls):5.1f} ms, p95 {np.quantile(walls, 0.95):5.1f} ms; "
            f"cpu median {statistics.median(cpus):5.1f} ms, p95 {np.quantile(cpus, 0.95):5.1f} ms"
        )
    view.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, nargs="*", default=[1_000, 10_000])
    parser.add_argument("--features", type=Path, help="embeddings (N, 1280) as .npy")
    parser.add_argument("--peers", action="store_true", help="time scikit-learn's t-SNE as well")
    arguments = parser.parse_args()
    if SHARED.is_dir():
        heat_maps(arguments.rounds)
    frames()
    maps(arguments.images, arguments.features, arguments.peers)


if __name__ == "__main__":
    main()
