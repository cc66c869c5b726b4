"""safetensors: the weights of backbone and head as plain tensors, and a predict.py that builds the network in torch."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from engine.backbones import BackboneSpec
from engine.exporters.network_source import network_source, views_source
from engine.exporters.predict_script import READ_PICTURE, SHOW_PREDICTIONS
from engine.exporters.protocol import LABELS_NAME, PREDICT_NAME, ModelFacts
from engine.nn.networks import EXPORTED_PREFIX, load_backbone
from engine.nn.run_model import RunModel

HEAD_PREFIX = "head."

_IMPORTS = '''"""Tells the class of pictures: python predict.py PICTURE... (needs {requirements})"""

import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from safetensors.torch import load

FOLDER = Path(__file__).resolve().parent
CLASSES = (FOLDER / "{labels}").read_text(encoding="utf-8").rstrip("\\n").split("\\n")


'''

_LOAD = '''weights = load((FOLDER / "model.safetensors").read_bytes())
head = {{name[5:]: value for name, value in weights.items() if name.startswith("head.")}}
network = build_network()
network.load_state_dict({{name[9:]: value for name, value in weights.items() if name.startswith("backbone.")}})
network.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # twice as fast on processors


{read_picture}

{views}

def probabilities(pixels):
    """Returns the probability of each class, in the order of {labels}."""
    outputs = network(views_of(pixels).contiguous(memory_format=torch.channels_last))
    embedding = F.normalize(outputs.mean(dim=0), dim=0, eps=1e-30)
    logits = head["weight"] @ ((embedding - head["mean"]) / head["scale"]) + head["bias"]
    return torch.softmax(logits / head["temperature"], dim=0).numpy()


{show}'''


class SafetensorsExporter:
    """Tensors "backbone.*" (the network's state dict) and "head.*" (mean, scale, weight, bias, temperature)."""

    model_file = "model.safetensors"
    parity_limit = 1e-4

    def requirements(self, backbone: BackboneSpec) -> tuple[str, ...]:
        needed = ("numpy", "Pillow", "torch", "torchvision", "safetensors")
        return (*needed, "timm") if backbone.library == "timm" else needed

    def runtime(self) -> str:
        return f"torch {version('torch')}"

    def write(self, model: RunModel, facts: ModelFacts, folder: Path) -> None:
        network = load_backbone(model.spec, model.weights)
        tensors = {EXPORTED_PREFIX + name: value.numpy() for name, value in network.state_dict().items()}
        for name in ("mean", "scale", "weight", "bias"):
            tensors[HEAD_PREFIX + name] = np.asarray(getattr(model.head, name), np.float32)
        tensors[HEAD_PREFIX + "temperature"] = np.array(model.head.temperature, np.float32)
        tensors = {name: np.asarray(value, order="C") for name, value in tensors.items()}
        # No metadata in the file: safetensors writes it in an order that changes from run to run. It is in model.json.
        (folder / self.model_file).write_bytes(save(tensors))
        script = self._predict_script(model)
        (folder / PREDICT_NAME).write_text(script, encoding="utf-8", newline="\n")

    def _predict_script(self, model: RunModel) -> str:
        return (
            _IMPORTS.format(requirements=", ".join(self.requirements(model.spec)), labels=LABELS_NAME)
            + network_source(model.spec)
            + "\n\n"
            + _LOAD.format(
                read_picture=READ_PICTURE,
                labels=LABELS_NAME,
                views=views_source(model.preprocessing),
                show=SHOW_PREDICTIONS,
            )
        )


EXPORTER = SafetensorsExporter()
