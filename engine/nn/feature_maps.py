"""The feature maps that an embedding is the mean of, through ONNX Runtime: no torch, and as fast as embedding.

They are found in the graph and checked by numbers at their first use; networks that do something else between map and
embedding have none here (see `engine.nn.gradient_maps`).

Letters: V views, C channels, D embedding size, h and w a map's cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from engine.backbones import BackboneSpec
from engine.nn.onnx_graph import BACKBONE_INPUT, BACKBONE_OUTPUT, cached_graph, make_session, quick_graph
from engine.nn.spread_constants import SMALLEST_LENGTH, SMALLEST_VARIANCE, SPREAD_WEIGHT

Floats = NDArray[np.float32]

_SHAPE_ONLY: Final = frozenset({"Identity", "Flatten", "Reshape", "Squeeze", "Dropout", "Cast"})
_SCALING: Final = frozenset({"Mul", "Div"})
_LARGEST_ERROR: Final = 1e-4


class NoFeatureMapError(Exception):
    """The embedding of this network is not the mean of a map. Caught by `engine.nn.explain`, never shown."""


class FeatureMapSession:
    """Computes feature maps. `run` may be called from one thread at a time."""

    def __init__(self, spec: BackboneSpec, weights: Path, num_threads: int) -> None:
        """Loads the graph, making it where that takes only a moment.

        Raises:
            NoFeatureMapError: there is no graph yet, or no map in it.
            BackboneError: the weights cannot be used.
        """
        file = cached_graph(spec, weights) or quick_graph(spec, weights)
        if file is None:
            raise NoFeatureMapError
        graph = onnx.load(file)
        self._pooled = _pooled_values(graph.graph, len(spec.spreads))
        outputs = {value.name for value in graph.graph.output}
        graph.graph.output.extend(
            helper.make_tensor_value_info(pooled.name, TensorProto.FLOAT, None)
            for pooled in self._pooled
            if pooled.name not in outputs
        )
        self._session = make_session(graph.SerializeToString(), num_threads)
        self._is_checked = False

    def run(self, views: Floats) -> list[Floats]:
        """Returns the feature maps (V, h, w, C) of views (V, 3, S, S): their means over h and w, one map after the
        other, are the embedding. The first is that of the last layer; those of spreads follow.

        Raises:
            NoFeatureMapError: that is not so.
        """
        names = [pooled.name for pooled in self._pooled]
        *found, embeddings = self._session.run([*names, BACKBONE_OUTPUT], {BACKBONE_INPUT: views})
        grids = [
            _as_grid(np.asarray(values, np.float32), pooled.axes)
            for values, pooled in zip(found, self._pooled, strict=True)
        ]
        maps = [of_unit_length(grids[0]), *map(spread_map, grids[1:])] if len(grids) > 1 else grids
        if not self._is_checked:
            means = np.concatenate([each.mean(axis=(1, 2)) for each in maps], axis=1)
            if not np.abs(means - embeddings).max() <= _LARGEST_ERROR * np.abs(embeddings).max():
                raise NoFeatureMapError
            self._is_checked = True
        return maps


def spread_map(squares: Floats) -> Floats:
    """Returns the maps (V, h, w, C) whose means are what `engine.nn.spreads` makes of a block.

    `squares` (V, h, w, C) are the squared deviations of its output from the mean over the picture: each cell's share
    in the variance is its share in the standard deviation.
    """
    moved = squares + np.float32(SMALLEST_VARIANCE)
    shares = moved / np.sqrt(moved.mean(axis=(1, 2), keepdims=True))
    return SPREAD_WEIGHT * of_unit_length(shares)


def of_unit_length(maps: Floats) -> Floats:
    """Returns maps (V, h, w, C) divided by the length of each view's mean."""
    squares = np.square(maps.mean(axis=(1, 2), keepdims=True)).sum(axis=3, keepdims=True)
    scaled: Floats = maps / np.sqrt(squares + np.float32(SMALLEST_LENGTH))
    return scaled


@dataclass(frozen=True, slots=True)
class _Pooled:
    """A value of the graph that is averaged, and over which axes (() = all but the first two)."""

    name: str
    axes: tuple[int, ...]


def _pooled_values(graph: onnx.GraphProto, num_spreads: int) -> list[_Pooled]:
    """Returns what is averaged into the embedding: the last map, then the squared deviations of each block."""
    makers = {output: node for node in graph.node for output in node.output}
    node = _behind(makers, BACKBONE_OUTPUT, _SHAPE_ONLY)
    if not num_spreads:
        return [_pooled_by(node, graph, makers)]
    if node is None or node.op_type != "Concat" or len(node.input) != 1 + num_spreads:
        raise NoFeatureMapError
    first, *rest = (_behind(makers, name, _SHAPE_ONLY | _SCALING) for name in node.input)
    found = [_pooled_by(first, graph, makers)]
    for each in rest:
        if each is None or each.op_type != "Sqrt":
            raise NoFeatureMapError
        found.append(_pooled_by(_behind(makers, each.input[0], _SHAPE_ONLY | {"Add"}), graph, makers))
    return found


def _behind(makers: dict[str, onnx.NodeProto], name: str, passed: frozenset[str]) -> onnx.NodeProto | None:
    """Returns the node that makes a value, seen through the kinds of nodes in `passed`."""
    node = makers.get(name)
    while node is not None and node.op_type in passed:
        node = next((makers[each] for each in node.input if each in makers), None)  # the others are constants
    return node


def _pooled_by(node: onnx.NodeProto | None, graph: onnx.GraphProto, makers: dict[str, onnx.NodeProto]) -> _Pooled:
    if node is not None and node.op_type == "GlobalAveragePool":
        return _Pooled(node.input[0], ())
    if node is not None and node.op_type == "ReduceMean":
        return _Pooled(node.input[0], _axes_of(node, graph, makers))
    raise NoFeatureMapError


def _axes_of(node: onnx.NodeProto, graph: onnx.GraphProto, makers: dict[str, onnx.NodeProto]) -> tuple[int, ...]:
    for attribute in node.attribute:
        if attribute.name == "axes":
            return tuple(attribute.ints)
    if len(node.input) > 1:
        for constant in graph.initializer:
            if constant.name == node.input[1]:
                return tuple(int(axis) for axis in numpy_helper.to_array(constant).ravel())
        maker = makers.get(node.input[1])
        if maker is not None and maker.op_type == "Constant":
            return tuple(int(axis) for axis in numpy_helper.to_array(maker.attribute[0].t).ravel())
    raise NoFeatureMapError


def _as_grid(values: Floats, axes: Sequence[int]) -> Floats:
    """Returns values that were averaged over `axes` as (V, h, w, D).

    Raises:
        NoFeatureMapError: they do not lie on a square grid.
    """
    pooled = {axis % values.ndim for axis in axes}
    if values.ndim == 4 and pooled in (set(), {2, 3}):
        return np.moveaxis(values, 1, 3)
    if values.ndim == 4 and pooled == {1, 2}:
        return values
    if values.ndim == 3 and pooled == {1}:
        side = round(values.shape[1] ** 0.5)
        if side * side == values.shape[1]:
            return values.reshape(len(values), side, side, values.shape[2])
    raise NoFeatureMapError
