"""The network that an exported script builds is the one that the program uses."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch

from engine.backbones import CATALOGUE, BackboneSpec
from engine.exporters.network_source import network_source
from engine.nn import networks


def exported_network(spec: BackboneSpec) -> torch.nn.Module:
    names: dict[str, Any] = {"torch": torch, "sys": sys, "__name__": "exported"}
    exec(compile(network_source(spec), f"{spec.key}.py", "exec"), names)  # noqa: S102 - our own source
    with torch.device("cpu" if spec.model_name.startswith("regnet") else "meta"):
        network: torch.nn.Module = names["build_network"]()
    return network


@pytest.mark.parametrize("key", list(CATALOGUE))
def test_it_has_the_same_layers_and_gives_embeddings_of_the_same_size(key: str) -> None:
    spec = CATALOGUE[key]
    network, own = exported_network(spec).to("meta").eval(), networks._build(spec)
    networks._cut_classifier(own, spec)
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert shapes == {name: tuple(value.shape) for name, value in own.state_dict().items()}
    assert str(network) == str(own)
    picture = torch.empty(1, 3, spec.input_size_px, spec.input_size_px, device="meta")
    assert network(picture).shape == own.to("meta").eval()(picture).shape
