"""A backbone's last feature map beside its embedding, through ONNX Runtime: no torch, and as fast as embedding.

The map is what the embedding is the plain mean of. It is found in the graph and checked by numbers at its first use;
networks that do something else between map and embedding have none here (see `engine.nn.gradient_maps`).

Letters: V views, D embedding size, h and w the map's cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from engine.backbones import BackboneSpec
from engine.nn.onnx_graph import BACKBONE_INPUT, BACKBONE_OUTPUT, cached_graph, make_session, quick_graph

Floats = NDArray[np.float32]

_SHAPE_ONLY: Final = frozenset({"Identity", "Flatten", "Reshape", "Squeeze", "Dropout", "Cast"})
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
        name, self._axes = _pooled_value(graph.graph)
        self._name = name
        if name not in {value.name for value in graph.graph.output}:
            graph.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
        self._session = make_session(graph.SerializeToString(), num_threads)
        self._is_checked = False

    def run(self, views: Floats) -> Floats:
        """Returns the feature maps (V, h, w, D) of views (V, 3, S, S); their mean over h and w is the embedding.

        Raises:
            NoFeatureMapError: that is not so.
        """
        maps, embeddings = self._session.run([self._name, BACKBONE_OUTPUT], {BACKBONE_INPUT: views})
        maps = _as_grid(np.asarray(maps, np.float32), self._axes)
        if not self._is_checked:
            error = np.abs(maps.mean(axis=(1, 2)) - embeddings).max()
            if not error <= _LARGEST_ERROR * np.abs(embeddings).max():
                raise NoFeatureMapError
            self._is_checked = True
        return maps


def _pooled_value(graph: onnx.GraphProto) -> tuple[str, tuple[int, ...]]:
    """Returns the value that is averaged into the embedding, and over which axes (() = all but the first two)."""
    makers = {output: node for node in graph.node for output in node.output}
    node = makers.get(BACKBONE_OUTPUT)
    while node is not None and node.op_type in _SHAPE_ONLY:
        node = makers.get(node.input[0])
    if node is not None and node.op_type == "GlobalAveragePool":
        return node.input[0], ()
    if node is not None and node.op_type == "ReduceMean":
        return node.input[0], _axes_of(node, graph, makers)
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
