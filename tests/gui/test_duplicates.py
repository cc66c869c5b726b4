"""Near-duplicates in the window: found, shown side by side, one kept, the others skipped, and all of it taken back."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt

from engine.domain import Mark
from gui.panels.duplicates_page import DuplicatesPage
from gui.theme import RESOURCES

CTRL = Qt.KeyboardModifier.ControlModifier
CTRL_SHIFT = CTRL | Qt.KeyboardModifier.ShiftModifier
NUM_DOUBLED = 3


@pytest.fixture
def doubled(room: Any, tmp_path: Path) -> Any:
    """A window on sample pictures that were looked at; three of them are there again, half as large."""
    images = tmp_path / "images"
    images.mkdir()
    files = sorted((RESOURCES / "sample").rglob("*.jpg"))[::5][:12]
    for at, file in enumerate(files):
        shutil.copy2(file, images / f"{at:02}.jpg")
        if at < NUM_DOUBLED:
            with Image.open(file) as image:
                image.resize((image.width // 2, image.height // 2)).save(images / f"{at:02} small.jpg", quality=80)
    room.create(tmp_path / "project")
    with room.qtbot.waitSignal(
        room.session.work.ended, timeout=90_000, check_params_cb=lambda kind, _: kind == "embed"
    ):
        room.import_folder(images)
    return room


def skipped_names(room: Any) -> set[str]:
    columns = room.session.columns
    return {columns.names[row] for row in np.flatnonzero(columns.marks & Mark.SKIPPED).tolist()}


def open_page(room: Any) -> DuplicatesPage:
    room.press(Qt.Key.Key_D, CTRL_SHIFT)
    room.wait_for(lambda: room.session.duplicates.groups, 60_000)
    page = room.window.workspace.pages.current
    assert isinstance(page, DuplicatesPage)
    return page


def test_one_of_each_is_kept_the_larger_one_by_itself_or_another_by_choice_and_undo_takes_a_step_back(
    doubled: Any,
) -> None:
    room = doubled
    page = open_page(room)
    names = [
        [room.session.columns.names[row] for row in room.session.rows_of(group)]
        for group in room.session.duplicates.groups
    ]
    assert names == [[f"{at:02}.jpg", f"{at:02} small.jpg"] for at in range(NUM_DOUBLED)]
    assert page.rows.hasFocus()
    room.press(Qt.Key.Key_Right)  # the small one of the first group
    room.press(Qt.Key.Key_Return)
    room.wait_for(lambda: room.session.num_unsaved == 0)
    assert skipped_names(room) == {"00.jpg"}
    assert page.rows.current == 1
    room.click(page.all_button)
    room.wait_for(lambda: room.session.num_unsaved == 0)
    assert skipped_names(room) == {"00.jpg", "01 small.jpg", "02 small.jpg"}
    assert not page.all_button.isEnabled()
    room.wait_for(lambda: room.session.facts.undo_text == "mark 2 images as skipped")
    room.press(Qt.Key.Key_Z, CTRL)
    room.wait_for(lambda: skipped_names(room) == {"00.jpg"})
    assert page.all_button.isEnabled()
    room.press(Qt.Key.Key_Escape)
    assert room.window.workspace.pages.current is None
    page.rows.set_count(0)
    room.press(Qt.Key.Key_D, CTRL_SHIFT)  # looked for again, what was decided is known
    room.wait_for(lambda: not room.session.duplicates.is_looking, 60_000)
    assert room.session.duplicates.open_groups().tolist() == [False, True, True]
    room.press(Qt.Key.Key_U, CTRL_SHIFT)  # who asks for an order of the images wants to see them
    room.wait_for(lambda: room.window.workspace.pages.current is None)


def test_an_image_with_a_class_is_kept_and_never_skipped(doubled: Any) -> None:
    room = doubled
    room.add_classes("leaf", "disk")
    columns = room.session.columns
    ids = {columns.names[row]: int(columns.image_ids[row]) for row in range(len(columns))}
    first, second = (item.id for item in room.session.classes)
    room.session.label([ids["00 small.jpg"], ids["01.jpg"]], first)
    room.session.label([ids["01 small.jpg"]], second)
    room.wait_for(lambda: room.session.num_unsaved == 0)
    page = open_page(room)
    duplicates = room.session.duplicates
    assert room.session.columns.names[room.session.rows_of(duplicates.groups[0])[duplicates.kept(0)]] == "00 small.jpg"
    assert duplicates.why_kept(0) == "kept: the one with a class"
    assert duplicates.has_two_classes(1)
    room.click(page.all_button)
    room.wait_for(lambda: room.session.num_unsaved == 0)
    assert skipped_names(room) == {"00.jpg", "02 small.jpg"}
