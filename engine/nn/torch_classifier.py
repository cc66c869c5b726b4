"""A whole classifier as one torch module, for exports that are made from torch. The twin of `classifier_graph`."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.domain import LabelMode
from engine.evaluation.unknown import LEVELS, UnknownDetector
from engine.nn.networks import load_backbone
from engine.nn.onnx_graph import PROBABILITIES_OUTPUT, UNKNOWN_OUTPUT
from engine.nn.preprocessing import CUT_EIGHTHS, MIRROR, WHOLE, Preprocessing
from engine.nn.run_model import RunModel

SMALLEST_SIDE_PX = 3
"""A picture must have so many pixels each way for the traced program; below it, a middle square is one pixel."""

_SMALLEST = 1e-12


class ViewsClassifier(nn.Module):
    """Views (V, 3, S, S), values 0..255 -> calibrated probabilities (K,), and the unknown score () if there is one."""

    mean: Tensor
    std: Tensor
    weight: Tensor
    bias: Tensor

    def __init__(self, model: RunModel) -> None:
        super().__init__()
        self.network = load_backbone(model.spec, model.weights)
        self.is_one = model.mode is LabelMode.ONE
        self.temperature = float(model.head.temperature)
        head = model.head
        weight = head.weight.astype(np.float64) / head.scale
        self.register_buffer("weight", _tensor(weight))
        self.register_buffer("bias", _tensor(head.bias - weight @ head.mean.astype(np.float64)))
        for name in ("mean", "std"):
            values = 255 * np.array(getattr(model.preprocessing, name)).reshape(1, 3, 1, 1)
            self.register_buffer(name, _tensor(values))
        self.strangeness = None if model.unknown is None else UnknownScore(model.unknown)

    def forward(self, views: Tensor) -> tuple[Tensor, ...]:
        # Rows of one, not vectors: Core ML's products take nothing else.
        outputs = self.network((views - self.mean) / self.std).mean(dim=0, keepdim=True)
        embedding = outputs / outputs.square().sum(dim=1, keepdim=True).sqrt()
        logits = embedding @ self.weight.T + self.bias
        scores = torch.softmax(logits / self.temperature, dim=1) if self.is_one else torch.sigmoid(logits)
        answers = (scores,) if self.strangeness is None else (scores, self.strangeness(embedding, logits))
        return tuple(answer[0] for answer in answers)


class NamedAnswers(nn.Module):
    """As `ViewsClassifier`, with its answers by name, as the ONNX graph has them."""

    def __init__(self, model: RunModel) -> None:
        super().__init__()
        self.classifier = ViewsClassifier(model)

    def forward(self, views: Tensor) -> dict[str, Tensor]:
        return dict(zip((PROBABILITIES_OUTPUT, UNKNOWN_OUTPUT), self.classifier(views), strict=False))


class UnknownScore(nn.Module):
    """What `UnknownDetector.scores` computes of embeddings (1, D) and logits (1, K), in the same steps: (1,)."""

    def __init__(self, detector: UnknownDetector) -> None:
        super().__init__()
        sizes = np.square(detector.means).sum(axis=1)
        widths = np.diff(detector.knots)
        constants = {
            "origin": detector.origin,
            "scale": detector.scale,
            "means": detector.means,
            "sizes": sizes,
            "norms": np.sqrt(np.maximum(sizes, _SMALLEST)),
            "spreads": detector.spreads,
            "factors": detector.factors,
            "starts": detector.knots[:-1],
            "widths": widths,
            "slopes": np.diff(LEVELS) / widths,
        }
        self.offset = float(detector.offset)
        for name, value in constants.items():
            self.register_buffer(name, _tensor(value))

    def forward(self, embedding: Tensor, logits: Tensor) -> Tensor:
        part = dict(self.named_buffers(recurse=False))
        row = (embedding - part["origin"]) / part["scale"]
        length, dots = row.square().sum(dim=1, keepdim=True), row @ part["means"].T
        distances = (length - 2 * dots + part["sizes"]).clamp(min=_SMALLEST) / part["spreads"]
        cosine = (dots / part["norms"]).amax(dim=1) / length[:, 0].clamp(min=_SMALLEST).sqrt()
        signs = torch.stack([distances.amin(dim=1).log(), 1 - cosine, -logits.amax(dim=1)], dim=1)
        strangeness = (signs * part["factors"]).sum(dim=1, keepdim=True) + self.offset
        inside = torch.minimum((strangeness - part["starts"]).clamp(min=0), part["widths"])
        return (inside * part["slopes"]).sum(dim=1)


class PixelsClassifier(nn.Module):
    """Pixels uint8 (height, width, 3), upright RGB, at least SMALLEST_SIDE_PX each way -> as `ViewsClassifier`."""

    def __init__(self, model: RunModel) -> None:
        super().__init__()
        self.classifier = ViewsClassifier(model)
        self.preprocessing = model.preprocessing

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        answers: tuple[Tensor, ...] = self.classifier(views_of(image, self.preprocessing))
        return answers


def views_of(image: Tensor, preprocessing: Preprocessing) -> Tensor:
    """Returns the views (V, 3, S, S), values 0..255, of pixels uint8 (H, W, 3), whose size may be symbolic."""
    picture = image.permute(2, 0, 1)[None].float()
    side = preprocessing.input_size_px
    views = [
        F.interpolate(_part(picture, view), (side, side), mode=preprocessing.interpolation, antialias=True)
        for view in preprocessing.views
    ]
    return torch.cat(views)


def _part(picture: Tensor, view: str) -> Tensor:
    """Returns what a view shows of a picture (1, 3, H, W), not resized yet (see `Preprocessing`)."""
    if view == WHOLE:
        return picture
    if view == MIRROR:
        return picture.flip(3)
    height, width = picture.shape[2:]
    side = torch.sym_max(torch.sym_min(height, width) * CUT_EIGHTHS[view] // 8, 1)
    return picture.narrow(2, (height - side) // 2, side).narrow(3, (width - side) // 2, side)


def _tensor(values: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(np.array(values, np.float32, order="C"))
