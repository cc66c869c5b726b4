#!/usr/bin/env python3
"""Turns a training checkpoint into the files of `resources/starter`, and measures what they are worth.

usage: python build/starter/ship.py --run DIR --shared ../shared [--to resources/starter] [--input-px N]

The averaged weights are shipped. BatchNorm is folded into the convolutions first and the result rounded to half
precision, so that the ONNX graph and the torch network compute with the very same numbers.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import onnx
import torch
from measure import accuracies, embed_with, speeds_against
from model_card import model_card
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file
from torch import nn

from engine.nn.fx_export import export_convolutional
from engine.nn.starter import EMBEDDING_SIZE, starter_network

FEATURE_MAP = "feature_map"
_STAYS_EXACT = ("bias", "running_mean", "running_var")


def main(arguments: list[str]) -> None:
    """Writes weights, graph, settings and model card."""
    parser = argparse.ArgumentParser(description="Writes the files of resources/starter.")
    parser.add_argument("--run", type=Path, required=True, help="working folder of train.py")
    parser.add_argument("--shared", type=Path, required=True, help="folder with data/ and weights/")
    parser.add_argument("--to", type=Path, default=Path("resources/starter"))
    parser.add_argument("--input-px", type=int, default=160, help="side of the pictures it is used with (%(default)s)")
    parser.add_argument("--note", default="", help="what the checkpoint's settings do not say about the run")
    options = parser.parse_args(arguments)
    checkpoint = torch.load(options.run / "checkpoint.pt", map_location="cpu", weights_only=True)
    network = starter_network()
    network.load_state_dict(checkpoint["ema"])
    fold_batch_norms(network.eval())
    options.to.mkdir(parents=True, exist_ok=True)
    weights, graph = options.to / "starter.safetensors", options.to / "starter.onnx"
    state = {
        name: value if name.endswith(_STAYS_EXACT) else value.half() for name, value in network.state_dict().items()
    }
    save_file({name: value.contiguous() for name, value in state.items() if value.is_floating_point()}, weights)
    network.load_state_dict(state)
    graph.write_bytes(to_onnx(network, options.input_px).SerializeToString())
    settings = _settings(checkpoint, weights, graph, options)
    (options.to / "settings.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    (options.to / "model_card.md").write_text(model_card(settings), encoding="utf-8")
    print(json.dumps(settings["measured"], indent=2))


def fold_batch_norms(network: nn.Module) -> None:
    """Moves every BatchNorm into the convolution before it; what stays of it adds the bias.

    The convolutions' weights are rounded to what half precision can hold.
    """
    for module in network.modules():
        if isinstance(module, nn.Sequential):
            for convolution, norm in zip(module, list(module)[1:], strict=False):
                if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    _fold(convolution, norm)


@torch.no_grad()
def _fold(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    factor = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    norm.bias.copy_(norm.bias.double() - norm.running_mean.double() * factor)
    convolution.weight.copy_((convolution.weight.double() * factor.view(-1, 1, 1, 1)).half())
    norm.weight.fill_(1)
    norm.running_mean.zero_()
    norm.running_var.fill_(1 - norm.eps)


def to_onnx(network: nn.Module, input_px: int) -> onnx.ModelProto:
    """Returns the graph: "input" (B, 3, H, W) to "embedding" (B, D) and "feature_map" (B, D, h, w), D fixed alone.

    Weights lie in it as float16 and are cast to float32 when a runtime loads it; it computes in float32.
    """
    model = export_convolutional(network, input_px, EMBEDDING_SIZE)
    graph = model.graph
    mean = next(node for node in graph.node if node.op_type == "ReduceMean")
    for node in graph.node:
        node.output[:] = [FEATURE_MAP if name == mean.input[0] else name for name in node.output]
    mean.input[0] = FEATURE_MAP
    shape = ["batch", EMBEDDING_SIZE, "map_height", "map_width"]
    graph.output.append(helper.make_tensor_value_info(FEATURE_MAP, TensorProto.FLOAT, shape))
    for axis, name in ((2, "height"), (3, "width")):
        graph.input[0].type.tensor_type.shape.dim[axis].dim_param = name
    _halve_weights(graph)
    onnx.checker.check_model(model, full_check=True)
    return model


def _halve_weights(graph: onnx.GraphProto) -> None:
    casts = []
    for initializer in graph.initializer:
        if initializer.data_type == TensorProto.FLOAT and len(initializer.dims) == 4:
            weight = numpy_helper.to_array(initializer)
            half = weight.astype(np.float16)
            if not np.array_equal(half.astype(np.float32), weight):
                raise ValueError(f"{initializer.name} cannot be stored as float16 without loss")
            name = initializer.name
            initializer.CopyFrom(numpy_helper.from_array(half, f"{name}_half"))
            casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _settings(checkpoint: dict[str, Any], weights: Path, graph: Path, options: argparse.Namespace) -> dict[str, Any]:
    embed = embed_with(graph)
    return {
        "architecture": "engine/nn/starter.py",
        "embedding_size": EMBEDDING_SIZE,
        "input_size_px": options.input_px,
        "interpolation": "bilinear",
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
        "licence": "Apache-2.0 (Graft)",
        "num_parameters": sum(parameter.numel() for parameter in starter_network().parameters()),
        "size_bytes": weights.stat().st_size,
        "sha256": {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (weights, graph)},
        "training": checkpoint["settings"] | {"out": "", "samples_seen": checkpoint["seen"], "note": options.note},
        "measured": {
            "accuracy_10_per_class": accuracies(options.shared / "data", embed, options.input_px),
            "speed": speeds_against(graph, options.input_px, options.shared / "weights"),
        },
    }


if __name__ == "__main__":
    main(sys.argv[1:])
