"""Fetches pictures of what a preset of variants makes of one of the user's own labelled images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage

from engine.domain import NO_CLASS
from engine.events import JobEnded, JobSucceeded
from engine.jobs import JobHandle, Priority
from gui.activities import TRAIN

if TYPE_CHECKING:
    from gui.session import Session

NUM_PICTURES = 6
DELAY_MS = 150
"""The worker process makes them: changes that come one after the other ask once."""


class VariantPreview(QObject):
    """`pictures_changed` brings the pictures (a list of QImage) of what was asked for last."""

    pictures_changed = Signal(object)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._asked: tuple[int, str, int] | None = None
        self._handle: JobHandle | None = None
        self._timer = QTimer(self, singleShot=True, interval=DELAY_MS)
        self._timer.timeout.connect(self._fetch)
        session.project_closing.connect(self.clear)

    def ask(self) -> None:
        """Asks for the pictures of the present settings, unless they are there or a training has the worker."""
        self._timer.start()

    def clear(self) -> None:
        """Forgets the pictures, of a project that is closed."""
        self._timer.stop()
        if self._handle is not None:
            self._handle.cancel()
        self._asked, self._handle = None, None
        self.pictures_changed.emit([])

    def _fetch(self) -> None:
        session = self._session
        image_id = self._image_id()
        if session.project is None or image_id is None or session.work.is_running(TRAIN):
            return
        wanted = (image_id, session.training.settings.augmentation, session.training.settings.seed)
        if wanted == self._asked:
            return
        from engine.tasks.preview_variants import PreviewVariants

        if self._handle is not None:
            self._handle.cancel()
        self._asked = wanted
        job = PreviewVariants(session.project, *wanted)
        self._handle = session.bridge.submit(job, Priority.INTERACTIVE, on_end=lambda end: self._on_end(wanted, end))

    def _on_end(self, wanted: tuple[int, str, int], end: JobEnded) -> None:
        if wanted != self._asked:
            return
        self._handle = None
        if isinstance(end, JobSucceeded):
            self.pictures_changed.emit([_image_of(pixels) for pixels in np.asarray(end.result)])
        else:
            self._asked = None
            self.pictures_changed.emit([])  # it cannot be read, or the worker was needed elsewhere

    def _image_id(self) -> int | None:
        """Returns the image that is looked at if it is labelled, else the first that is; the same one from then on."""
        columns, current = self._session.columns, self._session.current_image_id
        rows = np.flatnonzero(columns.class_ids != NO_CLASS)
        if not len(rows):
            return None
        labelled = columns.image_ids[rows]
        if self._asked is not None and self._asked[0] in labelled:
            return self._asked[0]
        return int(current) if current is not None and current in labelled else int(labelled[0])


def _image_of(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> QImage:
    height, width = pixels.shape[:2]
    return QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()
