"""A scripted user who knows the truth and labels a project through the session, as the window would let a person.

Everything goes through what the window itself calls: `session.stacks`, `session.blocks`, `session.label`,
`session.accept_suggestions`, and the refits that the session starts by itself in every pause. What a person would press
or click for it is counted:

- a class with a key of its own: one key; any other: `/`, letters of the beginning of its name and arrows down until it
  is the marked one in the list (as few as will do, at most two arrows), Enter;
- the suggestion under the eye: Space, one key; a stack's suggestion: Enter, one key;
- in a stack or a block one click for every picture that is taken out; Enter accepts a block and shows the next;
- leaving a stack (Down) or a class of blocks (a click on another one, whose open suggestions are counted beside it)
  without doing anything: one;
- opening stacks or blocks and going back to the grid: one key each; choosing the order "least sure first": two clicks.

Typing the names of the classes when they are first met is counted apart, as every way of labelling needs it.

What the expert sees: every picture of the stack or page that is shown, and what it is. `eye` is the share of the wrong
ones on a page that are noticed. It takes the shorter way of those it sees: a stack is named and a page is accepted when
that costs fewer keys than it labels images; otherwise it moves on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEventLoop, QTimer

from engine.domain import NO_CLASS, Source
from gui.activities import EMBED, READ, REFIT, SCAN
from gui.columns import has_open_suggestion
from gui.likely_classes import likely_first
from gui.models.class_search import find_classes
from gui.session import Session
from gui.stacks import StackState

KEYS_PER_PAUSE = 10
"""After so many keys the expert's hand rests for long enough that the session refits the model."""
SINGLY_AT_ONCE = 30
"""So many images are labelled one by one before the expert looks at the blocks again."""
FEWEST_OPEN = 2
"""A class with fewer open suggestions is not worth a click."""
MAX_ARROWS = 2
TIMEOUT_S = 600.0
POLL_MS = 10

PLAIN, SUGGESTIONS, BLOCKS, STACKS, BOTH = "plain", "suggestions", "blocks", "stacks", "stacks and blocks"
MODES = (PLAIN, SUGGESTIONS, BLOCKS, STACKS, BOTH)


@dataclass(frozen=True, slots=True)
class Moment:
    """How things stood after a refit. `accuracy`: of the model over all images, those it learned from out of fold."""

    keys: int
    num_labelled: int
    accuracy: float


@dataclass(slots=True)
class Tally:
    """What the expert pressed and clicked. `by_what` adds up to `keys`; `naming` are the keys for new class names."""

    keys: int = 0
    naming: int = 0
    by_what: dict[str, int] = field(default_factory=dict)
    moments: list[Moment] = field(default_factory=list)

    def press(self, what: str, number: int = 1) -> None:
        self.keys += number
        self.by_what[what] = self.by_what.get(what, 0) + number


def wait_until(condition: Callable[[], bool], timeout_s: float = TIMEOUT_S) -> None:
    """Lets the event loop run until the condition holds.

    Raises:
        TimeoutError: it does not come to hold.
    """
    if condition():
        return
    loop, began = QEventLoop(), time.monotonic()
    timer = QTimer(interval=POLL_MS)
    timer.timeout.connect(lambda: loop.quit() if condition() or time.monotonic() - began > timeout_s else None)
    timer.start()
    loop.exec()
    timer.stop()
    if not condition():
        raise TimeoutError("what the expert waits for does not happen")


