"""EvaluateModel: the figures of a run on images with known classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from engine.domain import Run
from engine.job import Job, JobContext
from engine.project import Project


class EvaluateModel(Job[Any, Any, dict[str, Any]]):
    """Outcome: the JSON document of `graft evaluate` (DESIGN section 6).

    With `folder`: a folder per class is the truth. Without: the run's own out-of-fold predictions.
    """

    title: ClassVar[str] = "Evaluating"
    in_worker: ClassVar[bool] = True

    def __init__(self, project: Project, folder: Path | None = None, run: Run | None = None) -> None:
        self.project, self.folder, self.run = project, folder, run

    def prepare(self) -> Any:
        raise NotImplementedError

    @staticmethod
    def work(snapshot: Any, context: JobContext) -> Any:
        raise NotImplementedError

    def finish(self, result: Any) -> dict[str, Any]:
        raise NotImplementedError
