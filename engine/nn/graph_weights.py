"""The weights of a network, read back from the ONNX graph of an export, so that training can go on from it.

The graph holds the same numbers in another form: BatchNorm is folded into the convolution before it, and constants have
numbers in place of names. Which is which is found by exporting the same architecture with random weights and looking
where each of them went. The result computes what the graph computes; that is checked before it is handed out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from engine.backbones import BackboneSpec
from engine.errors import BackboneError
from engine.language import tr
from engine.nn.fx_export import UnsupportedOperationError, export_convolutional
from engine.nn.networks import make_backbone

GRAPH_PREFIX: Final = "backbone/"
"""Begins the names of the backbone's values in an exported graph (`engine.nn.classifier_graph`)."""
HALF_SUFFIX: Final = "_half"
FACTOR_SUFFIX: Final = "_factor"
_CLOSE: Final = 1e-5
_HINT: Final = tr("Export the same model in the format safetensors, and take that.")

Array = NDArray[np.float32]


def weights_of_graph(spec: BackboneSpec, graph: onnx.ModelProto, display_name: str) -> dict[str, Tensor]:
    """Returns the state dict of the backbone that is part of an exported graph.

    Raises:
        BackboneError: the network is of a kind that is only read from safetensors, or the graph is another one.
    """
    network = _random_network(spec)
    try:
        reference = _constants(export_convolutional(network, spec.input_size_px, spec.embedding_size), "")
    except UnsupportedOperationError as err:
        raise BackboneError(tr("{backbone} cannot be read back from ONNX.", backbone=spec.display_name), _HINT) from err
    given = _constants(graph, GRAPH_PREFIX)
    if reference.keys() != given.keys() or any(reference[name].shape != given[name].shape for name in reference):
        raise BackboneError(
            tr("{file} does not hold {backbone} in full precision.", file=display_name, backbone=spec.display_name),
            _HINT,
        )
    _Filling(network, reference, given).run()
    rebuilt = _constants(export_convolutional(network, spec.input_size_px, spec.embedding_size), "")
    if not all(np.allclose(rebuilt[name], given[name], rtol=1e-4, atol=1e-6) for name in given):
        raise BackboneError(
            tr("{file} does not hold {backbone} as it is exported.", file=display_name, backbone=spec.display_name),
            _HINT,
        )
    return dict(network.state_dict())


def _random_network(spec: BackboneSpec) -> nn.Module:
    """Returns the architecture with weights of which no two are alike, in eval mode."""
    generator = torch.Generator().manual_seed(0)
    network = make_backbone(spec).to_empty(device="cpu")
    state: dict[str, Tensor] = {}
    for name, value in network.state_dict().items():
        if not value.is_floating_point():
            state[name] = torch.zeros_like(value)
        elif name.endswith("running_var"):
            state[name] = torch.rand(value.shape, generator=generator) + 0.5
        else:
            state[name] = torch.randn(value.shape, generator=generator)
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(False)


def _constants(model: onnx.ModelProto, prefix: str) -> dict[str, Array]:
    """Returns the constants c0, c1, ... of a graph by name, without the prefix.

    Exports keep some as "c0_half", 16-bit numbers that are multiplied by "c0_factor" to the very same ones.
    """
    arrays = {
        tensor.name.removeprefix(prefix): np.asarray(numpy_helper.to_array(tensor))
        for tensor in model.graph.initializer
    }
    found: dict[str, Array] = {}
    for name, value in arrays.items():
        plain = name.removesuffix(HALF_SUFFIX)
        if not plain.startswith("c") or not plain[1:].isdecimal():
            continue
        if plain != name:
            value = value.astype(np.float32) * arrays.get(f"{plain}{FACTOR_SUFFIX}", np.float32(1))
        found[plain] = value
    return found


@dataclass(slots=True)
class _Filling:
    """Puts the constants of a graph into a network; `reference` tells where its random weights went."""

    network: nn.Module
    reference: dict[str, Array]
    given: dict[str, Array]

    def run(self) -> None:
        inner = self.network
        modules = [module for module in inner.modules() if isinstance(module, nn.Conv2d | nn.BatchNorm2d)]
        convolutions = [module for module in modules if isinstance(module, nn.Conv2d)]
        norms = [module for module in modules if isinstance(module, nn.BatchNorm2d)]
        tensors = [value for value in inner.state_dict().values() if value.is_floating_point()]
        random = {id(module): module.weight.detach().numpy().copy() for module in convolutions}
        plain = [(tensor, tensor.detach().numpy().copy()) for tensor in tensors]
        folds = [(norm, *_affine(norm)) for norm in norms]
        for name, value in self.reference.items():
            if value.ndim == 4 and self._fold(name, value, convolutions, random, folds):
                continue
            self._copy(name, value, plain)

    def _fold(
        self,
        name: str,
        value: Array,
        convolutions: list[nn.Conv2d],
        random: dict[int, Array],
        folds: list[tuple[nn.BatchNorm2d, Array, Array]],
    ) -> bool:
        """Fills a convolution and the BatchNorm that was folded into it; tells whether there is such a pair."""
        for convolution in convolutions:
            weight = random[id(convolution)]
            if weight.shape != value.shape:
                continue
            factor = (value.reshape(len(value), -1) / weight.reshape(len(value), -1)).mean(axis=1)
            if not np.allclose(weight * factor.reshape(-1, 1, 1, 1), value, rtol=1e-4, atol=_CLOSE):
                continue
            norm = next(
                (each for each, own, _ in folds if own.shape == factor.shape and np.allclose(own, factor)), None
            )
            if norm is None:
                return False  # not folded: it is in the graph as it is
            with torch.no_grad():
                convolution.weight.copy_(torch.from_numpy(self.given[name].copy()))
                if convolution.bias is not None:
                    convolution.bias.zero_()
                assert norm.running_mean is not None
                assert norm.running_var is not None
                norm.weight.fill_(1.0)
                norm.running_mean.zero_()
                norm.running_var.fill_(1.0 - norm.eps)
                # The constant after a convolution's weight is its bias.
                norm.bias.copy_(torch.from_numpy(self.given[f"c{int(name[1:]) + 1}"].copy()))
            return True
        return False

    def _copy(self, name: str, value: Array, plain: list[tuple[Tensor, Array]]) -> None:
        """Copies a constant into the tensor that it is, as it stands or turned round."""
        for tensor, random in plain:
            for turned in (False, True) if random.ndim == 2 else (False,):
                there = random.T if turned else random
                if there.size == value.size and np.allclose(there.reshape(-1), value.reshape(-1), rtol=1e-6):
                    given = self.given[name].reshape(there.shape)
                    with torch.no_grad():
                        tensor.copy_(torch.from_numpy(np.array(given.T if turned else given)))
                    return


def _affine(norm: nn.BatchNorm2d) -> tuple[Array, Array]:
    """Returns what a BatchNorm multiplies by and adds, (C,) each."""
    assert norm.running_var is not None
    assert norm.running_mean is not None
    factor = norm.weight.detach().double() / torch.sqrt(norm.running_var.double() + norm.eps)
    shift = norm.bias.detach().double() - norm.running_mean.double() * factor
    return factor.float().numpy().copy(), shift.float().numpy().copy()
