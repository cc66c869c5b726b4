"""Cuts a backbone in two: a lower part that stays as it is, whose output can be kept, and an upper part to train.

Works on any network that torch.fx can trace, so no family needs code of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from engine.nn.tracing import TRACE_ERRORS, trace

_LOWEST_SHARE: Final = 0.45
_HIGHEST_SHARE: Final = 0.65
"""The lower part does about half of the arithmetic. For MobileNetV2 that is features[:11]: 25 kB a view are kept."""


@dataclass(frozen=True, slots=True)
class SplitNetwork:
    """`upper(lower(x))` is the network. Both share its layers: what is trained in `upper` is trained in the network.

    `shape` (C, H, W) or (T, C) is that of the activations between them, `share` that of the arithmetic in `lower`.
    """

    lower: nn.Module
    upper: nn.Module
    shape: tuple[int, ...]
    share: float


def split_network(network: nn.Module, side_px: int) -> SplitNetwork | None:
    """Returns the network in two parts; None where it cannot be traced or has no place to cut.

    The cut is where only one tensor passes and about half of the arithmetic is done, at the narrowest such place.
    """
    try:
        traced = trace(network)
    except TRACE_ERRORS:
        return None  # it decides by values as it goes (as some of timm's do)
    example = torch.zeros(1, 3, side_px, side_px)
    with torch.inference_mode():
        ShapeProp(traced).propagate(example)
    nodes = [node for node in traced.graph.nodes if node.op != "output"]
    work = [_multiplications(node, traced) for node in nodes]
    total, done, best = max(sum(work), 1.0), 0.0, None
    position = {node: index for index, node in enumerate(nodes)}
    last_use = [max((position.get(user, len(nodes)) for user in node.users), default=-1) for node in nodes]
    reach = -1  # how far the values made before this node are still used
    for index, node in enumerate(nodes[:-1]):
        done += work[index]
        share = done / total
        # Weights and constants that a later part reads are its own; only what depends on the image must not pass by.
        if reach <= index and _LOWEST_SHARE <= share <= _HIGHEST_SHARE and node.op in ("call_module", "call_function"):
            size = _shape_of(node)
            if size and (best is None or _numel(size) < _numel(best[1])):
                best = (index, size, share)
        if node.op != "get_attr":
            reach = max(reach, last_use[index])
    if best is None:
        return None
    index, shape, share = best
    lower, upper = _part(traced, nodes[: index + 1], None), _part(traced, nodes[index + 1 :], nodes[index])
    split = SplitNetwork(lower, upper, shape, share)
    return split if _computes_the_same(network, split, side_px) else None


def _part(traced: fx.GraphModule, nodes: list[fx.Node], given: fx.Node | None) -> fx.GraphModule:
    """Returns a module of these nodes; `given` is the node whose value comes in, None for the beginning."""
    graph = fx.Graph()
    known: dict[fx.Node, fx.Node] = {}
    if given is not None:
        known[given] = graph.placeholder("activations")
    wanted = {argument for node in nodes for argument in node.all_input_nodes} - set(nodes) - set(known)
    for node in [each for each in traced.graph.nodes if each in wanted and each.op == "get_attr"] + nodes:
        known[node] = graph.node_copy(node, lambda each: known[each])
    final = nodes[-1]
    if given is not None:
        (output,) = (node for node in traced.graph.nodes if node.op == "output")
        final = output.all_input_nodes[0]
    graph.output(known[final])
    return fx.GraphModule(traced, graph)


def _multiplications(node: fx.Node, traced: fx.GraphModule) -> float:
    if node.op != "call_module":
        return 0.0
    module = traced.get_submodule(str(node.target))
    if not isinstance(module, nn.Conv2d | nn.Linear):
        return 0.0
    outputs = _numel(_shape_of(node))
    return float(outputs * module.weight.numel() / module.weight.shape[0])


def _shape_of(node: fx.Node) -> tuple[int, ...]:
    """Returns the shape of one image's value at a node, () where it is no tensor."""
    found = node.meta.get("tensor_meta")
    shape = getattr(found, "shape", None)
    return tuple(int(size) for size in shape[1:]) if shape is not None and len(shape) > 1 and shape[0] == 1 else ()


def _numel(shape: tuple[int, ...]) -> int:
    return int(torch.Size(shape).numel())


def _computes_the_same(network: nn.Module, split: SplitNetwork, side_px: int) -> bool:
    """Guards against networks that a trace captures wrongly; also with another batch size than that of the trace."""
    example = torch.randn(2, 3, side_px, side_px, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected: Tensor = network(example)
        got: Tensor = split.upper(split.lower(example))
    return expected.shape == got.shape and bool(torch.allclose(expected, got, atol=1e-4, rtol=1e-3))
