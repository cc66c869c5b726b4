"""ONNX: one file from the picture's pixels to probabilities; resizing and normalisation are inside."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import onnxruntime

from engine.backbones import BackboneSpec
from engine.exporters.predict_script import READ_PICTURE, SHOW_PREDICTIONS
from engine.exporters.protocol import LABELS_NAME, PREDICT_NAME, ModelFacts, model_document
from engine.nn.onnx_graph import classifier_graph
from engine.nn.run_model import RunModel

_PREDICT_SCRIPT = f'''"""Tells the class of pictures: python predict.py PICTURE... (needs numpy, Pillow, onnxruntime)"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

FOLDER = Path(__file__).resolve().parent
CLASSES = (FOLDER / "{LABELS_NAME}").read_text(encoding="utf-8").rstrip("\\n").split("\\n")
session = onnxruntime.InferenceSession(FOLDER / "model.onnx", providers=["CPUExecutionProvider"])


{READ_PICTURE}

def probabilities(pixels):
    """Returns the probability of each class, in the order of {LABELS_NAME}."""
    return session.run(["probabilities"], {{"image": pixels}})[0]


{SHOW_PREDICTIONS}'''


class OnnxExporter:
    """Input "image" uint8 (height, width, 3), any size, upright RGB; outputs "probabilities" (K,) and "logits" (K,)."""

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
        (folder / PREDICT_NAME).write_text(_PREDICT_SCRIPT, encoding="utf-8", newline="\n")


EXPORTER = OnnxExporter()
