"""The map over a real project: lasso, class key, undo; legend, grid, cancel."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from engine.domain import NO_CLASS
from engine.job import run_in_foreground
from engine.jobs import Engine
from engine.project import Project
from engine.tasks.embed import ComputeEmbeddings
from engine.tasks.project_map import MAPS_FOLDER, MapImages
from engine.tasks.scan import ScanFolder
from gui.engine_bridge import EngineBridge
from gui.map_looks import ColorBy
from gui.panels.map_panel import MapPanel
from gui.session import Session

_made: list[Path] = []
"""The project that every test gets a copy of."""


@pytest.fixture
def embedded(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Path:
    """A project of twelve pictures of each of two kinds, looked at, with a map, and not labelled."""
    if not _made:
        folder = tmp_path_factory.mktemp("map")
        for name in ("patches", "scratches"):
            (folder / "steel" / name).mkdir(parents=True)
            for file in sorted((shared_data / "steel_neu" / name).iterdir())[:12]:
                shutil.copy2(file, folder / "steel" / name / file.name)
        with Project.create(folder / "project") as project:
            run_in_foreground(ScanFolder(project, folder / "steel", False))
            project.add_class("patches").result()
            project.add_class("scratches").result()
            run_in_foreground(ComputeEmbeddings(project, "starter"))
            run_in_foreground(MapImages(project))
        _made.append(folder / "project")
    return Path(shutil.copytree(_made[0], tmp_path / "project"))


@pytest.fixture
def session(qtbot: QtBot) -> Iterator[Session]:
    engine = Engine()
    engine.start()
    made = Session(EngineBridge(engine))
    yield made
    made.work.cancel_all()
    engine.shutdown()
    made.shutdown()


@pytest.fixture
def panel(qtbot: QtBot, session: Session, embedded: Path) -> MapPanel:
    """The panel with its map."""
    with qtbot.waitSignal(session.project_opened, timeout=20_000):
        session.open_project(embedded)
    made = MapPanel(session)
    qtbot.addWidget(made)
    made.resize(1000, 700)
    made.show()
    made.activateWindow()
    qtbot.waitUntil(lambda: made.stack.currentWidget() is made._page, timeout=60_000)
    made.view.setFocus()
    return made


def lasso(panel: MapPanel, rows: np.ndarray, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """Draws a box around points, as a hand would."""
    around = panel.view.positions()[rows]
    (left, top), (right, bottom) = np.floor(around.min(axis=0) - 12), np.ceil(around.max(axis=0) + 12)
    corners = [QPoint(int(x), int(y)) for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))]
    QTest.mousePress(panel.view, Qt.MouseButton.LeftButton, modifier, corners[0])
    for corner in corners[1:]:
        QTest.mouseMove(panel.view, corner)
    QTest.mouseRelease(panel.view, Qt.MouseButton.LeftButton, modifier, corners[-1])


def of_folder(panel: MapPanel, name: str) -> np.ndarray:
    session = panel._session
    rows = session.rows_of(panel._map.image_ids)
    return np.flatnonzero([session.columns.names[row].startswith(name) for row in rows])


def test_a_class_key_labels_the_lasso_in_one_step(panel: MapPanel, session: Session, qtbot: QtBot) -> None:
    patches = of_folder(panel, "patches")
    lasso(panel, patches)
    assert set(patches) <= set(np.flatnonzero(panel._selected))
    chosen = panel.selected_ids
    QTest.keyClick(panel.view, Qt.Key.Key_1)
    rows = session.rows_of(chosen)
    assert (session.columns.class_ids[rows] == session.classes[0].id).all()
    assert "labelled patches" in panel.selection_note.text()
    qtbot.waitUntil(lambda: session.num_unsaved == 0)
    session.undo()
    qtbot.waitUntil(lambda: (session.columns.class_ids == NO_CLASS).all())
    assert "labelled" not in panel.selection_note.text()


def test_colours_follow_the_labels(panel: MapPanel, session: Session, qtbot: QtBot) -> None:
    before = panel.view._colors.copy()
    session.label(session.columns.image_ids[:3], session.classes[1].id)
    qtbot.waitUntil(lambda: (panel.view._colors != before).sum() == 3)
    assert "scratches" in [each.text for each in panel._looks.legend]


def test_shift_adds_and_ctrl_takes_out(panel: MapPanel) -> None:
    everything = np.arange(24)
    lasso(panel, everything)
    assert len(panel.selected_ids) == 24
    lasso(panel, np.array([0]), Qt.KeyboardModifier.ControlModifier)
    fewer = len(panel.selected_ids)
    assert fewer < 24
    lasso(panel, np.array([0]), Qt.KeyboardModifier.ShiftModifier)
    assert len(panel.selected_ids) == 24
    QTest.keyClick(panel.view, Qt.Key.Key_Escape)
    assert len(panel.selected_ids) == 0
    assert not panel.show_button.isEnabled()


def test_enter_shows_the_selection_in_the_grid(panel: MapPanel, qtbot: QtBot) -> None:
    lasso(panel, np.arange(24))
    with qtbot.waitSignal(panel.images_wanted) as asked:
        QTest.keyClick(panel.view, Qt.Key.Key_Return)
    assert sorted(asked.args[0].tolist()) == sorted(panel._map.image_ids.tolist())


def test_a_line_of_the_legend_selects_its_points(panel: MapPanel, session: Session, qtbot: QtBot) -> None:
    session.label(session.columns.image_ids[:5], session.classes[0].id)
    qtbot.waitUntil(lambda: len(panel._looks.legend) == 2)
    lines = panel.legend.widget().findChildren(type(panel.legend.widget().layout().itemAt(0).widget()))
    QTest.keyClick(lines[0], Qt.Key.Key_Space)
    assert sorted(panel.selected_ids.tolist()) == sorted(session.columns.image_ids[:5].tolist())


def test_what_cannot_be_coloured_says_why(panel: MapPanel) -> None:
    for by, word in ((ColorBy.MISTAKES, "first training"), (ColorBy.UNKNOWN, "Retrain")):
        panel.switch.set_current(by.value)
        panel._show_looks()
        assert word in panel.note.text()


def test_thumbnails_stand_for_the_points_when_there_is_room(panel: MapPanel, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: len(panel.view.pictures) > 4)
    panel.view.pan(40, 0)
    assert panel.view.pictures == []  # they would lag behind
    qtbot.waitUntil(lambda: len(panel.view.pictures) > 4)


def test_without_images_it_says_what_to_do(qtbot: QtBot, session: Session, tmp_path: Path) -> None:
    Project.create(tmp_path / "empty").close()
    with qtbot.waitSignal(session.project_opened, timeout=20_000):
        session.open_project(tmp_path / "empty")
    made = MapPanel(session)
    qtbot.addWidget(made)
    made.show()
    assert made.stack.currentWidget() is made.empty
    assert "Add a folder" in made.empty.accessibleName()


def test_a_map_that_is_cancelled_can_be_asked_for_again(qtbot: QtBot, session: Session, embedded: Path) -> None:
    shutil.rmtree(embedded / "cache" / MAPS_FOLDER)
    with qtbot.waitSignal(session.project_opened, timeout=20_000):
        session.open_project(embedded)
    made = MapPanel(session)
    qtbot.addWidget(made)
    made.show()
    assert made.stack.currentWidget() is made._working
    QTest.mouseClick(made.cancel_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: made.stack.currentWidget() is made.empty, timeout=20_000)
    QTest.mouseClick(made.empty.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: made.stack.currentWidget() is made._page, timeout=60_000)
