"""Makes the ONNX graph of one backbone in a process of its own (`engine.helper_process`)."""

from __future__ import annotations

import json
import os
from pathlib import Path

from engine.backbones import BackboneSpec


def arguments_for(spec: BackboneSpec, weights: Path) -> str:
    """Returns what `main` takes."""
    return json.dumps({"spec": spec.to_document(), "weights": str(weights)})


def main(text: str) -> None:
    """Makes the graph and keeps it where `engine.nn.onnx_graph.backbone_graph` finds it."""
    from engine.nn.onnx_graph import backbone_graph
    from engine.settings import limit_threads

    limit_threads(1)  # the process that waits for it is computing meanwhile
    if hasattr(os, "nice"):
        os.nice(5)
    document = json.loads(text)
    backbone_graph(BackboneSpec.from_document(document["spec"]), Path(document["weights"]))
