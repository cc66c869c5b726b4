"""H shows where the model looks: real pictures, the built-in network, real keys."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest

from engine.domain import ImageClass
from engine.job import run_in_foreground
from engine.project import Project
from engine.tasks.scan import ScanFolder
from engine.tasks.train import TrainSettings, retrain_jobs
from gui.dialogs.shortcuts import ShortcutsDialog
from gui.heat_maps import OUTLINE, OVERLAY_PX, overlay_of
from gui.widgets.heat_colors import heat_table, overlay_table
from gui.widgets.probability_bars import BAR_PX, ProbabilityBars

_made: list[Path] = []
"""The project that every test gets a copy of."""


@pytest.fixture
def trained(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Path:
    """A project of eight pictures of each of three classes, with a model."""
    if not _made:
        folder = tmp_path_factory.mktemp("heat")
        for name in ("crazing", "patches", "scratches"):
            (folder / "steel" / name).mkdir(parents=True)
            for file in sorted((shared_data / "steel_neu" / name).iterdir())[:8]:
                shutil.copy2(file, folder / "steel" / name / file.name)
        with Project.create(folder / "project") as project:
            run_in_foreground(ScanFolder(project, folder / "steel", True))
            for job in retrain_jobs(project, TrainSettings("starter")):
                run_in_foreground(job)
        _made.append(folder / "project")
    return Path(shutil.copytree(_made[0], tmp_path / "project"))


def has_heat(room) -> Callable[[], bool]:
    def check() -> bool:
        image = room.window.workspace.viewer.canvas.heat.image
        return image is not None and not image.isNull()

    return check


def bars_of(room) -> ProbabilityBars:
    return room.window.workspace.details.findChild(ProbabilityBars)


def test_h_shows_where_the_model_looks_and_takes_it_away(room, trained: Path) -> None:
    room.open(trained)
    workspace = room.window.workspace
    room.wait_for(lambda: room.session.predictions(room.session.current_image_id or 0))
    workspace.focus_images()
    room.press(Qt.Key.Key_H)  # from the grid: the image alone, with its heat
    assert workspace.is_viewing
    room.wait_for(lambda: workspace.viewer.canvas.heat.words == "looking…")
    room.wait_for(has_heat(room))
    assert workspace.viewer.canvas.heat.words == "Where it sees crazing"

    room.press(Qt.Key.Key_Right)  # goes along
    room.wait_for(lambda: workspace.viewer.canvas.heat.words == "looking…")
    room.wait_for(has_heat(room))
    room.press(Qt.Key.Key_H)
    assert workspace.viewer.canvas.heat.image is None
    assert workspace.viewer.canvas.heat.words == ""
    room.press(Qt.Key.Key_H)  # kept: there at once
    assert has_heat(room)()


def test_the_bar_of_a_class_shows_where_that_class_is_seen(room, trained: Path) -> None:
    room.open(trained)
    workspace = room.window.workspace
    room.wait_for(lambda: room.session.predictions(room.session.current_image_id or 0))
    bars = bars_of(room)
    second = bars._shown[1][0]
    QTest.mouseClick(bars, Qt.MouseButton.LeftButton, pos=QPointF(20, BAR_PX * 1.7).toPoint())
    room.wait_for(lambda: workspace.viewer.canvas.heat.words.endswith(second.name))
    assert workspace.is_viewing
    assert bars._looked_at == second.id

    workspace.focus_images()
    room.press(Qt.Key.Key_Right)  # the next image is asked about its own class again
    first = room.session.predictions(room.session.current_image_id or 0)[0][0]
    room.wait_for(lambda: workspace.viewer.canvas.heat.words == f"Where it sees {first.name}")


def test_bars_can_be_chosen_with_the_keyboard(room, trained: Path) -> None:
    room.open(trained)
    room.wait_for(lambda: room.session.predictions(room.session.current_image_id or 0))
    bars = bars_of(room)
    QTest.keyClick(bars, Qt.Key.Key_Down)
    QTest.keyClick(bars, Qt.Key.Key_Return)
    assert room.window.workspace.heat_maps.class_for(room.session.current_image_id or 0) == bars._shown[1][0].id


def test_without_a_model_h_says_why(room, tmp_path: Path, tiny_images: Path) -> None:
    room.create(tmp_path / "project")
    room.import_folder(tiny_images)
    workspace = room.window.workspace
    workspace.open_viewer()
    room.press(Qt.Key.Key_H)
    assert not workspace.heat_maps.is_on
    assert "retrain first" in workspace._message
    assert "retrain first" in workspace.viewer.bar._heat.toolTip()


def test_a_class_that_has_h_from_earlier_keeps_it(room, tmp_path: Path, tiny_images: Path) -> None:
    room.create(tmp_path / "project")
    room.import_folder(tiny_images)
    workspace = room.window.workspace
    letters = dict(workspace._keys._letters)
    assert letters["h"].isEnabled()
    workspace._keys.bind_classes([ImageClass(1, "hole", "#ff0000", "h", 0)])
    assert not letters["h"].isEnabled()
    assert letters["x"].isEnabled()


def test_the_sheet_of_keys_knows_h(room, tmp_path: Path) -> None:
    room.create(tmp_path / "project")
    room.press(Qt.Key.Key_F1)
    dialog = room.dialog(ShortcutsDialog)
    from PySide6.QtWidgets import QLabel

    assert any(label.text() == "Where the model looks, and back" for label in dialog.findChildren(QLabel))
    dialog.close()


def test_closing_the_project_while_it_looks_is_quiet(room, trained: Path) -> None:
    errors: list[object] = []
    room.session.error_raised.connect(errors.append)
    room.open(trained)
    room.wait_for(lambda: room.session.predictions(room.session.current_image_id or 0))
    room.window.workspace.focus_images()
    room.press(Qt.Key.Key_H)
    with room.qtbot.waitSignal(room.session.project_closed, timeout=20_000):
        room.session.close_project()
    room.wait_for(lambda: not room.engine.is_busy)
    assert errors == []


# ---------------------------------------------------------------------------------------------------- the overlay


def pixels_of(image: QImage) -> np.ndarray:
    found = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), image.bytesPerLine() // 4)
    return found[:, : image.width()].copy()


def test_the_overlay_is_clear_where_nothing_is_and_outlined_where_most_is(qapp) -> None:
    heat = np.zeros((32, 64), np.float32)
    heat[8:24, 40:56] = 1
    overlay = overlay_of(heat)
    pixels = pixels_of(overlay)
    assert pixels.shape == (OVERLAY_PX // 2, OVERLAY_PX)
    assert pixels[:, : OVERLAY_PX // 2].max() == 0
    middle = pixels[OVERLAY_PX // 4, OVERLAY_PX * 3 // 4]
    assert middle >> 24 > 120
    assert (pixels == OUTLINE).any()  # can be read without colours


def test_no_heat_is_no_overlay(qapp) -> None:
    assert overlay_of(np.zeros((8, 8), np.float32)).isNull()


def test_the_scales_grow_lighter_throughout() -> None:
    """So that they can be told apart with any colour vision, and printed in grey."""
    for table in (heat_table(), overlay_table()[60:]):
        alpha = np.maximum(table >> 24, 1).astype(float) / 255
        red, green, blue = ((table >> shift & 0xFF) / alpha for shift in (16, 8, 0))
        assert (np.diff(0.2126 * red + 0.7152 * green + 0.0722 * blue) > -1.5).all()
