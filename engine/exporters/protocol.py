"""What a model format has to bring, and what every export says about itself.

A format is one module with an object `EXPORTER`, one record in `registry`, and nothing else: the frame around the model
file (labels.txt, model.json, model card, parity check) is the same for all of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine import VERSION
from engine.backbones import BackboneSpec
from engine.domain import DEFAULT_FALSE_ALARM_RATE, LabelMode, Validation
from engine.job import JobContext
from engine.nn.run_model import RunModel

LABELS_NAME = "labels.txt"
PREDICT_NAME = "predict.py"
MODEL_DOCUMENT_NAME = "model.json"
UNKNOWN_PREFIX = "unknown."
"""How the names of tensors begin that tell strange pictures, in formats that hold tensors by name."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Where a model comes from. `made_at` is ISO 8601, UTC.

    `labels_hash` is the fingerprint of the labels it saw (`Run.labels_hash`), empty in runs of before it was noted.

    `false_alarm_rate` is what the project allows, and `unknown` how often known images held out were called unknown
    (`Run.unknown`).
    """

    project_name: str
    run_id: int
    made_at: str
    depth: str
    seed: int
    num_images: int
    labels_hash: str
    validation: Validation
    false_alarm_rate: float = DEFAULT_FALSE_ALARM_RATE
    unknown: dict[str, Any] | None = None

    @property
    def unknown_threshold(self) -> float:
        """The unknown score from which on an image is called unknown."""
        return 1 - self.false_alarm_rate


@dataclass(frozen=True, slots=True)
class Limits:
    """How far an export may be from the program's own predictions on the user's images.

    `agreement` is the least share of images with the same class (or classes). `difference` and `unknown_difference` are
    how far a probability and an unknown score may be from the program's own; None = as far as the classes allow.
    """

    agreement: float = 1.0
    difference: float | None = 1e-4
    unknown_difference: float | None = 1e-4


FULL_PRECISION = Limits()


@dataclass(frozen=True, slots=True)
class WriteContext:
    """What an exporter may use beside the model: where the run lies, the user's images, how to report and be stopped.

    `calibration_images` are files of the user's to set a reduced precision on, others than parity is measured on where
    there are enough.
    """

    job: JobContext
    run_folder: Path
    project_folder: Path
    calibration_images: Sequence[Path] = ()


class Exporter(Protocol):
    """One format. `BaseExporter` has the usual answers."""

    @property
    def model_file(self) -> str:
        """Name of the file that holds the model."""

    def requirements(self, backbone: BackboneSpec) -> tuple[str, ...]:
        """What predict.py needs, as pip names."""

    @property
    def limits(self) -> Limits:
        """How far from the program's predictions it may be."""

    @property
    def is_deterministic(self) -> bool:
        """Whether the same run gives the same bytes."""

    def unchecked_reason(self) -> str:
        """Returns why the model cannot be run on this computer, as a sentence; an empty string where it can."""

    def input_document(self, model: RunModel) -> dict[str, Any]:
        """Returns for model.json what the model takes."""

    def notes(self, model: RunModel) -> Sequence[str]:
        """Returns sentences for the model card on what this format cannot do."""

    def runtime(self) -> str:
        """Returns the name and version of the runtime that parity is checked in, e.g. "onnxruntime 1.31.1"."""

    def write(self, model: RunModel, facts: ModelFacts, folder: Path, context: WriteContext) -> None:
        """Writes the model file and predict.py into `folder`.

        predict.py needs only the runtime, numpy and Pillow; it defines `read_picture(file) -> uint8 (H, W, 3)` and
        `predict(pixels) -> (float32 (K,), float)`, probabilities and the unknown score (NaN where the model has none),
        and reads the class names from labels.txt beside it.

        Raises:
            ExportError: the model cannot be written in this format.
        """


class BaseExporter:
    """What most formats answer: full precision, any size of picture, the same bytes each time, can be checked here."""

    limits = FULL_PRECISION
    is_deterministic = True

    def unchecked_reason(self) -> str:
        return ""

    def input_document(self, model: RunModel) -> dict[str, Any]:
        return {"name": "image", "type": "uint8", "shape": ["height", "width", 3], "range": [0, 255]}

    def notes(self, model: RunModel) -> Sequence[str]:
        return ()


def exact_numbers(values: NDArray[np.float32] | None) -> list[float]:
    """Returns the shortest numbers that are read back as the same float32."""
    return [] if values is None else [float(str(value)) for value in values]


def model_document(model: RunModel, facts: ModelFacts) -> dict[str, Any]:
    """Returns what model.json and the metadata inside model files say: JSON values only, the same for the same run."""
    document = {
        "program": "Graft",
        "version": VERSION,
        "classes": list(model.class_names),
        "backbone": {
            "key": model.spec.architecture_key,
            "name": model.spec.display_name,
            "library": model.spec.library,
            "model_name": model.spec.model_name,
            "embedding_size": model.spec.embedding_size,
            "spreads": [list(block) for block in model.spec.spreads],
            "licence": model.spec.licence,
            "weights_sha256": model.weights_hash,
        },
        "preprocessing": model.preprocessing.to_document(),
        "mode": model.mode.value,
        **({"thresholds": exact_numbers(model.thresholds)} if model.mode is LabelMode.SEVERAL else {}),
        "temperature": model.head.temperature,
        "unknown": _unknown_document(model, facts),
        "run": {
            "project": facts.project_name,
            "id": facts.run_id,
            "made_at": facts.made_at,
            "depth": facts.depth,
            "seed": facts.seed,
            "num_images": facts.num_images,
            "labels_hash": facts.labels_hash,
        },
        "validation": asdict(facts.validation),
    }
    plain: dict[str, Any] = _without_nan(document)
    return plain


def _unknown_document(model: RunModel, facts: ModelFacts) -> dict[str, Any] | None:
    """Returns from which unknown score on an image is called unknown, and what that was measured to do."""
    if model.unknown is None:
        return None
    document = {"threshold": facts.unknown_threshold, "false_alarm_rate": facts.false_alarm_rate}
    return document | {"measured": facts.unknown}


def _without_nan(value: Any) -> Any:
    """Replaces what JSON has no number for (a figure that could not be measured) by None."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
