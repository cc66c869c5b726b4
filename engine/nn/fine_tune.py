"""Trains the upper part of a network together with its head: one loop, three levels (training, epoch, step).

Every step depends on its number and the seed alone, so a training that was stopped goes on as if it had not been, and
the same seed gives the same model on the same machine.

Letters: N images, V views, B batch, K classes, D embedding size, S the shape of one input.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.errors import TrainingError
from engine.files import atomic_write_file
from engine.nn.head import Head
from engine.nn.rotation import Array

MAX_FAILURES: Final = 3
_SLOWER: Final = 0.3
"""Factor on the learning rate after a loss that is not finite."""

_LOWEST_RATE: Final = 0.3
"""The first trained layers learn at this share of the rate of the last ones."""


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
    has_mirror: bool = False
    """Whether half of the inputs are mirrored at random; for inputs that are pictures."""


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
        return torch.from_numpy(np.asarray(self.inputs[rows, views], np.float32))


class FineTuning:
    """One training of a copy of `upper` and the head on some of the images."""

    def __init__(
        self, upper: nn.Module, head: Head, material: Material, recipe: Recipe, precision: torch.dtype
    ) -> None:
        self.material, self.recipe, self.precision = material, recipe, precision
        # Eval mode throughout: the statistics of BatchNorm stay those of the large set that the network was made on.
        self.upper = copy.deepcopy(upper).eval().requires_grad_(True)
        self.upper.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.mean, self.scale = torch.from_numpy(head.mean), torch.from_numpy(head.scale)
        # The temperature goes into the weights: the training begins with confidence that is about right.
        self.weight = nn.Parameter(torch.from_numpy(head.weight / np.float32(head.temperature)))
        self.bias = nn.Parameter(torch.from_numpy(head.bias / np.float32(head.temperature)))
        layers = [each for each in self.upper.parameters() if each.numel()]
        last = max(len(layers) - 1, 1)
        self._factors = [_LOWEST_RATE ** (1 - index / last) for index in range(len(layers))]
        self._parameters = [*layers, self.weight, self.bias]
        groups = [
            {"params": [layer], "weight_decay": recipe.weight_decay if layer.ndim > 1 else 0.0} for layer in layers
        ]
        groups.append({"params": [self.weight, self.bias], "weight_decay": 0.0})
        self._optimiser = torch.optim.AdamW(groups, lr=0.0)
        self._averages = [each.detach().clone() for each in self._parameters]
        self.epoch = 0
        self.slowness = 1.0
        self.num_failures = 0
        self.losses: list[float] = []
        self._next_batch, self._loss_so_far = 0, 0.0

    # ---- the training

    def run_epoch(self, rows: NDArray[np.int64], checkpoint: Callable[[], None]) -> float:
        """Trains one epoch on images (n,), or what is left of it, and returns the mean loss.

        A loss that is not finite is told as NaN: then everything is as before, and the next try is slower. What
        `checkpoint` raises leaves the epoch half done; `save` and `restore` keep that too.

        Raises:
            TrainingError: that happened three times.
        """
        before = self.state()
        batches = np.array_split(_generator(self.recipe.seed, self.epoch).permutation(rows), self._num_batches(rows))
        while self._next_batch < len(batches):
            checkpoint()
            batch, step = np.sort(batches[self._next_batch]), self.epoch * len(batches) + self._next_batch
            loss = self._step(batch, step, self.recipe.epochs * len(batches))
            if not math.isfinite(loss):
                self._roll_back(before)
                return math.nan
            self._loss_so_far += loss / len(batches)
            self._next_batch += 1
        self.losses.append(self._loss_so_far)
        self.epoch, self._next_batch, self._loss_so_far = self.epoch + 1, 0, 0.0
        return self.losses[-1]

    def _num_batches(self, rows: NDArray[np.int64]) -> int:
        return max(1, round(len(rows) / self.recipe.batch_size))

    def _step(self, rows: NDArray[np.int64], step: int, num_steps: int) -> float:
        recipe, material = self.recipe, self.material
        chance = _generator(recipe.seed, 1_000_003 + step)
        inputs = material.batch(rows, chance.integers(0, material.inputs.shape[1], len(rows)))
        if recipe.has_mirror:
            is_mirrored = torch.from_numpy(chance.random(len(rows)) < 0.5)
            inputs[is_mirrored] = inputs[is_mirrored].flip(-1)
        goals, weights = torch.from_numpy(material.goals[rows]), torch.from_numpy(material.weights[rows])
        other = torch.from_numpy(chance.permutation(len(rows)))
        share = float(chance.beta(recipe.mixup, recipe.mixup)) if recipe.mixup else 1.0
        inputs = share * inputs + (1 - share) * inputs[other]
        kept = torch.from_numpy(chance.random((len(rows), len(self.mean))) >= recipe.dropout) / (1 - recipe.dropout)
        logits = self._logits(self._embed(inputs), kept.float())
        loss = share * self._loss(logits, goals, weights)
        loss = loss + (1 - share) * self._loss(logits, goals[other], weights[other])
        if not torch.isfinite(loss):
            return math.nan
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self._parameters, 5.0)
        pace = self.slowness * _pace(step, num_steps, recipe.warm_up)
        for group, factor in zip(self._optimiser.param_groups, self._factors, strict=False):
            group["lr"] = recipe.learning_rate * factor * pace
        self._optimiser.param_groups[-1]["lr"] = recipe.head_learning_rate * pace
        self._optimiser.step()
        horizon = max(5.0, recipe.averaging * num_steps)
        with torch.no_grad():
            # Early on only as many steps as there were, or the beginning would weigh too much.
            torch._foreach_lerp_(self._averages, list(self._parameters), max(1 / horizon, 1 / (step + 2)))
        return float(loss.detach())

    def _loss(self, logits: Tensor, goals: Tensor, weights: Tensor) -> Tensor:
        smoothing = self.recipe.label_smoothing
        if self.material.has_several_classes:
            known = (goals >= 0).float()
            soft = goals.clamp(min=0) * (1 - smoothing) + smoothing / 2
            losses = F.binary_cross_entropy_with_logits(logits, soft, reduction="none")
            return ((losses * known).sum(dim=1) * weights).mean()
        soft = goals * (1 - smoothing) + smoothing / goals.shape[1]
        return (-(soft * F.log_softmax(logits, dim=1)).sum(dim=1) * weights).mean()

    def _embed(self, inputs: Tensor) -> Tensor:
        if inputs.ndim == 4:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", self.precision, enabled=self.precision != torch.float32):
            output: Tensor = self.upper(inputs)
        return output.float()

    def _logits(self, outputs: Tensor, kept: Tensor | float = 1.0) -> Tensor:
        embedding = F.normalize(outputs, dim=1, eps=1e-30)
        return F.linear((embedding - self.mean) / self.scale * kept, self.weight, self.bias)

    def _roll_back(self, state: dict[str, Tensor]) -> None:
        self.num_failures += 1
        if self.num_failures >= MAX_FAILURES:
            raise TrainingError(
                "The training got out of hand three times, each time slower than before, and was stopped.",
                "The model that you have is untouched. Train only the head, or choose another backbone.",
            )
        failures, slowness = self.num_failures, self.slowness * _SLOWER
        self.set_state(state)
        self.num_failures, self.slowness = failures, slowness

    # ---- what it has learned

    def logits(self, rows: NDArray[np.int64], checkpoint: Callable[[], None]) -> Array:
        """Returns the logits (n, K) of images by the averaged weights, as the deployed model would give them."""
        found = [np.empty((0, len(self.bias)), np.float32)]
        with self.averaged(), torch.inference_mode():
            for start in range(0, len(rows), self.recipe.batch_size):
                checkpoint()
                batch = rows[start : start + self.recipe.batch_size]
                outputs = [
                    self._embed(self.material.batch(batch, np.full(len(batch), view)))
                    for view in range(self.material.num_test_views)
                ]
                found.append(self._logits(torch.stack(outputs).mean(dim=0)).numpy())
        return np.concatenate(found)

    def averaged(self) -> _Swapped:
        """Returns a context in which the layers have their averaged weights."""
        return _Swapped(self._parameters, self._averages)

    def head(self) -> Head:
        """Returns the averaged head, its temperature 1."""
        weight, bias = (each.numpy().copy() for each in self._averages[-2:])
        return Head(self.mean.numpy(), self.scale.numpy(), weight, bias)

    # ---- stopping and going on

    def state(self) -> dict[str, Tensor]:
        """Returns everything that changes, as copies."""
        found = {f"layer.{index}": each.detach().clone() for index, each in enumerate(self._parameters)}
        found |= {f"average.{index}": each.clone() for index, each in enumerate(self._averages)}
        for index, each in enumerate(self._parameters):
            for name, value in self._optimiser.state.get(each, {}).items():
                found[f"{name}.{index}"] = value.clone()
        counts = [float(self.epoch), float(self._next_batch), float(self.num_failures)]
        numbers = [*counts, self.slowness, self._loss_so_far, *self.losses]
        found["numbers"] = torch.tensor(numbers, dtype=torch.float64)
        return found

    def set_state(self, state: dict[str, Tensor]) -> None:
        """Goes back to what `state` returned."""
        numbers = state["numbers"].tolist()
        self.epoch, self._next_batch, self.num_failures = (int(number) for number in numbers[:3])
        self.slowness, self._loss_so_far, self.losses = numbers[3], numbers[4], numbers[5:]
        self._optimiser.state.clear()
        with torch.no_grad():
            for index, each in enumerate(self._parameters):
                each.copy_(state[f"layer.{index}"])
                self._averages[index].copy_(state[f"average.{index}"])
                names = [name for name in ("step", "exp_avg", "exp_avg_sq") if f"{name}.{index}" in state]
                if names:
                    self._optimiser.state[each] = {name: _laid_out_as(each, state[f"{name}.{index}"]) for name in names}

    def save(self, file: Path) -> None:
        """Writes the state atomically."""
        state = {name: value.contiguous() for name, value in self.state().items()}
        atomic_write_file(file, lambda target: save_file(state, target))

    def restore(self, file: Path) -> None:
        """Goes on where `save` was called. A file that is missing, damaged or of another training changes nothing."""
        try:
            self.set_state(load_file(file))
        except (OSError, SafetensorError, KeyError, RuntimeError):
            return


class _Swapped:
    """Exchanges the values of two lists of tensors for as long as the context lasts."""

    def __init__(self, parameters: list[nn.Parameter], values: list[Tensor]) -> None:
        self._parameters, self._values = parameters, values

    def __enter__(self) -> None:
        self._kept = [each.data for each in self._parameters]
        for parameter, value in zip(self._parameters, self._values, strict=True):
            parameter.data = value

    def __exit__(self, *_: object) -> None:
        for parameter, value in zip(self._parameters, self._kept, strict=True):
            parameter.data = value


def _laid_out_as(parameter: Tensor, value: Tensor) -> Tensor:
    """Returns a copy in the parameter's order in memory, in which the optimiser is quick."""
    return torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape else value.clone()


def choose_precision() -> torch.dtype:
    """Returns bfloat16 where the processor computes with it (three times as fast here), else float32."""
    probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return torch.bfloat16 if probe is not None and probe() else torch.float32


def _pace(step: int, num_steps: int, warm_up: float) -> float:
    """Returns the share of the learning rate: a rise, then a cosine down to nothing."""
    rise = max(1.0, warm_up * num_steps)
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1.0, num_steps - rise)))


def _generator(seed: int, number: int) -> np.random.Generator:
    return np.random.default_rng([seed, number])
