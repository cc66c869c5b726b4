"""ONNX graphs of backbones, kept in the user's cache, and how graphs are asked; whole models: `classifier_graph`."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import overload

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray

from engine.backbones import STARTER_FOLDER, BackboneSpec
from engine.errors import BackboneError, DiskError
from engine.files import atomic_write_bytes
from engine.language import tr
from engine.nn.preprocess_graph import PIXELS_INPUT
from engine.settings import user_data_folder
from engine.weights import file_sha256

BACKBONE_INPUT = "input"
BACKBONE_OUTPUT = "embedding"
PROBABILITIES_OUTPUT = "probabilities"
LOGITS_OUTPUT = "logits"
UNKNOWN_OUTPUT = "unknown_score"
_GRAPH_VERSION = 1
_MAX_RELATIVE_ERROR = 1e-4
_SLOW_TO_EXPORT = ("swin", "vit", "inception", "shufflenet", "eva", "beit", "deit", "mobilenetv4_hybrid")


def backbone_graph(spec: BackboneSpec, weights: Path) -> Path:
    """Returns the file of a backbone's ONNX graph: "input" (batch, 3, S, S) to "embedding" (batch, D).

    Made on first use (about a second, plus the import of torch; transformers take up to a minute) and kept in the
    user's data folder by the hash of the weights. The built-in backbone brings its graph along and needs no torch.

    Raises:
        BackboneError: the weights cannot be read, or the graph does not compute what torch computes.
    """
    return cached_graph(spec, weights) or _keep(spec, weights, _export(spec, weights))


def cached_graph(spec: BackboneSpec, weights: Path) -> Path | None:
    """Returns the graph of a backbone if it has been made already."""
    if weights.parent == STARTER_FOLDER and (STARTER_FOLDER / "starter.onnx").is_file():
        return STARTER_FOLDER / "starter.onnx"
    file = _graph_file(spec, weights)
    return file if file.is_file() else None


def quick_graph(spec: BackboneSpec, weights: Path) -> Path | None:
    """Makes the graph if that takes no longer than a moment; None for networks that need torch's own exporter.

    Raises:
        BackboneError: as `backbone_graph`.
    """
    if is_slow_to_export(spec):
        return None
    graph = _export(spec, weights, is_quick=True)
    return None if graph is None else _keep(spec, weights, graph)


def is_slow_to_export(spec: BackboneSpec) -> bool:
    """Tells of networks that are known to need torch's own exporter, so that nobody tries the quick one first."""
    return spec.model_name.startswith(_SLOW_TO_EXPORT)


def _graph_file(spec: BackboneSpec, weights: Path) -> Path:
    name = f"{spec.file_stem}-{file_sha256(weights)[:16]}-v{_GRAPH_VERSION}.onnx"
    return user_data_folder() / "graphs" / name


def _keep(spec: BackboneSpec, weights: Path, graph: onnx.ModelProto) -> Path:
    file, data = _graph_file(spec, weights), graph.SerializeToString()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic_write_bytes(file, data)
    except (OSError, DiskError):
        # No room or no permission there: a throw-away place costs the next program start a second.
        file = Path(tempfile.mkdtemp(prefix="graft-graphs-")) / file.name
        atomic_write_bytes(file, data)
    return file


def make_session(graph: Path | bytes, num_threads: int) -> ort.InferenceSession:
    """Returns a CPU session. Its threads sleep while they wait: spinning ones slow down the decoding beside them."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    source = graph if isinstance(graph, bytes) else str(graph)
    return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def ask_classifier(session: ort.InferenceSession, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float]:
    """Returns what a classifier graph says of one decoded image uint8 (H, W, 3): probabilities (K,), unknown score.

    The score is NaN where the graph has none.
    """
    named = {each.name for each in session.get_outputs()}
    wanted = [PROBABILITIES_OUTPUT, *([UNKNOWN_OUTPUT] if UNKNOWN_OUTPUT in named else [])]
    probabilities, *rest = session.run(wanted, {PIXELS_INPUT: pixels})
    return probabilities, float(rest[0]) if rest else math.nan


@overload
def _export(spec: BackboneSpec, weights: Path) -> onnx.ModelProto: ...
@overload
def _export(spec: BackboneSpec, weights: Path, is_quick: bool) -> onnx.ModelProto | None: ...
def _export(spec: BackboneSpec, weights: Path, is_quick: bool = False) -> onnx.ModelProto | None:
    """Makes the graph and compares it with torch on random input before anybody relies on it."""
    import torch

    from engine.nn.fx_export import UnsupportedOperationError, export_convolutional
    from engine.nn.networks import load_backbone

    network = load_backbone(spec, weights)
    try:
        graph = export_convolutional(network, spec.input_size_px, spec.embedding_size)
    except UnsupportedOperationError:
        if is_quick:
            return None
        graph = _export_with_torch(network, spec)
    side = spec.input_size_px
    example = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = network(example).numpy()
    session = make_session(graph.SerializeToString(), num_threads=1)
    got = session.run([BACKBONE_OUTPUT], {BACKBONE_INPUT: example.numpy()})[0]
    if not np.abs(got - expected).max() <= _MAX_RELATIVE_ERROR * np.abs(expected).max():
        raise BackboneError(
            tr(
                "{backbone} cannot be used: its fast form does not compute the same as the original.",
                backbone=spec.display_name,
            ),
            tr("Choose another backbone and report this as a bug."),
        )
    return graph


def _export_with_torch(network: object, spec: BackboneSpec) -> onnx.ModelProto:
    import torch

    side = spec.input_size_px
    program = torch.onnx.export(
        network,  # type: ignore[arg-type]
        (torch.zeros(2, 3, side, side),),
        dynamo=True,
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        input_names=[BACKBONE_INPUT],
        output_names=[BACKBONE_OUTPUT],
        opset_version=18,
        external_data=False,
        verbose=False,
    )
    assert program is not None
    model: onnx.ModelProto = program.model_proto
    return model
