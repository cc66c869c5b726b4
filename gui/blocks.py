"""Block verification: page by page the surest suggestions of one class; the user takes out what is wrong, and accepts.

A pass goes from class to class until nothing is open. The page never changes under the user's eyes: labels and refits
that come meanwhile are taken in with the next page. What was taken out is refused: it is not offered for that class
again, as long as it has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from engine.domain import NO_CLASS, ImageClass, Mark, Source
from engine.errors import TrainingError
from engine.evaluation.acceptance import BorneOut, Mistakes, largest_strangeness
from engine.language import tr
from gui.block_records import NO_IDS, Accepted, Outcome, Page, Tally, all_wrong
from gui.open_project import as_array
from gui.open_suggestions import num_open, open_rows, surest

if TYPE_CHECKING:
    from gui.session import Session

DEFAULT_PAGE_SIZE = 24
COUNT_DELAY_MS = 120

NO_MODEL = tr("There is no model yet that could suggest anything.")
SEVERAL = tr("Where images have several classes, suggestions are accepted image by image.")
NOTHING_OPEN = tr("No suggestion is open.")


class Blocks(QObject):
    """One pass over the open suggestions of the session. `changed`: page, counts or what is expected are others."""

    changed = Signal()
    wanted = Signal()
    """The page of blocks is to be opened."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.page = Page(NO_CLASS, 0)
        self.page_size = DEFAULT_PAGE_SIZE
        self.is_on = False
        self.tally = Tally()
        self._aside: NDArray[np.int64] = NO_IDS
        self._accepted: list[Accepted] = []
        self._borne_out: BorneOut | None = None
        self._outcomes: tuple[Outcome, ...] = ()
        """Of all pages since the project was opened: the model had not learned from these when it was judged."""
        self._counts: NDArray[np.int64] = np.zeros(1, np.int64)
        self._is_acting = False
        self._timer = QTimer(self, singleShot=True, interval=COUNT_DELAY_MS)
        self._timer.timeout.connect(self._count)
        session.rows_changed.connect(self._on_rows_changed)
        session.columns_reset.connect(self._on_columns_reset)
        session.classes_changed.connect(self._timer.start)
        session.run_changed.connect(self._on_run_changed)
        session.project_closed.connect(self._forget)

    # ---- what is shown

    @property
    def class_id(self) -> int:
        """The class of the page; NO_CLASS when the pass is over."""
        return self.page.class_id

    @property
    def page_ids(self) -> NDArray[np.int64]:
        """The images of the page, the surest first."""
        return self.page.image_ids

    @property
    def why_not(self) -> str:
        """Why there is nothing to go through at all, "" when there is."""
        session = self._session
        if session.has_several_classes:
            return SEVERAL
        if session.run is None:
            return NO_MODEL
        return "" if self._counts.any() else NOTHING_OPEN

    @property
    def is_over(self) -> bool:
        """Whether a pass went through everything that was open."""
        return self.is_on and self.class_id == NO_CLASS

    @property
    def is_model_newer(self) -> bool:
        """Whether the suggestions of the page are those of a model before the present one."""
        run = self._session.run
        return self.class_id != NO_CLASS and run is not None and run.id != self.page.run_id

    @property
    def newest_run_id(self) -> int:
        """The number of the present model."""
        return self._session.run.id if self._session.run is not None else 0

    def open_classes(self) -> list[tuple[ImageClass, int]]:
        """Returns all classes in palette order, each with the number of its open suggestions (the page included)."""
        counts = self._counts
        return [(each, int(counts[each.id]) if each.id < len(counts) else 0) for each in self._session.classes]

    def num_left(self) -> int:
        """Returns how many suggestions of the class of the page are open."""
        return int(self._counts[self.class_id]) if 0 < self.class_id < len(self._counts) else 0

    def set_aside(self) -> NDArray[np.int64]:
        """Returns the images that were taken out in this pass and have no class yet."""
        ids = np.concatenate([self._aside, np.fromiter(self.page.out, np.int64)])
        rows = self._session.rows_of(ids)
        columns = self._session.columns
        return np.asarray(columns.image_ids[rows[columns.class_ids[rows] == NO_CLASS]])

    def to_accept(self) -> NDArray[np.int64]:
        """Returns the images of the page that `accept` would give its class: not taken out, and without a class."""
        columns = self._session.columns
        ids = self.page.image_ids[~np.isin(self.page.image_ids, np.fromiter(self.page.out, np.int64))]
        rows = self._session.rows_of(ids)
        return np.asarray(columns.image_ids[rows[columns.class_ids[rows] == NO_CLASS]])

    def expected_mistakes(self) -> Mistakes | None:
        """Returns how many of the page are wrong, judged by images that the model had not seen; None: not known."""
        return self._mistakes(self.page.confidences)

    def expected_above(self, confidence: float) -> tuple[int, Mistakes | None]:
        """Returns how many open suggestions of the class are at least so sure, and how many of these are wrong."""
        rows = self._rows_above(confidence)
        return len(rows), self._mistakes(self._session.columns.confidences[rows])

    def _mistakes(self, confidences: NDArray[np.float32]) -> Mistakes | None:
        known = self._borne_out
        if known is None:
            return None
        for each in self._outcomes:
            if each.class_id == self.class_id:
                known = known.with_outcomes(each.confidences, each.class_id, each.is_right)
        return known.mistakes(confidences, self.class_id)

    # ---- what the user does

    def start(self, class_id: int | None = None) -> None:
        """Begins a pass, with this class, or else with the first of the palette that has open suggestions."""
        self._timer.stop()
        self._aside, self.tally, self._accepted = NO_IDS, Tally(), []
        self.page, self.is_on = Page(NO_CLASS, 0), True
        self._recount()
        if not self.why_not:
            self._turn_to(class_id if class_id is not None else self._next_class())
        self.changed.emit()

    def end(self) -> None:
        """Leaves the pass; what was accepted stays."""
        self.is_on = False
        self.page = Page(NO_CLASS, 0)
        self.changed.emit()

    def num_refused(self) -> int:
        """Returns how many of the images that were taken out in this pass have no class, and are refused."""
        columns = self._session.columns
        return int(columns.refused_bits[self._session.rows_of(self.set_aside())].any(axis=1).sum())

    def go_to_class(self, class_id: int) -> None:
        """Goes on with another class; what was taken out of the page counts as taken out."""
        if len(refused := self._refused()):
            self._accept(NO_IDS, self.tally, (*self._outcomes, all_wrong(self.page, refused)))
        self._leave_page()
        self._turn_to(class_id)
        self.changed.emit()

    def set_page_size(self, num_images: int) -> None:
        """Says how many pictures fit; a page that is shown keeps its first ones."""
        num_images = max(1, num_images)
        if num_images == self.page_size:
            return
        self.page_size = num_images
        if self.class_id != NO_CLASS:
            self.page = self._fill(self.page)
            self.changed.emit()

    def toggle(self, image_ids: Iterable[int] | NDArray[np.int64]) -> None:
        """Takes images of the page out, or puts those back that are out."""
        changed = frozenset(as_array(image_ids).tolist()) & frozenset(self.page.image_ids.tolist())
        if changed:
            self.page = replace(self.page, out=self.page.out ^ changed)
            self.changed.emit()

    def put_back(self, image_ids: NDArray[np.int64]) -> None:
        """Puts images of the page back that are out, and takes another class away that they got."""
        self.give(image_ids, self.class_id)

    def give(self, image_ids: NDArray[np.int64], class_id: int) -> None:
        """Gives images of the page another class at once (the page's own: puts them back)."""
        ids = as_array(image_ids)
        is_own = class_id == self.class_id
        out = self.page.out - set(ids.tolist()) if is_own else self.page.out | set(ids.tolist())
        self.page = replace(self.page, out=frozenset(out))
        if is_own:
            rows = self._session.rows_of(ids)
            has_other = self._session.columns.class_ids[rows] != NO_CLASS
            if has_other.any():
                self._act(lambda: self._session.clear(ids[has_other]))
        else:
            self._act(lambda: self._session.label(ids, class_id))
        self.changed.emit()

    def accept(self) -> None:
        """Gives what is left of the page its class, and refuses it of the others, as one step of undo.

        `next_page` goes on.
        """
        ids = self.to_accept()
        page = self.page
        is_right = np.isin(page.image_ids, ids)
        self._accept(
            ids,
            replace(self.tally, num_accepted=self.tally.num_accepted + len(ids)),
            (*self._outcomes, Outcome(page.class_id, page.confidences, is_right)),
        )

    def accept_above(self, confidence: float) -> int:
        """Accepts every open suggestion of the class that is at least so sure, looked at or not, as one step of undo.

        Not those that were taken out, nor those that look strange for a sure suggestion. Returns their number.
        """
        ids = self._session.columns.image_ids[self._rows_above(confidence)]
        self._accept(
            ids, replace(self.tally, num_unseen=self.tally.num_unseen + len(ids)), self._outcomes, Source.UNSEEN
        )
        return len(ids)

    def _accept(
        self, ids: NDArray[np.int64], tally: Tally, outcomes: tuple[Outcome, ...], source: Source = Source.SUGGESTION
    ) -> None:
        before, refused, page = self._outcomes, self._refused(), self.page
        self._outcomes = outcomes
        if len(ids) or len(refused):
            self._accepted.append(Accepted(page, self.tally, self._aside, ids, refused, before))
            self.tally = tally
            self._act(lambda: self._session.accept_page(ids, refused, page, source))
        self.changed.emit()

    def _refused(self) -> NDArray[np.int64]:
        """Returns the images of the page that were taken out, have no class and were not merely skipped."""
        columns = self._session.columns
        rows = self._session.rows_of(np.fromiter(self.page.out, np.int64))
        is_left = (columns.class_ids[rows] == NO_CLASS) & (columns.marks[rows] & Mark.SKIPPED == 0)
        return np.asarray(columns.image_ids[rows[is_left]])

    def next_page(self) -> None:
        """Shows the next page of the class, or of the next class, by the suggestions of now; else the pass is over."""
        class_id = self.class_id
        self._leave_page()
        self._turn_to(class_id if self._counts_of(class_id) else self._next_class(class_id))
        self.changed.emit()

    def renew(self) -> None:
        """Makes the page anew from the suggestions of the newest model; what was taken out stays out."""
        self._recount()
        self.page = self._fill(Page(self.class_id, 0, out=self.page.out))
        if not len(self.page_ids):
            self._turn_to(self._next_class(self.class_id))
        self.changed.emit()

    # ---- pages

    def _turn_to(self, class_id: int) -> None:
        self.page = self._fill(Page(class_id, 0)) if class_id != NO_CLASS else Page(NO_CLASS, 0)

    def _fill(self, page: Page) -> Page:
        """Returns a page with as many images as fit: those that it has, then the surest of the others."""
        columns, run = self._session.columns, self._session.run
        kept = page.image_ids[: self.page_size]
        confidences = page.confidences[: self.page_size]
        wanted = self.page_size - len(kept)
        if wanted:
            rows = self._open_rows(page.class_id)
            rows = surest(columns, rows[~np.isin(columns.image_ids[rows], kept)], wanted)
            kept = np.concatenate([kept, columns.image_ids[rows]])
            confidences = np.concatenate([confidences, columns.confidences[rows]])
        run_id = page.run_id or (run.id if run is not None else 0)
        return replace(page, image_ids=kept, confidences=confidences, run_id=run_id)

    def _leave_page(self) -> None:
        """Sets aside what was taken out of the page and has still no class."""
        columns = self._session.columns
        out = np.fromiter(self.page.out, np.int64)
        rows = self._session.rows_of(out)
        if len(out):
            self._aside = np.union1d(self._aside, columns.image_ids[rows])
            self.tally = replace(self.tally, num_out=self.tally.num_out + len(rows))
        self._recount()

    def _open_rows(self, class_id: int) -> NDArray[np.int64]:
        columns = self._session.columns
        rows = open_rows(columns, class_id)
        return rows[~np.isin(columns.image_ids[rows], self._aside)] if len(self._aside) else rows

    def _rows_above(self, confidence: float) -> NDArray[np.int64]:
        session, columns = self._session, self._session.columns
        if self.class_id == NO_CLASS:
            return NO_IDS
        rows = self._open_rows(self.class_id)
        measured = session.run.unknown if session.run is not None else None
        limit = np.float32(largest_strangeness(measured, 1 - columns.unknown_threshold))
        is_taken = (columns.confidences[rows] >= np.float32(confidence)) & ~(columns.unknown_scores[rows] >= limit)
        is_taken &= ~np.isin(columns.image_ids[rows], np.fromiter(self.page.out, np.int64))
        return rows[is_taken]

    def _next_class(self, after: int = NO_CLASS) -> int:
        """Returns the first class behind `after` in the palette that has open suggestions, going round once.

        Classes with a single one come last: a page of one picture costs as many keys as one of fifty (59 classes, by
        keys alone: tests/bench/bench_expert.py).
        """
        order = [each.id for each in self._session.classes]
        start = order.index(after) + 1 if after in order else 0
        round_trip = order[start:] + order[:start]
        wanted = [each for each in round_trip if self._counts_of(each) > 1] or round_trip
        return next((each for each in wanted if self._counts_of(each)), NO_CLASS)

    def _counts_of(self, class_id: int) -> int:
        return int(self._counts[class_id]) if 0 < class_id < len(self._counts) else 0

    # ---- what happened

    def _act(self, act: Callable[[], object]) -> None:
        self._is_acting = True
        try:
            act()
        finally:
            self._is_acting = False

    def _recount(self) -> None:
        session = self._session
        self._counts = np.zeros(1, np.int64)
        if not session.has_several_classes and session.run is not None:
            self._counts = num_open(session.columns, self._aside, session.rows_of)

    def _count(self) -> None:
        if self.is_on:
            self._recount()
            self.changed.emit()

    def _on_rows_changed(self, _rows: object) -> None:
        if self.is_on:
            if not self._is_acting:
                self._go_back_if_undone()
            self._timer.start()

    def _go_back_if_undone(self) -> None:
        """Shows the page again whose acceptance was just undone."""
        if not self._accepted:
            return
        last = self._accepted[-1]
        if last.is_undone(self._session.columns, self._session.rows_of):
            self._accepted.pop()
            self.page, self.tally, self._aside, self._outcomes = last.page, last.tally, last.aside, last.outcomes
            self.changed.emit()

    def _on_columns_reset(self) -> None:
        if self.is_on:
            is_there = self._session.has_images(self.page.image_ids)
            self.page = replace(
                self.page, image_ids=self.page.image_ids[is_there], confidences=self.page.confidences[is_there]
            )
            self._timer.start()

    def _on_run_changed(self) -> None:
        project, run = self._session.project, self._session.run
        self._borne_out = None
        if project is not None and run is not None and not self._session.has_several_classes:

            def read() -> BorneOut | None:
                from engine.tasks.measured import read_borne_out

                try:
                    return read_borne_out(project, run)
                except TrainingError:  # its files are gone: said elsewhere, and nothing is promised here
                    return None

            self._session.read_in_background(read, self._take_borne_out)
        self._timer.start()

    def _take_borne_out(self, found: BorneOut | None) -> None:
        self._borne_out = found
        if self.is_on:
            self.changed.emit()

    def _forget(self) -> None:
        self._timer.stop()
        self._borne_out, self._outcomes = None, ()
        self._aside, self._accepted, self.tally = NO_IDS, [], Tally()
        self.end()
