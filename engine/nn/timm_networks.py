"""Networks of timm's: made, and filled with weights that lie on this machine. Nothing here reaches for a network.

Source: timm 1.0.31, `models/_builder.py` (`load_pretrained`), whose filters bring published weights into the network's
form; its `state_dict` source is the one that neither downloads nor unpickles.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from engine.backbones import BackboneSpec
from engine.nn.torchvision_shim import import_torchvision

# Read by huggingface_hub when timm imports it: whatever goes wrong below, no download starts behind the user's back.
os.environ["HF_HUB_OFFLINE"] = "1"

import_torchvision()  # timm imports it plainly, which fails where its compiled operators cannot be loaded

import timm  # noqa: E402
from timm.models import PretrainedCfg  # noqa: E402


def make_timm(spec: BackboneSpec) -> nn.Module:
    """Returns the network without its classifier, with random weights: (B, 3, S, S) to (B, D)."""
    network: nn.Module = timm.create_model(spec.model_name, pretrained=False, num_classes=0, **size_arguments(spec))
    return network


def load_timm(spec: BackboneSpec, state: Mapping[str, Tensor]) -> nn.Module:
    """Returns the network without its classifier, with published weights.

    Raises:
        RuntimeError: these are the weights of another network.
    """
    if not state:
        raise RuntimeError("no weights")  # timm would take an empty table for none and look for a download
    num_classes = _published(spec).num_classes
    try:
        # With the classifier that the weights were published with: only then is timm strict about every name and shape.
        network: nn.Module = timm.create_model(
            spec.model_name,
            pretrained=True,
            pretrained_cfg_overlay={"state_dict": dict(state), "custom_load": False},
            num_classes=num_classes,
            **size_arguments(spec),
        )
    except (KeyError, ValueError, IndexError, AttributeError, AssertionError) as err:
        raise RuntimeError(f"not in the form of {spec.model_name}") from err  # its filters expect names of their own
    if num_classes:
        network.reset_classifier(0)  # type: ignore[operator]
    return network


def size_arguments(spec: BackboneSpec) -> dict[str, Any]:
    """Returns what `timm.create_model` must be told of the picture's size.

    Transformers are made for one size; their position embeddings are resampled for another.
    """
    cfg = _published(spec)
    is_other = cfg.fixed_input_size and cfg.input_size[1] != spec.input_size_px
    return {"img_size": spec.input_size_px} if is_other else {}


def _published(spec: BackboneSpec) -> PretrainedCfg:
    """What timm says of the weights."""
    cfg = timm.get_pretrained_cfg(spec.model_name)
    assert cfg is not None  # the table was made from timm's own list
    return cfg
