"""DownloadWeights: fetches the weights of a backbone into the user's own folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from engine import weights
from engine.backbones import BackboneSpec, spec
from engine.job import Job, JobContext, Priority


@dataclass(frozen=True, slots=True)
class DownloadSnapshot:
    """What to fetch, and the folder it goes to."""

    spec: BackboneSpec
    to: Path


class DownloadWeights(Job[DownloadSnapshot, Path, Path]):
    """Outcome: the weights file. A cancelled download goes on where it stopped the next time."""

    title: ClassVar[str] = "Downloading"
    in_worker: ClassVar[bool] = True
    priority = Priority.INTERACTIVE

    def __init__(self, backbone: str) -> None:
        self.backbone = backbone

    def prepare(self) -> DownloadSnapshot:
        return DownloadSnapshot(spec(self.backbone), weights.user_weights_folder())

    @staticmethod
    def work(snapshot: DownloadSnapshot, context: JobContext) -> Path:
        return weights.download_weights(snapshot.spec, snapshot.to, context)

    def finish(self, result: Path) -> Path:
        return result
