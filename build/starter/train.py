#!/usr/bin/env python3
"""Trains Starter from random weights to agree with two pretrained networks on a pool of unlabelled pictures.

usage: python build/starter/train.py --shared ../shared --out DIR [--processes N] [--schedule PX:SAMPLES,...] ...

One command does everything: it decodes the pool, computes the teachers' answers (views.py), trains, and leaves
`DIR/checkpoint.pt`. Called again with the same DIR it carries on where it stopped; the schedule may differ then. A GPU
is used where there is one. `ship.py` turns the checkpoint into the files of `resources/starter`.

On a processor each process computes with one thread and the processes add up their gradients: on a busy machine two
threads inside one operation wait for each other and train three times slower (measured: 41 pictures/s against 144).
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
import torch.distributed as dist
import torch.nn.functional as F
from batches import EMBEDDING_TARGETS, TEMPERATURE, Batch, Batches
from embedding_map import trunk_of
from muon import Muon
from pool import open_pool
from safetensors.torch import load_file
from teachers import NUM_CLASSES, open_teachers
from torch import Tensor, nn
from views import MAP_CHANNELS, make_views

from engine.nn.starter import STAGES, StarterTrunk

WIDENED = 768
LOSS_WEIGHTS = {"embedding": 1.0, "classes": 0.6, "map": 1.0}
WARM_UP_SAMPLES = 30_000
LOWEST_RATE = 0.01
# The last part of a run is trained on clean pictures, which is what the program embeds.
MIXED_PART = 0.8
EMA_DECAY = 0.998
MAX_GRADIENT_NORM = 5.0
ADAMW_RATE_SHARE = 0.5
STEPS_PER_REPORT, STEPS_PER_CHECKPOINT = 50, 100


@dataclass(frozen=True)
class Settings:
    """What a run was asked to do. `schedule`: picture side in px and how many pictures to train on at that size."""

    out: str
    schedule: tuple[tuple[int, int], ...]
    num_views: int
    num_processes: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    decay_share: float
    seed: int
    start: str

    @property
    def num_samples(self) -> int:
        return sum(samples for _, samples in self.schedule)

    def side_px_at(self, seen: int) -> int:
        """Returns the size of the pictures after that many samples."""
        end = 0
        for side_px, samples in self.schedule:
            end += samples
            if seen < end:
                return side_px
        return self.schedule[-1][0]

    def rate_at(self, seen: int) -> float:
        """Returns the learning rate: warm-up, constant, and a straight line down over the last `decay_share`."""
        left = (1 - seen / self.num_samples) / self.decay_share
        return self.learning_rate * min(1.0, seen / WARM_UP_SAMPLES, max(LOWEST_RATE, left))


class Learner(nn.Module):
    """The student's trunk, and what leads from its last layer to what the teachers say; only the trunk is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.net = StarterTrunk()
        self.widen = nn.Sequential(
            nn.Conv2d(STAGES[-1][0], WIDENED, 1, bias=False),
            nn.BatchNorm2d(WIDENED),
            # Not a ReLU: under a distillation loss the units of this layer died, one half within 150,000 pictures.
            nn.Hardswish(),
        )
        self.heads = nn.ModuleDict(
            {
                "e": nn.Linear(WIDENED, EMBEDDING_TARGETS),
                "l": nn.Linear(WIDENED, NUM_CLASSES),
                "m": nn.Conv2d(WIDENED, MAP_CHANNELS, 1),
            }
        )
        for head in self.heads.values():
            nn.init.normal_(head.weight, std=0.01)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Returns the three losses, unweighted."""
        with torch.autocast(batch.pictures.device.type, dtype=torch.bfloat16):
            feature_map = self.widen(self.net(batch.pictures))
        feature_map = feature_map.float()
        embedding = feature_map.mean((2, 3))
        classes = self.heads["l"](embedding) / TEMPERATURE
        map_target = F.adaptive_avg_pool2d(batch.feature_map, feature_map.shape[-1])
        return {
            "embedding": F.mse_loss(self.heads["e"](embedding), batch.embedding),
            "classes": F.kl_div(classes.log_softmax(1), batch.probabilities, reduction="batchmean"),
            "map": F.mse_loss(self.heads["m"](feature_map), map_target),
        }


class Run:
    """One process of a training run: learner, optimiser, the averaged weights and how far it has come."""

    def __init__(self, settings: Settings, rank: int) -> None:
        torch.manual_seed(settings.seed)
        self.settings, self.rank = settings, rank
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.learner = Learner().to(self.device, memory_format=torch.channels_last)
        if settings.start:
            self._take_weights_of(settings.start)
        self.average = copy.deepcopy(self.learner.net).eval().requires_grad_(False)
        self.optimisers = self._make_optimisers()
        self.seen = self.step = 0
        self._checkpoint = Path(settings.out, "checkpoint.pt")
        if self._checkpoint.is_file():
            self._restore()
        self.batches = Batches(Path(settings.out), settings.batch_size, (settings.seed, self.seen, rank))

    def train(self) -> None:
        """Trains until the schedule is through."""
        self.learner.train()
        sums: dict[str, float] = {}
        started = time.perf_counter()
        while self.seen < self.settings.num_samples:
            for name, value in self._train_step().items():
                sums[name] = sums.get(name, 0.0) + value / STEPS_PER_REPORT
            if self.step % STEPS_PER_REPORT == 0:
                per_s = STEPS_PER_REPORT * self._samples_per_step / (time.perf_counter() - started)
                self._report(sums, per_s)
                sums, started = {}, time.perf_counter()
            if self.step % STEPS_PER_CHECKPOINT == 0:
                self._save()
        self._save()

    @property
    def _samples_per_step(self) -> int:
        return self.settings.batch_size * self.settings.num_processes

    def _train_step(self) -> dict[str, float]:
        side_px = self.settings.side_px_at(self.seen)
        for optimiser, share in zip(self.optimisers, (1.0, ADAMW_RATE_SHARE), strict=True):
            for group in optimiser.param_groups:
                group["lr"] = share * self.settings.rate_at(self.seen)
        batch = self.batches.draw(side_px, is_mixed=self.seen < MIXED_PART * self.settings.num_samples)
        losses = self.learner.losses(Batch(**{name: value.to(self.device) for name, value in vars(batch).items()}))
        self.learner.zero_grad()
        torch.stack([LOSS_WEIGHTS[name] * loss for name, loss in losses.items()]).sum().backward()
        if self.settings.num_processes > 1:
            self._average_gradients()
        nn.utils.clip_grad_norm_(self.learner.parameters(), MAX_GRADIENT_NORM)
        for optimiser in self.optimisers:
            optimiser.step()
        self.step += 1
        self.seen += self._samples_per_step
        self._update_average()
        return {name: loss.item() for name, loss in losses.items()}

    def _average_gradients(self) -> None:
        gradients = [parameter.grad for parameter in self.learner.parameters() if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self.settings.num_processes
        parts = flat.split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    @torch.no_grad()
    def _update_average(self) -> None:
        # Early on the average forgets faster: it must not drag the random start along.
        keep = min(EMA_DECAY, (1 + self.step) / (10 + self.step))
        for mean, value in zip(self.average.state_dict().values(), self.learner.net.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - keep)
            else:
                mean.copy_(value)

    def _make_optimisers(self) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
        """Returns Muon for the hidden convolutions, and AdamW for all the rest."""
        by_groups: dict[int, list[nn.Parameter]] = {}
        for module in [*self.learner.net.modules(), *self.learner.widen.modules()]:
            if isinstance(module, nn.Conv2d) and module.in_channels > 3:
                by_groups.setdefault(module.groups, []).append(module.get_parameter("weight"))
        decay = self.settings.weight_decay
        muon = Muon([{"params": weights, "groups": groups} for groups, weights in by_groups.items()], decay)
        taken = {id(weight) for weights in by_groups.values() for weight in weights}
        rest = [parameter for parameter in self.learner.parameters() if id(parameter) not in taken]
        groups = [
            {"params": [p for p in rest if p.ndim > 1], "weight_decay": decay},
            {"params": [p for p in rest if p.ndim == 1], "weight_decay": 0.0},
        ]
        return muon, torch.optim.AdamW(groups, betas=(0.9, 0.99), fused=True)

    def _save(self) -> None:
        if self.rank == 0:
            state = {
                "all": self.learner.state_dict(),
                "ema": self.average.state_dict(),
                "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
                "step": self.step,
                "seen": self.seen,
                "settings": asdict(self.settings),
            }
            temporary = self._checkpoint.with_suffix(".tmp")
            torch.save(state, temporary)
            os.replace(temporary, self._checkpoint)

    def _restore(self) -> None:
        state: dict[str, Any] = torch.load(self._checkpoint, map_location=self.device, weights_only=True)
        self.learner.load_state_dict(state["all"])
        self.average.load_state_dict(state["ema"])
        for optimiser, stored in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(stored)
        self.step, self.seen = state["step"], state["seen"]

    def _take_weights_of(self, checkpoint: str) -> None:
        """Starts from what another run came to; its optimisers and its count of samples are left behind.

        Of shipped weights it takes the trunk; what leads from there to the teachers is then learnt anew.
        """
        if checkpoint.endswith(".safetensors"):
            self.learner.net.load_state_dict(trunk_of(load_file(checkpoint)), strict=False)
            return
        state: dict[str, Any] = torch.load(checkpoint, map_location=self.device, weights_only=True)
        self.learner.load_state_dict(state["all"])
        self.learner.net.load_state_dict(state["ema"])

    def _report(self, losses: dict[str, float], per_s: float) -> None:
        if self.rank == 0:
            values = "  ".join(f"{name} {value:.4f}" for name, value in losses.items())
            side_px, rate = self.settings.side_px_at(self.seen), self.settings.rate_at(self.seen)
            now = time.strftime("%H:%M:%S")
            print(f"{now} {self.seen:>9,} {side_px} px  rate {rate:.5f}  {values}  {per_s:.0f}/s", flush=True)


def run_process(rank: int, settings: Settings, meeting_point: str) -> None:
    """Trains as one of the run's processes."""
    if settings.num_processes > 1:
        torch.set_num_threads(1)
        dist.init_process_group(
            "gloo", init_method=f"file://{meeting_point}", rank=rank, world_size=settings.num_processes
        )
    Run(settings, rank).train()


