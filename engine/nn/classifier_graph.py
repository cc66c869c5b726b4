"""A whole classifier as one ONNX graph, for exports: from a picture's pixels to probabilities and unknown score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, compose, helper, numpy_helper

from engine.domain import LabelMode
from engine.evaluation.unknown import LEVELS, UnknownDetector
from engine.nn.onnx_graph import (
    BACKBONE_INPUT,
    BACKBONE_OUTPUT,
    LOGITS_OUTPUT,
    PROBABILITIES_OUTPUT,
    UNKNOWN_OUTPUT,
    backbone_graph,
)
from engine.nn.preprocess_graph import VIEWS_OUTPUT, preprocess_graph
from engine.nn.run_model import RunModel

_SMALLEST = np.float32(1e-12)


def classifier_graph(model: RunModel) -> onnx.ModelProto:
    """Returns preprocessing, backbone, head, calibration and unknown score as one checked graph.

    Input "image": uint8 (height, width, 3) of any size, RGB, upright. Outputs: "probabilities" (K,), calibrated, which
    are the softmax, or where images may have several classes the sigmoid of each; "logits" (K,), raw; "unknown_score",
    one number in 0..1, where the model has one. Names of inner values begin with "backbone/" or "unknown/". The caller
    adds the metadata.
    """
    backbone = onnx.load(backbone_graph(model.spec, model.weights))
    opset = next(entry.version for entry in backbone.opset_import if entry.domain in ("", "ai.onnx"))
    before = preprocess_graph(model.preprocessing, opset, backbone.ir_version)
    backbone = compose.add_prefix(backbone, "backbone/")
    io_map = [(VIEWS_OUTPUT, f"backbone/{BACKBONE_INPUT}")]
    merged = compose.merge_models(before, backbone, io_map=io_map, name="graft_classifier")
    writer = _Writer(merged.graph)
    weight, bias = _folded_head(model)
    writer.keep(view_axis=np.array([0], np.int64), head_weight=weight, head_bias=bias)
    writer.add("ReduceMean", [f"backbone/{BACKBONE_OUTPUT}", "view_axis"], "mean_embedding", keepdims=0)
    writer.add("LpNormalization", ["mean_embedding"], "unit_embedding", axis=-1, p=2)
    writer.add("MatMul", ["unit_embedding", "head_weight"], "scores")
    writer.add("Add", ["scores", "head_bias"], LOGITS_OUTPUT)
    if model.mode is LabelMode.SEVERAL:
        writer.add("Sigmoid", [LOGITS_OUTPUT], PROBABILITIES_OUTPUT)
    else:
        writer.keep(temperature=np.array(model.head.temperature, np.float32))
        writer.add("Div", [LOGITS_OUTPUT, "temperature"], "calibrated")
        writer.add("Softmax", ["calibrated"], PROBABILITIES_OUTPUT, axis=-1)
    del merged.graph.output[:]
    shapes: dict[str, list[int]] = {name: [len(model.class_names)] for name in (PROBABILITIES_OUTPUT, LOGITS_OUTPUT)}
    if model.unknown is not None:
        _add_unknown(writer, model.unknown)
        shapes[UNKNOWN_OUTPUT] = []
    merged.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()
    )
    onnx.checker.check_model(merged)
    return merged


class _Writer:
    """Adds nodes and constants to a graph."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._graph = graph

    def keep(self, **constants: NDArray[Any]) -> None:
        self._graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())

    def add(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self._graph.node.append(helper.make_node(operator, inputs, [output], **attributes))
        return output


def _add_unknown(writer: _Writer, detector: UnknownDetector) -> None:
    """Adds what `UnknownDetector.scores` computes, in the same steps."""
    writer.keep(**{f"unknown/{name}": value for name, value in _unknown_constants(detector).items()})

    outside = (LOGITS_OUTPUT, "unit_embedding")

    def add(operator: str, inputs: str, output: str, **attributes: Any) -> None:
        names = [name if name in outside else f"unknown/{name}" for name in inputs.split()]
        writer.add(operator, names, f"unknown/{output}", **attributes)

    add("Sub", "unit_embedding origin", "moved")
    add("Div", "moved scale", "row")
    add("Mul", "row row", "squares")
    add("ReduceSum", "squares last", "length", keepdims=0)
    add("MatMul", "row means", "dots")
    add("Mul", "dots two", "twice")
    add("Sub", "length twice", "nearly")
    add("Add", "nearly sizes", "distances")
    add("Max", "distances smallest", "positive")
    add("Div", "positive spreads", "relative")
    add("ReduceMin", "relative last", "nearest", keepdims=0)
    add("Log", "nearest", "sign_0")
    add("Div", "dots norms", "shares")
    add("ReduceMax", "shares last", "best_share", keepdims=0)
    add("Max", "length smallest", "safe_length")
    add("Sqrt", "safe_length", "row_norm")
    add("Div", "best_share row_norm", "cosine")
    add("Sub", "one cosine", "sign_1")
    add("ReduceMax", f"{LOGITS_OUTPUT} last", "best_logit", keepdims=0)
    add("Neg", "best_logit", "sign_2")
    for index in range(3):
        add("Mul", f"sign_{index} factor_{index}", f"part_{index}")
    add("Sum", "part_0 part_1 part_2 offset", "strangeness")
    add("Sub", "strangeness starts", "beyond")
    add("Max", "beyond zero", "above")
    add("Min", "above widths", "inside")
    add("Mul", "inside slopes", "gained")
    writer.add("ReduceSum", ["unknown/gained", "unknown/last"], UNKNOWN_OUTPUT, keepdims=0)


def _unknown_constants(detector: UnknownDetector) -> Mapping[str, NDArray[Any]]:
    sizes = np.square(detector.means).sum(axis=1)
    widths = np.diff(detector.knots)
    return {
        "origin": detector.origin,
        "scale": detector.scale,
        "means": np.ascontiguousarray(detector.means.T),
        "sizes": sizes,
        "norms": np.sqrt(np.maximum(sizes, _SMALLEST)),
        "spreads": detector.spreads,
        **{f"factor_{index}": np.array(factor, np.float32) for index, factor in enumerate(detector.factors)},
        "offset": np.array(detector.offset, np.float32),
        "starts": detector.knots[:-1],
        "widths": widths,
        "slopes": np.diff(LEVELS) / widths,
        "last": np.array([-1], np.int64),
        "zero": np.array(0, np.float32),
        "one": np.array(1, np.float32),
        "two": np.array(2, np.float32),
        "smallest": np.array(_SMALLEST, np.float32),
    }


def _folded_head(model: RunModel) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The head with its standardisation folded in: weight (D, K) and bias (K,), computed in double precision."""
    head = model.head
    weight = head.weight.astype(np.float64) / head.scale
    bias = head.bias - weight @ head.mean.astype(np.float64)
    return np.ascontiguousarray(weight.T, np.float32), bias.astype(np.float32)
