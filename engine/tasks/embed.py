"""ComputeEmbeddings: embeds the images of a project that are not in the feature cache yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from engine.backbones import BackboneSpec
from engine.job import Job, JobContext, Priority
from engine.project import Project


@dataclass(frozen=True, slots=True)
class EmbedReport:
    """What ComputeEmbeddings did. `failed` pairs an image's name with the reason; those images are marked unreadable."""

    num_embedded: int
    num_cached: int
    failed: list[tuple[str, str]]
    seconds: float


@dataclass(frozen=True, slots=True)
class EmbedSnapshot:
    spec: BackboneSpec
    weights: Path


class ComputeEmbeddings(Job[EmbedSnapshot, EmbedReport, EmbedReport]):
    """Embeds what is missing, in blocks that survive a cancel. `image_ids` None = every readable image, as filed."""

    title: ClassVar[str] = "Reading images"
    in_worker: ClassVar[bool] = True

    def __init__(
        self,
        project: Project,
        backbone: str | None = None,
        image_ids: Sequence[int] | None = None,
        priority: Priority = Priority.BACKGROUND,
    ) -> None:
        self.project, self.backbone, self.image_ids, self.priority = project, backbone, image_ids, priority

    def prepare(self) -> EmbedSnapshot:
        raise NotImplementedError

    @staticmethod
    def work(snapshot: EmbedSnapshot, context: JobContext) -> EmbedReport:
        raise NotImplementedError

    def finish(self, result: EmbedReport) -> EmbedReport:
        raise NotImplementedError
