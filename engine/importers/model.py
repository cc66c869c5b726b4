"""Loads an exported model back: the folder that `graft export` made, or the model file in it.

Only formats that are data: ONNX through ONNX Runtime, safetensors through our own networks. Formats that can run code
when they are opened (pickle, .pt, .pt2) are refused.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from engine.backbones import BackboneSpec, spec
from engine.backbones.spec import spreads_from
from engine.domain import DEFAULT_FALSE_ALARM_RATE, LabelMode
from engine.errors import BackboneError, ImportFormatError
from engine.evaluation.unknown import UnknownDetector
from engine.exporters.protocol import MODEL_DOCUMENT_NAME, UNKNOWN_PREFIX
from engine.language import tr
from engine.nn.head import Head
from engine.nn.preprocessing import Preprocessing, default_preprocessing
from engine.nn.run_model import RunModel
from engine.weights import file_sha256

if TYPE_CHECKING:  # it brings ONNX Runtime, which telling a model from a project needs not
    from engine.nn.classifier import Classifier

MODEL_FILES: Final = {"onnx": "model.onnx", "safetensors": "model.safetensors"}
"""The kinds of files that can be loaded back, with the name of the model's file."""
_KINDS: Final = {"onnx": "onnx", "web": "onnx", "onnx-fp16": "onnx", "onnx-int8": "onnx", "safetensors": "safetensors"}
"""The formats that can be loaded back (`engine.exporters.registry`), with the kind of file that each one holds."""

_PROJECT_FILE: Final = "project.db"
_UNSAFE_SUFFIXES: Final = frozenset(
    {".pt", ".pt2", ".pth", ".pte", ".ckpt", ".bin", ".pkl", ".pickle", ".joblib", ".h5", ".keras"}
)
_LARGEST_DOCUMENT_BYTES: Final = 32_000_000
_LARGEST_WEIGHTS_BYTES: Final = 1 << 33
_MOST_CLASSES: Final = 100_000
_LONGEST_NAME: Final = 1000
_EXPORT_AGAIN: Final = tr("Export the model again.")
_ONLY_SAFE: Final = tr("Name the folder of an ONNX or safetensors export, or its .onnx file.")


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """Where an exported model lies. `document` is its model.json; None for an ONNX file named alone."""

    format: str
    file: Path
    document: Path | None


def find_model(path: Path) -> ExportedModel | None:
    """Returns the exported model that a path names; None where it is something else, which may be a project.

    Raises:
        ImportFormatError: it is a model, but not one that can be loaded, or not all of it is there.
    """
    if path.is_dir():
        return None if (path / _PROJECT_FILE).exists() else _model_in(path)
    suffix = path.suffix.lower()
    if not path.is_file():
        return None
    if suffix in _UNSAFE_SUFFIXES:
        raise _unsafe(path)
    if suffix == ".onnx":
        return ExportedModel("onnx", path, None)
    if suffix == ".safetensors":
        document = path.with_name(MODEL_DOCUMENT_NAME)
        if not document.is_file():
            raise ImportFormatError(
                tr("{file} lies without its {document}.", file=path, document=MODEL_DOCUMENT_NAME),
                tr("Name the whole folder of a safetensors export."),
            )
        return ExportedModel("safetensors", path, document)
    return _model_in(path.parent) if path.name == MODEL_DOCUMENT_NAME else None


def load_classifier(model: ExportedModel) -> Classifier:
    """Returns the model ready to be asked.

    Raises:
        ImportFormatError: it is damaged, or its parts do not fit together.
    """
    from engine.nn.classifier import GRAPH_ERRORS, GraphClassifier, RunClassifier

    if model.format == "onnx":
        data, document = _read_onnx(model)
        try:
            return GraphClassifier(data, *_decisions(document, model.file))
        except GRAPH_ERRORS as err:
            raise _damaged(model.file) from err
    return RunClassifier(_run_model(model))


