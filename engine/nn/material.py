"""What a training learns from and how: settings, images, and what chance decides for each step.

Everything random is drawn on the processor from the seed and the number of the step, so that a training is the same on
every device, in any number of processes, and when it goes on after a stop.

Letters: N images, V views, B batch, K classes, D embedding size, S the shape of one input.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.nn.augmentation import Augmentation
from engine.nn.device import Device, ready_to_send
from engine.nn.rotation import Array
from engine.nn.variants import Chances, draw


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the layers are trained. The defaults were chosen by measurement on coffee_leaf and steel_neu."""

    epochs: int
    seed: int = 0
    batch_size: int = 32
    learning_rate: float = 4e-4
    head_learning_rate: float = 1e-3
    weight_decay: float = 0.05
    mixup: float = 0.4
    label_smoothing: float = 0.05
    dropout: float = 0.2
    warm_up: float = 0.1
    averaging: float = 0.15
    """The averaged weights look back over this share of the steps."""
    variation: Augmentation | None = None
    """How inputs that are pictures are varied at each step; None = not at all."""


@dataclass(frozen=True, slots=True)
class Material:
    """What is learned from. `inputs` (N, V, *S) float16; the first `num_test_views` views are those of the deployed
    model, the others are variants to learn from. `goals` (N, K) are 1 where the class is there, 0 where it is not, and
    -1 where that is not known; `weights` (N,) say how much an image counts."""

    inputs: NDArray[np.float16]
    goals: Array
    weights: Array
    num_test_views: int
    has_several_classes: bool = False

    def batch(self, rows: NDArray[np.int64], views: NDArray[np.int64]) -> Tensor:
        """Returns inputs (B, *S) float16."""
        return torch.from_numpy(np.ascontiguousarray(self.inputs[rows, views]))


@dataclass(frozen=True, slots=True)
class Portion:
    """Some images of a batch, each with the one that it is mixed with, in main memory.

    `inputs` (U, *S) float16 are those of all of them; `first` and `second` (n,) tell which is which. `goals` (n, 2, K)
    and `weights` (n, 2) are of both, `kept` (n, D) is the dropout.
    """

    inputs: Tensor
    first: Tensor
    second: Tensor
    goals: Tensor
    weights: Tensor
    kept: Tensor
    share: float
    chances: Chances | None


class Draw:
    """What chance decides for one step on images `rows` (B,)."""

    def __init__(self, material: Material, recipe: Recipe, rows: NDArray[np.int64], step: int, size: int) -> None:
        """`size` is D."""
        chance = generator(recipe.seed, 1_000_003 + step)
        count = len(rows)
        self._material, self.rows = material, rows
        self._views = chance.integers(0, material.inputs.shape[1], count)
        self._chances = draw(recipe.variation, chance, count) if recipe.variation is not None else None
        self._other = chance.permutation(count)
        self._share = float(chance.beta(recipe.mixup, recipe.mixup)) if recipe.mixup else 1.0
        self._kept = (chance.random((count, size)) >= recipe.dropout).astype(np.float32) / (1 - recipe.dropout)

    def portion(self, places: NDArray[np.int64], device: Device) -> Portion:
        """Returns the images at these places (n,) of the batch, ready to be sent to a device."""
        others = self._other[places]
        needed, index = np.unique(np.concatenate([places, others]), return_inverse=True)
        both = torch.from_numpy(index.astype(np.int64))
        pairs = self.rows[np.stack([places, others], axis=1)]
        return Portion(
            ready_to_send(self._material.batch(self.rows[needed], self._views[needed]), device),
            both[: len(places)],
            both[len(places) :],
            torch.from_numpy(self._material.goals[pairs]),
            torch.from_numpy(self._material.weights[pairs]),
            torch.from_numpy(self._kept[places]),
            self._share,
            self._chances.of(needed) if self._chances is not None else None,
        )


def generator(seed: int, number: int) -> np.random.Generator:
    """Returns what is random about step or round `number` of a training."""
    return np.random.default_rng([seed, number])