class Expert:
    """Labels everything that is in a session's project. `truth` gives the class name of an image by its name."""

    def __init__(self, session: Session, truth: Callable[[str], str], eye: float = 1.0, seed: int = 0) -> None:
        self.session, self.eye = session, eye
        self.tally = Tally()
        self._rng = np.random.default_rng(seed)
        self._recent: list[int] = []
        self._keys_at_pause = 0
        names = [truth(name) for name in session.columns.names]
        self._truth_of = dict(zip(session.columns.image_ids.tolist(), names, strict=True))

    # ---- what there is

    def label_all(self, mode: str) -> Tally:
        """Labels every image, in one of the MODES."""
        if mode in (STACKS, BOTH):
            self._name_stacks()
        if mode in (BLOCKS, BOTH):
            if mode == BLOCKS:
                self._label_singly(self._first_ids())
            self._pause()
            self._go_through_blocks()
            self._label_what_is_left()
        self._label_singly(self._open_ids(), accepts=mode != PLAIN)
        wait_until(lambda: self.session.num_unsaved == 0)
        return self.tally

    def _label_what_is_left(self) -> None:
        """One by one, the least sure first; now and then the blocks, ever more seldom when that has not paid."""
        self.tally.press("choosing an order", 2)
        at_once = SINGLY_AT_ONCE
        while len(ids := self._open_ids()) > at_once:
            confidences = self.session.columns.confidences[self.session.rows_of(ids)]
            self._label_singly(ids[np.argsort(confidences, kind="stable")[:at_once]])  # without any: last of all
            self._pause()
            if not self._go_through_blocks():
                at_once *= 2

    def num_mistakes(self) -> int:
        """Returns how many images have a class that is not the true one, or none."""
        columns = self.session.columns
        names = {each.id: each.name for each in self.session.classes}
        return sum(
            names.get(class_id) != self._truth_of[image_id]
            for image_id, class_id in zip(columns.image_ids.tolist(), columns.class_ids.tolist(), strict=True)
        )

    def _open_ids(self) -> NDArray[np.int64]:
        columns = self.session.columns
        return columns.image_ids[columns.class_ids == NO_CLASS]

    def _first_ids(self) -> NDArray[np.int64]:
        """Returns the images that are labelled one by one before there is a model: as filed, two of each class."""
        counts: dict[str, int] = {}
        wanted = 2 * len(set(self._truth_of.values()))
        taken: list[int] = []
        for image_id in self._open_ids().tolist():
            taken.append(image_id)
            name = self._truth_of[image_id]
            counts[name] = counts.get(name, 0) + 1
            if len(taken) >= wanted and sum(count >= 2 for count in counts.values()) >= 2:
                break
        return np.array(taken, np.int64)

    # ---- classes

    def _class_id(self, name: str) -> int:
        return next((each.id for each in self.session.classes if each.name == name), NO_CLASS)

    def _price(self, name: str, image_ids: NDArray[np.int64]) -> int:
        """Returns how many keys give images a class that is there."""
        item = next(each for each in self.session.classes if each.name == name)
        if item.key:
            return 1
        first, prices = likely_first(self.session, image_ids, self._recent), [len(name)]
        for length in range(len(name)):
            found = [each.id for each in find_classes(self.session.classes, name[:length], first)[: MAX_ARROWS + 1]]
            if item.id in found:
                prices.append(length + found.index(item.id))
        return 2 + min(prices)

    def _press_class(self, name: str, image_ids: NDArray[np.int64], what: str) -> int:
        """Counts the keys that choose a class for images, making it where it is new; returns its id."""
        if self._class_id(name) == NO_CLASS:
            self.tally.naming += len(name) + 2  # "/", the name, Enter
            self.session.add_class(name)
            wait_until(lambda: self._class_id(name) != NO_CLASS)
        else:
            self.tally.press(what, self._price(name, image_ids))
        class_id = self._class_id(name)
        self._recent = [class_id, *(each for each in self._recent if each != class_id)]
        return class_id

    # ---- one by one

    def _label_singly(self, image_ids: NDArray[np.int64], accepts: bool = True) -> None:
        for image_id in image_ids.tolist():
            name = self._truth_of[image_id]
            if accepts and self._suggested(image_id) == name:
                self.tally.press("Space")
                self.session.accept_suggestions([image_id])
            else:
                class_id = self._press_class(name, np.array([image_id]), "class keys")
                self.session.label([image_id], class_id)
            self._rest()

    def _suggested(self, image_id: int) -> str:
        """Returns the class that stands on an image's card as a suggestion, "" when none does."""
        columns, row = self.session.columns, self.session.row_of(image_id)
        if not has_open_suggestion(columns, np.array([row]))[0]:
            return ""
        item = self.session.class_by_id(int(columns.predicted_ids[row]))
        return item.name if item is not None else ""

    # ---- stacks

    def _name_stacks(self) -> bool:
        """Goes through the stacks of all images without a class; tells whether that labelled any."""
        stacks = self.session.stacks
        before = len(self._open_ids())
        self.tally.press("opening and leaving", 2)
        stacks.ask()
        wait_until(lambda: stacks.state in (StackState.READY, StackState.FAILED, StackState.STOPPED))
        if stacks.state is not StackState.READY:
            raise RuntimeError(f"there are no stacks: {stacks.error}")
        at = 0
        while at < stacks.num_open:
            named = stacks.stack(at).named_ids
            names = [self._truth_of[image_id] for image_id in named.tolist()]
            name = max(sorted(set(names)), key=names.count) if names else ""
            wrong = named[[each != name for each in names]]
            suggested = stacks.suggestion(at)
            is_suggested = suggested is not None and suggested.item.name == name
            price = 1 if is_suggested or not self._class_id(name) else self._price(name, named)
            if len(named) - len(wrong) <= price + len(wrong):
                self.tally.press("moving on")
                at += 1
                continue
            noticed = self._noticed(wrong)
            self.tally.press("taking out", len(noticed))
            for image_id in noticed.tolist():
                stacks.set_aside(at, np.array([image_id]))
            if is_suggested:
                self.tally.press("stack's suggestion")
                stacks.name(at, self._class_id(name), Source.SUGGESTION)
            else:
                stacks.name(at, self._press_class(name, named, "stack's class"))
            self._rest()
        self._pause()
        return len(self._open_ids()) < before

    def _noticed(self, wrong: NDArray[np.int64]) -> NDArray[np.int64]:
        return wrong[self._rng.random(len(wrong)) < self.eye]

    # ---- blocks

    def _go_through_blocks(self) -> bool:
        """Passes through the classes for as long as a pass labels more images than it costs; whether the first did."""
        has_paid = False
        while self.session.run is not None:
            before, keys = len(self._open_ids()), self.tally.keys
            self.tally.press("opening and leaving", 2)
            self._pass_through()
            self._pause()
            if before - len(self._open_ids()) <= self.tally.keys - keys:
                return has_paid
            has_paid = True
        return has_paid

    def _pass_through(self) -> None:
        blocks = self.session.blocks
        blocks.start()
        gone = set()
        while not blocks.is_over and blocks.page_ids.size:
            item = self.session.class_by_id(blocks.class_id)
            assert item is not None
            ids = blocks.page_ids
            wrong = ids[[self._truth_of[image_id] != item.name for image_id in ids.tolist()]]
            if item.id not in gone and len(ids) - len(wrong) > len(wrong):
                noticed = self._noticed(wrong)
                self.tally.press("taking out", len(noticed))
                blocks.toggle(noticed)
                self.tally.press("accepting blocks")
                blocks.accept()
                self._rest()
                blocks.next_page()
                continue
            gone.add(item.id)
            others = [
                each.id for each, number in blocks.open_classes() if number >= FEWEST_OPEN and each.id not in gone
            ]
            if not others:
                break
            after = [each for each in others if self._place(each) > self._place(item.id)] or others
            self.tally.press("moving on")
            blocks.go_to_class(after[0])
        blocks.end()

    def _place(self, class_id: int) -> int:
        return [each.id for each in self.session.classes].index(class_id)

    # ---- pauses

    def _rest(self) -> None:
        """After some keys the hand rests."""
        if self.tally.keys - self._keys_at_pause >= KEYS_PER_PAUSE:
            self._pause()

    def _pause(self) -> None:
        """Waits until everything is saved and the model has learned from it, as it does in a pause."""
        session = self.session
        self._keys_at_pause = self.tally.keys
        wait_until(lambda: session.num_unsaved == 0)
        if not session.auto_retrain.is_on:
            return
        wait_until(lambda: not any(session.work.is_running(kind) for kind in (SCAN, READ, EMBED)))
        if session.why_no_retrain():
            return
        began = time.monotonic()
        # Too few of each class for a model: nothing happens, and the expert goes on.
        wait_until(
            lambda: (
                (session.run is not None and not self._is_learning())
                or (session.run is None and not session.work.is_running(REFIT) and time.monotonic() - began > 2.0)
            )
        )
        if session.run is not None:
            self._note()

    def _is_learning(self) -> bool:
        session = self.session
        return bool(session.facts.num_labels_since or session.work.is_running(REFIT) or session.is_reloading)

    def _note(self) -> None:
        session, columns = self.session, self.session.columns
        assert session.run is not None
        is_open = columns.class_ids == NO_CLASS
        names = {each.id: each.name for each in session.classes}
        right = sum(
            names.get(predicted) == self._truth_of[image_id]
            for image_id, predicted in zip(
                columns.image_ids[is_open].tolist(), columns.predicted_ids[is_open].tolist(), strict=True
            )
        )
        num_labelled = int((~is_open).sum())
        accuracy = (right + num_labelled * session.run.validation.accuracy) / len(columns)
        self.tally.moments.append(Moment(self.tally.keys, num_labelled, accuracy))