def _decisions(
    document: dict[str, Any], file: Path
) -> tuple[Sequence[str], LabelMode, NDArray[np.float32] | None, float]:
    """Returns names of the classes, how many an image has, their thresholds, and from which score on it is unknown."""
    names = _class_names(document, file)
    try:
        mode = LabelMode(document.get("mode", LabelMode.ONE))  # exports of the first versions name none
        thresholds = None
        if mode is LabelMode.SEVERAL:
            thresholds = np.array([_number(value) for value in document["thresholds"]], np.float32)
            if thresholds.shape != (len(names),):
                raise ValueError("not one threshold for each class")
        unknown = document.get("unknown")
        threshold = 1 - DEFAULT_FALSE_ALARM_RATE if unknown is None else _number(unknown["threshold"])
    except (KeyError, TypeError, ValueError) as err:
        raise _misfit(file, tr("what it says of its decisions makes no sense")) from err
    return names, mode, thresholds, threshold


def model_document(model: ExportedModel) -> dict[str, Any]:
    """Returns what a model says of itself (`engine.exporters.protocol.model_document`); its values are not checked.

    Raises:
        ImportFormatError: it is damaged, or not one of ours.
    """
    return _read_onnx(model)[1] if model.format == "onnx" else _read_document(model)


def recorded_figures(model: ExportedModel) -> dict[str, Any]:
    """Returns the figures that the model brings along, measured when it was trained, as `graft evaluate` writes them.

    Raises:
        ImportFormatError: it is damaged, or brings none.
    """
    document = model_document(model)
    classes, mode, _, _ = _decisions(document, model.file)
    try:
        figures = document["validation"]
        common = {
            "num_images": int(figures.get("num_measured") or document["run"]["num_images"]),
            "accuracy": _number(figures["accuracy"]),
            "accuracy_interval": _interval(figures["accuracy_interval"]),
            **{name: _number(figures[name]) for name in ("macro_f1", "log_loss", "ece")},
            "classes": list(classes),
            "failed": [],
        }
        if mode is LabelMode.SEVERAL:
            interval = _interval(figures["mean_average_precision_interval"])
            rows = [
                {"class": str(row["class"]), **_numbers(row), "support": int(row["support"])}
                for row in figures["per_class"]
            ]
            return common | {
                "mode": mode.value,
                "mean_average_precision": _number(figures["mean_average_precision"]),
                "mean_average_precision_interval": interval,
                "micro_f1": _number(figures["micro_f1"]),
                "confusion": [],
                "per_class": rows,
            }
        confusion = np.array(figures["confusion"], np.int64)
        if confusion.shape != (len(classes), len(classes)):
            raise ValueError("the table of confusions has another size")
        rows = [
            {
                "class": str(row["class"]),
                **{name: _number(row[name]) for name in ("precision", "recall", "f1")},
                "support": int(row["support"]),
            }
            for row in figures["per_class"]
        ]
        return common | {"confusion": confusion.tolist(), "per_class": rows}
    except (KeyError, TypeError, ValueError) as err:
        raise ImportFormatError(
            tr("{file} brings no complete figures along.", file=model.file),
            tr("Name images of known classes with --images."),
        ) from err


def _interval(value: Any) -> list[float]:
    low, high = (_number(end) for end in value)
    return [low, high]


def _numbers(row: dict[str, Any]) -> dict[str, Any]:
    """Returns the figures of a class of several: numbers, intervals, and nothing where one could not be measured."""
    return {
        str(name): _interval(value) if isinstance(value, list) else None if value is None else _number(value)
        for name, value in row.items()
        if name != "class"
    }


