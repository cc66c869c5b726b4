"""ONNX: one file from the picture's pixels to probabilities; resizing and normalisation are inside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx
import onnxruntime

from engine.backbones import BackboneSpec
from engine.exporters.predict_script import predict_source
from engine.exporters.protocol import PREDICT_NAME, BaseExporter, ModelFacts, WriteContext, model_document
from engine.nn.classifier_graph import classifier_graph
from engine.nn.run_model import RunModel

_IMPORTS = "import numpy as np\nimport onnxruntime\nfrom PIL import Image, ImageOps\n"
_LOAD = 'session = onnxruntime.InferenceSession(FOLDER / "model.onnx", providers=["CPUExecutionProvider"])\n'
_ASK = """scores, unknown_score = session.run(["probabilities", "unknown_score"], {"image": pixels})
    return scores, float(unknown_score)"""
_ASK_WITHOUT = """return session.run(["probabilities"], {"image": pixels})[0], float("nan")"""


class OnnxExporter(BaseExporter):
    """Input "image" uint8 (height, width, 3), any size, upright RGB.

    Outputs "probabilities" (K,), "logits" (K,) and, where the model has one, "unknown_score".
    """

    model_file = "model.onnx"

    def requirements(self, backbone: BackboneSpec) -> tuple[str, ...]:
        return ("numpy", "Pillow", "onnxruntime>=1.17")

    def runtime(self) -> str:
        return f"onnxruntime {onnxruntime.__version__}"

    def write(self, model: RunModel, facts: ModelFacts, folder: Path, context: WriteContext) -> None:
        graph = self.reduced(classifier_graph(model), context)
        describe(graph, model_document(model, facts))
        onnx.checker.check_model(graph)
        (folder / self.model_file).write_bytes(graph.SerializeToString(deterministic=True))
        ask = _ASK_WITHOUT if model.unknown is None else _ASK
        script = predict_source(model, facts, self.requirements(model.spec), _IMPORTS, _LOAD, ask)
        (folder / PREDICT_NAME).write_text(script, encoding="utf-8", newline="\n")

    def reduced(self, graph: onnx.ModelProto, context: WriteContext) -> onnx.ModelProto:
        """Returns the graph in the precision of the format: here as it is."""
        return graph


def describe(graph: onnx.ModelProto, document: dict[str, Any]) -> None:
    """Writes what model.json says into the metadata of a graph."""
    del graph.metadata_props[:]
    for key, value in document.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
        graph.metadata_props.add(key=key, value=text)
    graph.producer_name, graph.producer_version = document["program"], document["version"]


EXPORTER = OnnxExporter()
