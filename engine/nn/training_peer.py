"""A process that trains a network together with others, as it is told through its input (`engine.nn.team`)."""

from __future__ import annotations

import json
import os
import pickle
import queue
import threading
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.backbones import BackboneSpec
from engine.nn.device import Place, choose_device
from engine.nn.fine_tune import FineTuning
from engine.nn.material import Material
from engine.nn.network_depths import NetworkDepths
from engine.nn.team import BEGIN, STEP, Team
from engine.settings import limit_threads


def main(text: str) -> None:
    """Does what it is told until its input ends."""
    order = json.loads(text)
    limit_threads(order["num_threads"])
    messages: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(messages,), daemon=True).start()
    device = choose_device(order["device"])
    place = Place(device, getattr(torch, order["precision"]))
    network = NetworkDepths(BackboneSpec.from_document(order["spec"]), Path(order["weights"]))
    _, upper, _ = network.parts(order["depth"])
    team = Team(order["rank"], order["size"], device, Path(order["store"]))
    training: FineTuning | None = None
    while True:
        kind, *values = messages.get()
        if kind == BEGIN:
            head, inputs, rest, recipe = values
            kept = np.load(inputs, mmap_mode="r") if isinstance(inputs, str) else inputs
            training = FineTuning(upper, head, Material(kept, *rest), recipe, place, team)
        elif training is not None and kind == STEP:
            training.take_part(*values)
        elif training is not None:
            training.set_state({name: torch.from_numpy(value) for name, value in values[0].items()})


def _listen(messages: queue.SimpleQueue[tuple[Any, ...]]) -> None:
    """Takes what the first process says; when that is gone, this one goes too, whatever it is waiting for."""
    with open(0, "rb", closefd=False) as stream:
        while True:
            try:
                messages.put(pickle.load(stream))  # noqa: S301 - from our own program through a private pipe
            except (EOFError, OSError):
                os._exit(0)
