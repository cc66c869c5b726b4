"""The bar at the top: what it leaves out where the window is narrow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gui.save_states import NOT_SAVED


def test_no_menu_is_cut_off_in_a_narrow_window(room: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bar, menus = room.window.top_bar, room.window.menu_bar
    menus.addMenu("A long word, as there are in other languages")
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
    assert bar.save_chip.width() > bar.save_chip.height() * 2


def test_labels_that_are_not_saved_are_told_of_in_fewer_words_where_there_is_no_room(
    room: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar, menus = room.window.top_bar, room.window.menu_bar
    menus.addMenu("A long word, as there are in other languages")
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
