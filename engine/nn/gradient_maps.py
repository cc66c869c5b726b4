"""Where a network looks, by the gradient of a class's logit: for those whose embedding is not the mean of a map.

Each cell's part is the gradient times the activation, summed over the channels, at the last place of the network where
all cells of the picture still count: the last feature map of a convolutional network, the normalised tokens before the
last attention of a transformer with a class token (behind it only that token counts). What spreads add
(`engine.nn.spreads`) needs no gradient: it has maps of its own, as in `engine.nn.feature_maps`.

Source: Selvaraju et al. 2017, "Grad-CAM". We differ in not averaging the gradient over the cells first (Draelos and
Carin 2020, "HiResCAM"), which is the same where the map is averaged afterwards and more faithful where it is not.

Letters: V views, h and w the map's cells, C channels, T tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.backbones import BackboneSpec
from engine.nn.feature_maps import spread_map
from engine.nn.networks import load_backbone
from engine.nn.spread_constants import SMALLEST_LENGTH
from engine.nn.spreads import SpreadNetwork

Floats = NDArray[np.float32]

_ENOUGH_CELLS: Final = 0.5
"""A place is used when the gradient reaches at least this share of its cells."""

_SMALLEST_MAP: Final = 3


class NoPlaceError(Exception):
    """No layer of the network has a map of the picture. Caught by `engine.nn.explain`, never shown."""


class GradientNetwork:
    """A network that is asked for gradients; for one thread at a time."""

    def __init__(self, spec: BackboneSpec, weights: Path) -> None:
        """Loads the network.

        Raises:
            BackboneError: the weights cannot be used.
        """
        whole = load_backbone(spec, weights)
        self._blocks: list[nn.Module] = []
        if isinstance(whole, SpreadNetwork):
            self._blocks = [whole.network.get_submodule(name) for name, _channels in spec.spreads]
            whole = whole.network
        self._network = whole
        self._place: nn.Module | None = None

    def run(self, views: Floats, direction_of: Callable[[Floats], Floats]) -> list[Floats]:
        """Returns contributions (V, h, w), of the last map and of each block with a spread, for views (V, 3, S, S).

        `direction_of` is given the outputs (V, D) and returns the gradient (V, D) of what is to be explained with
        respect to them.

        Raises:
            NoPlaceError: the network keeps no map of the picture.
        """
        with torch.enable_grad():
            if self._place is None:
                self._place = self._find_place(views[:1])
            found: list[Tensor] = []
            spreads: list[Floats] = []

            def keep(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
                found.append(output.detach().requires_grad_())
                return found[-1] * 1  # a copy: what comes next may work in place

            def note(_module: nn.Module, _inputs: object, output: Tensor) -> None:
                deviations = (output - output.mean((2, 3), keepdim=True)).detach().permute(0, 2, 3, 1)
                spreads.append(spread_map(np.square(deviations.numpy())))

            hooks = [self._place.register_forward_hook(keep)]
            hooks += [block.register_forward_hook(note) for block in self._blocks]
            try:
                outputs: Tensor = self._network(torch.from_numpy(views))
            finally:
                for hook in hooks:
                    hook.remove()
            values = outputs.detach().numpy().astype(np.float32)
            lengths = np.sqrt(np.square(values).sum(axis=1, keepdims=True) + SMALLEST_LENGTH) if spreads else 1
            whole = [values / lengths, *(each.mean(axis=(1, 2)) for each in spreads)]
            direction = direction_of(np.concatenate(whole, axis=1).astype(np.float32))
            own = np.ascontiguousarray(direction[:, : values.shape[1]] / lengths, np.float32)
            (gradient,) = torch.autograd.grad(outputs, found[-1], torch.from_numpy(own))
        cells = _cells(gradient * found[-1].detach())
        assert cells is not None
        contributions, column = [cells.sum(dim=3).numpy().astype(np.float32)], values.shape[1]
        for each in spreads:
            part = direction[:, None, None, column : column + each.shape[3]]
            contributions.append((each * part).sum(axis=3) / np.prod(each.shape[1:3]))
            column += each.shape[3]
        return contributions

    def _find_place(self, views: Floats) -> nn.Module:
        """Returns the module whose output is the last map that all of the picture goes through."""
        seen: list[tuple[nn.Module, Tensor]] = []

        def note(module: nn.Module, _inputs: object, output: Any) -> None:
            if isinstance(output, Tensor) and output.requires_grad and _cells(output) is not None:
                seen.append((module, output))

        hooks = [module.register_forward_hook(note) for module in self._network.modules()]
        try:
            outputs: Tensor = self._network(torch.from_numpy(views).requires_grad_())
        finally:
            for hook in hooks:
                hook.remove()
        direction = torch.randn(outputs.shape, generator=torch.Generator().manual_seed(0))
        for module, output in reversed(seen):
            if module is self._network:
                continue
            (gradient,) = torch.autograd.grad(outputs, output, direction, retain_graph=True, allow_unused=True)
            cells = _cells(gradient) if gradient is not None else None
            if cells is not None and float((cells.abs().amax(dim=3) > 0).float().mean()) >= _ENOUGH_CELLS:
                return module
        raise NoPlaceError


def _cells(values: Tensor) -> Tensor | None:
    """Returns activations as (V, h, w, C); None for what is no map.

    A map is (V, C, h, w), (V, h, w, C) or tokens (V, T, C), and square, since views are. Leading tokens that stand for
    no place are left out.
    """
    if values.ndim == 4:
        _, first, second, third = values.shape
        if second == third >= _SMALLEST_MAP:
            return values.permute(0, 2, 3, 1)
        return values if first == second >= _SMALLEST_MAP else None
    if values.ndim == 3:
        side = isqrt(values.shape[1])
        if side < _SMALLEST_MAP:
            return None
        num_leading = values.shape[1] - side * side
        return values[:, num_leading:].reshape(len(values), side, side, values.shape[2])
    return None