def _model_in(folder: Path) -> ExportedModel | None:
    document = folder / MODEL_DOCUMENT_NAME
    if document.is_file():
        stated = _read_json(document).get("format")
        name = _KINDS.get(stated) if isinstance(stated, str) else None
        if name is None:
            raise ImportFormatError(tr("{document} names no format that can be loaded.", document=document), _ONLY_SAFE)
        file = folder / MODEL_FILES[name]
        if not file.is_file():
            raise ImportFormatError(tr("{file} is missing.", file=file), _EXPORT_AGAIN)
        return ExportedModel(name, file, document)
    for name in MODEL_FILES.values():
        if (folder / name).is_file():
            raise ImportFormatError(
                tr("{folder} holds {name}, but no {document}.", folder=folder, name=name, document=MODEL_DOCUMENT_NAME),
                _EXPORT_AGAIN,
            )
    unsafe = sorted(path for path in folder.glob("*") if path.suffix.lower() in _UNSAFE_SUFFIXES)
    if unsafe:
        raise _unsafe(unsafe[0])
    return None


def _read_onnx(model: ExportedModel) -> tuple[bytes, dict[str, Any]]:
    from engine.importers.onnx_file import read_onnx

    data, document = read_onnx(model.file)
    if model.document is not None and _read_document(model).get("classes") != document.get("classes"):
        raise _misfit(model.document, tr("it names other classes than the model"))
    return data, document


def _read_document(model: ExportedModel) -> dict[str, Any]:
    assert model.document is not None
    document = _read_json(model.document)
    stated = document.get("format")
    if document.get("program") != "Graft" or not isinstance(stated, str) or _KINDS.get(stated) != model.format:
        raise _misfit(model.document, tr("it does not describe a {format} export of Graft", format=model.format))
    return document


