"""Where a network looks, by the gradient of a class's logit: for those whose embedding is not the mean of a map.

Each cell's part is the gradient times the activation, summed over the channels, at the last place of the network where
all cells of the picture still count: the last feature map of a convolutional network, the normalised tokens before the
last attention of a transformer with a class token (behind it only that token counts).

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
from engine.nn.networks import load_backbone

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
        self._network = load_backbone(spec, weights)
        self._place: nn.Module | None = None

    def run(self, views: Floats, direction_of: Callable[[Floats], Floats]) -> tuple[Floats, Floats]:
        """Returns contributions (V, h, w) and the outputs (V, D) for views (V, 3, S, S).

        `direction_of` is given the outputs and returns the gradient (V, D) of what is to be explained with respect to
        them.

        Raises:
            NoPlaceError: the network keeps no map of the picture.
        """
        with torch.enable_grad():
            if self._place is None:
                self._place = self._find_place(views[:1], direction_of)
            found: list[Tensor] = []

            def keep(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
                found.append(output.detach().requires_grad_())
                return found[-1] * 1  # a copy: what comes next may work in place

            hook = self._place.register_forward_hook(keep)
            try:
                outputs: Tensor = self._network(torch.from_numpy(views))
            finally:
                hook.remove()
            values = outputs.detach().numpy().astype(np.float32)
            (gradient,) = torch.autograd.grad(outputs, found[-1], torch.from_numpy(direction_of(values)))
        cells = _cells(gradient * found[-1].detach())
        assert cells is not None
        return cells.sum(dim=3).numpy().astype(np.float32), values

    def _find_place(self, views: Floats, direction_of: Callable[[Floats], Floats]) -> nn.Module:
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
        direction = torch.from_numpy(direction_of(outputs.detach().numpy().astype(np.float32)))
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
