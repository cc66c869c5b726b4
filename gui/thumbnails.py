"""Thumbnails for grid, film strip and details.

Owns their loader threads and the bounded cache in memory. Everything is asked for by image id and arrives by signal.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from engine.domain import ImageRecord
from engine.errors import AppError, ImageError
from engine.images.decode import decode_bytes
from engine.images.thumbnails import ThumbnailCache, cache_key, thumbnail_from_bytes
from engine.language import tr
from engine.project import Project
from gui.folder_watch import FolderWatch
from gui.image_pool import ImagePool
from gui.image_records import BLOCK, Records

THUMBNAIL_PX = 256
SHARP_PX = 640
NUM_THREADS = 2
THUMBNAILS_BYTES = 160 << 20
SMALL, SHARP = 0, 1


class Thumbnails(QObject):
    """Thumbnails by image id, in two sizes.

    The small ones (256 px) come from the project's cache file, where they are made once. Where a screen needs more
    pixels than that, sharp ones are decoded from the original and kept in memory only.
    """

    loaded = Signal(object)
    """A list of image ids whose picture, or failure, is new."""

    def __init__(self, parent: QObject | None = None, folders: FolderWatch | None = None) -> None:
        super().__init__(parent)
        self.folders = folders or FolderWatch(self)
        self._pool: ImagePool[QImage] = ImagePool(self._load, NUM_THREADS, THUMBNAILS_BYTES, "graft-thumbnails", self)
        self._pool.loaded.connect(lambda keys: self.loaded.emit(list({key[0] for key in keys})))
        self.folders.thread_hung.connect(self._pool.replace_thread)
        self._cache: ThumbnailCache | None = None
        self._records: Records | None = None

    def open(self, project: Project, records: Records) -> None:
        """Serves the images of a project."""
        self.open_files(records)
        self._cache = ThumbnailCache(project.cache_dir / "thumbnails.db")

    def open_files(self, records: Records) -> None:
        """Serves image files that are in no project: their thumbnails are kept in memory only."""
        self.close()
        self._records = records

    def close(self) -> None:
        """Stops the threads and forgets everything."""
        self.folders.close()
        self._pool.close()
        self._pool.forget()
        if self._cache is not None:
            self._cache.close()
        self._cache = None
        self._records = None

    def empty_cache(self) -> None:
        """Deletes the small ones from the disk; those on the screen stay. From any thread; blocks."""
        if self._cache is not None:
            self._cache.empty()

    def get(self, image_id: int, sharp: bool = False) -> QImage | None:
        """Returns the best picture that is there now."""
        if sharp and (image := self._pool.get((image_id, SHARP))) is not None:
            return image
        return self._pool.get((image_id, SMALL))

    def failure(self, image_id: int) -> str | None:
        """Returns why there is no picture, or None."""
        return self._pool.failure((image_id, SMALL))

    def want(self, consumer: str, image_ids: Iterable[int], sharp: bool = False) -> None:
        """Asks for pictures, most wanted first; replaces what this consumer asked before."""
        keys: list[Hashable] = [(int(image_id), SMALL) for image_id in image_ids]
        if sharp:
            keys += [(cast(tuple[int, int], key)[0], SHARP) for key in keys]
        self._pool.want(consumer, keys)

    def make_all_when_idle(self, image_ids: NDArray[np.int64]) -> None:
        """Makes the missing small thumbnails of all images, one at a time, while nothing is wanted."""
        self._pool.set_idle_work(self._idle_work(image_ids))

    def hold_idle_work(self, for_s: float) -> None:
        """Lets the making of all thumbnails rest, because the user goes through the images now."""
        self._pool.hold_idle_work(for_s)

    def images_changed(self) -> None:
        """Lets failed pictures be tried again, because files may have come back."""
        if self._records is not None:
            self._records.forget()
        self._pool.retry_failures()

    def forget(self) -> None:
        """Drops every picture, because files are others now; who shows one asks again."""
        if self._records is not None:
            self._records.forget()
        self._pool.forget()

    # ------------------------------------------------------------------------------------------- worker threads

    def _load(self, key: Hashable) -> QImage:
        image_id, size = cast(tuple[int, int], key)
        records, cache = self._records, self._cache
        if records is None:
            raise ImageError(tr("The project is closed."))
        soon = (cast(tuple[int, int], other)[0] for other in self._pool.wanted())
        if size == SHARP:
            record = records.get(image_id, soon)
            return to_image(decode_bytes(self.folders.read(record.path), SHARP_PX))
        if cache is None:
            return to_image(decode_bytes(self.folders.read(records.get(image_id).path), THUMBNAIL_PX))
        # Also of a file that is missing or whose drive is gone: what it looked like is still known.
        data = cache.get_of(records.find(image_id, soon))
        if data is None:
            data = self._make(records.get(image_id), cache)
        # Not by Qt: to find out what the bytes are it tries an SVG, whose reader connects a signal. It does so under
        # Python's lock, and waits for ever when the window is just disconnecting one.
        try:
            return to_image(decode_bytes(data))
        except ImageError as err:
            raise ImageError(
                tr("The thumbnail cannot be read."), tr("Delete the folder 'cache' in the project.")
            ) from err

    def _make(self, record: ImageRecord, cache: ThumbnailCache) -> bytes:
        data = thumbnail_from_bytes(self.folders.read(record.path))
        cache.put(cache_key(record), data)
        return data

    def _idle_work(self, image_ids: NDArray[np.int64]) -> Iterator[Callable[[], None]]:
        for start in range(0, len(image_ids), BLOCK):
            missing: list[ImageRecord] = []
            yield partial(self._find_missing, image_ids[start : start + BLOCK].tolist(), missing)
            for record in missing:
                yield partial(self._make_quietly, record)

    def _find_missing(self, image_ids: list[int], missing: list[ImageRecord]) -> None:
        records, cache = self._records, self._cache
        if records is None or cache is None:
            return
        try:
            readable = {cache_key(record): record for record in records.readable(image_ids)}
        except AppError:
            return  # the project is being closed, or the store says so elsewhere
        missing += [readable[key] for key in cache.missing(readable)]

    def _make_quietly(self, record: ImageRecord) -> None:
        cache = self._cache
        if cache is None:
            return
        try:
            if cache.get_of(record) is None:  # it may be there under its first, provisional key
                self._make(record, cache)
        except AppError:
            return  # said on the image's card as soon as someone looks at it


def to_image(pixels: NDArray[Any]) -> QImage:
    """Returns a QImage that owns its memory. Pixels: uint8 (H, W, 3), any thread."""
    pixels = np.ascontiguousarray(pixels)
    height, width = pixels.shape[:2]
    wrapped = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    # The conversion copies, so nothing refers to the array afterwards; 32 bits are what the painter is fast with.
    return wrapped.convertToFormat(QImage.Format.Format_RGB32)
