"""A trained run, loaded back from its folder: what predictions and every export are made of. Knows no project."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from engine.backbones import BackboneSpec
from engine.domain import DEFAULT_FALSE_ALARM_RATE, LabelMode
from engine.errors import BackboneError, TrainingError
from engine.evaluation.unknown import UnknownDetector
from engine.language import tr
from engine.nn.head import Head, probabilities_of, sigmoid
from engine.nn.preprocessing import Preprocessing
from engine.own_backbones import BACKBONE_FILE, run_spec
from engine.weights import file_sha256, find_weights

HEAD_FILE = "head.safetensors"
RUN_FILE = "run.json"
LABELS_FILE = "labels.npz"
OUT_OF_FOLD_FILE = "out_of_fold.npz"
PREDICTIONS_FILE = "predictions.npz"
UNKNOWN_FILE = "unknown.safetensors"


@dataclass(frozen=True, slots=True)
class RunModel:
    """Everything that turns an image into probabilities.

    image -> `preprocessing` (decode, views, resize) -> backbone (`spec`, `weights`), one output (D,) for each view
    -> embedding (D,) = mean over the views, divided by its length
    -> `head`: logits (K,) = weight @ ((embedding - mean) / scale) + bias
    -> `mode` ONE: softmax(logits / head.temperature). SEVERAL: the sigmoid of each logit, and an image has the classes
    whose probability is at least its entry of `thresholds` (K,); the head is calibrated in itself, its temperature 1.

    `class_names` and `class_ids` are in the order of the logits. `document` is the run's run.json. `unknown` says how
    strange an embedding is; None in runs older than it, and where there were too few labels. What it scores at least
    `unknown_threshold` looks like none of the classes.
    """

    spec: BackboneSpec
    weights: Path
    weights_hash: str
    preprocessing: Preprocessing
    head: Head
    class_names: Sequence[str]
    class_ids: Sequence[int]
    document: dict[str, Any]
    mode: LabelMode = LabelMode.ONE
    thresholds: NDArray[np.float32] | None = None
    unknown: UnknownDetector | None = None
    unknown_threshold: float = 1 - DEFAULT_FALSE_ALARM_RATE

    def probabilities(self, features: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Returns calibrated probabilities (N, K) for embeddings (N, D)."""
        logits = self.head.logits(features)
        if self.mode is LabelMode.SEVERAL:
            return sigmoid(logits)
        return probabilities_of(logits, self.head.temperature)

    def unknown_scores(self, features: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Returns how strange each embedding (N, D) is, 0..1 (N,); NaN where the run cannot tell."""
        if self.unknown is None:
            return np.full(len(features), np.nan, np.float32)
        return self.unknown.scores(features, self.head.logits(features))


def load_run_model(run_folder: Path, project_dir: Path | None = None) -> RunModel:
    """Loads the run in `run_folder` and finds its weights: its own, when it was fine-tuned, else those it started from.

    Raises:
        TrainingError: a file of the run is missing or damaged.
        BackboneError: the backbone's weights are not on this machine, or are other ones than the run was trained on.
    """
    model = read_run(run_folder, Path())
    own = run_folder / BACKBONE_FILE
    weights = own if own.is_file() else find_weights(model.spec, project_dir)
    if file_sha256(weights) != model.weights_hash:
        raise BackboneError(
            tr(
                "The weights of {backbone} found in {file} are not the ones this model was trained on.",
                backbone=model.spec.display_name,
                file=weights,
            ),
            tr("Put the original weights file back, or retrain with the weights that are here."),
        )
    return replace(model, weights=weights)


def read_run(run_folder: Path, weights: Path) -> RunModel:
    """As `load_run_model`, with weights that the caller has found already (not checked here).

    Raises:
        TrainingError: a file of the run is missing or damaged.
    """
    try:
        document = json.loads((run_folder / RUN_FILE).read_text(encoding="utf-8"))
        mode = LabelMode(document.get("mode", LabelMode.ONE))
        spec = run_spec(document)
        return RunModel(
            spec=spec,
            weights=weights,
            weights_hash=str(document["weights_hash"]),
            preprocessing=Preprocessing.from_document(document["preprocessing"]),
            head=read_head(run_folder / HEAD_FILE),
            class_names=list(document["class_names"]),
            class_ids=[int(value) for value in document["class_ids"]],
            document=document,
            mode=mode,
            thresholds=_thresholds_of(document) if mode is LabelMode.SEVERAL else None,
            unknown=read_unknown(run_folder / UNKNOWN_FILE, spec.embedding_size),
        )
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as err:
        raise TrainingError(
            tr("The model in {folder} is damaged or incomplete.", folder=run_folder),
            tr("Choose another version, or retrain."),
        ) from err


def _thresholds_of(document: dict[str, Any]) -> NDArray[np.float32]:
    """Returns the threshold of each class. Raises ValueError unless each has one."""
    thresholds = np.array(document["thresholds"], np.float32)
    if thresholds.shape != (len(document["class_ids"]),):
        raise ValueError("not one threshold for each class")
    return thresholds


def write_head(path: Path, head: Head) -> None:
    """Writes a head as safetensors: mean (D,), scale (D,), weight (K, D), bias (K,), temperature (1,)."""
    save_file(
        {
            "mean": head.mean,
            "scale": head.scale,
            "weight": np.ascontiguousarray(head.weight),
            "bias": head.bias,
            "temperature": np.array([head.temperature], np.float32),
        },
        path,
    )


def write_unknown(path: Path, detector: UnknownDetector) -> None:
    """Writes what tells strange images as safetensors (see `UnknownDetector.arrays`)."""
    save_file(detector.arrays(), path)


def read_unknown(path: Path, embedding_size: int) -> UnknownDetector | None:
    """Reads what `write_unknown` wrote; None where there is no file.

    Raises OSError, SafetensorError, KeyError or ValueError for a file that is not one.
    """
    return UnknownDetector.from_arrays(load_file(path), embedding_size) if path.is_file() else None


def read_head(path: Path) -> Head:
    """Reads what `write_head` wrote. Raises OSError, SafetensorError or KeyError for a file that is not one."""
    arrays = load_file(path)
    return Head(
        mean=arrays["mean"],
        scale=arrays["scale"],
        weight=arrays["weight"],
        bias=arrays["bias"],
        temperature=float(arrays["temperature"][0]),
    )
