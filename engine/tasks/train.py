"""TrainHead: from the labels of this moment to a new run: head, out-of-fold figures, calibration, predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from engine.domain import Run
from engine.job import Job, JobContext, Priority
from engine.project import Project
from engine.tasks.embed import ComputeEmbeddings


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """What the user may choose. `backbone` None = that of the active run, else the best one available.

    `depth` is "head" or "auto" (which is the head in this version); "partial" and "full" are refused with a sentence.
    """

    backbone: str | None = None
    depth: str = "head"
    time_budget_s: float | None = None
    seed: int = 0
    is_class_balanced: bool = True


class TrainHead(Job[Any, Any, Run]):
    """Trains the head on the embedded labelled images; outcome is the new, active run."""

    title: ClassVar[str] = "Training"
    priority = Priority.INTERACTIVE

    def __init__(
        self, project: Project, settings: TrainSettings | None = None, embedding: ComputeEmbeddings | None = None
    ) -> None:
        self.project, self.settings, self.embedding = project, settings or TrainSettings(), embedding

    def prepare(self) -> Any:
        raise NotImplementedError

    @staticmethod
    def work(snapshot: Any, context: JobContext) -> Any:
        raise NotImplementedError

    def finish(self, result: Any) -> Run:
        raise NotImplementedError


def retrain_jobs(project: Project, settings: TrainSettings | None = None) -> list[Job[Any, Any, Any]]:
    """Returns the chain behind Retrain: embed the labelled images that are missing, then train. The last outcome is the Run."""
    raise NotImplementedError
