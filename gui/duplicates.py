"""Near-duplicates of the open project: groups of the same picture, of which one is kept and the others are skipped.

What is skipped here is marked like any other image that is skipped: it is not asked for any more, comes back with X,
and one undo takes all of it back. An image with a class keeps it: near-duplicates never lie on both sides when a model
is measured, so that a second label does no harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from engine.domain import NO_CLASS, Mark
from engine.events import JobSucceeded
from engine.jobs import Priority
from engine.language import tr
from gui.columns import is_done

if TYPE_CHECKING:
    from engine.tasks.duplicate_groups import DuplicateGroups
    from gui.session import Session

Ids = NDArray[np.int64]
DUPLICATES = "duplicates"
LARGER, SHARPER = 1.2, 0.02
"""From so many times the pixels on a picture is called larger, and from so much more sharpness on sharper."""


class Duplicates(QObject):
    """The groups, as they were found last. `changed`: others were found, or something was done to their images."""

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.groups: list[Ids] = []
        """Image ids, the best first. Where an image lies in its group never changes."""
        self.num_missing = 0
        """Readable images that were not compared, because they were not looked at yet."""
        self.has_looked = False
        self._job_id = 0
        # All groups one after the other, with the number of each image's group, and whether it is the one to keep.
        self._flat = np.empty(0, np.int64)
        self._group_of = np.empty(0, np.int64)
        self._is_kept = np.zeros(0, np.bool_)
        self._starts = np.zeros(1, np.int64)
        self._would_skip: NDArray[np.bool_] | None = None
        """Which images keeping one of each group would skip; made once after each change."""
        session.work.ended.connect(self._on_work_ended)
        session.rows_changed.connect(lambda _rows: self._tell())
        session.columns_reset.connect(self._tell)
        session.project_closed.connect(self._forget)

    @property
    def is_looking(self) -> bool:
        """Whether they are being looked for."""
        return self._session.work.is_running(DUPLICATES)

    def ask(self) -> None:
        """Looks for them; `changed` follows. What was compared before is not compared again."""
        from engine.tasks.duplicate_groups import FindDuplicateGroups

        session = self._session
        if session.project is not None and not self.is_looking:
            job = FindDuplicateGroups(session.project)
            self._job_id = session.work.submit(DUPLICATES, job, job.title, Priority.INTERACTIVE).id
            self.changed.emit()

    def kept(self, at: int) -> int:
        """Returns the place in a group of the image that is kept."""
        return int(np.argmax(self._is_kept[self._part(at)]))

    def keep(self, at: int, image_id: int) -> None:
        """Chooses the image of a group that is kept."""
        self._is_kept[self._part(at)] = self.groups[at] == image_id
        self._tell()

    def open_groups(self) -> NDArray[np.bool_]:
        """Tells for each group whether anything would be skipped if one is kept."""
        is_open = np.zeros(len(self.groups), np.bool_)
        is_open[self._group_of[self._would_be_skipped()]] = True
        return is_open

    def would_skip(self, at: int) -> Ids:
        """Returns the images of a group that keeping one would skip: those without a class that are not skipped yet."""
        return np.asarray(self.groups[at][self._would_be_skipped()[self._part(at)]])

    def num_would_skip(self) -> int:
        """Returns how many images keeping one of each group would skip."""
        return int(self._would_be_skipped().sum())

    def skip_others(self, groups: Sequence[int] | None = None) -> int:
        """Skips all but the kept image of these groups, or of all, as one step of undo; returns how many."""
        wanted = self._would_be_skipped()
        if groups is not None:
            wanted = wanted & np.isin(self._group_of, groups)
        ids = self._flat[wanted]
        if not len(ids) or self._session.is_read_only:
            return 0
        chosen_anew = self._flat[self._is_kept & np.isin(self._group_of, self._group_of[wanted]) & self._are_skipped()]
        if len(chosen_anew):  # skipped before, and now the one to keep
            self._session.mark(chosen_anew, Mark.SKIPPED, False)
        self._session.mark(ids, Mark.SKIPPED, True)
        return len(ids)

    def why_kept(self, at: int) -> str:
        """Returns in words which image of a group is kept, as "kept: the largest"."""
        columns, rows, kept = self._session.columns, self._session.rows_of(self.groups[at]), self.kept(at)
        if len(rows) != len(self.groups[at]):
            return ""
        one, others = rows[kept], np.delete(rows, kept)
        has_class = columns.class_ids != NO_CLASS
        if has_class[one] and not has_class[others].all():
            return tr("kept: the one with a class")
        num_pixels = columns.widths_px[rows].astype(np.int64) * columns.heights_px[rows]
        if num_pixels[kept] >= LARGER * np.delete(num_pixels, kept).max():
            return tr("kept: the largest")
        quality = self._session.quality.of(columns)
        sharpness = (
            quality.measure("sharpness")[rows].astype(np.float32) if len(quality) else np.full(len(rows), np.nan)
        )
        if sharpness[kept] > np.delete(sharpness, kept).max() + SHARPER:  # not where one of them is not known
            return tr("kept: the sharpest")
        return tr("kept: the first") if kept == 0 else tr("kept: your choice")

    def has_two_classes(self, at: int) -> bool:
        """Tells whether images of a group have different classes: then one of them is probably wrong."""
        given = self._session.columns.class_ids[self._session.rows_of(self.groups[at])]
        return len(np.unique(given[given != NO_CLASS])) > 1

    def _part(self, at: int) -> slice:
        return slice(int(self._starts[at]), int(self._starts[at + 1]))

    def _tell(self) -> None:
        self._would_skip = None
        if self.groups:
            self.changed.emit()

    def _would_be_skipped(self) -> NDArray[np.bool_]:
        """Tells for each image in a group, group by group, whether keeping another one would skip it."""
        if self._would_skip is None:
            session, rows = self._session, self._session.rows_of(self._flat)
            if len(rows) == len(self._flat):
                self._would_skip = ~self._is_kept & ~self._are_skipped() & ~is_done(session.columns, rows)
            else:  # images went: the groups are looked for anew when the page is opened again
                self._would_skip = np.zeros(len(self._flat), np.bool_)
        return self._would_skip

    def _are_skipped(self) -> NDArray[np.bool_]:
        return np.asarray(self._session.columns.marks[self._session.rows_of(self._flat)] & Mark.SKIPPED != 0)

    def _flatten(self) -> None:
        sizes = [len(group) for group in self.groups]
        self._flat = np.concatenate([*self.groups, np.empty(0, np.int64)]).astype(np.int64)
        self._group_of = np.repeat(np.arange(len(sizes)), sizes)
        self._is_kept = np.diff(self._group_of, prepend=-1) != 0
        self._starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        self._would_skip = None

    def _forget(self) -> None:
        self.groups, self.num_missing, self.has_looked = [], 0, False
        self._flatten()
        self.changed.emit()

    def _on_work_ended(self, kind: str, end: object) -> None:
        if kind != DUPLICATES:
            return
        if isinstance(end, JobSucceeded) and end.job_id == self._job_id:
            found = cast("DuplicateGroups", end.result)
            self.groups, self.num_missing, self.has_looked = list(found.groups), found.num_missing, True
            self._flatten()
        self.changed.emit()
