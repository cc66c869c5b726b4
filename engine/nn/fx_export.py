"""Convolutional networks to ONNX in well under a second, by walking their torch.fx graph.

torch's own exporter needs 4-23 s for each network, which somebody would have to wait for before the first fast
embedding. The families in the catalogue use some thirty operations, so they are written down here one by one; for
anything else UnsupportedOperationError sends the caller to torch's exporter. BatchNorm is folded into the convolution
before it, in double precision.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, fx, nn

from engine.nn.tracing import TRACE_ERRORS, trace

OPSET = 18
IR_VERSION = 9
BACKBONE_INPUT = "input"
BACKBONE_OUTPUT = "embedding"


class UnsupportedOperationError(Exception):
    """The network uses an operation that is not written down here. Caught by `engine.nn.onnx_graph`, never shown."""


def export_convolutional(network: nn.Module, input_size_px: int, embedding_size: int) -> onnx.ModelProto:
    """Returns the ONNX graph of a network in eval mode: "input" (batch, 3, S, S) -> "embedding" (batch, D).

    Raises:
        UnsupportedOperationError: the network cannot be traced or uses another operation.
    """
    try:
        traced = trace(network)
    except TRACE_ERRORS as err:
        raise UnsupportedOperationError(str(err)) from err
    writer = _GraphWriter(traced)
    output = writer.write()
    writer.add("Identity", [output], name=BACKBONE_OUTPUT)
    graph = helper.make_graph(
        writer.nodes,
        "backbone",
        [helper.make_tensor_value_info(BACKBONE_INPUT, TensorProto.FLOAT, ["batch", 3, input_size_px, input_size_px])],
        [helper.make_tensor_value_info(BACKBONE_OUTPUT, TensorProto.FLOAT, ["batch", embedding_size])],
        writer.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    return model


class _GraphWriter:
    """Turns fx nodes into ONNX nodes, in order; `names` maps what has been written to its ONNX value."""

    def __init__(self, traced: fx.GraphModule) -> None:
        self._traced = traced
        self._modules = dict(traced.named_modules())
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.names: dict[fx.Node, str] = {}

    def write(self) -> str:
        """Writes every node and returns the name of the output value."""
        for node in self._traced.graph.nodes:
            if node.op == "output":
                return self.names[node.args[0]]
            self.names[node] = self._write_node(node)
        raise UnsupportedOperationError("the graph has no output")

    def add(self, kind: str, inputs: Sequence[str], name: str = "", **attributes: Any) -> str:
        """Adds one ONNX node and returns the name of its output."""
        output = name or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, value: Tensor | np.ndarray[Any, Any] | Sequence[int] | float) -> str:
        """Adds a constant (integers as int64, the rest float32) and returns its name."""
        array = value.detach().numpy() if isinstance(value, Tensor) else np.asarray(value)
        array = array.astype(np.int64 if np.issubdtype(array.dtype, np.integer) else np.float32)
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def value(self, argument: Any) -> str:
        """Returns the ONNX name of an fx argument: a node or a number."""
        if isinstance(argument, fx.Node):
            return self.names[argument]
        if isinstance(argument, (int, float)):
            return self.constant(float(argument))
        raise UnsupportedOperationError(f"argument {argument!r}")

    def _write_node(self, node: fx.Node) -> str:
        if node.op == "placeholder":
            return BACKBONE_INPUT
        if node.op == "get_attr":
            return self.constant(operator.attrgetter(str(node.target))(self._traced))
        if node.op == "call_module":
            module = self._modules[str(node.target)]
            return _handler_of(module)(self, module, node)
        function_name = node.target if node.op == "call_method" else getattr(node.target, "__name__", "")
        function = _FUNCTIONS.get(str(function_name))
        if function is None:
            raise UnsupportedOperationError(f"function {node.target}")
        return function(self, node)


# ------------------------------------------------------------------------------------------------------- modules


def _convolution(writer: _GraphWriter, module: nn.Module, node: fx.Node) -> str:
    assert isinstance(module, nn.Conv2d)
    if module.padding_mode != "zeros" or isinstance(module.padding, str):
        raise UnsupportedOperationError("convolution padding")
    weight = module.weight.detach().double()
    bias = torch.zeros(len(weight), dtype=torch.double) if module.bias is None else module.bias.detach().double()
    norm_node = _only_user(node)
    norm = (
        writer._modules.get(str(norm_node.target)) if norm_node is not None and norm_node.op == "call_module" else None
    )
    if isinstance(norm, nn.BatchNorm2d) and norm_node is not None:
        factor, shift = _affine_of(norm)
        weight, bias = weight * factor.view(-1, 1, 1, 1), bias * factor + shift
        norm_node.meta["is_folded"] = True
    pads = [*module.padding, *module.padding]
    inputs = [writer.value(node.args[0]), writer.constant(weight), writer.constant(bias)]
    return writer.add(
        "Conv",
        inputs,
        kernel_shape=list(module.kernel_size),
        strides=list(module.stride),
        pads=pads,
        dilations=list(module.dilation),
        group=module.groups,
    )


def _batch_norm(writer: _GraphWriter, module: nn.Module, node: fx.Node) -> str:
    source = writer.value(node.args[0])
    if node.meta.get("is_folded"):
        return source
    assert isinstance(module, nn.BatchNorm2d)
    factor, shift = (value.view(1, -1, 1, 1) for value in _affine_of(module))
    return writer.add("Add", [writer.add("Mul", [source, writer.constant(factor)]), writer.constant(shift)])


def _batch_norm_with_activation(writer: _GraphWriter, module: nn.Module, node: fx.Node) -> str:
    """Timm's BatchNormAct2d: a batch norm that carries its activation along."""
    writer.names[node] = _batch_norm(writer, module, node)
    stand_in = fx.Node(node.graph, f"{node.name}_norm", "call_module", str(node.target), (node,), {})
    activation = module.act
    assert isinstance(activation, nn.Module)
    return _handler_of(activation)(writer, activation, stand_in)


