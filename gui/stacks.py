"""Stacks of look-alikes in the window: asked for, arranged, named. The expert of the benchmarks drives the same.

What is named follows from the labels themselves: a picture that got a class, by whatever way, is in no stack any more,
and is back when that is undone. Nothing else ever moves a picture: no training, and no new embeddings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, cast

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from engine.domain import NO_CLASS, ImageStatus, Mark, Source
from engine.events import JobFailed, JobSucceeded
from engine.jobs import Priority
from engine.language import trc
from engine.suggestions.clusters import Stacks
from gui.activities import EMBED, READ, SCAN, STACK
from gui.columns import is_done
from gui.models.arrangement import Arrangement, Bools, Ids, ShownStacks
from gui.open_project import as_array
from gui.stack_suggestions import AGREEING, Suggested, agreement_on, suggested_for

if TYPE_CHECKING:
    from gui.session import Session

BEFORE = (SCAN, READ, EMBED)
"""Work after which more images can be put into stacks."""
WAIT_MS, BEGIN_MS = 300, 1500
"""How long to wait whether further images are looked at, and whether that begins at all."""
MAX_HISTORY = 30


@dataclass(frozen=True, slots=True)
class Stack:
    """What is still without a class in a stack, the most typical first; the odd ones out begin at `num_typical`.

    `is_aside` (n,) tells which of them naming leaves out: at first the odd ones. `clearness` (0..1) is how clearly the
    stack stands apart from others (`clusters.clearness`): what does not is more often mixed.
    """

    image_ids: Ids
    num_typical: int
    is_aside: Bools
    clearness: float

    @property
    def named_ids(self) -> Ids:
        """Those that naming gives the class."""
        return self.image_ids[~self.is_aside]


class OpenStacks(Sequence[Stack]):
    """The stacks that are not named yet, made as they are looked at."""

    def __init__(self, owner: ImageStacks) -> None:
        self._owner = owner

    def __len__(self) -> int:
        return self._owner.num_open

    def __getitem__(self, index: int) -> Stack:  # type: ignore[override]
        return self._owner.stack(index)

    def __iter__(self) -> Iterator[Stack]:
        return (self._owner.stack(index) for index in range(len(self)))


class StackState(Enum):
    """How far the asking for stacks is."""

    NOTHING = "nothing"
    WAITING = "waiting"
    """For images that are still being looked at."""
    STACKING = "stacking"
    READY = "there"
    STOPPED = "cancelled"
    FAILED = "failed"


class ImageStacks(QObject):
    """`session.stacks`. An index counts the stacks that are still open, in the order in which they are shown."""

    changed = Signal()
    """Other stacks, or other pictures in them, or another state."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._job_id = 0
        self._arrangement = Arrangement.empty()
        self._rows: Ids = np.zeros(0, np.int64)
        self._are_there: Bools = np.zeros(0, np.bool_)
        self._are_open: Bools = np.zeros(0, np.bool_)
        self.shown = ShownStacks.of(self._arrangement, self._rows, self._are_open)
        """The stacks that are not named yet, as arrays."""
        self._history: list[tuple[str, Arrangement]] = []
        self.state = StackState.NOTHING
        self.error: BaseException | None = None
        """Why there are no stacks, in the state FAILED."""
        self._wait_timer = QTimer(self, singleShot=True)
        self._wait_timer.timeout.connect(self._go_on)
        session.work.has_own_view(STACK, True)
        session.work.ended.connect(self._on_work_ended)
        session.rows_changed.connect(self._on_rows_changed)
        session.columns_reset.connect(self._on_columns_reset)
        session.project_closed.connect(self._forget)

    # ---- asking

    def ask(self) -> None:
        """Makes new stacks of all images without a class; those that are still being looked at are waited for."""
        if self._session.project is None:
            return
        self.error = None
        if self.is_looking:
            self._set_state(StackState.WAITING)
        else:
            self.ask_now()

    def ask_now(self) -> None:
        """Makes new stacks of those images without a class that were looked at already."""
        self._wait_timer.stop()
        self.error = None
        self._session.work.cancel_kind(STACK)
        self._set_state(StackState.STACKING)
        self._session.when_saved(self._submit)

    def look_and_ask(self) -> None:
        """Looks at the images first, also when the user had stopped that before."""
        self.error = None
        self._session.work.look_again()
        self._set_state(StackState.WAITING)
        self._wait_timer.start(BEGIN_MS)

    def cancel(self) -> None:
        """Stops waiting or making them; the stacks that are there stay."""
        self._wait_timer.stop()
        self._session.work.cancel_kind(STACK)
        self._job_id = 0
        self._set_state(StackState.READY if self.num_stacks else StackState.STOPPED)

    @property
    def is_asking(self) -> bool:
        """Whether stacks are waited for."""
        return self.state in (StackState.WAITING, StackState.STACKING)

    @property
    def is_looking(self) -> bool:
        """Whether images are still being read or looked at."""
        return any(self._session.work.is_running(kind) for kind in BEFORE)

    # ---- what is there

    @property
    def stacks(self) -> Sequence[Stack]:
        """The stacks that are not named yet."""
        return OpenStacks(self)

    @property
    def num_stacks(self) -> int:
        """How many there are, the named ones included."""
        return self._arrangement.num_stacks

    @property
    def num_open(self) -> int:
        """How many are not named yet."""
        return len(self.shown)

    def stack(self, index: int) -> Stack:
        """Returns one of the open stacks.

        Raises:
            IndexError: there is no such stack (any more).
        """
        if not 0 <= index < len(self.shown):
            raise IndexError(index)
        span = self.shown.span(index)
        return Stack(
            image_ids=self.shown.image_ids[span],
            num_typical=int(self.shown.num_typical[index]),
            is_aside=self.shown.are_aside[span],
            clearness=float(self.shown.clearnesses[index]),
        )

    def suggestion(self, index: int) -> Suggested | None:
        """Returns what the model says of a stack when it says it of most images that naming would label."""
        return suggested_for(self._session, self.shown.named_rows(index))

    def looks_unknown(self, index: int) -> bool:
        """Tells whether most images that naming a stack would label look like none of the classes."""
        are_unknown = self._session.columns.look_unknown(self.shown.named_rows(index))
        return bool(np.count_nonzero(are_unknown) >= AGREEING * len(are_unknown))

    def agreement(self, index: int) -> float | None:
        """Returns for which part of the images that naming would label the model suggests the same class, 0..1."""
        return agreement_on(self._session, self.shown.named_rows(index))

    @property
    def left_over_ids(self) -> Ids:
        """The images without a class that were set aside in stacks that are done."""
        is_done = np.ones(self.num_stacks, np.bool_)
        is_done[self.shown.numbers] = False
        return self._arrangement.image_ids[self._are_open & is_done[self._arrangement.stack_of]]

    @property
    def num_outside(self) -> int:
        """How many readable images without a class are in no stack: they came, or were looked at, later."""
        columns = self._session.columns
        is_open = (columns.class_ids == NO_CLASS) & (columns.marks & (Mark.SKIPPED | Mark.CONFIRMED) == 0)
        num_open = int(np.count_nonzero(is_open & (columns.statuses == ImageStatus.READABLE)))
        return max(0, num_open - int(np.count_nonzero(self._are_open)))

    # ---- what the user does

    def name(self, index: int, class_id: int, source: Source = Source.HUMAN) -> bool:
        """Gives a stack a class, but not what is set aside; one undo step. Tells whether there was anything to name."""
        return self.name_several([index], class_id, source)

    def name_several(self, indices: Iterable[int], class_id: int, source: Source = Source.HUMAN) -> bool:
        """Gives several stacks the same class, in one undo step."""
        ids = self.named_ids(indices)
        if not len(ids) or self._session.is_read_only:
            return False
        self._session.label(ids, class_id, source)
        return True

    def name_new(self, indices: int | Iterable[int], name: str) -> None:
        """Makes a class and gives it to one stack or several, in one undo step."""
        ids = self.named_ids([indices] if isinstance(indices, int) else indices)
        if len(ids) and not self._session.is_read_only:
            self._session.split_class(ids, name)

    def named_ids(self, indices: Iterable[int]) -> Ids:
        """Returns the images that naming these stacks would label."""
        named = [self.shown.named(index) for index in indices]
        return np.concatenate([*named, np.zeros(0, np.int64)]).astype(np.int64)

    def set_aside(self, index: int, image_ids: Ids, on: bool = True) -> None:
        """Leaves images of a stack out of the naming, or (`on` False) takes them in again."""
        number = int(self.shown.numbers[index])
        text = trc("undo", "set aside") if on else trc("undo", "take in")
        self._arrange(text, self._arrangement.with_aside(number, as_array(image_ids), on))

    def split(self, index: int) -> None:
        """Makes two stacks of one; the smaller one follows."""
        self._arrange(trc("undo", "split"), self._arrangement.split(int(self.shown.numbers[index]), self._are_open))

    def merge(self, indices: Iterable[int]) -> None:
        """Makes one stack of several, where the first of them is."""
        numbers = self.shown.numbers[np.array(sorted(set(indices)), np.int64)]
        if len(numbers) > 1:
            self._arrange(trc("undo", "join"), self._arrangement.merged(numbers))

    def postpone(self, indices: Iterable[int]) -> None:
        """Puts stacks behind all others, for later."""
        numbers = self.shown.numbers[np.array(sorted(set(indices)), np.int64)]
        if len(numbers) and numbers[-1] < self.num_stacks - 1:
            self._arrange(trc("undo", "put off"), self._arrangement.postponed(numbers))

    @property
    def undo_text(self) -> str:
        """What `take_back` would take back, "" when there is nothing."""
        return self._history[-1][0] if self._history else ""

    def take_back(self) -> bool:
        """Takes back the last split, join or setting aside since something was named; tells whether there was one."""
        if not self._history:
            return False
        self._show(self._history.pop()[1])
        return True

    def forget_steps(self) -> None:
        """Makes splits, joins and what was set aside final."""
        self._history.clear()
        self._session.undo_changed.emit()

    # ---- private

    def _submit(self) -> None:
        from engine.tasks.stack_images import StackImages

        project = self._session.project
        if project is not None and self.state is StackState.STACKING:
            job = StackImages(project)
            self._job_id = self._session.work.submit(STACK, job, job.title, Priority.INTERACTIVE).id

    def _go_on(self) -> None:
        if self.state is StackState.WAITING and not self.is_looking:
            self.ask_now()

    def _on_work_ended(self, kind: str, end: object) -> None:
        if kind in BEFORE and self.state is StackState.WAITING:
            self._wait_timer.start(WAIT_MS)  # what was found is looked at next: that begins in a moment
        if kind != STACK or getattr(end, "job_id", 0) != self._job_id:
            return
        self._job_id = 0
        if isinstance(end, JobSucceeded):
            self._history.clear()
            self.state = StackState.READY
            self._show(Arrangement.of(cast(Stacks, end.result)))
        elif isinstance(end, JobFailed):
            self.error = end.error
            self._set_state(StackState.FAILED)
        else:
            self._set_state(StackState.READY if self.num_stacks else StackState.STOPPED)

    def _arrange(self, text: str, arrangement: Arrangement) -> None:
        self._history = [*self._history[-MAX_HISTORY:], (text, self._arrangement)]
        self._show(arrangement)

    def _show(self, arrangement: Arrangement) -> None:
        self._arrangement = arrangement
        self._find_rows()
        self._refresh()
        self.changed.emit()
        self._session.undo_changed.emit()

    def _find_rows(self) -> None:
        ids = self._arrangement.image_ids
        self._are_there = self._session.has_images(ids)
        self._rows = np.zeros(len(ids), np.int64)
        self._rows[self._are_there] = self._session.rows_of(ids)

    def _refresh(self) -> bool:
        """Sees which images are still open; tells whether others are than before."""
        columns, before, rows = self._session.columns, self._are_open, self._rows
        if self._are_there.any():
            is_skipped = columns.marks[rows] & Mark.SKIPPED != 0
            self._are_open = self._are_there & ~is_done(columns, rows) & ~is_skipped
        else:
            self._are_open = self._are_there
        self.shown = ShownStacks.of(self._arrangement, rows, self._are_open)
        return not np.array_equal(before, self._are_open)

    def _on_rows_changed(self, _rows: object) -> None:
        if self.num_stacks and self._refresh():
            self._history.clear()  # what was arranged before a label is final
            self.changed.emit()

    def _on_columns_reset(self) -> None:
        if self.num_stacks:
            self._find_rows()
            self._refresh()
            self.changed.emit()

    def _set_state(self, state: StackState) -> None:
        self.state = state
        self.changed.emit()

    def _forget(self) -> None:
        self._wait_timer.stop()
        self._job_id, self.error = 0, None
        self._history.clear()
        self.state = StackState.NOTHING
        self._show(Arrangement.empty())
