"""ForecastLearning: trains the head on parts of the labels and says what more labels should bring."""

from __future__ import annotations

from typing import ClassVar

from engine.domain import Run
from engine.errors import TrainingError
from engine.evaluation.learning_curve import LearningForecast
from engine.job import Job, JobContext, Priority
from engine.project import Project


class ForecastLearning(Job[None, LearningForecast, LearningForecast]):
    """Outcome: the learning curve of a run's labels and its forecast; the active run unless another is named."""

    title: ClassVar[str] = "Looking ahead"
    priority = Priority.NORMAL

    def __init__(self, project: Project, run: Run | None = None) -> None:
        self.project, self.run = project, run

    def prepare(self) -> None:
        raise TrainingError("The learning curve is not part of this version yet.", "")

    @staticmethod
    def work(snapshot: None, context: JobContext) -> LearningForecast:
        raise NotImplementedError

    def finish(self, result: LearningForecast) -> LearningForecast:
        return result
