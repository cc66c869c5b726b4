"""Several classes per image in the window with a real network: labelled by keys, trained, and suggestions accepted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt

from engine.domain import LabelMode, Mark
from gui.columns import class_ids_at, has_open_suggestion

CLASSES = ["crazing", "patches"]
NUM_IMAGES, NUM_SEEN = 36, 26


@pytest.fixture
def truth() -> np.ndarray:
    return np.random.default_rng(2).random((NUM_IMAGES, len(CLASSES))) < 0.5


@pytest.fixture
def mixed(shared_data: Path, shared_weights: Path, tmp_path: Path, truth: np.ndarray) -> Path:
    """Surfaces of the classes beside each other and beside one of no class."""
    rng = np.random.default_rng(3)
    files = {name: sorted((shared_data / "steel_neu" / name).iterdir()) for name in (*CLASSES, "pitted_surface")}
    folder = tmp_path / "mixed"
    folder.mkdir()
    for index, row in enumerate(truth):
        names = [name for name, is_there in zip(CLASSES, row, strict=True) if is_there] + ["pitted_surface"]
        picture = Image.new("RGB", (120 * len(names), 120))
        for place, name in enumerate(names):
            with Image.open(files[name][rng.integers(len(files[name]))]) as part:
                picture.paste(part.convert("RGB").resize((120, 120)), (120 * place, 0))
        picture.save(folder / f"{index:03}.jpg", quality=90)
    return folder


def test_labels_given_by_keys_become_suggestions_that_space_accepts(
    mixed: Path, truth: np.ndarray, open_desk: Callable[[Path | None], Any]
) -> None:
    desk = open_desk(mixed)
    session = desk.session
    desk.add_classes(*CLASSES)
    session.set_label_mode(LabelMode.SEVERAL)
    desk.wait_saved()
    desk.qtbot.waitUntil(lambda: session.has_several_classes and not session.is_reloading)
    for row in truth[:NUM_SEEN]:
        desk.press(*[str(at + 1) for at in np.flatnonzero(row)], Qt.Key.Key_Return)
    desk.wait_saved()
    assert session.why_no_retrain() == ""
    session.retrain()
    desk.qtbot.waitUntil(lambda: session.run is not None and not session.is_reloading, timeout=120_000)
    assert session.run.mode is LabelMode.SEVERAL

    def is_suggested() -> bool:
        return bool(np.isfinite(session.columns.confidences).all()) and bool(session.thresholds())

    desk.qtbot.waitUntil(is_suggested, timeout=60_000)
    bits = session.columns.predicted_bits[NUM_SEEN:, 0]
    suggested = np.stack([(bits >> np.uint64(at + 1)) & np.uint64(1) for at in range(len(CLASSES))], axis=1) == 1
    assert (suggested == truth[NUM_SEEN:]).mean() > 0.75
    assert desk.workspace.grid.current_position() == NUM_SEEN

    is_open = has_open_suggestion(session.columns, np.arange(NUM_SEEN, NUM_IMAGES))
    first = NUM_SEEN + int(np.flatnonzero(is_open & suggested.any(axis=1))[0])
    desk.workspace.grid.go_to(first)
    assert all(is_ghost for _, _, is_ghost in desk.workspace.faces.at(first).chips)
    desk.settle()
    assert "suggested" in desk.workspace.details._bars.accessibleDescription()
    desk.press(Qt.Key.Key_Space)
    desk.wait_saved()
    columns = session.project.columns()
    assert class_ids_at(columns, first) == (np.flatnonzero(suggested[first - NUM_SEEN]) + 1).tolist()
    assert columns.marks[first] == Mark.CONFIRMED
    assert desk.workspace.grid.current_position() == min(first + 1, NUM_IMAGES - 1)
