"""A pretrained network seen as what can be trained of it: its upper half (partial) or all of it (full)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from engine.backbones import BackboneSpec
from engine.nn.augmentation import NO_VARIANTS, num_views
from engine.nn.device import CPU, Device, DeviceFailedError, Place
from engine.nn.fine_tune import FineTuning
from engine.nn.networks import EXPORTED_PREFIX, load_backbone
from engine.nn.pace import measure_pace
from engine.nn.preprocessing import Preprocessing
from engine.nn.rotation import Array
from engine.nn.split_network import split_network
from engine.nn.spreads import SpreadNetwork
from engine.nn.training_plan import PARTIAL, Pace, Plan, choose_plan, least_seconds
from engine.settings import num_threads


class NetworkDepths:
    """Loads the network once; measures the pace of each depth once. `place` is where it is trained.

    A block early in the network whose spread is part of the embedding keeps it from being cut in two: then what is
    trained, and what comes of it, has only the spreads of the later blocks. `spec` says which.
    """

    def __init__(self, spec: BackboneSpec, weights: Path, device: Device = CPU) -> None:
        """Loads the network.

        Raises:
            BackboneError: the weights cannot be used.
        """
        self._whole = spec
        self.place = Place(device)
        self._network = load_backbone(spec, weights)
        self._split = split_network(self._network, spec.input_size_px)
        for first in range(1, len(spec.spreads) + 1):
            if self._split is not None:
                break
            fewer = spec.with_spreads(spec.spreads[first:])
            network = load_backbone(fewer, weights)
            self._split = split_network(network, spec.input_size_px)
            if self._split is not None:
                spec, self._network = fewer, network
        self.spec = spec
        self._paces: dict[str, Pace] = {}

    @property
    def has_partial(self) -> bool:
        """Whether the network can be divided."""
        return self._split is not None

    def features_of(self, rows: Array) -> Array:
        """Returns the embeddings (N, D) that this network gives, from those (N, E) with the spreads of all blocks."""
        num_means = self.spec.without_spreads().embedding_size
        num_left_out = self._whole.embedding_size - self.spec.embedding_size
        if not num_left_out:
            return rows
        kept = np.concatenate([rows[:, :num_means], rows[:, num_means + num_left_out :]], axis=1)
        lengths = np.linalg.norm(kept, axis=1, keepdims=True)
        found: Array = np.asarray(kept / np.where(lengths > 0, lengths, 1), np.float32)
        return found

    def parts(self, depth: str) -> tuple[nn.Module | None, nn.Module, tuple[int, ...]]:
        """Returns what stays (None = nothing), what is trained, and the shape of one input of that."""
        side = self.spec.input_size_px
        if depth != PARTIAL or self._split is None:
            return None, self._network, (3, side, side)
        return self._split.lower, self._split.upper, self._split.shape

    def pace(self, depth: str, checkpoint: Callable[[], None]) -> Pace:
        """Returns how fast this machine trains that depth, with as many threads as are quickest now.

        On a machine that is busy with other things, threads that wait for each other make a step up to thirty times
        slower, and one thread alone is the quickest.
        """
        if depth not in self._paces:
            try:
                found = self._measure(depth, checkpoint)
            except DeviceFailedError:
                found = self._measure(depth, checkpoint)  # on the processor, which is the place now
            self._paces[depth] = found
        return self._paces[depth]

    def _measure(self, depth: str, checkpoint: Callable[[], None]) -> Pace:
        lower, upper, _ = self.parts(depth)
        amounts = (lower, upper, self.spec.input_size_px, self.spec.embedding_size, self.place, checkpoint)
        if self.place.device.is_gpu:
            try:
                return measure_pace(*amounts)
            except (RuntimeError, MemoryError) as err:
                self.place.make_room(err, 1)
        found: dict[int, Pace] = {}
        for threads in sorted({1, num_threads(has_window=False)}):
            torch.set_num_threads(threads)
            found[threads] = measure_pace(*amounts)
        best = min(found, key=lambda threads: found[threads].step_s)
        torch.set_num_threads(best)
        return found[best]

    def plan(
        self,
        depth: str,
        augmentation: str,
        preprocessing: Preprocessing,
        num_images: int,
        num_predicted: int,
        budget_s: float | None,
        checkpoint: Callable[[], None],
    ) -> tuple[Plan | None, float]:
        """Returns the most thorough training that fits the budget, None where none does, and what the least takes."""
        pace = self.pace(depth, checkpoint)
        views = num_views(preprocessing.num_views, augmentation if depth == PARTIAL else NO_VARIANTS)
        amounts = (num_images, views, num_predicted, preprocessing.num_views)
        return choose_plan(pace, *amounts, budget_s), least_seconds(pace, *amounts)

    def write_trained(self, depth: str, trained: FineTuning, file: Path) -> None:
        """Writes the whole network with the layers as they were trained, named as exports name them."""
        with trained.averaged():
            learned = {name: value.to("cpu", copy=True) for name, value in trained.upper.state_dict().items()}
        if isinstance(self._network, SpreadNetwork):  # a part of it names its layers as members of the whole
            learned = {name.removeprefix("network."): value for name, value in learned.items()}
        state = dict(self._network.state_dict())
        unknown = set(learned) - set(state)
        if unknown:
            raise ValueError(f"trained layers of another network: {sorted(unknown)[:3]}")
        state |= learned
        save_file({EXPORTED_PREFIX + name: value.contiguous() for name, value in state.items()}, file)