def _handler_of(module: nn.Module) -> Callable[[_GraphWriter, nn.Module, fx.Node], str]:
    if type(module).__name__ == "BatchNormAct2d":  # by name: most networks need no timm
        return _batch_norm_with_activation
    handler = _MODULES.get(type(module))
    if handler is None:
        raise UnsupportedOperationError(f"module {type(module).__name__}")
    return handler


def _affine_of(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Returns the factor and shift (C,) that a BatchNorm in eval mode applies, in double precision."""
    if norm.running_mean is None or norm.running_var is None:
        raise UnsupportedOperationError("batch norm without running statistics")
    factor = 1 / torch.sqrt(norm.running_var.double() + norm.eps)
    if norm.weight is not None:
        factor = factor * norm.weight.detach().double()
    shift = -norm.running_mean.double() * factor
    if norm.bias is not None:
        shift = shift + norm.bias.detach().double()
    return factor, shift


def _only_user(node: fx.Node) -> fx.Node | None:
    return next(iter(node.users)) if len(node.users) == 1 else None


def _linear(writer: _GraphWriter, module: nn.Module, node: fx.Node) -> str:
    assert isinstance(module, nn.Linear)
    product = writer.add("MatMul", [writer.value(node.args[0]), writer.constant(module.weight.detach().T)])
    return product if module.bias is None else writer.add("Add", [product, writer.constant(module.bias)])


def _layer_norm_module(writer: _GraphWriter, module: nn.Module, node: fx.Node) -> str:
    assert isinstance(module, nn.LayerNorm)
    inputs = [writer.value(node.args[0]), writer.constant(module.weight), writer.constant(module.bias)]
    return _normalise(writer, inputs, module.normalized_shape, module.eps)


def _normalise(writer: _GraphWriter, inputs: list[str], shape: Sequence[int], epsilon: float) -> str:
    return writer.add("LayerNormalization", inputs, axis=-len(shape), epsilon=epsilon)


def _max_pool(writer: _GraphWriter, module: nn.Module, node: fx.Node) -> str:
    assert isinstance(module, nn.MaxPool2d)
    return writer.add(
        "MaxPool",
        [writer.value(node.args[0])],
        kernel_shape=_pair(module.kernel_size),
        strides=_pair(module.stride),
        pads=_pair(module.padding) * 2,
        ceil_mode=int(module.ceil_mode),
    )


def _average_pool(writer: _GraphWriter, module: nn.Module, node: fx.Node) -> str:
    assert isinstance(module, nn.AvgPool2d)
    if module.divisor_override is not None:
        raise UnsupportedOperationError("pooling divisor")
    return writer.add(
        "AveragePool",
        [writer.value(node.args[0])],
        kernel_shape=_pair(module.kernel_size),
        strides=_pair(module.stride),
        pads=_pair(module.padding) * 2,
        ceil_mode=int(module.ceil_mode),
        count_include_pad=int(module.count_include_pad),
    )


def _adaptive_pool(writer: _GraphWriter, module: nn.Module, node: fx.Node) -> str:
    assert isinstance(module, nn.AdaptiveAvgPool2d)
    return _pool_to_one(writer, node, module.output_size)


def _pool_to_one(writer: _GraphWriter, node: fx.Node, output_size: Any) -> str:
    if output_size not in (1, (1, 1), [1, 1]):
        raise UnsupportedOperationError("adaptive pooling to more than one cell")
    return writer.add("GlobalAveragePool", [writer.value(node.args[0])])


def _silu(writer: _GraphWriter, module: nn.Module, node: fx.Node) -> str:
    source = writer.value(node.args[0])
    return writer.add("Mul", [source, writer.add("Sigmoid", [source])])


def _gelu(writer: _GraphWriter, module: nn.Module, node: fx.Node) -> str:
    assert isinstance(module, nn.GELU)
    return _gelu_of(writer, node, module.approximate)


def _gelu_of(writer: _GraphWriter, node: fx.Node, approximate: str) -> str:
    if approximate != "none":
        raise UnsupportedOperationError("approximate gelu")
    source = writer.value(node.args[0])
    error = writer.add("Erf", [writer.add("Mul", [source, writer.constant(0.5**0.5)])])
    half = writer.add("Mul", [source, writer.constant(0.5)])
    return writer.add("Mul", [half, writer.add("Add", [error, writer.constant(1.0)])])


def _flatten_module(writer: _GraphWriter, module: nn.Module, node: fx.Node) -> str:
    assert isinstance(module, nn.Flatten)
    return _flatten_from(writer, node, module.start_dim)


def _flatten_from(writer: _GraphWriter, node: fx.Node, start_dim: int) -> str:
    if start_dim != 1:
        raise UnsupportedOperationError("flatten")
    return writer.add("Flatten", [writer.value(node.args[0])], axis=1)


def _pair(value: Any) -> list[int]:
    return [value, value] if isinstance(value, int) else list(value)


def _plain(kind: str, **attributes: Any) -> Callable[[_GraphWriter, nn.Module, fx.Node], str]:
    return lambda writer, module, node: writer.add(kind, [writer.value(node.args[0])], **attributes)


def _clip_to_six(writer: _GraphWriter, module: nn.Module, node: fx.Node) -> str:
    return writer.add("Clip", [writer.value(node.args[0]), writer.constant(0.0), writer.constant(6.0)])


def _nothing(writer: _GraphWriter, module: nn.Module, node: fx.Node) -> str:
    return writer.value(node.args[0])


_MODULES: dict[type[nn.Module], Callable[[_GraphWriter, nn.Module, fx.Node], str]] = {
    nn.Conv2d: _convolution,
    nn.BatchNorm2d: _batch_norm,
    nn.Linear: _linear,
    nn.LayerNorm: _layer_norm_module,
    nn.MaxPool2d: _max_pool,
    nn.AvgPool2d: _average_pool,
    nn.AdaptiveAvgPool2d: _adaptive_pool,
    nn.Flatten: _flatten_module,
    nn.ReLU: _plain("Relu"),
    nn.ReLU6: _clip_to_six,
    nn.Hardswish: _plain("HardSwish"),
    nn.Hardsigmoid: _plain("HardSigmoid", alpha=1 / 6, beta=0.5),
    nn.Sigmoid: _plain("Sigmoid"),
    nn.SiLU: _silu,
    nn.GELU: _gelu,
    nn.Dropout: _nothing,
    nn.Identity: _nothing,
}


# ----------------------------------------------------------------------------------------- functions and methods


def _binary(kind: str) -> Callable[[_GraphWriter, fx.Node], str]:
    return lambda writer, node: writer.add(kind, [writer.value(node.args[0]), writer.value(node.args[1])])


def _argument(node: fx.Node, position: int, name: str, default: Any = None) -> Any:
    return node.args[position] if len(node.args) > position else node.kwargs.get(name, default)


def _concatenate(writer: _GraphWriter, node: fx.Node) -> str:
    parts = node.args[0]
    assert isinstance(parts, (list, tuple))
    return writer.add("Concat", [writer.value(part) for part in parts], axis=_argument(node, 1, "dim", 0))


def _mean(writer: _GraphWriter, node: fx.Node) -> str:
    dims = _argument(node, 1, "dim")
    axes = [dims] if isinstance(dims, int) else list(dims)
    keep = int(bool(_argument(node, 2, "keepdim", False)))
    return writer.add("ReduceMean", [writer.value(node.args[0]), writer.constant(axes)], keepdims=keep)


def _sum(writer: _GraphWriter, node: fx.Node) -> str:
    axes = [_argument(node, 1, "dim")]
    keep = int(bool(_argument(node, 2, "keepdim", False)))
    return writer.add("ReduceSum", [writer.value(node.args[0]), writer.constant(axes)], keepdims=keep)


def _permute(writer: _GraphWriter, node: fx.Node) -> str:
    order = node.args[1:] if isinstance(_argument(node, 1, "dims"), int) else _argument(node, 1, "dims")
    return writer.add("Transpose", [writer.value(node.args[0])], perm=list(order))


def _layer_norm(writer: _GraphWriter, node: fx.Node) -> str:
    weight, bias = _argument(node, 2, "weight"), _argument(node, 3, "bias")
    inputs = [writer.value(node.args[0]), writer.value(weight), writer.value(bias)]
    return _normalise(writer, inputs, _argument(node, 1, "normalized_shape"), _argument(node, 4, "eps", 1e-5))


_FUNCTIONS: dict[str, Callable[[_GraphWriter, fx.Node], str]] = {
    "add": _binary("Add"),
    "iadd": _binary("Add"),
    "mul": _binary("Mul"),
    "imul": _binary("Mul"),
    "sub": _binary("Sub"),
    "truediv": _binary("Div"),
    "sqrt": lambda writer, node: writer.add("Sqrt", [writer.value(node.args[0])]),
    "cat": _concatenate,
    "mean": _mean,
    "sum": _sum,
    "permute": _permute,
    "layer_norm": _layer_norm,
    "gelu": lambda writer, node: _gelu_of(writer, node, _argument(node, 1, "approximate", "none")),
    "relu": lambda writer, node: writer.add("Relu", [writer.value(node.args[0])]),
    "flatten": lambda writer, node: _flatten_from(writer, node, _argument(node, 1, "start_dim", 0)),
    "adaptive_avg_pool2d": lambda writer, node: _pool_to_one(writer, node, _argument(node, 1, "output_size")),
    "float": lambda writer, node: writer.value(node.args[0]),
    "dropout": lambda writer, node: writer.value(node.args[0]),
    "stochastic_depth": lambda writer, node: writer.value(node.args[0]),
}
