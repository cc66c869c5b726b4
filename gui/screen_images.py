"""Images decoded for the viewer: to the size that the screen shows ahead of the user, in more detail when zoomed in."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import cast

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from engine.errors import ImageError
from engine.images.decode import DeepGrey, decode_for_screen
from engine.language import tr
from gui.folder_watch import FolderWatch
from gui.image_pool import ImagePool
from gui.image_records import Records
from gui.thumbnails import to_image

EVERY_PIXEL = 0
SCREENS_BYTES = 192 << 20
"""The most that is kept; on screens of ordinary size NUM_SCREENS pictures need much less."""
NUM_SCREENS = 24
DETAILS_BYTES = 128 << 20
"""Holds two pictures of 12 megapixels; a larger one is kept alone, whatever its size."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded picture. `image` is RGB32, or Grayscale16 with all levels of a picture of more than 8 bits.

    In a deep picture a stored value v stands for the file's value `offset + step * v`; `black` and `white` are the
    file's values that the program (and the model) takes for black and white.
    """

    image: QImage
    offset: float = 0.0
    step: float = 1.0
    black: float = 0.0
    white: float = 255.0

    @property
    def is_deep(self) -> bool:
        return self.image.format() == QImage.Format.Format_Grayscale16

    def sizeInBytes(self) -> int:
        return self.image.sizeInBytes()


class ScreenImages(QObject):
    """Pictures by image id and length of the longer side; `EVERY_PIXEL` means all of it.

    Two pools, so that a large picture, wanted in full, never keeps the next ones waiting.
    """

    loaded = Signal(object)
    """A list of image ids of which a picture, or a failure, is new."""

    def __init__(self, folders: FolderWatch, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folders = folders
        self._records: Records | None = None
        self._screens: ImagePool[Picture] = ImagePool(self._load, 1, SCREENS_BYTES, "graft-viewer", self)
        self._details: ImagePool[Picture] = ImagePool(self._load, 1, DETAILS_BYTES, "graft-details", self)
        self._last_side: dict[int, int] = {}
        for pool in (self._screens, self._details):
            pool.loaded.connect(self._on_loaded)
            folders.thread_hung.connect(pool.replace_thread)

    def open(self, records: Records) -> None:
        """Serves the images of a project."""
        self.close()
        self._records = records

    def close(self) -> None:
        """Stops the threads and forgets everything."""
        for pool in (self._screens, self._details):
            pool.close()
        self.forget()
        self._records = None

    def get(self, image_id: int, max_side_px: int) -> Picture | None:
        """Returns the picture of this size if it is there."""
        key = (image_id, max_side_px)
        return self._screens.get(key) or self._details.get(key)

    def any_size(self, image_id: int) -> Picture | None:
        """Returns the picture in the size that came last, for instance from before the window was made larger."""
        side = self._last_side.get(image_id)
        return None if side is None else self._screens.get((image_id, side))

    def failure(self, image_id: int, max_side_px: int) -> str | None:
        """Returns why the image cannot be shown, or None."""
        key = (image_id, max_side_px)
        return self._screens.failure(key) or self._details.failure(key)

    def set_screen_bytes(self, num_bytes: float) -> int:
        """Takes over how much a picture of the size of the screen needs; returns how many of them are kept."""
        limit = min(SCREENS_BYTES, NUM_SCREENS * max(1.0, num_bytes))
        self._screens.limit_bytes = int(limit)
        return int(limit / max(1.0, num_bytes))

    def want(self, wishes: Iterable[tuple[int, int]], detail: tuple[int, int] | None = None) -> None:
        """Asks for (image id, max_side_px), most wanted first, and for one picture in more detail than fits."""
        self._screens.want("viewer", list(wishes))
        self._details.want("viewer", [] if detail is None else [detail])

    def images_changed(self) -> None:
        """Lets failed images be tried again."""
        for pool in (self._screens, self._details):
            pool.retry_failures()

    def forget(self) -> None:
        """Drops every image, because files are others now."""
        self._last_side.clear()
        for pool in (self._screens, self._details):
            pool.forget()

    def _on_loaded(self, keys: list[tuple[int, int]]) -> None:
        if self.sender() is self._screens:
            if len(self._last_side) > 10_000:
                self._last_side.clear()
            self._last_side.update(key for key in keys if self._screens.get(key) is not None)
        self.loaded.emit(list({key[0] for key in keys}))

    def _load(self, key: Hashable) -> Picture:
        """Makes one picture, in a worker thread."""
        image_id, max_side_px = cast(tuple[int, int], key)
        records = self._records
        if records is None:
            raise ImageError(tr("The project is closed."))
        soon = (cast(tuple[int, int], other)[0] for other in self._screens.wanted())
        data = self._folders.read(records.get(image_id, soon).path)
        pixels = decode_for_screen(data, max_side_px or None)
        return _deep_picture(pixels) if isinstance(pixels, DeepGrey) else Picture(to_image(pixels))


def _deep_picture(grey: DeepGrey) -> Picture:
    values = np.ascontiguousarray(grey.values)
    height, width = values.shape
    image = QImage(values.data, width, height, 2 * width, QImage.Format.Format_Grayscale16).copy()
    return Picture(image, grey.offset, grey.step, grey.black, grey.white)
