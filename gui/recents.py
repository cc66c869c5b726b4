"""Keeps the welcome page's list of recent projects: names, counts and three small pictures of each."""

from __future__ import annotations

import hashlib
import logging
import time
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject

from engine.domain import NO_CLASS, ImageColumns, ImageStatus
from engine.errors import AppError
from engine.files import atomic_write_bytes
from engine.project import Project
from engine.settings import user_data_folder
from gui.preferences import RecentProject
from gui.session import Session

log = logging.getLogger("graft.gui")

NUM_PICTURES = 3


class RecentKeeper(QObject):
    """Notes a project when it is opened and again, with its counts, when it is closed."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        session.project_opened.connect(self._on_opened)
        session.project_closing.connect(self._on_closing)

    def _on_opened(self) -> None:
        self._remember(self._pictures_known())

    def _on_closing(self) -> None:
        project = self._session.project
        if project is None:
            return
        if not len(self._session.columns):
            self._remember(())
            return
        chosen = choose_images(self._session.columns)
        folder = _picture_folder(project.folder)
        self._remember(tuple(str(folder / f"{place}.jpg") for place in range(len(chosen))))
        self._session.read_without_answer(lambda: _write_pictures(project, chosen, folder))

    def _pictures_known(self) -> tuple[str, ...]:
        project = self._session.project
        assert project is not None
        return tuple(str(each) for each in sorted(_picture_folder(project.folder).glob("*.jpg")))

    def _remember(self, pictures: tuple[str, ...]) -> None:
        session = self._session
        project = session.project
        assert project is not None
        counts = session.class_counts()
        session.preferences.remember_project(
            RecentProject(
                folder=str(project.folder),
                name=project.name,
                num_images=len(session.columns),
                num_labelled=len(session.columns) - int(counts[0]),
                num_classes=len(session.classes),
                accuracy=session.run.validation.accuracy if session.run is not None else None,
                closed_at=time.time(),
                pictures=pictures,
            )
        )


def choose_images(columns: ImageColumns) -> list[int]:
    """Returns ids of images that show what a project is about: of different classes where there are some."""
    readable = columns.statuses == ImageStatus.READABLE
    labelled = np.flatnonzero(readable & (columns.class_ids != NO_CLASS))
    _classes, first = np.unique(columns.class_ids[labelled], return_index=True)
    rows = labelled[first].tolist()[:NUM_PICTURES]
    spread = np.flatnonzero(readable)
    if len(spread):
        rows += spread[np.linspace(0, len(spread) - 1, NUM_PICTURES).astype(int)].tolist()
    return [int(columns.image_ids[row]) for row in dict.fromkeys(rows)][:NUM_PICTURES]


def _picture_folder(project_folder: Path) -> Path:
    name = hashlib.blake2b(str(project_folder).encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
    return user_data_folder() / "recent" / name


def _write_pictures(project: Project, image_ids: list[int], folder: Path) -> None:
    """Takes them from the cache of thumbnails: the images may lie on a drive that does not answer any more."""
    from engine.images.thumbnails import ThumbnailCache

    cache = ThumbnailCache(project.cache_dir / "thumbnails.db")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for place, record in enumerate(project.images(image_ids)):
            picture = cache.get_of(record)
            if picture is not None:
                atomic_write_bytes(folder / f"{place}.jpg", picture)
    except (AppError, OSError) as error:
        log.info("The welcome page has no pictures of %s: %s", project.folder, error)
    finally:
        cache.close()
