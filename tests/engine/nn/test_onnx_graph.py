"""ONNX graphs compute what torch computes, for every family in the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch
from torch import nn

from engine.backbones import BackboneSpec, spec
from engine.errors import BackboneError
from engine.nn import onnx_graph
from engine.nn.fx_export import UnsupportedOperationError, export_convolutional
from engine.nn.networks import load_backbone
from engine.nn.onnx_graph import backbone_graph
from engine.weights import find_weights

# The smallest of each family that is written down operation by operation.
FAMILIES = (
    "mobilenet_v2",
    "mobilenet_v3_small",
    "squeezenet1_1",
    "efficientnet_b0",
    "resnet18",
    "resnet50",
    "regnet_y_400mf",
    "densenet121",
    "convnext_tiny",
    "vgg16",
    "timm:mobilenetv4_conv_small.e2400_r224_in1k",
    "timm:legacy_xception.tf_in1k",
)
SENT_ON = ("swin_t", "swin_v2_t", "vit_b_16", "inception_v3", "shufflenet_v2_x1_0")

Make = Callable[[BackboneSpec], nn.Module]


@pytest.mark.parametrize("key", FAMILIES)
def test_the_written_out_graph_agrees_with_torch(key: str, random_network: Make) -> None:
    record = spec(key)
    network = random_network(record)
    side = 64  # The layers do not mind, and it is a dozen times quicker.
    graph = export_convolutional(network, side, record.embedding_size)
    picture = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(1))

    session = ort.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    found = session.run(None, {"input": picture.numpy()})[0]
    expected = network(picture).numpy()
    assert expected.shape == (1, record.embedding_size)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("key", SENT_ON)
def test_other_families_are_sent_to_torchs_exporter(key: str, random_network: Make) -> None:
    record = spec(key)
    with pytest.raises(UnsupportedOperationError):
        export_convolutional(random_network(record), record.input_size_px, record.embedding_size)


@pytest.mark.parametrize("key", ["mobilenet_v2", "mobilenet_v3_small", "squeezenet1_1"])
def test_real_weights_give_the_same_embeddings_in_both(key: str, shared_weights: Path) -> None:
    record = spec(key)
    weights = find_weights(record)
    picture = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(2)) * 4 - 2

    session = onnx_graph.make_session(backbone_graph(record, weights), num_threads=1)
    found = session.run(None, {"input": picture.numpy()})[0]
    expected = load_backbone(record, weights)(picture).numpy()
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def test_a_graph_is_made_once(shared_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = spec("squeezenet1_1")
    weights = find_weights(record)
    first = backbone_graph(record, weights)
    monkeypatch.setattr(onnx_graph, "_export", lambda *_: pytest.fail("made again"))
    assert backbone_graph(record, weights) == first


def test_a_graph_that_computes_something_else_is_never_used(
    shared_weights: Path, random_network: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = spec("squeezenet1_1")
    broken = export_convolutional(random_network(record), 224, 512)
    monkeypatch.setattr("engine.nn.fx_export.export_convolutional", lambda *_: broken)
    with pytest.raises(BackboneError, match="does not compute the same"):
        backbone_graph(record, find_weights(record))
