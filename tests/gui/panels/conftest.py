"""A real project, a real session and the Label workspace over it, in a window that has the focus."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from engine.domain import NewImage
from engine.images.scan import read_facts, walk_images
from engine.jobs import Engine
from engine.project import Project
from gui.engine_bridge import EngineBridge
from gui.panels.label_workspace import LabelWorkspace
from gui.session import Session


@dataclass
class Desk:
    """What a test of the Label workspace works with."""

    qtbot: QtBot
    session: Session
    workspace: LabelWorkspace

    def press(self, *keys: str | Qt.Key, on: QWidget | None = None, **modifiers: Qt.KeyboardModifier) -> None:
        """Presses keys where the focus is (or on a widget), as a user would."""
        for key in keys:
            target = on or self.workspace.window().focusWidget() or self.workspace
            if isinstance(key, str):
                QTest.keyClicks(target, key)
            else:
                QTest.keyClick(target, key, modifiers.get("with_", Qt.KeyboardModifier.NoModifier))

    def wait_saved(self) -> None:
        self.qtbot.waitUntil(lambda: self.session.num_unsaved == 0, timeout=20_000)

    def settle(self) -> None:
        """Lets the window tell the session what is selected."""
        self.qtbot.wait(5)
        self.qtbot.waitUntil(lambda: not self.workspace.grid._notice.isActive())

    def add_classes(self, *names: str) -> None:
        for name in names:
            self.session.add_class(name)
        self.wait_saved()
        self.qtbot.waitUntil(lambda: len(self.session.classes) >= len(names))
        self.settle()

    def saved_classes(self) -> dict[str, str]:
        """Returns image name to class name, as the project on disk has it."""
        assert self.session.project is not None
        columns = self.session.project.columns()
        names = {each.id: each.name for each in self.session.project.classes()}
        return {
            name: names[class_id]
            for name, class_id in zip(columns.names, columns.class_ids.tolist(), strict=True)
            if class_id
        }

    def suggest(self, class_ids: np.ndarray, confidences: np.ndarray) -> None:
        """Puts suggestions into the columns, as a finished training does."""
        columns = self.session.columns
        columns.predicted_ids[:] = class_ids
        columns.confidences[:] = confidences
        if columns.class_bits.shape[1]:
            columns.predicted_bits[:] = 0
            columns.predicted_bits[:, 0] = np.where(class_ids > 0, np.uint64(1) << class_ids.astype(np.uint64), 0)
        self.session.rows_changed.emit(np.arange(len(self.session.columns)))


@pytest.fixture
def make_images(tmp_path: Path) -> Callable[[int], Path]:
    """Makes a folder of small JPEGs, each of another colour."""

    def make(count: int) -> Path:
        folder = tmp_path / "pictures"
        folder.mkdir()
        rng = np.random.default_rng(count)
        for at in range(count):
            pixels = np.full((24, 32, 3), rng.integers(0, 256, 3), np.uint8)
            Image.fromarray(pixels).save(folder / f"picture_{at:04}.jpg", quality=85)
        return folder

    return make


@pytest.fixture
def open_desk(tmp_path: Path, qtbot: QtBot) -> Iterator[Callable[[Path | None], Desk]]:
    """Makes a project over a folder of images and opens it in a Label workspace."""
    engine = Engine()
    engine.start()
    session = Session(EngineBridge(engine))
    desks: list[Desk] = []

    def open_(folder: Path | None) -> Desk:
        project = Project.create(tmp_path / "project", "Test")
        if folder is not None:
            fill_project(project, folder)
        project.close()
        workspace = LabelWorkspace(session)
        qtbot.addWidget(workspace)
        workspace.resize(1200, 760)
        workspace.show()
        workspace.activateWindow()
        session.open_project(tmp_path / "project")
        qtbot.waitUntil(lambda: session.project is not None, timeout=20_000)
        workspace.grid.setFocus()
        desk = Desk(qtbot, session, workspace)
        desk.settle()
        desks.append(desk)
        return desk

    yield open_
    for desk in desks:
        desk.workspace.shutdown()
    session.shutdown()
    engine.shutdown()


def fill_project(project: Project, folder: Path) -> None:
    """Adds a folder's images in place."""
    found: list[NewImage] = []
    for file in walk_images(folder, lambda name, reason: None):
        facts = read_facts(file)
        info = facts.info
        found.append(
            NewImage(
                os.fsencode(file.relative_path),
                facts.content_hash,
                file.size_bytes,
                file.mtime_ns,
                width_px=info.width_px if info is not None else 0,
                height_px=info.height_px if info is not None else 0,
                taken_at=info.taken_at if info is not None else None,
                status=facts.status,
                reason=facts.reason,
            )
        )
    project.add_images(project.add_root(folder), found)
