"""The guided first loop: five steps that the user takes in the real screens, noticed as they are done.

Knows which step is next and how far it is; `gui.panels.tour_bar` shows it. Begun by the sample project the first time,
and from the Help menu in any project.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from engine.domain import NO_CLASS
from engine.events import JobSucceeded
from engine.language import tr
from gui.activities import EXPORT
from gui.panels.top_bar import REVIEW, USE

if TYPE_CHECKING:
    from gui.session import Session

PER_CLASS: Final = 10
LEAST_CLASSES: Final = 2
NUM_ACCEPTED: Final = 5
RECOUNT_MS: Final = 120


class Step(IntEnum):
    """The steps in their order."""

    LABEL = 0
    RETRAIN = 1
    ACCEPT = 2
    REVIEW = 3
    TAKE = 4
    DONE = 5


@dataclass(frozen=True, slots=True)
class StepText:
    """What a step asks for: one line to act on, one to understand it."""

    title: str
    detail: str


TEXTS: Final = {
    Step.LABEL: StepText(
        tr("Label some pictures of each class"),
        tr("Press 1, 2, 3 … for the class of the picture with the frame; the next one comes by itself."),
    ),
    Step.RETRAIN: StepText(
        tr("Press Retrain (Ctrl+R)"),
        tr("Seconds later the bar at the bottom says how often the model is right, on pictures that it had not seen."),
    ),
    Step.ACCEPT: StepText(
        tr("Go through the suggestions"),
        tr("Every other picture has one now. Space accepts it, a class key corrects it."),
    ),
    Step.REVIEW: StepText(
        tr("Look at what the model is worth (Alt+2)"),
        tr("How much looking it saves you, where it is wrong, and whether more labels would help."),
    ),
    Step.TAKE: StepText(
        tr("Use it (Alt+3), or take it elsewhere (Ctrl+E)"),
        tr("Drop other pictures on it, or export it as files that run anywhere."),
    ),
    Step.DONE: StepText(
        tr("That was the whole loop"),
        tr("Now with your own pictures: File › New project. The guide (Help) has the rest."),
    ),
}


class Tour(QObject):
    """One run through the steps. A step that was done before it was asked for counts as done."""

    changed = Signal()
    """Another step, or more of it is done, or it was begun or ended."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._step: Step | None = None
        self._num_labelled_at_run = 0
        self._has_seen_review = False
        self._has_taken = False
        self._recount = QTimer(self)
        self._recount.setSingleShot(True)
        self._recount.setInterval(RECOUNT_MS)  # once for a burst of keys
        self._recount.timeout.connect(self._go_on)
        session.rows_changed.connect(self._on_rows_changed)
        session.columns_reset.connect(self._on_rows_changed)
        session.run_changed.connect(self._on_run_changed)
        session.project_closed.connect(self.end)
        session.work.ended.connect(self._on_work_ended)

    @property
    def step(self) -> Step | None:
        """The step that is asked for now; None while there is no tour."""
        return self._step

    def begin(self) -> None:
        """Starts with the first step that is not done yet."""
        self._step = Step.LABEL
        self._has_seen_review = self._has_taken = False
        self._num_labelled_at_run = self._num_labelled() if self._session.run is not None else 0
        self._go_on()

    def end(self) -> None:
        """Ends it, at whatever step."""
        if self._step is not None:
            self._step = None
            self.changed.emit()

    def saw_workspace(self, key: str) -> None:
        """A workspace was shown ("label", "review", "use")."""
        self._has_seen_review |= key == REVIEW
        self._has_taken |= key == USE
        self._go_on()

    def progress(self) -> tuple[int, int]:
        """Returns how much of the step is done, and of how much; (0, 0) where that is yes or no."""
        if self._step is Step.LABEL:
            return self._labels_done()
        if self._step is Step.ACCEPT:
            return min(NUM_ACCEPTED, max(0, self._num_labelled() - self._num_labelled_at_run)), NUM_ACCEPTED
        return 0, 0

    def _is_done(self, step: Step) -> bool:
        if step is Step.LABEL:
            done, wanted = self._labels_done()
            return done >= wanted or self._session.run is not None
        if step is Step.RETRAIN:
            return self._session.run is not None
        if step is Step.ACCEPT:
            return self._num_labelled() - self._num_labelled_at_run >= NUM_ACCEPTED
        if step is Step.REVIEW:
            return self._has_seen_review
        return step is Step.TAKE and self._has_taken

    def _go_on(self) -> None:
        if self._step is None:
            return
        while self._step < Step.DONE and self._is_done(self._step):
            self._step = Step(self._step + 1)
        self.changed.emit()

    def _labels_done(self) -> tuple[int, int]:
        """Returns labels that count and labels wanted: PER_CLASS of each class, of two classes at least."""
        classes = [each.id for each in self._session.classes]
        given = self._session.columns.class_ids
        counts = np.bincount(given[given != NO_CLASS], minlength=max(classes, default=0) + 1)
        of_each = [min(PER_CLASS, int(counts[class_id])) for class_id in classes]
        return sum(of_each), PER_CLASS * max(LEAST_CLASSES, len(classes))

    def _num_labelled(self) -> int:
        return int(np.count_nonzero(self._session.columns.class_ids != NO_CLASS))

    def _on_rows_changed(self, *_: object) -> None:
        if self._step is not None:
            self._recount.start()

    def _on_run_changed(self) -> None:
        if self._step is not None and self._step <= Step.RETRAIN and self._session.run is not None:
            self._num_labelled_at_run = self._num_labelled()
        self._go_on()

    def _on_work_ended(self, kind: str, end: object) -> None:
        if kind == EXPORT and isinstance(end, JobSucceeded):
            self._has_taken = True
            self._go_on()