def _read_json(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > _LARGEST_DOCUMENT_BYTES:
            raise ValueError("larger than any of ours")
        document = json.loads(file.read_text(encoding="utf-8"))
    except OSError as err:
        raise ImportFormatError(
            tr("{file} cannot be read: {reason}.", file=file, reason=err.strerror), _EXPORT_AGAIN
        ) from err
    except (ValueError, RecursionError) as err:
        raise _damaged(file) from err
    if not isinstance(document, dict):
        raise _damaged(file)
    return document


def _class_names(document: dict[str, Any], file: Path) -> Sequence[str]:
    names = document.get("classes")
    listed = names if isinstance(names, list) and 1 < len(names) <= _MOST_CLASSES else []
    is_right = all(isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME for name in listed)
    if not listed or not is_right or len(set(listed)) != len(listed):
        raise _misfit(file, tr("its list of classes is missing or makes no sense"))
    return listed


def _run_model(model: ExportedModel) -> RunModel:
    """Returns a safetensors export in the form of a run; its own file holds the backbone's weights."""
    from engine.nn.onnx_graph import backbone_graph

    document = _read_document(model)
    assert model.document is not None
    if model.file.is_file() and model.file.stat().st_size > _LARGEST_WEIGHTS_BYTES:
        raise _misfit(model.file, tr("it is larger than the weights of any network here"))
    class_names, mode, thresholds, unknown_threshold = _decisions(document, model.document)
    backbone = backbone_of(document, model.document)
    preprocessing = _preprocessing(document, backbone, model.document)
    head = _read_head(model.file, len(class_names), backbone.embedding_size)
    try:
        backbone_graph(backbone, model.file)  # Kept by its hash, so that asking it is quick.
    except BackboneError as err:
        raise ImportFormatError(
            tr("{file} does not hold the weights of {backbone}.", file=model.file, backbone=backbone.display_name),
            _EXPORT_AGAIN,
        ) from err
    return RunModel(
        spec=backbone,
        weights=model.file,
        weights_hash=file_sha256(model.file),
        preprocessing=preprocessing,
        head=head,
        class_names=class_names,
        class_ids=range(1, len(class_names) + 1),
        document=document,
        mode=mode,
        thresholds=thresholds,
        unknown=_read_unknown(model.file, backbone.embedding_size),
        unknown_threshold=unknown_threshold,
    )


def backbone_of(document: dict[str, Any], file: Path) -> BackboneSpec:
    """Returns the record of the backbone that a document speaks of; `file` is where it stands.

    Raises:
        ImportFormatError: this version does not know it, or what is said of it makes no sense.
    """
    try:
        described = document["backbone"]
        known = spec(str(described["key"]))
        # Older exports have none, those of networks trained further perhaps not all.
        spreads = spreads_from(described.get("spreads", []))
        if not set(spreads) <= set(known.spreads):
            raise ValueError("other features of that network")
        found = known.with_spreads(spreads)
        if (described["model_name"], described["embedding_size"]) != (found.model_name, found.embedding_size):
            raise ValueError("another network of that name")
    except BackboneError as err:
        raise _misfit(file, tr("this version knows no backbone called “{key}”", key=described["key"])) from err
    except (KeyError, TypeError, ValueError) as err:
        raise _misfit(file, tr("what it says of the backbone is wrong")) from err
    return found


def _preprocessing(document: dict[str, Any], backbone: BackboneSpec, file: Path) -> Preprocessing:
    usual = default_preprocessing(backbone)
    try:
        found = Preprocessing.from_document(document["preprocessing"])
    except (KeyError, TypeError, ValueError, OverflowError) as err:
        raise _misfit(file, tr("what it says of the preprocessing is wrong")) from err
    fits = found.version == usual.version and found.input_size_px == usual.input_size_px
    fits = fits and found.interpolation == usual.interpolation and len(found.views) <= 8
    if not fits or not all(math.isfinite(value) for value in found.mean) or not all(0 < std < 1e6 for std in found.std):
        raise _misfit(file, tr("its preprocessing is not one of this version"))
    return found


def _read_head(file: Path, num_classes: int, embedding_size: int) -> Head:
    shapes: dict[str, list[int]] = {
        "mean": [embedding_size],
        "scale": [embedding_size],
        "weight": [num_classes, embedding_size],
        "bias": [num_classes],
        "temperature": [],
    }
    arrays: dict[str, NDArray[np.float32]] = {}
    try:
        with safe_open(file, "numpy") as tensors:
            names = set(tensors.keys())
            for name, shape in shapes.items():
                key = f"head.{name}"
                part = tensors.get_slice(key) if key in names else None
                if part is None or part.get_dtype() != "F32" or part.get_shape() != shape:
                    raise _misfit(file, tr("its head does not fit the classes or the backbone in model.json"))
                arrays[name] = tensors.get_tensor(key)
    except OSError as err:
        raise ImportFormatError(
            tr("{file} cannot be read: {reason}.", file=file, reason=err.strerror), tr("Check the name.")
        ) from err
    except SafetensorError as err:
        raise _damaged(file) from err
    head = Head(arrays["mean"], arrays["scale"], arrays["weight"], arrays["bias"], float(arrays["temperature"]))
    is_finite = all(np.isfinite(array).all() for array in arrays.values())
    if not is_finite or head.temperature <= 0 or not (head.scale > 0).all():
        raise _damaged(file)
    return head


def _read_unknown(file: Path, embedding_size: int) -> UnknownDetector | None:
    """Returns what tells strange images; None in exports older than it, and of models that cannot tell."""
    try:
        with safe_open(file, "numpy") as tensors:
            names = [name for name in tensors.keys() if name.startswith(UNKNOWN_PREFIX)]  # noqa: SIM118 (no mapping)
            arrays = {name.removeprefix(UNKNOWN_PREFIX): tensors.get_tensor(name) for name in names}
        return UnknownDetector.from_arrays(arrays, embedding_size) if arrays else None
    except (SafetensorError, KeyError, ValueError) as err:
        raise _damaged(file) from err


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("not a number")
    return float(value)


def _damaged(file: Path) -> ImportFormatError:
    return ImportFormatError(tr("{file} is damaged.", file=file), _EXPORT_AGAIN)


def _misfit(file: Path, reason: str) -> ImportFormatError:
    return ImportFormatError(tr("{file} cannot be used: {reason}.", file=file, reason=reason), _EXPORT_AGAIN)


def _unsafe(file: Path) -> ImportFormatError:
    return ImportFormatError(
        tr("{file} is not opened: files of this kind can run any program when they are loaded.", file=file), _ONLY_SAFE
    )
