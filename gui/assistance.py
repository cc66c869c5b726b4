"""Orders worth labelling that take the engine a moment: what to label next, similar to an image, look-alikes together.

What comes back is shown in the Label workspace as picked images; the chip of the filter takes it away again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from engine.events import JobSucceeded
from engine.jobs import AnyJob, Priority

if TYPE_CHECKING:
    from gui.session import Session

ASSIST = "assist"
NUM_NEXT = 200
NUM_SIMILAR = 200

Arrange = Callable[[Any], NDArray[np.int64]]


class Assistance(QObject):
    """Asks the engine for an order and shows it. One question at a time: a new one takes the place of the last."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._job_id = 0
        self._title = ""
        self._arrange: Arrange = np.asarray
        session.work.ended.connect(self._on_work_ended)

    def show_next(self) -> None:
        """Shows the images whose labels should help the model most."""
        from engine.tasks.assist import RankImages

        project = self._session.project
        if project is not None:
            self._ask(RankImages(project, num_wanted=NUM_NEXT), "Most useful to label next", np.asarray)

    def show_similar(self) -> None:
        """Shows the current image and those most similar to it."""
        from engine.tasks.assist import FindSimilar

        project, image_id = self._session.project, self._session.current_image_id
        if project is not None and image_id is not None:
            name = self._session.columns.names[self._session.rows_of([image_id])[0]].rsplit("/", 1)[-1]
            job = FindSimilar(project, image_id, NUM_SIMILAR)
            self._ask(job, f"Similar to {name}", lambda found: np.append(image_id, found.image_ids))

    def show_stacks(self) -> None:
        """Shows the images without a class, look-alikes side by side."""
        from engine.tasks.stack_images import StackImages

        project = self._session.project
        if project is not None:
            self._ask(StackImages(project), "Look-alikes together", lambda found: found.rows)

    def _ask(self, job: AnyJob, title: str, arrange: Arrange) -> None:
        work = self._session.work
        work.cancel_kind(ASSIST)

        def submit() -> None:
            self._title, self._arrange = title, arrange
            self._job_id = work.submit(ASSIST, job, job.title, Priority.INTERACTIVE).id

        self._session.when_saved(submit)

    def _on_work_ended(self, kind: str, end: object) -> None:
        if kind == ASSIST and isinstance(end, JobSucceeded) and end.job_id == self._job_id:
            self._session.show_images(self._arrange(end.result), self._title)
