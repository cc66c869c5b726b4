"""What keys do to images: label, accept, skip, mark, clear, and go on to the next one."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from engine.domain import CONFIDENT, ImageClass, Mark, Source
from engine.evaluation.acceptance import largest_strangeness
from engine.language import tr, trn
from gui.columns import agrees_with_suggestion, class_ids_at, has_class, has_open_suggestion, is_done
from gui.likely_classes import likely_first
from gui.models.image_filter import Show
from gui.models.image_list import ImageListModel
from gui.session import Session
from gui.widgets.image_grid import ImageGrid

MAX_RECENT = 20
NEAR_S = 600.0
"""Longer than any burst lasts."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """What the last class key did: `origin` is the last position that it labelled, `token` names the step."""

    class_id: int
    is_adding: bool
    origin: int
    token: str
    has_changed: bool


class Labelling(QObject):
    """Acts on the selected images, or on the current one. One action is one step of undo.

    In projects with several classes per image a class key gives or takes its class and stays; `confirm` goes on.
    """

    advanced_past_end = Signal()
    """There is nothing more of the filter's kind to go on to."""
    told = Signal(str)
    """A sentence about what a key did, or why it did nothing."""

    def __init__(self, session: Session, model: ImageListModel, grid: ImageGrid, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._list = model
        self._grid = grid
        self.recent: list[int] = []
        self._stroke: Stroke | None = None
        self.is_acting = False
        """True while a change of columns comes from here, and not from undo or from the store."""

    @property
    def stroke(self) -> Stroke | None:
        """What the last class key did, and goes on doing while it paints."""
        return self._stroke

    # ------------------------------------------------------------------------------------------------------ targets

    @property
    def rows(self) -> NDArray[np.int64]:
        """The row of the columns at each position of the list."""
        return self._list.rows

    def targets(self) -> NDArray[np.int64]:
        """Returns the positions that a key acts on, sorted: the selection, or else the current image."""
        selected = self._grid.selected_positions()
        if len(selected):
            return selected
        current = self._grid.current_position()
        return np.array([current] if current >= 0 else [], dtype=np.int64)

    def suggested_targets(self) -> NDArray[np.int64]:
        """Returns those targets whose suggestion waits to be accepted."""
        return self._with_suggestion(self.targets())

    def are_unknown(self) -> bool:
        """Tells whether all targets look like none of the classes, so that there is nothing to accept."""
        rows = self._list.rows[self.targets()]
        columns = self._session.columns
        return bool(len(rows)) and bool((columns.look_unknown(rows) & ~is_done(columns, rows)).all())

    def confident_positions(self) -> NDArray[np.int64]:
        """Returns the positions in the list whose suggestion is at least CONFIDENT sure.

        Where images have several classes: sure of all of them at once, and not where the user gave another class. Those
        that look strange for a sure suggestion are left out: a class without a name is often taken for another.
        """
        return self.confident_and_held_back()[0]

    def confident_and_held_back(self) -> tuple[NDArray[np.int64], int]:
        """Returns `confident_positions`, and how many are as sure but left out because the images look strange."""
        candidates = self._confident_candidates()
        are_strange = self._are_strange(candidates)
        rows = self._list.rows[candidates[are_strange]]
        num_held_back = int(np.count_nonzero(~is_done(self._session.columns, rows)))
        return self._with_suggestion(candidates[~are_strange]), num_held_back

    def _confident_candidates(self) -> NDArray[np.int64]:
        session, rows, columns = self._session, self._list.rows, self._session.columns
        if session.has_several_classes and not session.suggests_whole_sets:
            return np.zeros(0, np.int64)
        candidates = np.flatnonzero(columns.confidences[rows] >= CONFIDENT)
        if session.has_several_classes:
            candidates = candidates[agrees_with_suggestion(columns, rows[candidates])]
        return candidates

    def _are_strange(self, positions: NDArray[np.int64]) -> NDArray[np.bool_]:
        session, columns = self._session, self._session.columns
        measured = session.run.unknown if session.run is not None else None
        limit = largest_strangeness(measured, 1 - columns.unknown_threshold)
        return np.asarray(columns.unknown_scores[self._list.rows[positions]] >= np.float32(limit))

    def likely_classes(self, image_ids: NDArray[np.int64]) -> list[int]:
        """Returns the classes that the type-ahead lists first for these images."""
        return likely_first(self._session, image_ids, self.recent)

    # ------------------------------------------------------------------------------------------------------ actions

    def label(self, class_id: int) -> bool:
        """Gives the targets a class and goes on. With several classes per image: takes it when all have it, and stays.

        Returns:
            Whether there was anything to label.
        """
        session, positions = self._session, self.targets()
        if session.class_by_id(class_id) is None or not len(positions):
            return False
        self.recent = [class_id, *(each for each in self.recent if each != class_id)][:MAX_RECENT]
        have = has_class(session.columns, self._list.rows[positions], class_id)
        is_adding = not session.has_several_classes or not bool(have.all())
        self._stroke = Stroke(class_id, is_adding, int(positions[-1]), secrets.token_hex(4), not bool(have.all()))
        self._do(positions, self._write_stroke, advances=not session.has_several_classes)
        return True

    def give(self, class_id: int) -> None:
        """Gives the targets a class and never takes it (what was dragged onto a class shall have it)."""
        positions = self.targets()
        if not has_class(self._session.columns, self._list.rows[positions], class_id).all():
            self.label(class_id)

    def back_to_labelled(self) -> None:
        """Goes back to the image that the last class key labelled, to paint from there."""
        if self._stroke is not None:
            self._grid.go_to(self._stroke.origin)

    def paint(self) -> None:
        """Does to the current image what the last class key did, as a part of the same step of undo."""
        position = self._grid.current_position()
        if self._stroke is not None and position >= 0:
            self._do(np.array([position], np.int64), self._write_stroke, advances=False)

    def take_back(self) -> None:
        """Takes back what the last class key or click did, if it did anything."""
        stroke, self._stroke = self._stroke, None
        if stroke is not None and stroke.has_changed:
            self._session.undo()
        if stroke is not None:
            self._grid.go_to(stroke.origin)

    def confirm(self) -> None:
        """Says that the classes of the targets are complete, and goes on (several classes per image)."""
        positions = self.targets()
        if len(positions):
            is_open = self._session.columns.marks[self._list.rows[positions]] & Mark.CONFIRMED == 0
            self._do(positions[is_open], lambda ids: self._session.mark(ids, Mark.CONFIRMED, True), advances=False)
            self._advance(int(positions[-1]))

    def label_new_class(self, name: str) -> None:
        """Makes a class and gives it to the targets of this moment."""
        positions = self.targets()
        ids = self._list.image_ids(positions)

        def label(made: ImageClass) -> None:
            if np.array_equal(self._list.image_ids(self.targets()), ids):
                self.label(made.id)
            else:  # the user went on meanwhile: label what was meant, and leave the place alone
                self._session.label(ids, made.id)

        self._session.add_class(name, label)

    def accept(self) -> None:
        """Makes the suggestions of the targets their classes, and goes on (not where Enter has still to confirm)."""
        stays = self._session.has_several_classes and not self._session.suggests_whole_sets
        positions = self.suggested_targets()
        # Nobody looked at more than fit on the screen.
        source = Source.SUGGESTION if len(positions) <= max(1, len(self._grid.visible_positions())) else Source.UNSEEN
        self._do(positions, lambda ids: self._session.accept_suggestions(ids, source), advances=not stays)

    def accept_confident(self) -> None:
        """Accepts every confident suggestion of the list in one step."""
        positions = self.confident_positions()
        self._do(positions, lambda ids: self._session.accept_suggestions(ids, Source.UNSEEN), advances=False)

    def copy_previous(self) -> None:
        """Gives the targets the classes of the picture before the first of them, and goes on."""
        positions = self.targets()
        if len(positions):
            given = self._classes_before(int(positions[0]))
            if given:
                self._do(positions, lambda ids: self._give_all(ids, given), advances=True)

    def copy_to_burst(self) -> None:
        """Gives the classes of the picture before also to all pictures of the same burst that have none, as one step.

        A burst are pictures of one camera within seconds (`engine.tasks.grouping`); cameras are read in the background.
        """
        session, positions = self._session, self.targets()
        given = self._classes_before(int(positions[0])) if len(positions) else []
        project = session.project
        if project is None or not given:
            return
        ids = self._list.image_ids(positions)
        row = int(self._list.rows[positions[0]])
        near = np.abs(session.columns.taken_at - session.columns.taken_at[row]) <= NEAR_S
        near_ids = session.columns.image_ids[near].tolist()
        if not near_ids:
            self.told.emit(tr("This picture does not say when it was taken, so it has no burst."))
            return

        def find() -> list[int]:
            from engine.tasks.grouping import burst_of

            return burst_of(project, int(ids[0]), near_ids)

        def give(found: list[int]) -> None:
            rows = session.rows_of(found)
            others = session.columns.image_ids[rows[~is_done(session.columns, rows)]]
            self._write_as_own(lambda: self._give_all(np.union1d(ids, others), given))
            num_more = len(np.setdiff1d(others, ids))
            nothing = tr("There is nothing more in this burst.")
            more = trn("{number:,} more of the burst, too.", "{number:,} more of the burst, too.", num_more)
            self.told.emit(more if num_more else nothing)

        session.read_in_background(find, give)

    def _classes_before(self, position: int) -> list[int]:
        """Returns the classes of the picture before a position of the list; says why there are none."""
        if position < 1:
            self.told.emit(tr("There is no picture before this one."))
            return []
        found = class_ids_at(self._session.columns, int(self._list.rows[position - 1]))
        if not found:
            self.told.emit(tr("The picture before has no class yet."))
        return found

    def _give_all(self, ids: NDArray[np.int64], class_ids: list[int]) -> None:
        """Gives images several classes (or the one), as one step of undo."""
        stroke = secrets.token_hex(4) if len(class_ids) > 1 else ""
        for class_id in class_ids:
            self._session.label(ids, class_id, stroke=stroke)

    def skip(self) -> None:
        """Skips the targets that have no class and goes on; what is skipped already comes back."""
        positions = self.targets()
        if not len(positions):
            return
        is_open = ~is_done(self._session.columns, self._list.rows[positions])
        to_mark = positions[is_open]
        is_on = not len(to_mark) or not self._all_have(to_mark, Mark.SKIPPED)
        self._do(to_mark, lambda ids: self._session.mark(ids, Mark.SKIPPED, is_on), advances=False)
        if is_on:
            self._advance(int(positions[-1]))

    def toggle_unsure(self) -> None:
        """Marks the targets as unsure, or takes the mark away; the user stays."""
        positions = self.targets()
        is_on = not self._all_have(positions, Mark.UNSURE)
        self._do(positions, lambda ids: self._session.mark(ids, Mark.UNSURE, is_on), advances=False)

    def clear(self) -> None:
        """Takes the classes of the targets away; the user stays."""
        positions = self.targets()
        to_clear = is_done(self._session.columns, self._list.rows[positions])
        self._do(positions[to_clear], self._session.clear, advances=False)

    def next_unlabelled(self) -> None:
        """Goes to the next image that is still to be labelled."""
        position = self._list.next_unlabelled(self._grid.current_position())
        if position >= 0:
            self._grid.go_to(position)
        else:
            self.advanced_past_end.emit()

    # ------------------------------------------------------------------------------------------------------ private

    def _write_stroke(self, ids: NDArray[np.int64]) -> None:
        stroke = self._stroke
        if stroke is None:
            return
        if stroke.is_adding:
            self._session.label(ids, stroke.class_id, stroke=stroke.token)
        else:
            self._session.remove_class(ids, stroke.class_id, stroke=stroke.token)

    def _do(self, positions: NDArray[np.int64], act: Callable[[NDArray[np.int64]], None], advances: bool) -> None:
        if not len(positions):
            return
        ids = self._list.image_ids(positions)
        self._write_as_own(lambda: act(ids))
        if advances:
            self._advance(int(positions[-1]))

    def _write_as_own(self, act: Callable[[], None]) -> None:
        self.is_acting = True
        try:
            act()
        finally:
            self.is_acting = False

    def _advance(self, last: int) -> None:
        """Goes to the next image behind `last`: any one, or while a filter is on, the next that it is about."""
        if self._session.is_read_only or not self._session.has_auto_advance:
            return
        if not self._list.filter.is_active or self._list.filter.show in (Show.ALL, Show.LABELLED):
            wanted = min(last + 1, len(self._list.rows) - 1)
        else:
            wanted = self._list.next_position(last)
        if wanted >= 0:
            self._grid.go_to(wanted)
        else:
            self._grid.go_to(last)
            self.advanced_past_end.emit()

    def _with_suggestion(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        rows, columns = self._list.rows[positions], self._session.columns
        is_open = has_open_suggestion(columns, rows)
        if not self._session.has_several_classes:
            # A class may have been deleted since the model was trained.
            known = np.array([item.id for item in self._session.classes], dtype=np.int32)
            is_open &= np.isin(columns.predicted_ids[rows], known)
        suggested: NDArray[np.int64] = positions[is_open]
        return suggested

    def _all_have(self, positions: NDArray[np.int64], mark: Mark) -> bool:
        return bool((self._session.columns.marks[self._list.rows[positions]] & mark != 0).all())
