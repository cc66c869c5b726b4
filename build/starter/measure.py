"""What a backbone is worth: accuracy of the plain probe and embedding speed, the latter beside `mobilenet_v2`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from probe import SETS, Embed, accuracy_at, features_of, read_set

from engine.nn.fx_export import export_convolutional
from engine.nn.torchvision_shim import import_torchvision

NUM_PER_CLASS = 10
NUM_SEEDS = 5
REFERENCE = "mobilenet_v2"
REFERENCE_PX = 224
_BATCH = 16
_ROUNDS = 9


def embed_with(graph: Path) -> Embed:
    """Returns the graph as a function of pictures (B, 3, S, S)."""
    session = ort.InferenceSession(str(graph), providers=["CPUExecutionProvider"])

    def embed(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        embeddings: NDArray[np.float32] = session.run(["embedding"], {"input": pictures})[0]
        return embeddings

    return embed


def accuracies(data: Path, embed: Embed, input_px: int) -> dict[str, float]:
    """Returns the accuracy at 10 per class on each development set, and their mean."""
    result = {}
    for name in SETS:
        pictures, targets = read_set(data / name, input_px)
        result[name] = accuracy_at(features_of(pictures, embed), targets, NUM_PER_CLASS, NUM_SEEDS)
    result["mean"] = float(np.mean(list(result.values())))
    return {name: round(value, 4) for name, value in result.items()}


def reference_graph(weights: Path) -> bytes:
    """Returns the graph of `mobilenet_v2` without its classifier."""
    network = import_torchvision().models.get_model(REFERENCE, weights=None)
    network.load_state_dict(torch.load(next(weights.glob(f"{REFERENCE}-*.pth")), weights_only=True))
    network.classifier = torch.nn.Identity()
    graph: bytes = export_convolutional(network.eval(), REFERENCE_PX, 1280).SerializeToString()
    return graph


def speeds_against(graph: Path, input_px: int, weights: Path) -> dict[str, Any]:
    """Returns images/s of a graph and of `mobilenet_v2` at 224 px (medians, measured in turns) and their ratio."""
    times = interleaved_seconds(
        {"starter": (graph.read_bytes(), input_px), REFERENCE: (reference_graph(weights), REFERENCE_PX)}
    )
    per_s = {name: _BATCH / seconds for name, seconds in times.items()}
    return {
        "images_per_s": round(per_s["starter"]),
        f"{REFERENCE}_images_per_s": round(per_s[REFERENCE]),
        "ratio": round(per_s["starter"] / per_s[REFERENCE], 2),
    }


def interleaved_seconds(graphs: dict[str, tuple[bytes, int]]) -> dict[str, float]:
    """Returns the median seconds that a batch of 16 takes each graph (bytes, input size), in turns.

    Turns make load from elsewhere hit all of them alike.
    """
    sessions = {}
    for name, (data, side_px) in graphs.items():
        session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
        pictures = np.random.default_rng(0).standard_normal((_BATCH, 3, side_px, side_px), np.float32)
        sessions[name] = (session, {"input": pictures})
    times: dict[str, list[float]] = {name: [] for name in graphs}
    for turn in range(_ROUNDS + 1):
        for name, (session, inputs) in sessions.items():
            started = time.perf_counter()
            session.run(["embedding"], inputs)
            if turn > 0:
                times[name].append(time.perf_counter() - started)
    return {name: float(np.median(values)) for name, values in times.items()}
