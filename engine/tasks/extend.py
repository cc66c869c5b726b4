"""ExtendPredictions: what the active run says of images that were embedded since, while others still are."""

from __future__ import annotations

from typing import ClassVar

from engine.errors import BackboneError, TrainingError
from engine.job import Job, JobContext, Priority
from engine.language import tr
from engine.project import Project
from engine.tasks.embed import source_of_run
from engine.tasks.predict import extend_predictions


class ExtendPredictions(Job[Project, Project, None]):
    """Short, so it runs in the engine thread beside the embedding in the worker. Does nothing without an active run."""

    title: ClassVar[str] = tr("Predicting")
    priority = Priority.NORMAL

    def __init__(self, project: Project) -> None:
        self.project = project

    def prepare(self) -> Project:
        return self.project

    @staticmethod
    def work(snapshot: Project, context: JobContext) -> Project:
        run = snapshot.active_run()
        if run is None:
            return snapshot
        try:
            source = source_of_run(snapshot, run)
        except (BackboneError, TrainingError):
            return snapshot  # Its weights are gone; whoever needs them says so.
        context.checkpoint()
        extend_predictions(snapshot, source)
        return snapshot

    def finish(self, result: Project) -> None:
        return
