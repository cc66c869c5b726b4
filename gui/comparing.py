"""Sees to it that near-duplicates among the labelled images are known before Retrain is pressed, quietly.

A training has to wait until every labelled image was compared with the others, which for a thousand of them takes
longer than the training itself. In the pause after labelling, and after new images were looked at, it costs nobody
anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from engine.errors import BackboneError
from engine.events import JobCancelled, JobSucceeded
from engine.jobs import AnyJob, Priority
from engine.language import tr
from gui.activities import COMPARE_LABELLED, EMBED, REFIT

if TYPE_CHECKING:
    from gui.session import Session


class Comparing(QObject):
    """Watches one session."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._is_stopped = False
        session.project_closed.connect(self._forget)
        session.work.ended.connect(self._on_work_ended)
        session.work.has_own_view(COMPARE_LABELLED, True)  # nobody asked; a training tells what went wrong

    def _forget(self) -> None:
        self._is_stopped = False

    def _on_work_ended(self, kind: str, end: object) -> None:
        if kind == COMPARE_LABELLED:
            self._is_stopped |= isinstance(end, JobCancelled)
        elif kind in (EMBED, REFIT) and isinstance(end, JobSucceeded):
            self._look(kind == EMBED)

    def _look(self, has_new_images: bool) -> None:
        session, backbone = self._session, self._session.backbones.chosen
        project = session.project
        if project is None or project.read_only or backbone is None or self._is_stopped:
            return

        def prepare() -> Sequence[AnyJob]:
            from engine.tasks.near_duplicates import jobs_ahead_of_training

            try:
                return jobs_ahead_of_training(project, backbone.key, has_new_images)
            except BackboneError:
                return []  # a training says so

        session.read_in_background(prepare, self._start)

    def _start(self, jobs: Sequence[AnyJob]) -> None:
        work = self._session.work
        if jobs and not work.is_running(COMPARE_LABELLED):
            work.submit(COMPARE_LABELLED, jobs, tr("Looking for near-duplicates"), Priority.BACKGROUND)
