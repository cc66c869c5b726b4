"""The project that is open in the window, as the panels read it: columns, classes, run, current image, selection.

Everything here lives in the GUI thread; reads that take time go through one reader thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from shiboken6 import isValid

from engine.domain import ImageClass, ImageColumns, ImageRecord, LabelMode, Run
from engine.errors import AppError
from engine.language import tr
from engine.project import Project
from gui import loading
from gui.columns import RowIndex
from gui.engine_bridge import EngineBridge

MAX_RECORDS = 8192
READ_ONLY = tr("This project is open for reading only.")

Ids = Iterable[int] | NDArray[np.int64]


class OpenProject(QObject):
    """What is there and what is looked at. How it is opened and kept up to date is `ProjectSession`'s."""

    project_opening = Signal(str)
    """Name of the project that is being opened in the background."""
    project_opened = Signal()
    project_closing = Signal()
    """The project is about to be closed; everything is still there."""
    project_closed = Signal()
    columns_reset = Signal()
    """Images came or went: rows are others now."""
    rows_changed = Signal(object)
    """Array of the row indices whose class, mark or suggestion is another one."""
    classes_changed = Signal()
    run_changed = Signal()
    mode_changed = Signal()
    """Images may have several classes now, or only one."""
    selection_changed = Signal()
    current_changed = Signal(int)
    """Id of the current image, 0 when there is none."""
    save_state_changed = Signal(str)
    """The words "saved", "saving" or "not saved"."""
    undo_changed = Signal()
    """`facts` are others: the texts of undo and redo, the number of new labels."""
    error_raised = Signal(object)
    """Any exception; gui.error_view shows an AppError as a sentence and the rest as a bug of ours."""

    def __init__(self, bridge: EngineBridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.bridge = bridge
        self.project: Project | None = None
        self.columns: ImageColumns = loading.empty_columns()
        self.classes: list[ImageClass] = []
        self.run: Run | None = None
        self.facts = loading.Facts()
        self.label_mode = LabelMode.ONE
        self.current_image_id: int | None = None
        self.selected_ids: NDArray[np.int64] = np.zeros(0, np.int64)
        self._index = RowIndex(self.columns.image_ids)
        self._records: dict[int, ImageRecord] = {}
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="session-reader")

    @property
    def is_read_only(self) -> bool:
        return self.project is not None and self.project.read_only

    @property
    def has_several_classes(self) -> bool:
        """Whether an image of this project may have several classes."""
        return self.label_mode is LabelMode.SEVERAL

    def row_of(self, image_id: int) -> int:
        """Returns the row of an image, -1 when it is not there."""
        return self._index.row(image_id)

    def rows_of(self, image_ids: Ids) -> NDArray[np.int64]:
        """Returns the rows of those images that are there, in the order given."""
        return self._index.rows(as_array(image_ids))

    def has_images(self, image_ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tells for each id whether the image is there."""
        return self._index.has(image_ids)

    def image(self, image_id: int) -> ImageRecord:
        """Returns the record of one image, from memory where it was read before.

        Raises:
            AppError: the store cannot be read, or no project is open.
        """
        record = self._records.get(image_id)
        if record is None:
            if self.project is None:
                raise AppError(tr("No project is open."))
            (record,) = self.project.images([image_id])
            if len(self._records) >= MAX_RECORDS:
                self._records.clear()
            self._records[image_id] = record
        return record

    def class_by_id(self, class_id: int) -> ImageClass | None:
        """Returns a class, or None when it is not there (any more)."""
        return next((each for each in self.classes if each.id == class_id), None)

    def set_current(self, image_id: int | None) -> None:
        """Makes an image the one that is looked at."""
        if image_id != self.current_image_id:
            self.current_image_id = image_id
            self.current_changed.emit(image_id or 0)

    def set_selection(self, image_ids: Ids) -> None:
        """Selects images; keys act on the selection."""
        selected = as_array(image_ids)
        if not np.array_equal(selected, self.selected_ids):
            self.selected_ids = selected.copy()
            self.selection_changed.emit()

    def read_in_background(
        self,
        work: Callable[[], Any],
        then: Callable[[Any], None],
        on_error: Callable[[BaseException], None] | None = None,
    ) -> None:
        """Runs a blocking read off the GUI thread and gives its result to `then` in the GUI thread.

        Neither callback is called when the project was closed meanwhile, or the dialog that asked.
        """
        project = self.project

        def deliver(result: Any) -> None:
            if self.project is project and not _is_gone(then):
                then(result)

        def fail(error: BaseException) -> None:
            if self.project is project:
                (on_error or self.error_raised.emit)(error)

        self.bridge.when_done(self._reader.submit(work), deliver, fail)

    def read_without_answer(self, work: Callable[[], None]) -> None:
        """Runs something off the GUI thread, before the project is closed, whose result nobody waits for."""
        self._reader.submit(work)


def _is_gone(act: Callable[..., object]) -> bool:
    """Returns whether it is the method of a widget that is no more."""
    owner = getattr(act, "__self__", None)
    return isinstance(owner, QObject) and not isValid(owner)


def as_array(image_ids: Ids) -> NDArray[np.int64]:
    """Returns image ids as an array without repeating any."""
    if isinstance(image_ids, np.ndarray):
        return image_ids.astype(np.int64, copy=False)
    return np.fromiter(image_ids, dtype=np.int64)
