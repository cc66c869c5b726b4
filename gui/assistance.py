"""Questions to the engine about what to look at: orders that take it a moment, and images similar to one.

Only asks, and says what came back (`arranged`); who shows images decides when that may be done without pulling away
what the user is looking at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from engine.events import JobSucceeded
from engine.jobs import AnyJob, Priority
from engine.language import tr
from gui.models.picked_images import PickedImages
from gui.orders import GUIDED, ORDERS

if TYPE_CHECKING:
    from gui.session import Session

ASSIST = "assist"
NUM_SIMILAR = 200

Arrange = Callable[[Any], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Answer:
    """Images that the engine put into an order. `asked_at` is what the user was looking at when asking, `num_labelled`
    how often labels had been given by then."""

    picked: PickedImages
    asked_at: int | None
    num_labelled: int


class Assistance(QObject):
    """Asks the engine. One question at a time: a new one takes the place of the last."""

    arranged = Signal(object)
    """An Answer."""
    order_wanted = Signal(str)
    """The name of an order that was asked for by a menu or a key."""
    duplicates_wanted = Signal()
    """The page of near-duplicates is to be opened."""
    menu_wanted = Signal()
    """The menu of orders is to be opened."""
    changed = Signal()
    """A question was asked, answered or given up."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._job_id = 0
        self._title = ""
        self._order = ""
        self._asked_at: int | None = None
        self._arrange: Arrange = np.asarray
        self._num_labelled = self._asked_after = 0
        session.work.ended.connect(self._on_work_ended)
        session.labelled.connect(self._count_label)

    @property
    def num_labelled(self) -> int:
        """How often the user gave labels since the window was opened."""
        return self._num_labelled

    @property
    def question(self) -> str:
        """What the engine is being asked, as a title; "" while nothing is."""
        return self._title if self._session.work.is_running(ASSIST) else ""

    def show_next(self) -> None:
        """Asks for the order in which labels should help the model most."""
        self.order_wanted.emit(GUIDED)

    def show_duplicates(self) -> None:
        """Asks for the near-duplicates, side by side."""
        self.duplicates_wanted.emit()

    def show_orders(self) -> None:
        """Opens the menu of orders."""
        self.menu_wanted.emit()

    def show_similar(self) -> None:
        """Shows the current image and those most similar to it."""
        QTimer.singleShot(0, self._ask_for_similar)  # the session learns of the last key only after it

    def _ask_for_similar(self) -> None:
        from engine.tasks.assist import FindSimilar

        project, image_id = self._session.project, self._session.current_image_id
        if project is not None and image_id is not None:
            name = self._session.columns.names[self._session.rows_of([image_id])[0]].rsplit("/", 1)[-1]
            job = FindSimilar(project, image_id, NUM_SIMILAR)
            self._ask(job, tr("Similar to {name}", name=name), "", lambda found: np.append(image_id, found.image_ids))

    def ask_for_order(self, name: str, among: NDArray[np.int64] | None = None) -> None:
        """Asks for an order of the table by its name, for all images or for those that are shown."""
        project, choice = self._session.project, ORDERS[name]
        if project is not None and choice.asks is not None:
            self._ask(choice.asks(project, among), choice.title, name, np.asarray)

    def give_up(self) -> None:
        """Cancels the question."""
        self._session.work.cancel_kind(ASSIST)

    def _ask(self, job: AnyJob, title: str, order: str, arrange: Arrange) -> None:
        session, project = self._session, self._session.project
        session.work.cancel_kind(ASSIST)

        def submit() -> None:
            self._job_id = session.work.submit(ASSIST, job, job.title, Priority.INTERACTIVE).id
            self.changed.emit()

        def note_and_submit() -> None:
            if session.project is project:
                self._title, self._order, self._arrange = title, order, arrange
                self._asked_at, self._asked_after = session.current_image_id, self._num_labelled
                session.when_saved(submit)

        QTimer.singleShot(0, note_and_submit)  # as above

    def _count_label(self) -> None:
        self._num_labelled += 1

    def _on_work_ended(self, kind: str, end: object) -> None:
        if kind != ASSIST:
            return
        if isinstance(end, JobSucceeded) and end.job_id == self._job_id:
            picked = PickedImages(self._title, self._arrange(end.result), self._order)
            self.arranged.emit(Answer(picked, self._asked_at, self._asked_after))
        self.changed.emit()
