"""MeasurePace: how fast this machine trains a backbone, from a measurement of a few seconds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from engine.backbones import BackboneSpec
from engine.job import Job, JobContext, Priority
from engine.nn.training_plan import FULL, PARTIAL, Pace
from engine.project import Project
from engine.weights import find_backbone, find_weights


@dataclass(frozen=True, slots=True)
class PaceSnapshot:
    spec: BackboneSpec
    weights: Path


class MeasurePace(Job[PaceSnapshot, dict[str, Pace], dict[str, Pace]]):
    """Outcome: the pace of each depth that this backbone can be trained at."""

    title: ClassVar[str] = "Measuring how fast this machine trains"
    in_worker: ClassVar[bool] = True
    priority = Priority.NORMAL

    def __init__(self, project: Project, backbone: str) -> None:
        self.project, self.backbone = project, backbone

    def prepare(self) -> PaceSnapshot:
        record = find_backbone(self.backbone, self.project.folder)
        return PaceSnapshot(record, find_weights(record, self.project.folder))

    @staticmethod
    def work(snapshot: PaceSnapshot, context: JobContext) -> dict[str, Pace]:
        from engine.nn.network_depths import NetworkDepths  # brings torch, which only the worker needs

        context.progress(0, 2, "loading the network")
        network = NetworkDepths(snapshot.spec, snapshot.weights)
        found: dict[str, Pace] = {}
        for done, depth in enumerate([PARTIAL, FULL] if network.has_partial else [FULL]):
            context.progress(done, 2)
            found[depth] = network.pace(depth, context.checkpoint)
        return found

    def finish(self, result: dict[str, Pace]) -> dict[str, Pace]:
        return result
