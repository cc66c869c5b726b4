"""The two pretrained networks that Starter learns from, as one function from normalised pictures to what they say.

A third, squeezenet1_1, was left out: the plain probe on the features of the two is .811 (the small one's hidden layer
taken), and no better with the third beside them (.811, pooled features).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.nn.torchvision_shim import import_torchvision

INPUT_PX = 224
MAP_SIDE = 7
NUM_CLASSES = 1000
EMBEDDING_SIZES = (1280, 576)
_OUTPUTS = ("large", "small", "logits", "map")
_FILES = {"mobilenet_v2": "mobilenet_v2-11dd29d8.pth", "mobilenet_v3_small": "mobilenet_v3_small-69c13dd2.pth"}

Teach = Callable[[NDArray[np.float32]], dict[str, NDArray[np.float32]]]


class Teachers(nn.Module):
    """Returns the pooled features of both networks, the logits of the first and its last feature map."""

    def __init__(self, weights: Path) -> None:
        super().__init__()
        self.large, self.small = (_load(weights, name) for name in _FILES)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        feature_map = self.large.features(pictures)
        large = feature_map.mean((2, 3))
        return large, self.small.features(pictures).mean((2, 3)), self.large.classifier(large), feature_map


def open_teachers(weights: Path, work: Path) -> Teach:
    """Returns a function of pictures (B, 3, 224, 224): with torch where there is a GPU, else through ONNX Runtime.

    The function gives "large" (B, 1280), "small" (B, 576), "logits" (B, 1000) and "map" (B, 1280, 7, 7).
    """
    network = Teachers(weights).eval().requires_grad_(False)
    if torch.cuda.is_available():
        return _teach_with_torch(network.cuda())
    return _teach_with_onnxruntime(network, work / "teachers.onnx")


def _teach_with_torch(network: Teachers) -> Teach:
    def teach(pictures: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        with torch.inference_mode():
            outputs = network(torch.from_numpy(pictures).cuda())
        return {name: output.cpu().numpy() for name, output in zip(_OUTPUTS, outputs, strict=True)}

    return teach


def _teach_with_onnxruntime(network: Teachers, graph: Path) -> Teach:
    import onnxruntime as ort

    if not graph.is_file():
        example = torch.zeros(2, 3, INPUT_PX, INPUT_PX)
        axes = {"pictures": {0: "batch"}, **{name: {0: "batch"} for name in _OUTPUTS}}
        torch.onnx.export(
            network,
            (example,),
            str(graph),
            dynamo=False,
            input_names=["pictures"],
            output_names=list(_OUTPUTS),
            dynamic_axes=axes,
        )
    options = ort.SessionOptions()
    # Spinning threads waste most of the machine as soon as something else runs on it.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = ort.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])

    def teach(pictures: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        return dict(zip(_OUTPUTS, session.run(list(_OUTPUTS), {"pictures": pictures}), strict=True))

    return teach


def _load(weights: Path, name: str) -> nn.Module:
    network: nn.Module = import_torchvision().models.get_model(name, weights=None)
    network.load_state_dict(torch.load(weights / _FILES[name], weights_only=True))
    return network
