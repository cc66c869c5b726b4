"""DownloadWeights: fetches the weights of a backbone into the user's own folder, for all projects."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from engine.backbones import BackboneSpec, spec
from engine.downloads import download_weights
from engine.job import Job, JobContext, Priority
from engine.language import tr
from engine.weight_files import user_weights_folder


@dataclass(frozen=True, slots=True)
class DownloadSnapshot:
    spec: BackboneSpec
    folder: Path


class DownloadWeights(Job[DownloadSnapshot, Path, Path]):
    """Downloads weights, going on where an earlier attempt stopped; outcome is the file, its hash checked."""

    title: ClassVar[str] = tr("Downloading weights")
    in_worker: ClassVar[bool] = True  # A server that has gone silent cannot hold up a cancel there.
    priority = Priority.NORMAL

    def __init__(self, backbone: str, folder: Path | None = None) -> None:
        """`folder` None = the user's folder of weights."""
        self.backbone, self.folder = backbone, folder

    def prepare(self) -> DownloadSnapshot:
        return DownloadSnapshot(spec(self.backbone), self.folder or user_weights_folder())

    @staticmethod
    def work(snapshot: DownloadSnapshot, context: JobContext) -> Path:
        return download_weights(snapshot.spec, snapshot.folder, context)

    def finish(self, result: Path) -> Path:
        return result
