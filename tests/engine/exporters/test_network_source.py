"""The network and the views that an exported script makes are those that the program uses."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
import torch

from engine.backbones import CATALOGUE, IMAGENET_MEAN, IMAGENET_STD, BackboneSpec
from engine.exporters.network_source import network_source, views_source
from engine.nn import networks
from engine.nn.preprocess_graph import Preprocessor
from engine.nn.preprocessing import VIEW_NAMES, Preprocessing

FAST = [key for key, spec in CATALOGUE.items() if spec.size_bytes < 60e6]
"""Those that are made in a moment; the others take memory and seconds."""


def exported_network(spec: BackboneSpec) -> torch.nn.Module:
    names: dict[str, Any] = {"torch": torch, "sys": sys, "__name__": "exported"}
    exec(compile(network_source(spec), f"{spec.key}.py", "exec"), names)  # noqa: S102 - our own source
    # timm's transformers, like RegNet, compute with tensors while they are made.
    with torch.device("cpu" if spec.library == "timm" or spec.model_name.startswith("regnet") else "meta"):
        network: torch.nn.Module = names["build_network"]()
    return network


@pytest.mark.parametrize(
    "key", FAST + [pytest.param(key, marks=pytest.mark.slow) for key in CATALOGUE if key not in FAST]
)
def test_it_has_the_same_layers_and_gives_embeddings_of_the_same_size(key: str) -> None:
    spec = CATALOGUE[key]
    network, own = exported_network(spec).to("meta").eval(), networks.make_backbone(spec)
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert shapes == {name: tuple(value.shape) for name, value in own.state_dict().items()}
    assert str(network) == str(own)
    picture = torch.empty(1, 3, spec.input_size_px, spec.input_size_px, device="meta")
    assert network(picture).shape == own.to("meta").eval()(picture).shape


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("views", [*((name,) for name in VIEW_NAMES), VIEW_NAMES, VIEW_NAMES[::-1]])
def test_it_sees_the_same_views_at_every_size(views: tuple[str, ...], interpolation: str) -> None:
    preprocessing = Preprocessing(96, IMAGENET_MEAN, IMAGENET_STD, interpolation, views)
    names: dict[str, Any] = {"torch": torch, "F": torch.nn.functional}
    exec(views_source(preprocessing), names)  # noqa: S102 - our own source
    own, chance = Preprocessor(preprocessing), np.random.default_rng(0)
    for height, width in ((1, 1), (2, 300), (97, 96), (333, 250), (64, 65)):
        pixels = chance.integers(0, 256, (height, width, 3), dtype=np.uint8)
        np.testing.assert_allclose(names["views_of"](pixels).numpy(), own(pixels), atol=5e-4)
