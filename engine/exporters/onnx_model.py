"""ONNX: one file from the picture's pixels to probabilities; resizing and normalisation are inside."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import onnxruntime

from engine.backbones import BackboneSpec
from engine.exporters.predict_script import READ_PICTURE, constants_source, show_source
from engine.exporters.protocol import LABELS_NAME, PREDICT_NAME, ModelFacts, model_document
from engine.nn.classifier_graph import classifier_graph
from engine.nn.run_model import RunModel

_PREDICT_SCRIPT = '''"""Tells the class of pictures: python predict.py PICTURE... (needs numpy, Pillow, onnxruntime)"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

FOLDER = Path(__file__).resolve().parent
CLASSES = (FOLDER / "{labels}").read_text(encoding="utf-8").rstrip("\\n").split("\\n")
{constants}session = onnxruntime.InferenceSession(FOLDER / "model.onnx", providers=["CPUExecutionProvider"])


{read_picture}

def predict(pixels):
    """Returns the probability of each class, in the order of {labels}, and how strange the picture is (0..1)."""
    {ask}


{show}'''

_ASK = """scores, unknown_score = session.run(["probabilities", "unknown_score"], {"image": pixels})
    return scores, float(unknown_score)"""
_ASK_WITHOUT = """return session.run(["probabilities"], {"image": pixels})[0], float("nan")"""


class OnnxExporter:
    """Input "image" uint8 (height, width, 3), any size, upright RGB.

    Outputs "probabilities" (K,), "logits" (K,) and, where the model has one, "unknown_score".
    """

    model_file = "model.onnx"
    parity_limit = 1e-4

    def requirements(self, backbone: BackboneSpec) -> tuple[str, ...]:
        return ("numpy", "Pillow", "onnxruntime>=1.17")

    def runtime(self) -> str:
        return f"onnxruntime {onnxruntime.__version__}"

    def write(self, model: RunModel, facts: ModelFacts, folder: Path) -> None:
        graph = classifier_graph(model)
        document = model_document(model, facts)
        del graph.metadata_props[:]
        for key, value in document.items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
            graph.metadata_props.add(key=key, value=text)
        graph.producer_name, graph.producer_version = document["program"], document["version"]
        onnx.checker.check_model(graph)
        (folder / self.model_file).write_bytes(graph.SerializeToString(deterministic=True))
        script = _PREDICT_SCRIPT.format(
            labels=LABELS_NAME,
            constants=constants_source(model, facts),
            read_picture=READ_PICTURE,
            ask=_ASK_WITHOUT if model.unknown is None else _ASK,
            show=show_source(model),
        )
        (folder / PREDICT_NAME).write_text(script, encoding="utf-8", newline="\n")


EXPORTER = OnnxExporter()
