"""ONNX with 16-bit weights: half the file. Decides as the program on 99.5 % of the user's images, or is refused."""

from __future__ import annotations

import onnx

from engine.exporters.onnx_model import OnnxExporter
from engine.exporters.onnx_parts import prepare, with_backbone
from engine.exporters.protocol import Limits, WriteContext

_SENSITIVE = (
    "GlobalAveragePool",
    "LayerNormalization",
    "ReduceMean",
    "ReduceSum",
    "ReduceSumSquare",
    "Softmax",
    "Sqrt",
)
"""Means over many values, and what is made of them: 16 bits would round away what they tell."""


class OnnxFp16Exporter(OnnxExporter):
    """As `OnnxExporter`, input and outputs included, with the backbone's layers in 16 bits."""

    limits = Limits(agreement=0.995, difference=None, unknown_difference=None)

    def reduced(self, graph: onnx.ModelProto, context: WriteContext) -> onnx.ModelProto:
        from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16
        from onnxruntime.transformers.onnx_model import OnnxModel

        def halved(backbone: onnx.ModelProto) -> onnx.ModelProto:
            found: onnx.ModelProto = convert_float_to_float16(
                backbone, keep_io_types=True, op_block_list=[*DEFAULT_OP_BLOCK_LIST, *_SENSITIVE]
            )
            # Where several sensitive nodes take one value, the conversion writes the same cast of it for each of them.
            nodes = {node.output[0]: node for node in found.graph.node}
            del found.graph.node[:]
            found.graph.node.extend(nodes.values())
            return found

        prepare(graph)
        converted = with_backbone(graph, halved)
        OnnxModel.graph_topological_sort(converted.graph)  # the conversion puts its casts last
        return converted


EXPORTER = OnnxFp16Exporter()
