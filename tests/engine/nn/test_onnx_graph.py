"""ONNX graphs compute what torch computes, for every family in the catalogue."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch
from torch import nn

from engine.backbones import CATALOGUE, STARTER_KEY, spec
from engine.errors import BackboneError
from engine.nn import onnx_graph
from engine.nn.fx_export import UnsupportedOperationError, export_convolutional
from engine.nn.networks import _build, _cut_classifier, load_backbone
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
    "convnext_tiny",
    "vgg16",
)


def random_network(key: str) -> nn.Module:
    """Returns a backbone with random weights and, so that folding is really tested, unusual batch norm statistics."""
    record = spec(key)
    network = _build(record).to_empty(device="cpu")
    _cut_classifier(network, record)
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, generator=generator)
            if module.bias is not None:
                nn.init.normal_(module.bias, std=0.1, generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0, 0.2, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
            nn.init.uniform_(module.weight, 0.2, 0.6, generator=generator)
            nn.init.normal_(module.bias, std=0.2, generator=generator)
        elif isinstance(module, nn.LayerNorm):
            nn.init.uniform_(module.weight, 0.5, 1.5, generator=generator)
            nn.init.normal_(module.bias, std=0.2, generator=generator)
    for name, parameter in network.named_parameters():
        if name.endswith("layer_scale"):
            nn.init.constant_(parameter, 0.3)
    return network.eval().requires_grad_(False)


@pytest.mark.parametrize("key", FAMILIES)
def test_the_written_out_graph_agrees_with_torch(key: str) -> None:
    record, network = spec(key), random_network(key)
    side = 64  # The layers do not mind, and it is a dozen times quicker.
    graph = export_convolutional(network, side, record.embedding_size)
    picture = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(1))

    session = ort.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    found = session.run(None, {"input": picture.numpy()})[0]
    expected = network(picture).numpy()
    assert expected.shape == (1, record.embedding_size)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("key", ["swin_t", "vit_b_16", "inception_v3"])
def test_other_families_are_sent_to_torchs_exporter(key: str) -> None:
    record = spec(key)
    network = _build(record).to_empty(device="cpu")
    _cut_classifier(network, record)
    with pytest.raises(UnsupportedOperationError):
        export_convolutional(network.eval(), record.input_size_px, record.embedding_size)


def test_every_backbone_is_of_a_family_that_is_tested_or_sent_on() -> None:
    known = {key.split("_")[0].rstrip("0123456789") for key in (*FAMILIES, "swin_t", "vit_b_16", "inception_v3")}
    for key in CATALOGUE:
        assert key == STARTER_KEY or key.split("_")[0].rstrip("0123456789") in known


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
    shared_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = spec("squeezenet1_1")
    broken = export_convolutional(random_network("squeezenet1_1"), 224, 512)
    monkeypatch.setattr("engine.nn.fx_export.export_convolutional", lambda *_: broken)
    with pytest.raises(BackboneError, match="does not compute the same"):
        backbone_graph(record, find_weights(record))
