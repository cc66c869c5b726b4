"""Several processes that train one network together, each on a device of its own and on its share of every batch.

The first process decides everything and tells the others what to do through their input pipes; the gradients meet
through `torch.distributed` (NCCL between CUDA devices, else gloo). They are added up after the backward pass and not by
DistributedDataParallel during it: a process that ran out of memory can then repeat its share in smaller parts, and when
another process dies the first one goes on alone. BatchNorm needs no agreement, since it is frozen. Only the loopback
interface is used: nothing listens on the network.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.backbones import BackboneSpec
from engine.helper_process import TRAINING_PEER, start_helper
from engine.language import tr
from engine.nn.device import Device, DeviceKind
from engine.nn.head import Head
from engine.nn.material import Material, Recipe

BEGIN: Final = "begin"
STEP: Final = "step"
STATE: Final = "state"
_PATIENCE: Final = timedelta(seconds=120)


class TeamBrokenError(Exception):
    """The other processes are gone. Caught where the first one goes on alone."""


class Team:
    """The processes as one of them sees them."""

    def __init__(self, rank: int, size: int, device: Device, store: Path) -> None:
        """Waits until all processes are there.

        Raises:
            TeamBrokenError: they did not come, or cannot reach each other.
        """
        self.rank, self.size = rank, size
        self._peers: list[subprocess.Popen[bytes]] = []
        if sys.platform != "win32":  # gloo on Windows takes the address of the machine's own name
            for variable in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
                os.environ[variable] = "lo0" if sys.platform == "darwin" else "lo"
        has_nccl = device.kind == DeviceKind.CUDA and dist.is_nccl_available()
        try:
            if device.kind == DeviceKind.CUDA:
                torch.cuda.set_device(device.torch_name)
            dist.init_process_group(
                "nccl" if has_nccl else "gloo",
                store=dist.FileStore(str(store), size),  # type: ignore[attr-defined]
                rank=rank,
                world_size=size,
                timeout=_PATIENCE,
            )
        except RuntimeError as err:
            raise TeamBrokenError(str(err)) from err

    def add_up(self, parameters: Sequence[nn.Parameter], loss: float) -> float:
        """Replaces the gradients of the parameters by their sums over all processes; returns the sum of the losses.

        Raises:
            TeamBrokenError: another process is gone; the gradients are then worth nothing.
        """
        gradients = [
            each.grad if each.grad is not None else torch.zeros_like(each, memory_format=torch.preserve_format)
            for each in parameters
        ]
        flat = torch.cat([each.reshape(-1) for each in gradients] + [gradients[0].new_tensor([loss])])
        try:
            dist.all_reduce(flat)
        except RuntimeError as err:
            self.close()
            raise TeamBrokenError(
                tr("One of the devices that trained together failed; the first one went on alone.")
            ) from err
        start = 0
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = flat[start : start + gradient.numel()].view(gradient.shape).clone()
            start += gradient.numel()
        return float(flat[-1])

    # ---- what the first process tells the others

    def begin(self, head: Head, material: Material, recipe: Recipe) -> None:
        """Lets the others begin a training with the same start."""
        inputs: Any = material.inputs
        if isinstance(inputs, np.memmap):
            inputs = str(inputs.filename)
        rest = (material.goals, material.weights, material.num_test_views, material.has_several_classes)
        self._tell((BEGIN, head, inputs, rest, recipe))

    def step(self, rows: NDArray[np.int64], step: int, num_steps: int) -> None:
        """Lets the others do their share of a step."""
        self._tell((STEP, rows, step, num_steps))

    def set_state(self, state: dict[str, Tensor]) -> None:
        """Lets the others go back to a state."""
        self._tell((STATE, {name: value.numpy() for name, value in state.items()}))

    def _tell(self, message: tuple[Any, ...]) -> None:
        data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
        for peer in self._peers:
            assert peer.stdin is not None
            try:
                peer.stdin.write(data)
                peer.stdin.flush()
            except OSError:
                pass  # it is gone, which the next `add_up` finds out

    def close(self) -> None:
        """Ends the other processes. Safe to call twice."""
        for peer in self._peers:
            peer.kill()
            peer.wait()
            if peer.stdin is not None:
                try:
                    peer.stdin.close()
                except OSError:
                    pass
        self._peers = []
        if dist.is_initialized():
            dist.destroy_process_group()


def start_team(
    spec: BackboneSpec, weights: Path, depth: str, precision: torch.dtype, devices: Sequence[Device], num_threads: int
) -> Team:
    """Starts a process for each device but the first and returns the team as the first process, this one, sees it.

    Raises:
        TeamBrokenError: they did not come.
    """
    store = Path(tempfile.mkdtemp(prefix="graft-team-")) / "store"
    peers = []
    for rank, device in enumerate(devices[1:], start=1):
        order = {
            "spec": spec.to_document(),
            "weights": str(weights),
            "depth": depth,
            "precision": str(precision).removeprefix("torch."),
            "device": device.torch_name,
            "rank": rank,
            "size": len(devices),
            "store": str(store),
            "num_threads": num_threads,
        }
        peers.append(start_helper(TRAINING_PEER, json.dumps(order), has_input=True))
    try:
        team = Team(0, len(devices), devices[0], store)
    except TeamBrokenError:
        for peer in peers:
            peer.kill()
            peer.wait()
        raise
    team._peers = peers
    return team
