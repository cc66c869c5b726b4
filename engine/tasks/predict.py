"""PredictImages: what a run says of image files, inside or outside the project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.domain import Run
from engine.job import Job, JobContext, Priority
from engine.nn.run_model import RunModel
from engine.project import Project


@dataclass(frozen=True, slots=True)
class ImagePredictions:
    """Predictions for the images that could be read: `names` (N), `probabilities` (N, K); `failed` (name, reason)."""

    names: list[str]
    paths: list[Path]
    class_names: list[str]
    probabilities: NDArray[np.float32]
    failed: list[tuple[str, str]]

    def document(self) -> dict[str, Any]:
        """Returns the JSON document of `graft predict` (DESIGN section 6)."""
        raise NotImplementedError


def run_model_of(project: Project, run: Run | None = None) -> RunModel:
    """Loads a run of the project, the active one when none is named. Raises TrainingError when there is none."""
    raise NotImplementedError


class PredictImages(Job[Any, ImagePredictions, ImagePredictions]):
    """Predicts the image files of a folder (recursively) or a list of files, with the active run unless one is named."""

    title: ClassVar[str] = "Predicting"
    in_worker: ClassVar[bool] = True
    priority = Priority.NORMAL

    def __init__(self, project: Project, source: Path | Sequence[Path], run: Run | None = None) -> None:
        self.project, self.source, self.run = project, source, run

    def prepare(self) -> Any:
        raise NotImplementedError

    @staticmethod
    def work(snapshot: Any, context: JobContext) -> ImagePredictions:
        raise NotImplementedError

    def finish(self, result: ImagePredictions) -> ImagePredictions:
        raise NotImplementedError
