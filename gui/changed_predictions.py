"""What changed since the last refit: the images whose suggestion is another one now. Shown only when asked for.

The suggestions of the model before are kept as one array; what they became is worked out when a new model comes in use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from engine.domain import NO_CLASS
from engine.language import tr, trn
from gui.columns import RowIndex
from gui.models.picked_images import PickedImages

if TYPE_CHECKING:
    from gui.session import Session

NO_IDS = np.zeros(0, np.int64)


class ChangedPredictions(QObject):
    """Compares the suggestions of two models, one after the other in use, for images without a class."""

    changed = Signal()
    """Another model is in use: `num_changed` is another."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._run_id = 0
        self._known_ids, self._suggested = NO_IDS, np.zeros(0, np.int32)
        """All images with what the model of `_run_id` suggests for each."""
        self._ids, self._old = NO_IDS, np.zeros(0, np.int32)
        self._rows = NO_IDS
        """Where `_ids` are in the columns: counted after every key."""
        self.picked: PickedImages | None = None
        """What `show` picked last; with it goes what the suggestions were before."""
        self._shown_old: dict[int, int] = {}
        session.rows_changed.connect(self._on_rows_changed)
        session.columns_reset.connect(self._on_columns_reset)
        session.run_changed.connect(self._on_run_changed)
        session.project_closed.connect(self._forget)

    @property
    def num_changed(self) -> int:
        """How many images without a class the last refit suggests another class for."""
        return len(self._open_rows())

    def show(self) -> None:
        """Shows these images, each with what was suggested before: the surest first, those that look unknown last."""
        session, rows = self._session, self._open_rows()
        if not len(rows):
            return
        is_unknown = session.columns.look_unknown(rows)
        rows = rows[np.lexsort((-session.columns.confidences[rows], is_unknown))]
        ids = session.columns.image_ids[rows]
        self._shown_old = dict(zip(self._ids.tolist(), self._old.tolist(), strict=True))
        self.picked = PickedImages(tr("Changed by version {id}", id=self._run_id), ids)
        session.images_wanted.emit(self.picked)

    def old_class_id(self, image_id: int) -> int | None:
        """Returns what was suggested before for an image of the last `show`: NO_CLASS for "unknown", None: not one."""
        return self._shown_old.get(image_id)

    def words(self) -> str:
        """Returns e.g. "23 suggestions changed", "" where none did."""
        count = self.num_changed
        return trn("{number:,} suggestion changed", "{number:,} suggestions changed", count) if count else ""

    # ---- what happened

    def _open_rows(self) -> NDArray[np.int64]:
        return np.asarray(self._rows[self._session.columns.class_ids[self._rows] == NO_CLASS])

    def _current_run_id(self) -> int:
        run = self._session.run
        return run.id if run is not None and not self._session.has_several_classes else 0

    def _on_rows_changed(self, rows: NDArray[np.int64]) -> None:
        """The same model may know more images now; what another one suggests is taken in when it is in use."""
        if (
            self._run_id
            and self._run_id == self._current_run_id()
            and len(self._suggested) == len(self._session.columns)
        ):
            self._suggested[rows] = self._seen(rows)

    def _on_columns_reset(self) -> None:
        self._rows = self._session.rows_of(self._ids)
        if self._run_id == self._current_run_id():
            self._take_all()

    def _on_run_changed(self) -> None:
        run_id = self._current_run_id()
        if run_id and self._run_id and run_id != self._run_id:
            self._compare()
        elif run_id != self._run_id:
            self._ids, self._old, self._rows = NO_IDS, np.zeros(0, np.int32), NO_IDS
        self._run_id = run_id
        self._take_all()
        self.changed.emit()

    def _compare(self) -> None:
        columns = self._session.columns
        rows = np.flatnonzero(columns.class_ids == NO_CLASS)
        if np.array_equal(self._known_ids, columns.image_ids):
            old = self._suggested[rows]
        else:  # images came or went
            index = RowIndex(self._known_ids)
            rows = rows[index.has(columns.image_ids[rows])]
            old = self._suggested[index.rows(columns.image_ids[rows])]
        new = self._seen(rows)
        is_other = (old != new) & (old >= 0) & (new >= 0)
        self._rows = rows[is_other]
        self._ids, self._old = columns.image_ids[self._rows], old[is_other]

    def _take_all(self) -> None:
        columns = self._session.columns
        self._known_ids = columns.image_ids
        self._suggested = self._seen(slice(None)) if self._run_id else np.full(len(columns), -1, np.int32)

    def _seen(self, rows: NDArray[np.int64] | slice) -> NDArray[np.int32]:
        """Returns what is suggested for these rows: NO_CLASS where it looks unknown, -1 where nothing is known."""
        columns = self._session.columns
        is_known = columns.predicted_ids[rows] != NO_CLASS
        # Not `suggested_ids`: that somebody refused a suggestion does not change what the model says.
        said = np.where(columns.look_unknown(rows), NO_CLASS, columns.predicted_ids[rows])
        return np.where(is_known, said, -1).astype(np.int32)

    def _forget(self) -> None:
        self._run_id = 0
        self._known_ids = self._ids = self._rows = NO_IDS
        self._suggested = self._old = np.zeros(0, np.int32)
        self.picked, self._shown_old = None, {}
        self.changed.emit()
