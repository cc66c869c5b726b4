"""Embeddings that tell how features vary over the picture: alike everywhere, and none where they were made without."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from engine.backbones import CATALOGUE, STARTER_KEY, BackboneSpec, spec
from engine.images.decode import decode_rgb
from engine.nn import onnx_graph
from engine.nn.networks import load_backbone, make_backbone
from engine.nn.preprocess_graph import Preprocessor
from engine.nn.preprocessing import default_preprocessing
from engine.nn.split_network import split_network
from engine.nn.spread_constants import SPREAD_WEIGHT
from engine.nn.spreads import SpreadNetwork, spread_of
from engine.weights import find_weights

REAL = ("mobilenet_v2", "mobilenet_v3_small", "squeezenet1_1")
LISTS = Path(__file__).resolve().parents[3] / "build" / "backbones"


@pytest.fixture
def rule(monkeypatch: pytest.MonkeyPatch) -> Callable[[nn.Module, int], list[tuple[str, int]]]:
    monkeypatch.syspath_prepend(str(LISTS))
    from spread_blocks import spread_blocks

    yield spread_blocks
    sys.modules.pop("spread_blocks", None)


def test_a_spread_is_the_standard_deviation_over_the_picture() -> None:
    values = torch.randn(2, 5, 7, 7, generator=torch.Generator().manual_seed(0)) + 3
    expected = values.numpy().std(axis=(2, 3))
    np.testing.assert_allclose(spread_of(values).numpy(), expected, rtol=1e-4)


def test_the_parts_of_an_embedding_have_the_lengths_they_are_given(random_network: Callable) -> None:
    record = spec("squeezenet1_1")
    side = record.input_size_px
    rows = random_network(record)(torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0)))
    sizes = [record.without_spreads().embedding_size, *(channels for _name, channels in record.spreads)]
    assert sum(sizes) == record.embedding_size
    for index, part in enumerate(rows.split(sizes, dim=1)):
        np.testing.assert_allclose(part.norm(dim=1).numpy(), SPREAD_WEIGHT if index else 1.0, rtol=1e-4)


@pytest.mark.parametrize("key", REAL)
def test_the_graph_gives_the_features_of_torch_on_a_real_picture(
    key: str, shared_weights: Path, shared_data: Path
) -> None:
    record = spec(key)
    assert record.spreads
    picture = decode_rgb(sorted((shared_data / "coffee_leaf").rglob("*.jpg"))[3])
    views = Preprocessor(default_preprocessing(record))(picture)
    weights = find_weights(record)
    expected = load_backbone(record, weights)(torch.from_numpy(views)).numpy()
    session = onnx_graph.make_session(str(onnx_graph.backbone_graph(record, weights)), 1)
    (found,) = session.run(None, {onnx_graph.BACKBONE_INPUT: views})
    assert found.shape == (2, record.embedding_size)
    np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())


@pytest.mark.parametrize("key", REAL)
def test_the_first_columns_are_the_plain_features(key: str, shared_weights: Path) -> None:
    record, weights = spec(key), find_weights(spec(key))
    plain = record.without_spreads()
    pictures = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.normalize(load_backbone(plain, weights)(pictures))
    assert expected.shape == (2, plain.embedding_size)
    found = load_backbone(record, weights)(pictures)[:, : plain.embedding_size]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_weights_have_the_same_names_with_and_without_spreads(random_network: Callable) -> None:
    record = spec("mobilenet_v3_small")
    assert set(make_backbone(record).state_dict()) == set(make_backbone(record.without_spreads()).state_dict())


def test_copies_of_a_network_do_not_listen_to_each_other(random_network: Callable) -> None:
    network = random_network(spec("squeezenet1_1"))
    assert isinstance(network, SpreadNetwork)
    other = copy.deepcopy(network)
    for parameter in other.parameters():
        parameter.mul_(0.5)
    pictures = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    before = network(pictures)
    assert not torch.allclose(other(pictures), before)
    assert torch.equal(network(pictures), before)


def test_what_is_trained_further_has_the_plain_features_and_begins_with_the_first_columns(
    random_network: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.nn import network_depths

    record = spec("regnet_y_400mf")
    networks = {each.spreads: random_network(each) for each in (record, record.without_spreads())}
    monkeypatch.setattr(network_depths, "load_backbone", lambda wanted, _weights: networks[wanted.spreads])
    assert split_network(networks[record.spreads], 224) is None  # an early block keeps it in one piece

    depths = network_depths.NetworkDepths(record, Path())

    assert depths.has_partial
    assert depths.spec == record.without_spreads()
    pictures = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    whole, plain = (torch.nn.functional.normalize(network(pictures)).numpy() for network in networks.values())
    np.testing.assert_allclose(depths.features_of(whole), plain, atol=1e-5)


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(record, id=key, marks=[] if record.size_bytes < 25e6 else [pytest.mark.slow])
        for key, record in CATALOGUE.items()
        if key != STARTER_KEY
    ],
)
def test_the_catalogue_names_the_blocks_that_the_rule_chooses(record: BackboneSpec, rule: Callable) -> None:
    network = make_backbone(record.without_spreads()).to("meta")
    assert tuple(rule(network, record.input_size_px)) == record.spreads


@pytest.mark.parametrize("key", ["vit_b_16", "swin_t", "timm:eva02_tiny_patch14_224.mim_in22k"])
def test_transformers_keep_their_embedding(key: str) -> None:
    assert spec(key).spreads == ()


def test_records_from_before_there_were_spreads_stay_as_they_were() -> None:
    record = spec("mobilenet_v2")
    document = record.without_spreads().to_document()
    del document["spreads"]
    old = BackboneSpec.from_document(document)
    assert (old.spreads, old.embedding_size, old.file_stem) == ((), 1280, "mobilenet_v2")
    assert not isinstance(make_backbone(old), SpreadNetwork)
    assert old.file_stem != record.file_stem  # so that caches and graphs are not mixed
    assert BackboneSpec.from_document(record.to_document()) == record


@pytest.mark.parametrize("wrong", [[["a", 0]], [["a"]], "a", [["a", "many"]]])
def test_blocks_that_make_no_sense_are_refused(wrong: object) -> None:
    document = replace(spec("mobilenet_v2"), spreads=()).to_document() | {"spreads": wrong}
    with pytest.raises((TypeError, ValueError)):
        BackboneSpec.from_document(document)
