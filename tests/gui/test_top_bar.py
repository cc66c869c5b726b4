"""The bar at the top: what it leaves out where the window is narrow; and the colours of what is below it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from gui.save_states import NOT_SAVED
from gui.theme import style_sheet, theme

LONGER = "Longer words"
"""About what the German menus have more than the English ones."""


@pytest.fixture(autouse=True)
def _dressed(qapp: QApplication) -> Iterator[None]:
    """The style sheet is there before the window is made, as in the program."""
    qapp.setStyleSheet(style_sheet(theme()))
    yield
    qapp.setStyleSheet("")


def test_no_menu_is_cut_off_in_a_narrow_window(room: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bar, menus = room.window.top_bar, room.window.menu_bar
    menus.addMenu(LONGER)
    room.create(tmp_path / "project", "A project with quite a long name, as people do give them")
    room.wait_for(lambda: bar.save_chip.text() == "All labels saved")
    monkeypatch.setattr(room.session.rate, "images_per_hour", lambda: 12345)
    bar._show_rate()
    room.window.resize(1024, 700)
    room.wait_for(lambda: bar.width() == 1024)
    room.wait_for(lambda: menus.width() >= menus.sizeHint().width(), 3000)
    assert bar.save_chip.isVisible()
    assert bar.save_chip.accessibleName() == "All labels saved"
    room.window.resize(1600, 700)
    room.wait_for(lambda: bar.width() == 1600)
    assert bar._brand.isVisible()
    assert bar.rate_chip.isVisible()
    room.wait_for(lambda: bar.save_chip.width() > bar.save_chip.height() * 2, 3000)


def test_labels_that_are_not_saved_are_told_of_in_fewer_words_where_there_is_no_room(
    room: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar, menus = room.window.top_bar, room.window.menu_bar
    menus.addMenu(LONGER)
    room.create(tmp_path / "project", "A project with quite a long name, as people do give them")
    monkeypatch.setattr(type(room.session), "save_state", NOT_SAVED)
    monkeypatch.setattr(type(room.session), "num_unsaved", 3)
    room.window.resize(1024, 700)
    room.wait_for(lambda: bar.width() == 1024)
    bar._calm_timer.stop()
    bar._show_saving()
    room.wait_for(lambda: menus.width() >= menus.sizeHint().width(), 3000)
    assert bar.save_chip.text() == "3 not saved"
    assert bar.save_chip.accessibleName() == "3 steps not saved · Try again"
    room.window.resize(1600, 700)
    room.wait_for(lambda: bar.save_chip.text() == "3 steps not saved · Try again", 3000)


def test_the_columns_of_label_are_painted_in_their_own_colours(room: Any, tmp_path: Path) -> None:
    room.create(tmp_path / "project", "Project")
    room.wait_for(lambda: room.window.workspace.isVisible())
    image = room.window.workspace.grab().toImage()
    at_the_left, in_the_middle = image.pixelColor(3, 3), image.pixelColor(image.width() // 2, 2)
    assert at_the_left == theme().color("panel")
    assert in_the_middle == theme().color("window")
