"""Measures in a few seconds how fast this machine trains a network, so that time and memory can be told beforehand."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from engine.nn.device import Place, autocast, peak_memory_bytes, wait_for
from engine.nn.fine_tune import FineTuning
from engine.nn.head import Head
from engine.nn.material import Material, Recipe
from engine.nn.training_plan import Pace

_BATCH = 16
_NUM_STEPS = 2


def measure_pace(
    lower: nn.Module | None,
    upper: nn.Module,
    side_px: int,
    embedding_size: int,
    place: Place,
    checkpoint: Callable[[], None],
) -> Pace:
    """Returns the pace of training `upper` on what `lower` (None = the pictures themselves) makes of pictures."""
    inputs, lower_s = _through(lower, side_px, place, checkpoint)
    before = peak_memory_bytes(place.device)
    checkpoint()
    goals = np.zeros((_BATCH, 2), np.float32)
    goals[:, 0] = 1
    material = Material(inputs[:, None], goals, np.ones(_BATCH, np.float32), 1)
    zeros = np.zeros(embedding_size, np.float32)
    head = Head(zeros, zeros + 1, np.zeros((2, embedding_size), np.float32), np.zeros(2, np.float32))
    training = FineTuning(upper, head, material, Recipe(epochs=_NUM_STEPS + 1, batch_size=_BATCH), place)
    rows = np.arange(_BATCH)
    training.run_epoch(rows, checkpoint)  # the first step makes plans and finds memory
    started = time.perf_counter()
    for _ in range(_NUM_STEPS):
        training.run_epoch(rows, checkpoint)
    step_s = (time.perf_counter() - started) / (_NUM_STEPS * _BATCH)
    training.logits(rows[:1], checkpoint)
    started = time.perf_counter()
    training.logits(rows, checkpoint)
    look_s = (time.perf_counter() - started) / _BATCH
    del training
    # Twice the batch of the measurement, three more copies of the weights, and the program itself.
    weights = 4 * sum(each.numel() for each in upper.parameters())
    peak = peak_memory_bytes(place.device)
    return Pace(lower_s, step_s, look_s, lower_s + look_s, inputs[0].nbytes, peak + max(0, peak - before) + 3 * weights)


def _through(
    lower: nn.Module | None, side_px: int, place: Place, checkpoint: Callable[[], None]
) -> tuple[NDArray[np.float16], float]:
    """Returns what `lower` makes of a batch of pictures, and the seconds that one picture takes."""
    device = place.device
    pictures = torch.zeros(_BATCH, 3, side_px, side_px).contiguous(memory_format=torch.channels_last)
    if lower is None:
        return pictures.numpy().astype(np.float16), 0.0
    lower = copy.deepcopy(lower).to(device.torch_name)  # its layers are those of the network, which stays where it is
    with torch.inference_mode(), autocast(device, place.precision):
        there = pictures.to(device.torch_name)
        outputs = lower(there)
        wait_for(device)
        checkpoint()
        started = time.perf_counter()
        lower(there)
        wait_for(device)
        seconds = (time.perf_counter() - started) / _BATCH
    return outputs.float().cpu().numpy().astype(np.float16), seconds
