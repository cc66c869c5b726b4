"""The guided first loop: five steps that the user takes in the real screens, noticed as they are done.

Knows which step is next, how far it is and what it asks for; `gui.panels.tour_bar` shows it. Begun by the sample
project the first time, and from the Help menu in any project. While it asks for the first labels and the first model,
nothing trains or offers itself (`session.is_guided`): a step is taken by the user, once, when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from engine import sample
from engine.domain import ImageStatus
from engine.events import JobSucceeded
from engine.language import tr
from gui.activities import EXPORT
from gui.columns import is_done
from gui.panels.top_bar import LABEL, REVIEW, USE

if TYPE_CHECKING:
    from engine.project import Project
    from gui.session import Session
    from gui.use_session import UseSession

PER_CLASS: Final = 10
LEAST_CLASSES: Final = 2
NUM_ACCEPTED: Final = 5
NUM_TO_TRY: Final = 12
MOST_NAMED: Final = 4
"""So many classes that still lack labels are named."""
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
        tr("Label {number} pictures of each class", number=PER_CLASS),
        tr("Press 1, 2, 3 … for the class of the picture with the frame; the next one comes by itself."),
    ),
    Step.RETRAIN: StepText(
        tr("Press Retrain (Ctrl+R)"),
        tr("Seconds later the bar at the bottom says how often the model is right, on pictures that it had not seen."),
    ),
    Step.ACCEPT: StepText(
        tr("Go through {number} suggestions", number=NUM_ACCEPTED),
        tr("They stand in dashed frames. Space accepts one, a class key corrects it."),
    ),
    Step.REVIEW: StepText(
        tr("Look at what the model is worth (Alt+2)"),
        tr("How much looking it saves you, where it is wrong, and whether more labels would help."),
    ),
    Step.TAKE: StepText(
        tr("Let it say what new pictures show (Alt+3)"),
        tr("Press the button, or drop pictures of yours on it; Ctrl+E takes it elsewhere."),
    ),
    Step.DONE: StepText(
        tr("That was the whole loop"),
        tr("Now with your own pictures: File › New project. The guide (Help) has the rest."),
    ),
}


class Tour(QObject):
    """One run through the steps. Only labels that are there already count as done before they were asked for."""

    changed = Signal()
    """Another step, or more of it is done, or it was begun or ended."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._step: Step | None = None
        self._workspace = LABEL
        self._had_model = False
        self._run_id_before = 0
        self._were_labelled = np.zeros(0, np.int64)
        self._has_exported = False
        self._use: Callable[[], UseSession] | None = None
        self._try_on: Callable[[list[Path]], None] | None = None
        self._watched: UseSession | None = None
        self._recount = QTimer(self)
        self._recount.setSingleShot(True)
        self._recount.setInterval(RECOUNT_MS)  # once for a burst of keys
        self._recount.timeout.connect(self._go_on)
        for signal in (session.rows_changed, session.columns_reset, session.classes_changed):
            signal.connect(self._on_rows_changed)
        session.run_changed.connect(self._go_on)
        session.project_closed.connect(self.end)
        session.work.ended.connect(self._on_work_ended)

    @property
    def step(self) -> Step | None:
        """The step that is asked for now; None while there is no tour."""
        return self._step

    def begin(self, use: Callable[[], UseSession], try_on: Callable[[list[Path]], None]) -> None:
        """Starts with the first step; goes past it where there are labels enough, or a model.

        Args:
            use: gives what the Use workspace works on, when that is wanted.
            try_on: goes to Use with these pictures.
        """
        self._use, self._try_on = use, try_on
        self._had_model = self._session.run is not None
        self._enter(Step.LABEL)
        self._go_on()

    def end(self) -> None:
        """Ends it, at whatever step."""
        if self._step is not None:
            self._step = None
            self._session.set_guided(False)
            self.changed.emit()

    def saw_workspace(self, key: str) -> None:
        """A workspace was shown ("label", "review", "use")."""
        self._workspace = key
        self._go_on()

    def text(self) -> StepText | None:
        """Returns what is asked for now, None while there is no tour."""
        if self._step is None:
            return None
        text = TEXTS[self._step]
        if self._step is Step.LABEL:
            return StepText(text.title, self._label_words() or text.detail)
        return text

    def progress(self) -> tuple[int, int]:
        """Returns how much of the step is done, and of how much; (0, 0) where that is yes or no."""
        if self._step is Step.LABEL:
            lacking = self._lacking()
            wanted = PER_CLASS * max(LEAST_CLASSES, len(lacking))
            return sum(PER_CLASS - number for _name, number in lacking), wanted
        if self._step is Step.ACCEPT:
            return min(NUM_ACCEPTED, self._num_gone_through()), NUM_ACCEPTED
        return 0, 0

    def try_pictures(self) -> None:
        """Shows what the model says of some pictures: those the sample kept back, or the project's without a class."""
        session, project, try_on = self._session, self._session.project, self._try_on
        if project is None or try_on is None:
            return
        columns = session.columns
        open_rows = ~is_done(columns, np.arange(len(columns))) & (columns.statuses == ImageStatus.READABLE)
        ids = columns.image_ids[open_rows]
        ids = ids[np.linspace(0, len(ids) - 1, min(NUM_TO_TRY, len(ids))).astype(np.int64)]
        session.read_in_background(lambda: _pictures_of(project, ids.tolist()), try_on)

    def _enter(self, step: Step) -> None:
        session = self._session
        self._step = step
        self._run_id_before = session.run.id if session.run is not None else 0
        self._were_labelled = self._labelled_ids()
        self._has_exported = False
        if step is Step.TAKE and self._use is not None and self._watched is None:
            self._watched = self._use()
            self._watched.rows_changed.connect(self._go_on)
        session.set_guided(step <= Step.RETRAIN)

    def _is_done(self, step: Step) -> bool:
        run = self._session.run
        if step is Step.LABEL:
            done, wanted = self.progress()
            return done >= wanted or self._had_model
        if step is Step.RETRAIN:
            return run is not None and run.id > self._run_id_before
        if step is Step.ACCEPT:
            return self._num_gone_through() >= NUM_ACCEPTED
        if step is Step.REVIEW:
            return self._workspace == REVIEW
        has_answers = self._watched is not None and self._watched.files.num_classified > 0
        return step is Step.TAKE and (self._has_exported or (self._workspace == USE and has_answers))

    def _go_on(self, *_: object) -> None:
        if self._step is None:
            return
        while self._step < Step.DONE and self._is_done(self._step):
            self._enter(Step(self._step + 1))
        self.changed.emit()

    def _lacking(self) -> list[tuple[str, int]]:
        """Returns each class with the number of labels that it still lacks."""
        counts = self._session.class_counts()
        return [
            (each.name, PER_CLASS - min(PER_CLASS, int(counts[each.id]) if each.id < len(counts) else 0))
            for each in self._session.classes
        ]

    def _label_words(self) -> str:
        """Returns what the first step lacks, "" before the first label."""
        lacking = self._lacking()
        if len(lacking) < LEAST_CLASSES:
            return tr("It takes two classes: type their names on the left, at “Add class”.")
        if all(number == PER_CLASS for _name, number in lacking):
            return ""
        named = [f"{name} {number}" for name, number in lacking if number]
        text = ", ".join(named[:MOST_NAMED]) + (" …" if len(named) > MOST_NAMED else "")
        if len(named) == len(lacking):
            return tr("Still wanted: {classes}.", classes=text)
        return tr("Still wanted: {classes}. They come further down; → passes others over.", classes=text)

    def _num_gone_through(self) -> int:
        """Returns how many suggestions were accepted or corrected since the step began."""
        columns = self._session.columns
        had_one = ~np.isnan(columns.confidences) & ~columns.look_unknown()
        labelled_ids = columns.image_ids[had_one & is_done(columns, np.arange(len(columns)))]
        return int(np.count_nonzero(~np.isin(labelled_ids, self._were_labelled)))

    def _labelled_ids(self) -> NDArray[np.int64]:
        columns = self._session.columns
        return columns.image_ids[is_done(columns, np.arange(len(columns)))]

    def _on_rows_changed(self, *_: object) -> None:
        if self._step is not None:
            self._recount.start()

    def _on_work_ended(self, kind: str, end: object) -> None:
        if kind == EXPORT and isinstance(end, JobSucceeded):
            self._has_exported = True
            self._go_on()


def _pictures_of(project: Project, image_ids: list[int]) -> list[Path]:
    """Returns pictures to try a model on: of the sample those that it kept back, else these images of the project."""
    if project.folder == sample.project_folder():
        kept_back = sorted(sample.to_try_folder().glob("*.jpg"))
        if kept_back:
            return kept_back
    return [image.path for image in project.images(image_ids)]
