"""Versions in the whole window with a real network: going back, comparing, and images that come later."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from engine.domain import NO_CLASS
from gui.models.version_list import NUMBER
from gui.panels.versions_panel import VersionsPanel

CLASSES = ("crazing", "patches", "scratches")


def train(room: Any, num_per_class: int) -> None:
    """Labels so many images of each class by their folders, and retrains."""
    session, ids = room.session, {each.name: each.id for each in room.session.classes}
    folders = np.array([name.split("/")[0] for name in session.columns.names])
    for name, class_id in ids.items():
        session.label(session.columns.image_ids[np.flatnonzero(folders == name)[:num_per_class]], class_id)
    room.wait_for(lambda: not session.why_no_retrain())
    with room.qtbot.waitSignal(session.run_changed, timeout=90_000):
        room.window.commands.retrain()
    room.wait_for(lambda: (session.columns.predicted_ids != NO_CLASS).all(), 60_000)


def choose(panel: VersionsPanel, run_id: int, with_: Any = Qt.KeyboardModifier.NoModifier) -> None:
    row = [each.run.id for each in panel.model.rows].index(run_id)
    rect = panel.table.visualRect(panel.model.index(row, NUMBER))
    QTest.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, with_, rect.center())


def test_an_older_version_takes_over_at_once_and_suggests_for_images_that_come_later(
    room: Any, shared_weights: Path, shared_data: Path, tmp_path: Path
) -> None:
    session = room.session
    for name in CLASSES:
        (tmp_path / "steel" / name).mkdir(parents=True)
        for file in sorted((shared_data / "steel_neu" / name).iterdir())[:8]:
            shutil.copy(file, tmp_path / "steel" / name)
    room.create(tmp_path / "project")
    room.import_folder(tmp_path / "steel")
    room.add_classes(*CLASSES)
    train(room, 3)
    of_first = session.columns.confidences.copy()
    session.backbones.set_views_preset("fast")
    train(room, 5)
    assert not np.array_equal(of_first, session.columns.confidences)

    room.window.show_review("versions")
    panel = room.window.review.versions
    room.wait_for(lambda: panel.model.rowCount() == 2)
    choose(panel, 1, Qt.KeyboardModifier.ControlModifier)  # version 2 is in use, and chosen already
    room.wait_for(lambda: panel.details.sentences and panel.details.sentences[0].startswith("On 9 images that both"))
    choose(panel, 1)
    room.click(panel.use_button)
    room.wait_for(lambda: session.run.id == 1 and np.array_equal(session.columns.confidences, of_first))
    assert session.facts.num_labels_since == 6
    assert "1" in room.window.model_bar.title.text()

    (tmp_path / "more").mkdir()
    for file in sorted((shared_data / "steel_neu" / "patches").iterdir())[8:11]:
        shutil.copy(file, tmp_path / "more")
    session.add_folder(tmp_path / "more")
    room.wait_for(lambda: len(session.columns) == 27, 60_000)
    room.wait_for(lambda: (session.columns.predicted_ids != NO_CLASS).all(), 60_000)
    patches = next(each.id for each in session.classes if each.name == "patches")
    assert (session.columns.predicted_ids[-3:] == patches).mean() >= 0.6
    assert session.run.id == 1
