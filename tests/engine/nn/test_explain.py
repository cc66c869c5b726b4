"""Where a model looks: exact to the logit where that is possible, sensible where it is not, for every family."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from engine.backbones import CATALOGUE, BackboneSpec, spec
from engine.images.decode import decode_rgb
from engine.nn.embed import Embedder
from engine.nn.explain import EXACT, GRADIENT, OCCLUSION, Explainer, class_activation_map, occlusion_map
from engine.nn.head import Head
from engine.nn.networks import EXPORTED_PREFIX, load_backbone
from engine.nn.preprocessing import PRESET_VIEWS, Preset, default_preprocessing
from engine.nn.run_model import RunModel
from engine.weights import find_weights

Make = Callable[[BackboneSpec], nn.Module]
REAL = ("starter", "mobilenet_v2", "mobilenet_v3_small", "squeezenet1_1")
QUICK = {"squeezenet1_1", "mobilenet_v3_small", "timm:eva02_tiny_patch14_224.mim_in22k", "regnet_y_400mf",
         "timm:mobilenetv4_conv_small.e2400_r224_in1k"}  # fmt: skip
BY_GRADIENT = (
    "vit",
    "swin",
    "convnext",
    "timm:vit",
    "timm:eva02",
    "timm:convnext",
    "timm:mobilenetv4",
    "inception",
    "shufflenet",
)
"""Transformers and networks with layers behind the pool; the last two have no graph until torch's exporter made one."""


def random_head(size: int, num_classes: int = 3, seed: int = 0) -> Head:
    rng = np.random.default_rng(seed)
    return Head(
        mean=rng.normal(0, 0.01, size).astype(np.float32),
        scale=rng.uniform(0.5, 1.5, size).astype(np.float32),
        weight=rng.normal(size=(num_classes, size)).astype(np.float32),
        bias=rng.normal(size=num_classes).astype(np.float32),
    )


def model_of(record: BackboneSpec, weights: Path, views: tuple[str, ...] = PRESET_VIEWS[Preset.BALANCED]) -> RunModel:
    preprocessing = replace(default_preprocessing(record), views=views)
    names, ids = ["a", "b", "c"], [1, 2, 3]
    return RunModel(record, weights, "", preprocessing, random_head(record.embedding_size), names, ids, {})


@pytest.fixture(scope="module")
def picture(shared_data: Path) -> np.ndarray:
    """A real picture that is wider than high."""
    return decode_rgb(sorted((shared_data / "coffee_leaf").rglob("*.jpg"))[0])


@pytest.mark.parametrize("key", REAL)
@pytest.mark.parametrize("views", [("whole",), ("whole", "centre"), ("whole", "centre", "close", "mirror")])
def test_contributions_sum_to_the_logit_without_its_bias(
    key: str, views: tuple[str, ...], picture: np.ndarray, shared_weights: Path
) -> None:
    model = model_of(spec(key), find_weights(spec(key)), views)
    with Embedder(model.spec, model.weights, model.preprocessing, 1) as embedder:
        logits = model.head.logits(embedder.embed(picture)[None])[0]
    explainer = Explainer(model, 1)
    for index in range(3):
        found = explainer.explain(picture, index)
        assert found.method == EXACT
        expected = float(logits[index] - model.head.bias[index])
        assert abs(float(found.contributions.sum(dtype=np.float64)) - expected) < 1e-4 * max(1, abs(expected))


def test_a_network_that_was_trained_further_is_exact_too(
    picture: np.ndarray, shared_weights: Path, tmp_path: Path
) -> None:
    """As a fine-tuned run writes it: another file of weights, named as exports name them."""
    record = spec("mobilenet_v2")
    network = load_backbone(record, find_weights(record))
    generator = torch.Generator().manual_seed(0)
    state = {
        EXPORTED_PREFIX + name: value * (1 + 0.05 * torch.rand(value.shape, generator=generator))
        if value.is_floating_point()
        else value
        for name, value in network.state_dict().items()
    }
    save_file(state, tmp_path / "backbone.safetensors")
    model = model_of(record, tmp_path / "backbone.safetensors")
    with Embedder(model.spec, model.weights, model.preprocessing, 1) as embedder:
        logit = float(model.head.logits(embedder.embed(picture)[None])[0, 2])
    found = Explainer(model, 1).explain(picture, 2)
    assert found.method == EXACT
    assert float(found.contributions.sum(dtype=np.float64)) == pytest.approx(logit - model.head.bias[2], abs=1e-4)


