"""Measures in a few seconds how fast this machine trains a network, so that time and memory can be told beforehand."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from engine.nn.fine_tune import FineTuning, Material, Recipe
from engine.nn.head import Head
from engine.nn.training_plan import Pace

_BATCH = 16
_NUM_STEPS = 2


def measure_pace(
    lower: nn.Module | None,
    upper: nn.Module,
    side_px: int,
    embedding_size: int,
    precision: torch.dtype,
    checkpoint: Callable[[], None],
) -> Pace:
    """Returns the pace of training `upper` on what `lower` (None = the pictures themselves) makes of pictures."""
    pictures = torch.zeros(_BATCH, 3, side_px, side_px).contiguous(memory_format=torch.channels_last)
    before = _peak_memory_bytes()
    with torch.inference_mode(), torch.autocast("cpu", precision, enabled=precision != torch.float32):
        inputs = pictures if lower is None else lower(pictures)
        checkpoint()
        started = time.perf_counter()
        if lower is not None:
            lower(pictures)
        lower_s = (time.perf_counter() - started) / _BATCH
    checkpoint()
    inputs_kept = inputs.float().numpy().astype(np.float16)[:, None]
    goals = np.zeros((_BATCH, 2), np.float32)
    goals[:, 0] = 1
    material = Material(inputs_kept, goals, np.ones(_BATCH, np.float32), 1)
    zeros = np.zeros(embedding_size, np.float32)
    head = Head(zeros, zeros + 1, np.zeros((2, embedding_size), np.float32), np.zeros(2, np.float32))
    training = FineTuning(upper, head, material, Recipe(epochs=_NUM_STEPS + 1, batch_size=_BATCH), precision)
    rows = np.arange(_BATCH)
    training.run_epoch(rows, checkpoint)  # the first step makes plans and finds memory
    started = time.perf_counter()
    for _ in range(_NUM_STEPS):
        training.run_epoch(rows, checkpoint)
    step_s = (time.perf_counter() - started) / (_NUM_STEPS * _BATCH)
    started = time.perf_counter()
    training.logits(rows, checkpoint)
    look_s = (time.perf_counter() - started) / _BATCH
    del training
    # Twice the batch of the measurement, three more copies of the weights, and the program itself.
    weights = 4 * sum(each.numel() for each in upper.parameters())
    memory = _peak_memory_bytes() + max(0, _peak_memory_bytes() - before) + 3 * weights
    return Pace(lower_s, step_s, look_s, (lower_s + look_s), inputs_kept[0].nbytes, memory)


def _peak_memory_bytes() -> int:
    """Returns the most memory that this process has used, 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)
