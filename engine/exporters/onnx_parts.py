"""Which parts of a classifier graph may be computed with fewer digits: the layers of the backbone, nothing else.

Resizing, normalisation, pooling, the head and the unknown score keep full precision; they cost nothing and decide much.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import onnx
import onnx.utils

LAYERS: Final = frozenset({"Conv", "Gemm", "MatMul", "ConvTranspose"})
_PREFIX: Final = "backbone/"
_FIRST_SHARE: Final = 0.01
"""The first layers that hold no more than this share of the weights are left in full precision."""


def prepare(model: onnx.ModelProto) -> None:
    """Gives every node a name of its own, by which libraries tell them apart, and names each set of operators once."""
    versions = {each.domain: each.version for each in model.opset_import if each.domain in ("", "ai.onnx")}
    del model.opset_import[:]
    model.opset_import.append(onnx.helper.make_opsetid("", max(versions.values())))
    for index, node in enumerate(model.graph.node):
        node.name = f"{index}:{node.output[0]}"


def layers_of_backbone(model: onnx.ModelProto) -> list[str]:
    """Returns the names of the nodes with large weights, in order; `prepare` comes first."""
    return [node.name for node in model.graph.node if _is_inside(node) and node.op_type in LAYERS]


def robust_layers(model: onnx.ModelProto) -> list[str]:
    """Returns the layers of the backbone but the first ones, which hold next to no weights and err most in few digits.

    On MobileNetV2 8 bits in all layers changed 3 to 5 of 100 decisions; with the first eight of 52 layers left alone
    (0.5 % of the weights) none. `prepare` comes first.
    """
    sizes = {each.name: int(np.prod(each.dims)) for each in model.graph.initializer}
    names = set(layers_of_backbone(model))
    weights = {
        node.name: sum(sizes.get(name, 0) for name in node.input) for node in model.graph.node if node.name in names
    }
    total, seen = sum(weights.values()), 0
    kept = []
    for name, count in weights.items():
        seen += count
        if seen > _FIRST_SHARE * total:
            kept.append(name)
    return kept


def with_backbone(model: onnx.ModelProto, convert: Callable[[onnx.ModelProto], onnx.ModelProto]) -> onnx.ModelProto:
    """Returns the graph with its backbone converted by itself; what goes in and out of it keeps its type."""
    graph = model.graph
    inside = [node for node in graph.node if _is_inside(node)]
    outside = [node for node in graph.node if not _is_inside(node)]
    made = {name for node in inside for name in node.output}
    constants = {each.name for each in graph.initializer}
    taken = {name for node in inside for name in node.input if name}
    inputs = sorted(taken - made - constants)
    wanted = {name for node in outside for name in node.input} | {value.name for value in graph.output}
    outputs = sorted(made & wanted)
    extractor = onnx.utils.Extractor(onnx.shape_inference.infer_shapes(model))
    converted = convert(extractor.extract_model(inputs, outputs)).graph
    kept = [each for each in graph.initializer if any(each.name in node.input for node in outside)]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    names = {each.name for each in converted.initializer}
    graph.initializer.extend([*converted.initializer, *(each for each in kept if each.name not in names)])
    first = next(index for index, node in enumerate(outside) if set(node.input) & made)
    graph.node.extend([*outside[:first], *converted.node, *outside[first:]])
    return model


def _is_inside(node: onnx.NodeProto) -> bool:
    return str(node.output[0]).startswith(_PREFIX)
