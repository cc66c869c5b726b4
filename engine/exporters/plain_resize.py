"""Resizing in plain arithmetic, for runtimes whose own resizing is not ours.

OpenVINO reads an antialiased ONNX `Resize` without a word and resizes without antialiasing: pixels were wrong by up to
3 standard deviations (2026.4). Two matrix products say the same in operators that every runtime computes alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

_AXES = {"height": 2, "width": 3}


def with_plain_resizes(model: onnx.ModelProto) -> onnx.ModelProto:
    """Returns a graph in which each antialiased Resize of (1, C, H, W) to a constant size is two matrix products.

    Each output pixel is the weighted mean of the input pixels under its filter (triangle or cubic), stretched where the
    picture shrinks; the weights are computed from the size of the picture, as torch and Pillow do.
    """
    sizes = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        if node.op_type == "Resize" and attributes.get("antialias"):
            is_cubic = attributes["mode"] == b"cubic"
            size = sizes[node.input[3]]
            nodes += _Products(node.input[0], node.output[0], size[2:], is_cubic, model.graph).nodes
        else:
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return model


class _Products:
    """The nodes that stand for one Resize; their values are named after its output."""

    def __init__(
        self, source: str, output: str, size: NDArray[np.int64], is_cubic: bool, graph: onnx.GraphProto
    ) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self._output, self._source, self._graph, self._is_cubic = output, source, graph, is_cubic
        for (name, axis), side in zip(_AXES.items(), size, strict=True):
            self._weights(name, axis, int(side))
        self._add("MatMul", "height_weights", source, to="rows")  # (S, H) @ (1, C, H, W)
        self._add("Transpose", "width_weights", to="columns", perm=[1, 0])
        self.nodes.append(helper.make_node("MatMul", [self._named("rows"), self._named("columns")], [output]))

    def _weights(self, name: str, axis: int, side: int) -> None:
        """Adds the weights (side, length): row i says how much each input pixel counts in output pixel i."""

        def add(kind: str, *inputs: str, to: str, **attributes: Any) -> None:
            self._add(kind, *inputs, to=f"{name}_{to}", **attributes)

        zero, one = self._constant("zero", 0.0), self._constant("one", 1.0)
        half = self._constant("half", 0.5)
        places = self._constant(f"{name}_places", np.arange(side, dtype=np.float32).reshape(-1, 1) + 0.5)
        add("Shape", self._source, to="shape", start=axis, end=axis + 1)
        add("Cast", f"{name}_shape", to="length_row", to_type=TensorProto.FLOAT)
        scalar = self._constant("scalar", np.zeros(0, np.int64))
        add("Reshape", f"{name}_length_row", scalar, to="length")
        add("Div", f"{name}_length", self._constant(f"{name}_side", float(side)), to="scale")
        add("Max", f"{name}_scale", one, to="stretch")
        add("Range", zero, f"{name}_length", one, to="pixels")
        add("Add", f"{name}_pixels", half, to="middles")
        add("Mul", places, f"{name}_scale", to="centres")
        add("Sub", f"{name}_middles", f"{name}_centres", to="moved")
        add("Div", f"{name}_moved", f"{name}_stretch", to="signed")
        add("Abs", f"{name}_signed", to="distance")
        (self._cubic if self._is_cubic else self._triangle)(add, name)
        last = self._constant("last_axis", np.array([1], np.int64))
        add("ReduceSum", f"{name}_filter", last, to="sum", keepdims=1)
        add("Div", f"{name}_filter", f"{name}_sum", to="weights")

    def _triangle(self, add: Any, name: str) -> None:
        add("Sub", "one", f"{name}_distance", to="slope")
        add("Max", f"{name}_slope", "zero", to="filter")

    def _cubic(self, add: Any, name: str) -> None:
        """Keys' cubic with a = -0.5: 1.5 d³ - 2.5 d² + 1 up to 1, -0.5 d³ + 2.5 d² - 4 d + 2 up to 2."""
        for number in (-4.0, -2.5, -0.5, 1.5, 2.0, 2.5):
            self._constant(f"number_{number}", number)
        add("Mul", f"{name}_distance", "number_1.5", to="near_3")
        add("Add", f"{name}_near_3", "number_-2.5", to="near_2")
        add("Mul", f"{name}_distance", f"{name}_distance", to="square")
        add("Mul", f"{name}_near_2", f"{name}_square", to="near_1")
        add("Add", f"{name}_near_1", "one", to="near")
        add("Mul", f"{name}_distance", "number_-0.5", to="far_3")
        add("Add", f"{name}_far_3", "number_2.5", to="far_2")
        add("Mul", f"{name}_far_2", f"{name}_distance", to="far_1")
        add("Add", f"{name}_far_1", "number_-4.0", to="far_0")
        add("Mul", f"{name}_far_0", f"{name}_distance", to="far_linear")
        add("Add", f"{name}_far_linear", "number_2.0", to="far")
        add("Less", f"{name}_distance", "one", to="is_near")
        add("Less", f"{name}_distance", "number_2.0", to="is_far")
        add("Where", f"{name}_is_far", f"{name}_far", "zero", to="outer")
        add("Where", f"{name}_is_near", f"{name}_near", f"{name}_outer", to="filter")

    def _add(self, kind: str, *inputs: str, to: str, to_type: int | None = None, **attributes: Any) -> None:
        if to_type is not None:
            attributes["to"] = to_type
        names = [name if name == self._source else self._named(name) for name in inputs]
        self.nodes.append(helper.make_node(kind, names, [self._named(to)], **attributes))

    def _constant(self, name: str, value: float | NDArray[Any]) -> str:
        array = np.array(value, np.float32) if isinstance(value, float) else value
        if not any(each.name == self._named(name) for each in self._graph.initializer):
            self._graph.initializer.append(numpy_helper.from_array(array, self._named(name)))
        return name

    def _named(self, name: str) -> str:
        return f"{self._output}/{name}"
