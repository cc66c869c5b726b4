"""Watches the folders of the open project for the Label workspace: says that one is not there, and brings it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QTimer

from engine.domain import ImageRoot, ImageStatus
from engine.language import tr
from gui.dialogs import ask

if TYPE_CHECKING:
    from gui.panels.label_workspace import LabelWorkspace

READ_DELAY_MS = 250


class OfflineCare(QObject):
    """Connects the folder watch, the strip that tells of it, and the pictures."""

    def __init__(self, workspace: LabelWorkspace) -> None:
        super().__init__(workspace)
        self._workspace = workspace
        self._session = workspace.session
        self._watch = workspace.thumbnails.folders
        self._bar = workspace.offline_bar
        self._timer = QTimer(self, singleShot=True, interval=READ_DELAY_MS)
        self._timer.timeout.connect(self.read_folders)
        self._session.project_opened.connect(self._timer.start)
        self._session.columns_reset.connect(self._timer.start)
        self._session.project_closed.connect(self._on_project_closed)
        self._watch.changed.connect(self._on_changed)
        self._bar.look_again_wanted.connect(self._watch.look_again)
        self._bar.elsewhere_wanted.connect(self.ask_for_place)

    def read_folders(self) -> None:
        """Watches those folders of the project that images are expected in."""
        project = self._session.project
        if project is not None:
            self._session.read_in_background(project.roots, self._watch_folders)

    def ask_for_place(self, root_id: int) -> None:
        """Asks where a folder is now and takes its images from there."""
        folder = ask.ask_folder(self._workspace, tr("Choose the folder that holds the images now"))
        if folder is not None:
            self._session.relocate_root(root_id, folder, self._on_relocated)

    def _watch_folders(self, roots: list[ImageRoot]) -> None:
        if roots:
            ask.begin_beside(roots[-1].path)
        columns = self._session.columns
        used = np.unique(columns.root_ids[columns.statuses == ImageStatus.READABLE])
        self._watch.open(root for root in roots if root.id in used)
        self._bar.set_roots(self._watch.offline_roots())

    def _on_changed(self) -> None:
        self._bar.set_roots(self._watch.offline_roots())
        self._take_pictures_anew()

    def _on_relocated(self) -> None:
        self._take_pictures_anew()
        self.read_folders()
        self._session.rescan()  # files may have come, gone or changed with the move

    def _take_pictures_anew(self) -> None:
        """Asks again for what could not be had; pictures that are there stay."""
        workspace = self._workspace
        workspace.thumbnails.images_changed()
        workspace.screens.images_changed()
        for view in (workspace.grid, workspace.viewer, workspace.details):
            view.forget_pictures()
        if not self._watch.offline:
            workspace.make_thumbnails_soon()

    def _on_project_closed(self) -> None:
        self._timer.stop()
        self._bar.set_roots([])
