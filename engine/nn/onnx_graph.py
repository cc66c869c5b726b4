"""ONNX graphs of backbones and of whole classifiers."""

from __future__ import annotations

from pathlib import Path

import onnx

from engine.backbones import BackboneSpec
from engine.nn.run_model import RunModel


def backbone_graph(spec: BackboneSpec, weights: Path) -> Path:
    """Returns the file of the backbone's graph (input "input" (B, 3, S, S), output "embedding" (B, D)), made on first use.

    Kept in the user's cache by the hash of the weights; making it takes a second or a few.
    """
    raise NotImplementedError


def classifier_graph(model: RunModel) -> onnx.ModelProto:
    """Returns preprocessing, backbone, head and softmax as one checked graph.

    Input "image": uint8 (height, width, 3), any size, RGB, upright. Outputs "probabilities" (K,), calibrated, and
    "logits" (K,), raw. The caller adds the metadata.
    """
    raise NotImplementedError
