"""V gives a picture the class of the one before; Shift+V also the rest of its burst, as one step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt

from engine.domain import NO_CLASS, LabelMode, Source

SHIFT = Qt.KeyboardModifier.ShiftModifier
BURST = range(2, 6)


@pytest.fixture
def desk(open_desk: Any, tmp_path: Path) -> Any:
    """Eight pictures of one camera: the third to the sixth within a second each, the others minutes apart."""
    folder = tmp_path / "shots"
    folder.mkdir()
    times = [0, 300, 600, 601, 602, 603, 1200, 1800]
    for at, seconds in enumerate(times):
        image = Image.fromarray(np.full((24, 32, 3), 20 * at, np.uint8))
        exif = Image.Exif()
        exif[0x0132] = f"2024:05:01 10:{seconds // 60:02}:{seconds % 60:02}"
        image.save(folder / f"shot_{at}.jpg", exif=exif)
    made = open_desk(folder)
    made.add_classes("ok", "rust")
    return made


def classes(desk: Any) -> list[int]:
    return desk.session.columns.class_ids.tolist()


def go_to(desk: Any, position: int) -> None:
    desk.workspace.grid.go_to(position)
    desk.settle()


def test_v_gives_the_class_of_the_picture_before_and_goes_on(desk: Any) -> None:
    desk.press("2")
    desk.press("v", "v")
    desk.wait_saved()
    assert classes(desk) == [2, 2, 2] + [NO_CLASS] * 5
    assert desk.workspace.grid.current_position() == 3
    history = desk.session.project.history(int(desk.session.columns.image_ids[2]))
    assert history[-1].source is Source.HUMAN
    desk.session.undo()
    desk.wait_saved()
    assert classes(desk) == [2, 2] + [NO_CLASS] * 6


def test_v_on_a_selection_takes_the_class_of_the_picture_before_the_first(desk: Any) -> None:
    desk.press("1")
    desk.press(Qt.Key.Key_Down, Qt.Key.Key_Up)
    go_to(desk, 1)
    desk.press(Qt.Key.Key_Right, Qt.Key.Key_Right, with_=SHIFT)
    desk.press("v")
    desk.wait_saved()
    assert classes(desk) == [1, 1, 1, 1] + [NO_CLASS] * 4


def test_v_says_why_there_is_nothing_to_copy(desk: Any) -> None:
    desk.press("v")
    assert "no picture before" in desk.workspace._message
    go_to(desk, 3)
    desk.press("v")
    assert "no class yet" in desk.workspace._message
    assert not any(classes(desk))


def test_shift_v_labels_the_open_rest_of_the_burst_as_one_step(desk: Any) -> None:
    ids = desk.session.columns.image_ids
    desk.session.label(ids[1:2], 2)
    desk.session.label(ids[5:6], 1)
    go_to(desk, 2)
    desk.press(Qt.Key.Key_V, with_=SHIFT)
    desk.qtbot.waitUntil(lambda: classes(desk)[4] == 2)
    desk.wait_saved()
    assert classes(desk) == [0, 2, 2, 2, 2, 1, 0, 0]
    assert "2 more of the burst" in desk.workspace._message
    desk.session.undo()
    desk.wait_saved()
    assert classes(desk) == [0, 2, 0, 0, 0, 1, 0, 0]


def test_several_classes_are_copied_together_as_one_step(desk: Any) -> None:
    desk.session.set_label_mode(LabelMode.SEVERAL)
    desk.qtbot.waitUntil(lambda: desk.session.has_several_classes and not desk.session.is_reloading)
    ids = desk.session.columns.image_ids
    desk.session.label(ids[:1], 1)
    desk.session.label(ids[:1], 2)
    go_to(desk, 1)
    desk.press("v")
    desk.wait_saved()
    assert desk.session.columns.class_bits[:2, 0].tolist() == [0b110, 0b110]
    desk.session.undo()
    desk.wait_saved()
    assert desk.session.columns.class_bits[:2, 0].tolist() == [0b110, 0]