def main(arguments: list[str]) -> None:
    """Prepares what is missing, then trains."""
    options = _parser().parse_args(arguments)
    work: Path = options.out.resolve()
    work.mkdir(parents=True, exist_ok=True)
    schedule = tuple(
        (int(px), int(samples)) for px, samples in (part.split(":") for part in options.schedule.split(","))
    )
    settings = Settings(
        out=str(work),
        schedule=schedule,
        num_views=options.views,
        num_processes=1 if torch.cuda.is_available() else options.processes,
        batch_size=options.batch_size if torch.cuda.is_available() else options.batch_size // options.processes,
        learning_rate=options.learning_rate,
        weight_decay=options.weight_decay,
        decay_share=options.decay_share,
        seed=options.seed,
        start=str(options.start.resolve()) if options.start else "",
    )
    (work / "settings.json").write_text(json.dumps(asdict(settings), indent=2) + "\n", encoding="utf-8")
    if not all((work / f"v{view}_done").is_file() for view in range(settings.num_views)):
        pool = open_pool(options.shared / "pool", work)
        make_views(pool, open_teachers(options.shared / "weights", work), work, settings.num_views)
    with tempfile.TemporaryDirectory() as folder:
        meeting_point = str(Path(folder, "meeting-point"))
        if settings.num_processes == 1:
            run_process(0, settings, meeting_point)
        else:
            torch.multiprocessing.spawn(run_process, (settings, meeting_point), settings.num_processes)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Trains the Starter backbone.")
    parser.add_argument("--shared", type=Path, required=True, help="folder with pool/ and weights/")
    parser.add_argument("--out", type=Path, required=True, help="working folder: views (1 GB each) and checkpoint")
    parser.add_argument("--schedule", default="64:300000,96:900000,112:300000", help="PX:SAMPLES,... (%(default)s)")
    parser.add_argument("--views", type=int, default=7, help="crops per picture (%(default)s)")
    parser.add_argument("--processes", type=int, default=2, help="without a GPU: one per core (%(default)s)")
    parser.add_argument("--batch-size", type=int, default=256, help="all processes together (%(default)s)")
    parser.add_argument("--learning-rate", type=float, default=4e-3, help="of Muon; AdamW's is half (%(default)s)")
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--decay-share", type=float, default=0.95, help="last part of the run, rate falling to zero")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=Path, help="checkpoint of another run, or the shipped weights, to start from")
    return parser


if __name__ == "__main__":
    # The workers inherit these; without them every process would start a thread per core.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    main(sys.argv[1:])