def test_the_gradient_gives_the_exact_map_but_for_a_constant(picture: np.ndarray, shared_weights: Path) -> None:
    model = model_of(spec("squeezenet1_1"), find_weights(spec("squeezenet1_1")), ("whole",))
    explainer = Explainer(model, 1)
    exact = explainer._exactly()(picture, explainer._preprocess(picture), 1)
    by_gradient = explainer._by_gradient()(picture, explainer._preprocess(picture), 1)
    assert by_gradient.method == GRADIENT
    # What differs is the average place of the labelled images, which is the same for every cell.
    difference = (exact.contributions - by_gradient.contributions) / exact.even
    assert np.ptp(difference) < 1e-3 * np.ptp(exact.contributions / exact.even)


def test_the_map_follows_what_is_in_the_picture(shared_weights: Path, shared_data: Path) -> None:
    """A picture beside grey, and the other way round: each half of the map goes with its half of the picture."""
    model = model_of(spec("mobilenet_v2"), find_weights(spec("mobilenet_v2")), ("whole",))
    steel = decode_rgb(sorted((shared_data / "steel_neu" / "patches").iterdir())[0])
    grey = np.full_like(steel, 128)
    explainer = Explainer(model, 1)
    of_the_same_content, of_the_same_place = [], []
    for index in range(3):
        left = explainer.explain(np.concatenate([steel, grey], axis=1), index).contributions
        right = explainer.explain(np.concatenate([grey, steel], axis=1), index).contributions
        half = left.shape[1] // 2
        of_the_same_content.append(np.corrcoef(left[:, :half].ravel(), right[:, half:].ravel())[0, 1])
        of_the_same_place.append(np.corrcoef(left[:, :half].ravel(), right[:, :half].ravel())[0, 1])
    assert min(of_the_same_content) > 0.5
    assert np.mean(of_the_same_content) > np.mean(of_the_same_place) + 0.4


@pytest.mark.parametrize(
    "record",
    [pytest.param(each, id=key, marks=[] if key in QUICK else [pytest.mark.slow]) for key, each in CATALOGUE.items()],
)
def test_every_family_says_where_it_looks(
    record: BackboneSpec, random_network: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = random_network(record)
    monkeypatch.setattr("engine.nn.networks.load_backbone", lambda *_: network)
    monkeypatch.setattr("engine.nn.gradient_maps.load_backbone", lambda *_: network)
    weights = tmp_path / f"{record.file_stem}.pth"
    weights.write_bytes(record.key.encode())
    pixels = np.random.default_rng(0).integers(0, 256, (90, 160, 3)).astype(np.uint8)
    pixels[20:50, 100:140] = 255

    explainer = Explainer(model_of(record, weights), 1)
    maps = [explainer.explain(pixels, index) for index in range(3)]

    assert maps[0].method == (GRADIENT if record.key.startswith(BY_GRADIENT) else EXACT)
    for each in maps:
        assert each.contributions.shape == (36, 64)
        assert np.isfinite(each.contributions).all()
        assert np.ptp(each.contributions) > 0
        heat = each.heat()
        assert heat.dtype == np.float32
        assert heat.min() >= 0
        assert heat.max() in (0, 1)
    assert not np.allclose(maps[0].contributions, maps[1].contributions)
    again = Explainer(model_of(record, weights), 1).explain(pixels, 1)
    np.testing.assert_allclose(again.contributions, maps[1].contributions, rtol=1e-3, atol=1e-5)


def test_a_network_that_keeps_no_map_is_asked_by_covering(
    shared_weights: Path, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.nn import explain
    from engine.nn.feature_maps import NoFeatureMapError

    def refuse(*_: object) -> None:
        raise NoFeatureMapError

    monkeypatch.setattr(explain.Explainer, "_exactly", refuse)
    monkeypatch.setattr(explain.Explainer, "_by_gradient", refuse)
    model = model_of(spec("starter"), find_weights(spec("starter")), ("whole",))
    found = Explainer(model, 1).explain(picture, 0)
    assert found.method == OCCLUSION
    assert np.isfinite(found.contributions).all()
    assert np.ptp(found.contributions) > 0


def test_covering_finds_the_place_that_counts() -> None:
    pixels = np.zeros((80, 160, 3), np.uint8)
    pixels[10:20, 140:150] = 255

    def logits(pictures: list[np.ndarray]) -> np.ndarray:
        return np.array([picture[10:20, 140:150].mean() for picture in pictures], np.float32)

    heat = occlusion_map(pixels, logits).heat()
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert row <= 2
    assert column >= 6
    assert heat[5:, :4].max() < 0.05


def test_the_short_form_gives_the_same_heat(shared_weights: Path, picture: np.ndarray) -> None:
    model = model_of(spec("starter"), find_weights(spec("starter")))
    np.testing.assert_array_equal(
        class_activation_map(model, picture, 2), Explainer(model, 1).explain(picture, 2).heat()
    )
