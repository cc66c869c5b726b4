"""Reads an ONNX file that `graft export` wrote, and refuses any other before a runtime sees it.

An ONNX file is data, but it can name other files (external data) and operators of any vendor; ours do neither.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import onnx
from google.protobuf.message import DecodeError

from engine.errors import ImportFormatError
from engine.language import tr
from engine.nn.onnx_graph import PROBABILITIES_OUTPUT
from engine.nn.preprocess_graph import PIXELS_INPUT

_LARGEST_BYTES: Final = 1 << 31
"""What the format can hold at most; a file beyond it would only fill the memory."""
_STANDARD_DOMAINS: Final = frozenset({"", "ai.onnx"})
_EXPORT_AGAIN: Final = tr("Only ONNX files that graft export wrote can be used here; export the model again.")


def read_onnx(file: Path) -> tuple[bytes, dict[str, Any]]:
    """Returns the bytes of the model and the document in its metadata, not checked but for being JSON.

    Raises:
        ImportFormatError: the file is damaged, not ours, or refers to other files.
    """
    try:
        if file.stat().st_size >= _LARGEST_BYTES:
            raise ImportFormatError(tr("{file} is larger than any ONNX file can be.", file=file), _EXPORT_AGAIN)
        data = file.read_bytes()
    except OSError as err:
        raise ImportFormatError(
            tr("{file} cannot be read: {reason}.", file=file, reason=err.strerror), tr("Check the name.")
        ) from err
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as err:
        raise ImportFormatError(tr("{file} is damaged, or not an ONNX file.", file=file), _EXPORT_AGAIN) from err
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    if metadata.get("program") != "Graft":
        raise ImportFormatError(tr("{file} was not exported by Graft, or is damaged.", file=file), _EXPORT_AGAIN)
    _refuse_references(model, file)
    document: dict[str, Any] = {}
    for key, text in metadata.items():
        try:
            document[key] = json.loads(text)
        except (ValueError, RecursionError):
            document[key] = text  # Metadata that is plain text, such as the program's name.
    _refuse_other_form(model.graph, document.get("classes"), file)
    return data, document


def _refuse_references(model: onnx.ModelProto, file: Path) -> None:
    """Raises ImportFormatError for a model that is not whole in itself."""
    nodes = [node for function in model.functions for node in function.node]
    tensors = list(_initializers(model.graph))
    waiting = [*model.graph.node, *nodes]
    while waiting:
        node = waiting.pop()
        if node.domain not in _STANDARD_DOMAINS:
            raise ImportFormatError(
                tr("{file} uses operators of “{domain}”, as no export of ours does.", file=file, domain=node.domain),
                _EXPORT_AGAIN,
            )
        for attribute in node.attribute:
            tensors += [attribute.t, *attribute.tensors]
            tensors += [part for one in (attribute.sparse_tensor, *attribute.sparse_tensors) for part in _parts(one)]
            for graph in (attribute.g, *attribute.graphs):
                waiting.extend(graph.node)
                tensors.extend(_initializers(graph))
    if any(tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in tensors):
        raise ImportFormatError(
            tr("{file} takes its weights from other files, as no export of ours does.", file=file), _EXPORT_AGAIN
        )


def _initializers(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from _parts(sparse)


def _parts(sparse: onnx.SparseTensorProto) -> tuple[onnx.TensorProto, onnx.TensorProto]:
    return sparse.values, sparse.indices


def _refuse_other_form(graph: onnx.GraphProto, classes: object, file: Path) -> None:
    """Raises ImportFormatError unless pixels (height, width, 3) go in and one probability per class comes out."""
    given = {value.name for value in graph.initializer}
    inputs = [value for value in graph.input if value.name not in given]
    outputs = [value for value in graph.output if value.name == PROBABILITIES_OUTPUT]
    is_ours = len(inputs) == len(outputs) == 1 and inputs[0].name == PIXELS_INPUT
    if is_ours and isinstance(classes, list):
        pixels, probabilities = inputs[0].type.tensor_type, outputs[0].type.tensor_type
        pixel_sides = [side.dim_value for side in pixels.shape.dim]
        is_ours = pixels.elem_type == onnx.TensorProto.UINT8 and len(pixel_sides) == 3 and pixel_sides[2] == 3
        is_ours = is_ours and probabilities.elem_type == onnx.TensorProto.FLOAT
        is_ours = is_ours and [side.dim_value for side in probabilities.shape.dim] == [len(classes)]
    if not is_ours or not isinstance(classes, list):
        raise ImportFormatError(
            tr("{file} does not take pictures and give one probability per class.", file=file), _EXPORT_AGAIN
        )
