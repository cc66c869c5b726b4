"""Trains the upper part of a network together with its head: one loop, three levels (training, round, step).

Every step depends on its number and the seed alone, so a training that was stopped goes on as if it had not been, and
the same seed gives the same model on the same machine. A device that has too little memory computes a step in parts; a
GPU that fails hands over to the processor, where the round is begun anew.

Letters: N images, V views, B batch, K classes, D embedding size, S the shape of one input.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
from engine.language import tr
from engine.nn.device import DeviceFailedError, Place, autocast, send
from engine.nn.head import Head
from engine.nn.material import Draw, Material, Portion, Recipe, generator
from engine.nn.rates import pace, restraint
from engine.nn.rotation import Array
from engine.nn.team import Team, TeamBrokenError
from engine.nn.variants import vary

MAX_FAILURES: Final = 3
_SLOWER: Final = 0.3
"""Factor on the learning rate after a loss that is not finite."""

_LOWEST_RATE: Final = 0.3
"""The first trained layers learn at this share of the rate of the last ones."""


class FineTuning:
    """One training of a copy of `upper` and the head on some of the images."""

    def __init__(
        self,
        upper: nn.Module,
        head: Head,
        material: Material,
        recipe: Recipe,
        place: Place,
        team: Team | None = None,
    ) -> None:
        """`team` are the processes that share each batch, this one among them; None = this one alone."""
        self.material, self.recipe, self.place, self.team = material, recipe, place, team
        self._original, self._head = upper, head
        self.epoch = 0
        self.slowness = 1.0
        self.num_failures = 0
        self.losses: list[float] = []
        self._next_batch, self._loss_so_far = 0, 0.0
        try:
            self._build()
        except (RuntimeError, MemoryError) as err:
            self._change_place(err)
        self._kept = self.state()
        if team is not None:
            team.begin(head, material, recipe)

    def _build(self) -> None:
        """Makes layers, head and optimiser on the device."""
        name, head = self.place.device.torch_name, self._head
        # Eval mode throughout: the statistics of BatchNorm stay those of the large set that the network was made on.
        self.upper = copy.deepcopy(self._original).eval().requires_grad_(True)
        self.upper.to(name, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.mean, self.scale = torch.from_numpy(head.mean).to(name), torch.from_numpy(head.scale).to(name)
        # The temperature goes into the weights: the training begins with confidence that is about right.
        self.weight = nn.Parameter(torch.from_numpy(head.weight / np.float32(head.temperature)).to(name))
        self.bias = nn.Parameter(torch.from_numpy(head.bias / np.float32(head.temperature)).to(name))
        layers = [each for each in self.upper.parameters() if each.numel()]
        last = max(len(layers) - 1, 1)
        self._factors = [
            _LOWEST_RATE ** (1 - index / last) * restraint(layer, self.recipe.learning_rate)
            for index, layer in enumerate(layers)
        ]
        self._parameters = [*layers, self.weight, self.bias]
        decay = self.recipe.weight_decay
        groups = [{"params": [layer], "weight_decay": decay if layer.ndim > 1 else 0.0} for layer in layers]
        groups.append({"params": [self.weight, self.bias], "weight_decay": 0.0})
        self._optimiser = torch.optim.AdamW(groups, lr=0.0)
        self._averages = [each.detach().clone() for each in self._parameters]

    def _change_place(self, err: BaseException) -> None:
        """Goes over to the processor with what is in main memory; raises an error of the processor itself."""
        if not isinstance(err, DeviceFailedError):
            try:
                self.place.make_room(err, 1)
            except DeviceFailedError:
                pass
        if self.team is not None:
            self.team.close()
            self.team = None
        self._build()

    # ---- the training

    def run_epoch(self, rows: NDArray[np.int64], checkpoint: Callable[[], None]) -> float:
        """Trains one round on images (n,), or what is left of it, and returns the mean loss.

        A loss that is not finite is told as NaN: then everything is as before, and the next try is slower. What
        `checkpoint` raises leaves the round half done; `save` and `restore` keep that too.

        Raises:
            TrainingError: that happened three times, or there is too little memory for a single image.
        """
        self._kept = self.state()
        try:
            return self._run_epoch(rows, checkpoint)
        except DeviceFailedError as err:
            self._change_place(err)
            self.set_state(self._kept)
            return self._run_epoch(rows, checkpoint)

    def _run_epoch(self, rows: NDArray[np.int64], checkpoint: Callable[[], None]) -> float:
        count = max(1, round(len(rows) / self.recipe.batch_size))
        batches = np.array_split(generator(self.recipe.seed, self.epoch).permutation(rows), count)
        first = self.epoch * count
        with ThreadPoolExecutor(1, thread_name_prefix="feed") as feeder:
            ahead = None
            while self._next_batch < count:
                checkpoint()
                step, number = first + self._next_batch, self._next_batch
                draw = ahead.result() if ahead is not None else self._draw(batches[number], step)
                ahead = None
                if self.place.device.is_gpu and number + 1 < count:  # read while the device computes
                    ahead = feeder.submit(self._draw, batches[number + 1], step + 1)
                loss = self._step(draw, step, self.recipe.epochs * count)
                if not math.isfinite(loss):
                    self._roll_back(self._kept)
                    return math.nan
                self._loss_so_far += loss / count
                self._next_batch += 1
        self.losses.append(self._loss_so_far)
        self.epoch, self._next_batch, self._loss_so_far = self.epoch + 1, 0, 0.0
        return self.losses[-1]

    def _draw(self, batch: NDArray[np.int64], step: int) -> tuple[Draw, Portion | None]:
        """Returns what chance decides for a step, and the images where all of them are computed at once."""
        draw = Draw(self.material, self.recipe, np.sort(batch), step, len(self.mean))
        mine = self._share_of(draw)
        return draw, draw.portion(mine, self.place.device) if len(mine) <= self.place.portion else None

    def _share_of(self, draw: Draw) -> NDArray[np.int64]:
        """Returns the places in a batch that this process computes."""
        places = np.arange(len(draw.rows))
        return places if self.team is None else np.array_split(places, self.team.size)[self.team.rank]

    def take_part(self, rows: NDArray[np.int64], step: int, num_steps: int) -> None:
        """Does a step that another process of the team has decided on."""
        self._step(self._draw(rows, step), step, num_steps)

    def _step(self, drawn: tuple[Draw, Portion | None], step: int, num_steps: int) -> float:
        """Does one step and returns its loss; NaN where it is not finite, and then nothing was changed."""
        draw, portion = drawn
        if self.team is not None:
            self.team.step(draw.rows, step, num_steps)
        loss = self._compute_gradients(draw, portion)
        if self.team is not None:
            try:
                loss = self.team.add_up(self._parameters, loss)
            except TeamBrokenError as err:
                self.place.notes.append(str(err))
                self.team = None
                loss = self._compute_gradients(draw, None)
        if not math.isfinite(loss):
            return math.nan
        recipe = self.recipe
        nn.utils.clip_grad_norm_(self._parameters, 5.0)
        factor = self.slowness * pace(step, num_steps, recipe.warm_up)
        for group, share in zip(self._optimiser.param_groups, self._factors, strict=False):
            group["lr"] = recipe.learning_rate * share * factor
        self._optimiser.param_groups[-1]["lr"] = recipe.head_learning_rate * factor
        self._optimiser.step()
        horizon = max(5.0, recipe.averaging * num_steps)
        with torch.no_grad():
            # Early on only as many steps as there were, or the beginning would weigh too much.
            torch._foreach_lerp_(self._averages, list(self._parameters), max(1 / horizon, 1 / (step + 2)))
        return loss

    def _compute_gradients(self, draw: Draw, portion: Portion | None) -> float:
        """Leaves this process's share of the gradients in the parameters and returns its share of the loss.

        As many images at a time as fit: BatchNorm is frozen, so the parts of a batch add up to the whole.
        """
        mine = self._share_of(draw)
        while True:
            self._optimiser.zero_grad(set_to_none=True)
            size = min(self.place.portion, max(len(mine), 1))
            try:
                total = 0.0
                for start in range(0, len(mine), size):
                    part = portion if portion is not None and size >= len(mine) else None
                    part = part or draw.portion(mine[start : start + size], self.place.device)
                    loss = self._loss_of(part) / len(draw.rows)
                    loss.backward()
                    total += float(loss.detach())
            except (RuntimeError, MemoryError) as err:
                self._make_room(err, size)
            else:
                return total

    def _make_room(self, err: BaseException, num_images: int) -> None:
        try:
            self.place.make_room(err, num_images)
        except MemoryError as memory:
            raise TrainingError(
                tr("There is too little memory to train this network, even for one image at a time."),
                tr("Close other programs, train only the head, or choose a smaller backbone."),
            ) from memory

    def _loss_of(self, portion: Portion) -> Tensor:
        """Returns the sum of the losses of its images."""
        device = self.place.device
        inputs = send(portion.inputs, device).float()
        if portion.chances is not None:
            inputs = vary(inputs, portion.chances)
        share, first, second = portion.share, send(portion.first, device), send(portion.second, device)
        goals, weights = send(portion.goals, device), send(portion.weights, device)
        mixed = inputs[first] if share == 1.0 else share * inputs[first] + (1 - share) * inputs[second]
        logits = self._logits(self._embed(mixed), send(portion.kept, device))
        loss = share * self._loss(logits, goals[:, 0], weights[:, 0])
        return loss + (1 - share) * self._loss(logits, goals[:, 1], weights[:, 1])

    def _loss(self, logits: Tensor, goals: Tensor, weights: Tensor) -> Tensor:
        smoothing = self.recipe.label_smoothing
        if self.material.has_several_classes:
            known = (goals >= 0).float()
            soft = goals.clamp(min=0) * (1 - smoothing) + smoothing / 2
            losses = F.binary_cross_entropy_with_logits(logits, soft, reduction="none")
            return ((losses * known).sum(dim=1) * weights).sum()
        soft = goals * (1 - smoothing) + smoothing / goals.shape[1]
        return (-(soft * F.log_softmax(logits, dim=1)).sum(dim=1) * weights).sum()

    def _embed(self, inputs: Tensor) -> Tensor:
        if inputs.ndim == 4:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        with autocast(self.place.device, self.place.precision):
            output: Tensor = self.upper(inputs)
        return output.float()

    def _logits(self, outputs: Tensor, kept: Tensor) -> Tensor:
        return F.linear((_unit(outputs) - self.mean) / self.scale * kept, self.weight, self.bias)

    def _roll_back(self, state: dict[str, Tensor]) -> None:
        self.num_failures += 1
        if self.num_failures >= MAX_FAILURES:
            raise TrainingError(
                tr("The training got out of hand three times, each time slower than before, and was stopped."),
                tr("The model that you have is untouched. Train only the head, or choose another backbone."),
            )
        failures, slowness = self.num_failures, self.slowness * _SLOWER
        state = dict(state)
        state["numbers"] = state["numbers"].clone()
        state["numbers"][2], state["numbers"][3] = failures, slowness
        self.set_state(state)

    # ---- what it has learned

    def logits(self, rows: NDArray[np.int64], checkpoint: Callable[[], None]) -> Array:
        """Returns the logits (n, K) of images by the averaged weights, as the deployed model would give them."""
        return self.head().logits(self.embeddings(rows, checkpoint))

    def embeddings(self, rows: NDArray[np.int64], checkpoint: Callable[[], None]) -> Array:
        """Returns the embeddings (n, D), of length 1, of images by the averaged layers."""
        self._kept = self.state() if self.place.device.is_gpu else self._kept
        found = [np.empty((0, len(self.mean)), np.float32)]
        start = 0
        while start < len(rows):
            checkpoint()
            batch = rows[start : start + min(self.place.portion, self.recipe.batch_size)]
            try:
                with self.averaged(), torch.inference_mode():
                    found.append(self._embeddings_of(batch))
            except (RuntimeError, MemoryError) as err:
                try:
                    self._make_room(err, len(batch))
                except DeviceFailedError as failure:
                    self._change_place(failure)
                    self.set_state(self._kept)
                continue
            start += len(batch)
        return np.concatenate(found)

    def _embeddings_of(self, rows: NDArray[np.int64]) -> Array:
        outputs = []
        for view in range(self.material.num_test_views):
            inputs = send(self.material.batch(rows, np.full(len(rows), view)), self.place.device)
            outputs.append(self._embed(inputs.float()))
        found: Array = _unit(torch.stack(outputs).mean(dim=0)).cpu().numpy()
        return found

    def averaged(self) -> _Swapped:
        """Returns a context in which the layers have their averaged weights."""
        return _Swapped(self._parameters, self._averages)

    def head(self) -> Head:
        """Returns the averaged head, its temperature 1."""
        weight, bias = (each.cpu().numpy().copy() for each in self._averages[-2:])
        return Head(self.mean.cpu().numpy(), self.scale.cpu().numpy(), weight, bias)

    # ---- stopping and going on

    def state(self) -> dict[str, Tensor]:
        """Returns everything that changes, as copies in main memory."""
        found = {f"layer.{index}": _copy(each) for index, each in enumerate(self._parameters)}
        found |= {f"average.{index}": _copy(each) for index, each in enumerate(self._averages)}
        for index, each in enumerate(self._parameters):
            for name, value in self._optimiser.state.get(each, {}).items():
                found[f"{name}.{index}"] = _copy(value)
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
        if self.team is not None:
            self.team.set_state(state)

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


def _unit(outputs: Tensor) -> Tensor:
    """Returns each row scaled to length 1; a row of zeros stays zero."""
    return F.normalize(outputs, dim=1, eps=1e-30)


def _copy(value: Tensor) -> Tensor:
    return value.detach().to("cpu", copy=True)


def _laid_out_as(parameter: Tensor, value: Tensor) -> Tensor:
    """Returns a copy in the parameter's order in memory and on its device, in which the optimiser is quick."""
    return torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape else value.clone()
