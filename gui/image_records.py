"""File facts of images for the loader threads: asked for in blocks, remembered until the images change."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Protocol

from engine.domain import ImageRecord, ImageStatus
from engine.errors import ImageError
from engine.language import tr
from engine.project import Project

BLOCK = 64


class Records(Protocol):
    """Where the loader threads learn which file an image id stands for; see `RecordReader`."""

    def get(self, image_id: int, soon: Iterable[int] = ()) -> ImageRecord: ...
    def find(self, image_id: int, soon: Iterable[int] = ()) -> ImageRecord: ...
    def readable(self, image_ids: Iterable[int]) -> list[ImageRecord]: ...
    def forget(self) -> None: ...


class RecordReader:
    """Thread-safe. A record is read together with those that will be wanted next, so the store is asked seldom."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._records: dict[int, ImageRecord] = {}

    def get(self, image_id: int, soon: Iterable[int] = ()) -> ImageRecord:
        """Returns the record of a readable image. For worker threads: it waits for the store.

        Args:
            soon: ids that will be asked for next.

        Raises:
            ImageError: the image is not in the project, its file is missing or cannot be read.
            StoreError: the project cannot be read.
        """
        record = self.find(image_id, soon)
        if record.status == ImageStatus.MISSING:
            raise ImageError(
                tr("The file is missing."), tr("It was at {path}. Put it back or rescan the folder.", path=record.path)
            )
        if record.status == ImageStatus.UNREADABLE:
            raise ImageError(record.reason or tr("The file cannot be read."))
        return record

    def find(self, image_id: int, soon: Iterable[int] = ()) -> ImageRecord:
        """As `get`, also for an image whose file is missing or cannot be read.

        Raises:
            ImageError: the image is not in the project.
            StoreError: the project cannot be read.
        """
        with self._lock:
            record = self._records.get(image_id)
            if record is None:
                self._read(image_id, soon)
                record = self._records.get(image_id)
        if record is None:
            raise ImageError(tr("This image is not in the project any more."))
        return record

    def readable(self, image_ids: Iterable[int]) -> list[ImageRecord]:
        """Returns the records of those images that can be read, without remembering them. For worker threads.

        Raises:
            StoreError: the project cannot be read.
        """
        found = self._project.images(list(image_ids))
        return [record for record in found if record.status == ImageStatus.READABLE]

    def forget(self) -> None:
        """Reads everything anew from now on."""
        with self._lock:
            self._records.clear()

    def _read(self, image_id: int, soon: Iterable[int]) -> None:
        if len(self._records) > 20_000:
            self._records.clear()
        block = {image_id: None}
        for other in soon:
            if other not in self._records:
                block[other] = None
            if len(block) >= BLOCK:
                break
        for record in self._project.images(list(block)):
            self._records[record.id] = record
