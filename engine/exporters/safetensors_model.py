"""safetensors: the weights of backbone and head as plain tensors, and a predict.py that builds the network in torch."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from engine.backbones import BackboneSpec
from engine.domain import LabelMode
from engine.evaluation.unknown import LEVELS
from engine.exporters.network_source import network_source, views_source
from engine.exporters.predict_script import READ_PICTURE, constants_source, show_source
from engine.exporters.protocol import (
    LABELS_NAME,
    PREDICT_NAME,
    UNKNOWN_PREFIX,
    BaseExporter,
    ModelFacts,
    WriteContext,
    exact_numbers,
)
from engine.nn.networks import EXPORTED_PREFIX, load_backbone
from engine.nn.run_model import RunModel

HEAD_PREFIX = "head."

_IMPORTS = '''"""Tells the class of pictures: python predict.py PICTURE... (needs {requirements})"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from safetensors.torch import load

FOLDER = Path(__file__).resolve().parent
CLASSES = (FOLDER / "{labels}").read_text(encoding="utf-8").rstrip("\\n").split("\\n")
{constants}

'''

_LOAD = '''weights = load((FOLDER / "model.safetensors").read_bytes())
head = {{name[5:]: value for name, value in weights.items() if name.startswith("head.")}}
network = build_network()
network.load_state_dict({{name[9:]: value for name, value in weights.items() if name.startswith("backbone.")}})
network.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # twice as fast on processors


{read_picture}

{views}
{unknown}
def predict(pixels):
    """Returns the probability of each class, in the order of {labels}, and how strange the picture is (0..1)."""
    outputs = network(views_of(pixels).contiguous(memory_format=torch.channels_last))
    embedding = F.normalize(outputs.mean(dim=0), dim=0, eps=1e-30)
    logits = head["weight"] @ ((embedding - head["mean"]) / head["scale"]) + head["bias"]
    scores = {scores}
    return scores.numpy(), {score}


{show}'''

_UNKNOWN = '''
strange = {{name[8:]: value for name, value in weights.items() if name.startswith("unknown.")}}
LEVELS = torch.tensor({levels})


def unknown_score_of(embedding, logits):
    """Returns the share of images of the classes that look less strange than this one."""
    row = (embedding - strange["origin"]) / strange["scale"]
    length, dots, sizes = row.square().sum(), strange["means"] @ row, strange["means"].square().sum(dim=1)
    distances = ((length - 2 * dots + sizes).clamp(min=1e-12) / strange["spreads"]).min()
    cosine = (dots / sizes.clamp(min=1e-12).sqrt()).max() / length.clamp(min=1e-12).sqrt()
    signs = torch.stack([distances.log(), 1 - cosine, -logits.max()])
    strangeness = signs @ strange["factors"] + strange["offset"]
    widths = strange["knots"].diff()
    inside = torch.minimum((strangeness - strange["knots"][:-1]).clamp(min=0), widths)
    return float((inside * (LEVELS.diff() / widths)).sum())

'''


class SafetensorsExporter(BaseExporter):
    """Tensors "backbone.*" (the network's state dict) and "head.*" (mean, scale, weight, bias, temperature).

    Where the model tells strange pictures also "unknown.*", see `UnknownDetector`.
    """

    model_file = "model.safetensors"

    def requirements(self, backbone: BackboneSpec) -> tuple[str, ...]:
        needed = ("numpy", "Pillow", "torch", "torchvision", "safetensors")
        return (*needed, "timm") if backbone.library == "timm" else needed

    def runtime(self) -> str:
        return f"torch {version('torch')}"

    def write(self, model: RunModel, facts: ModelFacts, folder: Path, context: WriteContext) -> None:
        network = load_backbone(model.spec, model.weights)
        tensors = {EXPORTED_PREFIX + name: value.numpy() for name, value in network.state_dict().items()}
        for name in ("mean", "scale", "weight", "bias"):
            tensors[HEAD_PREFIX + name] = np.asarray(getattr(model.head, name), np.float32)
        tensors[HEAD_PREFIX + "temperature"] = np.array(model.head.temperature, np.float32)
        if model.unknown is not None:
            tensors |= {UNKNOWN_PREFIX + name: array for name, array in model.unknown.arrays().items()}
        tensors = {name: np.asarray(value, order="C") for name, value in tensors.items()}
        # No metadata in the file: safetensors writes it in an order that changes from run to run. It is in model.json.
        (folder / self.model_file).write_bytes(save(tensors))
        script = self._predict_script(model, facts)
        (folder / PREDICT_NAME).write_text(script, encoding="utf-8", newline="\n")

    def _predict_script(self, model: RunModel, facts: ModelFacts) -> str:
        has_unknown = model.unknown is not None
        is_one = model.mode is LabelMode.ONE
        return (
            _IMPORTS.format(
                requirements=", ".join(self.requirements(model.spec)),
                labels=LABELS_NAME,
                constants=constants_source(model, facts),
            )
            + network_source(model.spec)
            + "\n\n"
            + _LOAD.format(
                read_picture=READ_PICTURE,
                labels=LABELS_NAME,
                views=views_source(model.preprocessing),
                unknown=_UNKNOWN.format(levels=exact_numbers(LEVELS)) if has_unknown else "",
                scores='torch.softmax(logits / head["temperature"], dim=0)' if is_one else "torch.sigmoid(logits)",
                score="unknown_score_of(embedding, logits)" if has_unknown else 'float("nan")',
                show=show_source(model),
            )
        )


EXPORTER = SafetensorsExporter()
