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
from engine.nn.training_plan import PARTIAL, Pace, Plan, choose_plan, least_seconds
from engine.settings import num_threads


class NetworkDepths:
    """Loads the network once; measures the pace of each depth once. `place` is where it is trained.

    What is trained, and what comes of it, has the network's own output as its embedding, without the spreads that the
    head on the untrained network takes: with 25 images per class of coffee_leaf the trained network was no better with
    them (.792 right against .800, one draw), and many networks could not be cut in two. `spec` says so.
    """

    def __init__(self, spec: BackboneSpec, weights: Path, device: Device = CPU) -> None:
        """Loads the network.

        Raises:
            BackboneError: the weights cannot be used.
        """
        self.spec = spec.without_spreads()
        self.place = Place(device)
        self._network = load_backbone(self.spec, weights)
        self._split = split_network(self._network, spec.input_size_px)
        self._paces: dict[str, Pace] = {}

    @property
    def has_partial(self) -> bool:
        """Whether the network can be divided."""
        return self._split is not None

    def features_of(self, rows: Array) -> Array:
        """Returns nearly the embeddings (N, D) that this network gives, from those with spreads (N, E): for a start."""
        own = rows[:, : self.spec.embedding_size]
        lengths = np.linalg.norm(own, axis=1, keepdims=True)
        found: Array = np.asarray(own / np.where(lengths > 0, lengths, 1), np.float32)
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
        state = dict(self._network.state_dict())
        unknown = set(learned) - set(state)
        if unknown:
            raise ValueError(f"trained layers of another network: {sorted(unknown)[:3]}")
        state |= learned
        save_file({EXPORTED_PREFIX + name: value.contiguous() for name, value in state.items()}, file)
