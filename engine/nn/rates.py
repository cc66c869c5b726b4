"""How large the steps of a training are: over its course, and for each layer."""

from __future__ import annotations

import math
from typing import Final

from torch import Tensor

_LARGEST_CHANGE: Final = 0.35
"""By this share of itself the output of a layer may change in one step."""


def restraint(layer: Tensor, rate: float) -> float:
    """Returns the factor on the rate of a layer whose weights are small because what follows scales them up.

    Adam moves all weights by about the rate whatever their size, and along a layer's inputs with one sign: the output
    changes by up to rate * sqrt(inputs) / rms(weights) of itself. That is 0.0 to 0.35 for the layers of torchvision's
    MobileNets and SqueezeNet, but 2.0 for the last one of Starter, which was overthrown in its first steps.
    """
    if layer.ndim < 2:
        return 1.0
    size = float(layer.detach().float().square().mean().sqrt())
    change = rate * math.sqrt(layer[0].numel()) / max(size, 1e-12)
    return min(1.0, _LARGEST_CHANGE / max(change, 1e-12))


def pace(step: int, num_steps: int, warm_up: float) -> float:
    """Returns the share of the learning rate: a rise, then a cosine down to nothing."""
    rise = max(1.0, warm_up * num_steps)
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1.0, num_steps - rise)))
