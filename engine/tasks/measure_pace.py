"""MeasurePace: how fast this machine trains a backbone, from a few seconds' measurement, and what it could run on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from engine.backbones import BackboneSpec
from engine.job import Job, JobContext, Priority
from engine.language import tr
from engine.nn.training_plan import FULL, PARTIAL, Pace
from engine.project import Project
from engine.weights import find_backbone, find_weights


@dataclass(frozen=True, slots=True)
class PaceSnapshot:
    spec: BackboneSpec
    weights: Path
    device: str


@dataclass(frozen=True, slots=True)
class PaceReport:
    """The pace of each depth that the backbone can be trained at; names of the GPUs by what they are asked for by."""

    paces: dict[str, Pace]
    gpus: dict[str, str]


class MeasurePace(Job[PaceSnapshot, PaceReport, PaceReport]):
    """Measures on the device that the settings ask for."""

    title: ClassVar[str] = tr("Measuring how fast this machine trains")
    in_worker: ClassVar[bool] = True
    priority = Priority.NORMAL

    def __init__(self, project: Project, backbone: str, device: str = "auto") -> None:
        self.project, self.backbone, self.device = project, backbone, device

    def prepare(self) -> PaceSnapshot:
        record = find_backbone(self.backbone, self.project.folder)
        return PaceSnapshot(record, find_weights(record, self.project.folder), self.device)

    @staticmethod
    def work(snapshot: PaceSnapshot, context: JobContext) -> PaceReport:
        # They bring torch, which only the worker needs.
        from engine.nn.device import choose_device, gpus
        from engine.nn.network_depths import NetworkDepths

        context.progress(0, 2, tr("loading the network"))
        network = NetworkDepths(snapshot.spec, snapshot.weights, choose_device(snapshot.device))
        found: dict[str, Pace] = {}
        for done, depth in enumerate([PARTIAL, FULL] if network.has_partial else [FULL]):
            context.progress(done, 2)
            found[depth] = network.pace(depth, context.checkpoint)
        return PaceReport(found, {device.torch_name: device.name for device in gpus()})

    def finish(self, result: PaceReport) -> PaceReport:
        return result
