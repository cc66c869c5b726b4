"""ONNX graphs of backbones, kept in the user's cache, and of whole classifiers, for exports."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, overload

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, compose, helper, numpy_helper

from engine.backbones import STARTER_FOLDER, BackboneSpec
from engine.errors import BackboneError, DiskError
from engine.files import atomic_write_bytes
from engine.nn.preprocess_graph import PIXELS_INPUT, VIEWS_OUTPUT, preprocess_graph
from engine.nn.run_model import RunModel
from engine.settings import user_data_folder
from engine.weights import file_sha256

BACKBONE_INPUT = "input"
BACKBONE_OUTPUT = "embedding"
PROBABILITIES_OUTPUT = "probabilities"
LOGITS_OUTPUT = "logits"
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


def classifier_graph(model: RunModel) -> onnx.ModelProto:
    """Returns preprocessing, backbone, head and softmax as one checked graph.

    Input "image": uint8 (height, width, 3) of any size, RGB, upright. Outputs: "probabilities" (K,), calibrated, and
    "logits" (K,), raw. Names of inner values begin with "backbone/". The caller adds the metadata.
    """
    backbone = onnx.load(backbone_graph(model.spec, model.weights))
    opset = next(entry.version for entry in backbone.opset_import if entry.domain in ("", "ai.onnx"))
    before = preprocess_graph(model.preprocessing, opset, backbone.ir_version)
    backbone = compose.add_prefix(backbone, "backbone/")
    io_map = [(VIEWS_OUTPUT, f"backbone/{BACKBONE_INPUT}")]
    merged = compose.merge_models(before, backbone, io_map=io_map, name="graft_classifier")
    weight, bias = _folded_head(model)
    constants: dict[str, NDArray[Any]] = {
        "view_axis": np.array([0], np.int64),
        "head_weight": weight,
        "head_bias": bias,
        "temperature": np.array(model.head.temperature, np.float32),
    }
    merged.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    merged.graph.node.extend(
        [
            helper.make_node(
                "ReduceMean", [f"backbone/{BACKBONE_OUTPUT}", "view_axis"], ["mean_embedding"], keepdims=0
            ),
            helper.make_node("LpNormalization", ["mean_embedding"], ["unit_embedding"], axis=-1, p=2),
            helper.make_node("MatMul", ["unit_embedding", "head_weight"], ["scores"]),
            helper.make_node("Add", ["scores", "head_bias"], [LOGITS_OUTPUT]),
            helper.make_node("Div", [LOGITS_OUTPUT, "temperature"], ["calibrated"]),
            helper.make_node("Softmax", ["calibrated"], [PROBABILITIES_OUTPUT], axis=-1),
        ]
    )
    del merged.graph.output[:]
    num_classes = len(model.class_names)
    merged.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [num_classes])
        for name in (PROBABILITIES_OUTPUT, LOGITS_OUTPUT)
    )
    onnx.checker.check_model(merged)
    return merged


def make_session(graph: Path | bytes, num_threads: int) -> ort.InferenceSession:
    """Returns a CPU session. Its threads sleep while they wait: spinning ones slow down the decoding beside them."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    source = graph if isinstance(graph, bytes) else str(graph)
    return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def pixels_to_probabilities(session: ort.InferenceSession, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Returns the probabilities (K,) that a classifier graph gives for one decoded image uint8 (H, W, 3)."""
    result: NDArray[np.float32] = session.run([PROBABILITIES_OUTPUT], {PIXELS_INPUT: pixels})[0]
    return result


def _folded_head(model: RunModel) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The head with its standardisation folded in: weight (D, K) and bias (K,), computed in double precision."""
    head = model.head
    weight = head.weight.astype(np.float64) / head.scale
    bias = head.bias - weight @ head.mean.astype(np.float64)
    return np.ascontiguousarray(weight.T, np.float32), bias.astype(np.float32)


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
            f"{spec.display_name} cannot be used: its fast form does not compute the same as the original.",
            "Choose another backbone and report this as a bug.",
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
