"""Muon: the optimiser of Starter's convolutions, which learns as much as AdamW from fewer pictures.

Measured from random weights with 50,000 pictures at 64 px, mean accuracy of the plain probe: .558 at a rate of 4e-3
(AdamW for the heads), .529 at 2e-3 (Muon for the heads too); AdamW alone .521 at 2e-3, .512 at 4e-3.

Source: Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024), with the update scaled to the
size of AdamW's (Liu et al., "Muon is scalable for LLM training", 2025), so that both share one learning rate. We differ
in that a grouped convolution counts as one matrix per group, and in that the processes of a run share the work.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_STEPS = 5
_RMS_OF_ADAMW = 0.2


class Muon(torch.optim.Optimizer):
    """Steps along orthogonalised momentum. Takes weights (out, in / groups, ...) with the `groups` of each.

    With several processes each orthogonalises its share of the weights; all of them end up with the same numbers.
    """

    def __init__(self, params: Iterable[dict[str, object]], weight_decay: float, momentum: float = 0.95) -> None:
        super().__init__(params, {"lr": 0.0, "momentum": momentum, "weight_decay": weight_decay, "groups": 1})

    @torch.no_grad()
    def step(self, closure: object = None) -> None:  # type: ignore[override]
        """Takes one step."""
        weights = [(weight, group) for group in self.param_groups for weight in group["params"]]
        num_shares = dist.get_world_size() if dist.is_initialized() else 1
        share = dist.get_rank() if dist.is_initialized() else 0
        updates = [torch.zeros(weight.shape, device=weight.device) for weight, _ in weights]
        for index, ((weight, group), update) in enumerate(zip(weights, updates, strict=True)):
            momentum = self.state[weight].setdefault("momentum", torch.zeros_like(weight))
            momentum.lerp_(weight.grad, 1 - group["momentum"])
            if index % num_shares == share:
                update.copy_(_update(weight.grad.lerp(momentum, group["momentum"]), group["groups"]))
        if num_shares > 1:
            flat = torch.cat([update.flatten() for update in updates])
            dist.all_reduce(flat)
            parts = flat.split([update.numel() for update in updates])
            updates = [part.view_as(update) for part, update in zip(parts, updates, strict=True)]
        for (weight, group), update in zip(weights, updates, strict=True):
            weight.mul_(1 - group["lr"] * group["weight_decay"])
            weight.add_(update, alpha=-group["lr"])


def _update(direction: Tensor, groups: int) -> Tensor:
    matrices = direction.reshape(groups, direction.shape[0] // groups, -1)
    scale = _RMS_OF_ADAMW * math.sqrt(max(matrices.shape[1:]))
    return (orthogonalised(matrices) * scale).reshape(direction.shape)


def orthogonalised(matrices: Tensor) -> Tensor:
    """Returns the matrices (G, R, C) with nearly all their singular values between 0.7 and 1.2."""
    a, b, c = _COEFFICIENTS
    x = matrices.bfloat16()
    is_tall = x.shape[1] > x.shape[2]
    if is_tall:
        x = x.mT
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(_STEPS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.mT if is_tall else x).to(matrices.dtype)
