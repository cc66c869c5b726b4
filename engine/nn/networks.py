"""Torch networks for the catalogue's records: the library's architecture, weights from a checked file, no classifier.

The embedding is the pooled last feature map (for ViT the class token) after the network's own last normalisation and,
for convolutional networks, the spread of some blocks before it (`engine.nn.spreads`): means of maps, so that a linear
head on them gives exact class activation maps.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.backbones import BackboneSpec
from engine.errors import BackboneError
from engine.language import tr
from engine.nn.spreads import SpreadNetwork
from engine.nn.torchvision_shim import import_torchvision

# Set by some users to make old scripts run; it would turn every weights_only load below into a pickle load.
os.environ.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)

EXPORTED_PREFIX = "backbone."
"""Begins the names of the backbone's tensors in an exported model.safetensors."""


def load_backbone(spec: BackboneSpec, weights: Path) -> nn.Module:
    """Returns the backbone in eval mode on the CPU, float32: normalised images (B, 3, S, S) in, embeddings (B, D) out.

    The caller has checked the hash of `weights` (see `engine.weights.find_weights`), or `weights` is the
    model.safetensors of an export of ours, which holds the backbone without its classifier.

    Raises:
        BackboneError: the file cannot be read, or holds the weights of another architecture.
    """
    state = _read_state(spec, weights)
    is_exported = any(name.startswith(EXPORTED_PREFIX) for name in state)
    try:
        if is_exported:
            network = make_backbone(spec)
            state = _without_prefix(state, network)
            _fill_batch_counters(network, state)
            network.load_state_dict(state, assign=True)
        elif spec.library == "timm":
            from engine.nn.timm_networks import load_timm

            network = load_timm(spec, state)
        else:
            network = _build(spec)
            _fill_batch_counters(network, state)
            network.load_state_dict(state, assign=True)
            _cut_classifier(network, spec)
        if not is_exported:
            network = _with_spreads(network, spec)
    except RuntimeError as err:
        raise BackboneError(
            tr("{file} does not hold the weights of {backbone}.", file=weights.name, backbone=spec.display_name),
            tr("Choose the file that belongs to this backbone, or download it again."),
        ) from err
    return network.eval().requires_grad_(False)


def make_backbone(spec: BackboneSpec) -> nn.Module:
    """Returns the backbone's layers without its classifier; the weights are to be loaded (some are on the meta device).

    Its state dict has the names that exports and fine-tuned runs write, each after EXPORTED_PREFIX.
    """
    if spec.library == "timm":
        from engine.nn.timm_networks import make_timm

        return _with_spreads(make_timm(spec), spec)
    network = _build(spec)
    _cut_classifier(network, spec)
    return _with_spreads(network, spec)


def _with_spreads(network: nn.Module, spec: BackboneSpec) -> nn.Module:
    return SpreadNetwork(network, [name for name, _channels in spec.spreads]) if spec.spreads else network


def embedding_size_of(spec: BackboneSpec) -> int:
    """Returns the embedding size that the architecture really has, found without weights or arithmetic."""
    network = make_backbone(spec).to("meta")
    output: Tensor = network.eval()(torch.empty(1, 3, spec.input_size_px, spec.input_size_px, device="meta"))
    return output.shape[1]


def _read_state(spec: BackboneSpec, weights: Path) -> Mapping[str, Tensor]:
    try:
        if weights.suffix == ".safetensors":
            return load_file(weights)
        state = torch.load(weights, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, SafetensorError, ModuleNotFoundError) as err:
        raise _unreadable(weights) from err
    except Exception as err:
        # torch.load lets out pickle's own errors, which have no common base; anything else is a bug and must stay one.
        if type(err).__module__ not in {"_pickle", "pickle"}:
            raise
        raise _unreadable(weights) from err
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise BackboneError(
            tr("{file} is not a table of weights for {backbone}.", file=weights.name, backbone=spec.display_name),
            tr("Save the network's state_dict() alone, or download the weights."),
        )
    return state


def _without_prefix(state: Mapping[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """Returns the backbone's part of an export, in the number formats that the network computes in."""
    kinds = {name: value.dtype for name, value in network.state_dict().items()}
    plain = {
        name.removeprefix(EXPORTED_PREFIX): value for name, value in state.items() if name.startswith(EXPORTED_PREFIX)
    }
    return {name: value.to(kinds.get(name, value.dtype)) for name, value in plain.items()}


def _unreadable(weights: Path) -> BackboneError:
    return BackboneError(
        tr("The weights file {file} cannot be read.", file=weights), tr("Delete it and download the weights again.")
    )


def _build(spec: BackboneSpec) -> nn.Module:
    if spec.library == "graft":
        from engine.nn.starter import starter_network  # Not part of every copy yet.

        starter: nn.Module = starter_network()
        return starter
    models = import_torchvision().models
    # Inception was trained on images scaled to -1..1: it undoes the ImageNet normalisation by itself.
    extra = {"transform_input": True, "init_weights": False} if spec.model_name == "inception_v3" else {}
    # Made on the meta device: no memory and no random numbers for weights that are replaced at once. RegNet computes
    # its widths with tensors and cannot be made there.
    with torch.device("cpu" if spec.model_name.startswith("regnet") else "meta"):
        network: nn.Module = models.get_model(spec.model_name, weights=None, **extra)
    return network


def _fill_batch_counters(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Converted weights often lack BatchNorm's counters of batches, which play no part in eval mode."""
    missing = {name: torch.zeros((), dtype=torch.long) for name in network.state_dict() if name not in state}
    counters = {name: value for name, value in missing.items() if name.endswith(".num_batches_tracked")}
    if counters and isinstance(state, dict):
        state.update(counters)


def _cut_classifier(network: nn.Module, spec: BackboneSpec) -> None:
    if spec.library == "graft":
        return
    family = next(prefix for prefix in _CUTS if spec.model_name.startswith(prefix))
    _CUTS[family](network)


def _drop(name: str) -> Callable[[nn.Module], None]:
    return lambda network: setattr(network, name, nn.Identity())


def _cut_convnext(network: nn.Module) -> None:
    classifier = network.classifier
    assert isinstance(classifier, nn.Sequential)
    classifier[2] = nn.Identity()  # Keeps the layer norm and the flattening before it.


def _cut_vgg(network: nn.Module) -> None:
    # The pooled feature map, not the two fully connected layers: 30 times fewer weights to carry and exact heatmaps.
    network.avgpool = nn.AdaptiveAvgPool2d(1)
    network.classifier = nn.Identity()


def _cut_squeezenet(network: nn.Module) -> None:
    network.classifier = nn.AdaptiveAvgPool2d(1)


_CUTS: dict[str, Callable[[nn.Module], None]] = {
    "mobilenet": _drop("classifier"),
    "efficientnet": _drop("classifier"),
    "squeezenet": _cut_squeezenet,
    "resnet": _drop("fc"),
    "regnet": _drop("fc"),
    "inception": _drop("fc"),
    "shufflenet": _drop("fc"),
    "densenet": _drop("classifier"),
    "convnext": _cut_convnext,
    "swin": _drop("head"),
    "vit": _drop("heads"),
    "vgg": _cut_vgg,
}
