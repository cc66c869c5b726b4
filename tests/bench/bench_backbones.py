"""What Starter and the networks in the shared folder are worth: accuracy of the plain probe, speed and size.

Run it: `python tests/bench/bench_backbones.py [KEY ...]` with the shared folder beside the repository or named in
GRAFT_SHARED. Accuracy is the mean over five random choices of 10 pictures per class, and over five folds. Speed is the
median over batches of 16 through ONNX Runtime, the networks taking turns. Some minutes per network on two cores.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "build" / "starter"))

import onnx
from measure import REFERENCE, embed_with, interleaved_seconds
from probe import SETS, accuracy_at, accuracy_in_folds, features_of, read_set

from engine.backbones import STARTER_KEY, spec
from engine.nn.onnx_graph import backbone_graph
from engine.weights import find_weights

SHARED = Path(os.environ.get("GRAFT_SHARED") or Path(__file__).resolve().parents[3] / "shared")
NETWORKS = (STARTER_KEY, REFERENCE, "mobilenet_v3_small", "squeezenet1_1")


def main(keys: list[str]) -> None:
    """Prints a table of speed and size, and one of accuracy."""
    os.environ.setdefault("GRAFT_WEIGHTS", str(SHARED / "weights"))
    weights = {key: find_weights(spec(key)) for key in keys}
    graphs = {key: backbone_graph(spec(key), file) for key, file in weights.items()}
    _print_speed_and_size(graphs, weights)
    print("\nplain probe" + " " * 23 + "".join(f"{name:>13}" for name in (*SETS, "mean")))
    for key, graph in graphs.items():
        embed, few, folds = embed_with(graph), [], []
        for name in SETS:
            pictures, targets = read_set(SHARED / "data" / name, spec(key).input_size_px)
            features = features_of(pictures, embed)
            few.append(accuracy_at(features, targets, num_per_class=10, num_seeds=5))
            folds.append(accuracy_in_folds(features, targets))
        _print_row(key, "10 per class", few)
        _print_row(key, "5-fold", folds)


def _print_row(key: str, what: str, accuracies: list[float]) -> None:
    values = [*accuracies, sum(accuracies) / len(accuracies)]
    print(f"{key:<20}{what:<14}" + "".join(f"{value:13.3f}" for value in values), flush=True)


def _print_speed_and_size(graphs: dict[str, Path], weights: dict[str, Path]) -> None:
    models = {key: (onnx.load(graph).SerializeToString(), spec(key).input_size_px) for key, graph in graphs.items()}
    seconds = interleaved_seconds(models)
    print(f"{'':<20}{'input px':>13}{'images/s':>13}{'x ' + REFERENCE:>17}{'weights MB':>13}")
    for key, taken in seconds.items():
        ratio = seconds[REFERENCE] / taken if REFERENCE in seconds else float("nan")
        size_mb = weights[key].stat().st_size / 1e6
        print(f"{key:<20}{spec(key).input_size_px:13}{16 / taken:13.0f}{ratio:17.2f}{size_mb:13.1f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or list(NETWORKS))
