"""The loop in the window with a real network: import, label, retrain, suggestions for the rest, export."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt

from engine.domain import NO_CLASS
from gui.dialogs.export import ExportDialog

CLASSES = ("crazing", "patches", "scratches")
PER_CLASS = 8


@pytest.fixture
def steel(shared_data: Path, tmp_path: Path) -> Path:
    """Eight pictures each of three classes."""
    folder = tmp_path / "steel"
    for name in CLASSES:
        (folder / name).mkdir(parents=True)
        for file in sorted((shared_data / "steel_neu" / name).iterdir())[:PER_CLASS]:
            shutil.copy(file, folder / name)
    return folder


def test_four_labels_per_class_suggest_the_rest_and_the_export_says_the_same(
    room: Any, shared_weights: Path, steel: Path, tmp_path: Path
) -> None:
    session = room.session
    room.create(tmp_path / "project")
    room.import_folder(steel)
    room.add_classes(*CLASSES)
    ids = {each.name: each.id for each in session.classes}
    truth = np.array([ids[name.split("/")[0]] for name in session.columns.names])
    for class_id in ids.values():
        session.label(session.columns.image_ids[np.flatnonzero(truth == class_id)[:4]], class_id)
    room.wait_for(lambda: not session.why_no_retrain())
    with room.qtbot.waitSignal(session.run_changed, timeout=90_000):
        room.press(Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    room.wait_for(lambda: (session.columns.predicted_ids != NO_CLASS).all(), 60_000)
    unlabelled = session.columns.class_ids == NO_CLASS
    assert unlabelled.sum() == 12
    assert (session.columns.predicted_ids[unlabelled] == truth[unlabelled]).mean() >= 0.9
    assert "Version 1" in room.window.model_bar.title.text()

    room.press(Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    dialog = room.dialog(ExportDialog)
    dialog.folder_field.setText(str(tmp_path / "exported"))
    room.click(dialog.export_button)
    row = dialog.rows["onnx"]
    room.wait_for(row.open_button.isVisible, 90_000)
    assert "the same class on all" in row.outcome.text()
    parity = json.loads((tmp_path / "exported" / "onnx" / "parity.json").read_text(encoding="utf-8"))
    assert parity["top1_agreement"] == 1.0
    dialog.close()
