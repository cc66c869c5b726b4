#!/usr/bin/env python3
"""Turns a training checkpoint into the files of `resources/starter`, and measures what they are worth.

usage: python build/starter/ship.py --run DIR --shared ../shared [--to resources/starter] [--input-px N]

The averaged weights are shipped, the convolutions' rounded to half precision. The ONNX graph holds the same rounded
numbers, so it computes what the torch network computes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import onnx
import torch
from embedding_map import set_embedding, trunk_of
from measure import accuracies, embed_with, speeds_against
from model_card import model_card
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.nn.fx_export import export_convolutional
from engine.nn.starter import EMBEDDING_SIZE, starter_network

FEATURE_MAP = "feature_map"


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
    network = starter_network().eval()
    network.load_state_dict(halved(trunk_of(checkpoint["ema"])), strict=False)
    set_embedding(network, options.run, options.input_px)
    options.to.mkdir(parents=True, exist_ok=True)
    weights, graph = options.to / "starter.safetensors", options.to / "starter.onnx"
    state = halved(network.state_dict())
    save_file({name: value.contiguous() for name, value in state.items() if value.is_floating_point()}, weights)
    graph.write_bytes(to_onnx(network, options.input_px).SerializeToString())
    settings = _settings(checkpoint, weights, graph, options)
    (options.to / "settings.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    (options.to / "model_card.md").write_text(model_card(settings), encoding="utf-8")
    print(json.dumps(settings["measured"], indent=2))


def halved(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Returns the weights with the convolutions' in half precision."""
    return {name: value.half() if value.ndim == 4 else value for name, value in state.items()}


def to_onnx(network: nn.Module, input_px: int) -> onnx.ModelProto:
    """Returns the graph: "input" (B, 3, H, W) to "embedding" (B, D) and "feature_map" (B, D, h, w), D fixed alone.

    Weights lie in it as float16; a runtime casts them to float32 when it loads them, and computes in float32. The
    network's convolutions must hold numbers that float16 can hold.
    """
    model = export_convolutional(network, input_px, EMBEDDING_SIZE)
    graph = model.graph
    mean = [node for node in graph.node if node.op_type == "ReduceMean"][-1]
    for node in graph.node:
        node.output[:] = [FEATURE_MAP if name == mean.input[0] else name for name in node.output]
    mean.input[0] = FEATURE_MAP
    shape = ["batch", EMBEDDING_SIZE, "map_height", "map_width"]
    graph.output.append(helper.make_tensor_value_info(FEATURE_MAP, TensorProto.FLOAT, shape))
    for axis, name in ((2, "height"), (3, "width")):
        graph.input[0].type.tensor_type.shape.dim[axis].dim_param = name
    _halve_weights(graph, network)
    onnx.checker.check_model(model, full_check=True)
    return model


def _halve_weights(graph: onnx.GraphProto, network: nn.Module) -> None:
    """Replaces each folded weight by its two factors: that of the convolution and that of the BatchNorm."""
    initializers = {initializer.name: initializer for initializer in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    written = (node for node in graph.node if node.op_type == "Conv")
    for node, (convolution, norm) in zip(written, _convolutions(network), strict=True):
        name = node.input[1]
        weight = convolution.weight.detach().numpy()
        factor = (norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)).detach().view(-1, 1, 1, 1)
        half, single = weight.astype(np.float16), factor.numpy().astype(np.float32)
        # The graph's convolutions come in the order of the modules; anything else must not go unnoticed.
        np.testing.assert_allclose(half * single, numpy_helper.to_array(initializers[name]), rtol=1e-5, atol=1e-9)
        initializers[name].CopyFrom(numpy_helper.from_array(half, f"{name}_half"))
        graph.initializer.append(numpy_helper.from_array(single, f"{name}_factor"))
        nodes.append(helper.make_node("Cast", [f"{name}_half"], [f"{name}_single"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Mul", [f"{name}_single", f"{name}_factor"], [name]))
    nodes.extend(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)


def _convolutions(network: nn.Module) -> Iterator[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    modules = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.BatchNorm2d)]
    for convolution, norm in zip(modules[::2], modules[1::2], strict=True):
        assert isinstance(convolution, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        yield convolution, norm


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
        "training": checkpoint["settings"]
        | {
            "out": "",
            "start": Path(checkpoint["settings"]["start"]).name,
            "samples_seen": checkpoint["seen"],
            "note": options.note,
        },
        "measured": {
            "accuracy_10_per_class": accuracies(options.shared / "data", embed, options.input_px),
            "speed": speeds_against(graph, options.input_px, options.shared / "weights"),
        },
    }


if __name__ == "__main__":
    main(sys.argv[1:])
