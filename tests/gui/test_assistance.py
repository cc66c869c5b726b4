"""Orders that the engine works out, asked for by keys in the window, on real pictures with the built-in network."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt

from gui.models.image_filter import Order
from gui.orders import ORDERS
from gui.theme import RESOURCES
from gui.widgets.order_menu import OrderMenu

CTRL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
PER_CLASS = 6


@pytest.fixture
def looked_at(room: Any, tmp_path: Path) -> Any:
    """A window on a project of sample pictures that have all been looked at."""
    images = tmp_path / "images"
    for folder in sorted((RESOURCES / "sample").iterdir()):
        if folder.is_dir():
            shutil.copytree(folder, images / folder.name)
            for file in sorted((images / folder.name).iterdir())[PER_CLASS:]:
                file.unlink()
    room.create(tmp_path / "project")
    with room.qtbot.waitSignal(
        room.session.work.ended, timeout=90_000, check_params_cb=lambda kind, _: kind == "embed"
    ):
        room.import_folder(images)
    return room


def shown_names(room: Any) -> list[str]:
    workspace = room.window.workspace
    return [room.session.columns.names[row] for row in workspace.images.rows.tolist()]


def test_similar_images_stand_beside_the_one_they_were_asked_for_and_the_chip_takes_them_away(looked_at: Any) -> None:
    room = looked_at
    total = len(room.session.columns)
    for _ in range(5):
        room.press(Qt.Key.Key_Right)
    workspace = room.window.workspace
    room.wait_for(lambda: room.session.current_image_id == workspace.images.image_id(5))
    asked = room.session.columns.names[room.session.rows_of([room.session.current_image_id])[0]]
    room.press(Qt.Key.Key_S, CTRL_SHIFT)
    room.wait_for(lambda: room.window.workspace.filtering.wanted.picked is not None, 60_000)
    assert shown_names(room)[0] == asked
    assert len(shown_names(room)) == total
    assert room.window.workspace.filtering.wanted.picked.title == f"Similar to {asked.rsplit('/', 1)[-1]}"
    room.press(Qt.Key.Key_L, CTRL_SHIFT)
    room.wait_for(lambda: room.window.workspace.filtering.wanted.picked is None)


def test_what_to_label_next_has_images_of_every_kind_first(looked_at: Any) -> None:
    room = looked_at
    room.press(Qt.Key.Key_U, CTRL_SHIFT)
    room.wait_for(lambda: room.window.workspace.filtering.wanted.picked is not None, 60_000)
    names = shown_names(room)
    kinds = {name.split("/")[0] for name in room.session.columns.names}
    assert len(names) == len(room.session.columns)
    assert {name.split("/")[0] for name in names[: 2 * len(kinds)]} == kinds


def test_an_order_that_is_ready_after_the_user_went_on_waits_until_it_is_asked_for(looked_at: Any) -> None:
    room = looked_at
    workspace = room.window.workspace
    room.press(Qt.Key.Key_U, CTRL_SHIFT)
    room.wait_for(lambda: room.session.assistance.question)
    assert workspace.filter_bar.order.title == "Most useful next …"
    room.press(Qt.Key.Key_Right)
    room.wait_for(lambda: not room.session.assistance.question, 60_000)
    assert workspace.filtering.wanted.picked is None
    assert workspace.grid.current_position() == 1
    assert workspace.filtering.arranging.waiting_title == "Most useful next"
    assert workspace.filter_bar.order.title == "As filed"
    room.press(Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    assert workspace.filtering.wanted.picked.order == "guided"
    assert workspace.filter_bar.order.title == "Most useful next"


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # popups on the offscreen platform
def test_every_order_is_reached_by_keys_alone_and_one_that_sorts_takes_the_place_of_one_that_was_asked_for(
    looked_at: Any,
) -> None:
    room = looked_at
    workspace = room.window.workspace
    room.press(Qt.Key.Key_U, CTRL_SHIFT)
    room.wait_for(lambda: workspace.filtering.wanted.picked is not None, 60_000)
    room.press(Qt.Key.Key_F4)
    menu = workspace.findChild(OrderMenu)
    entries = {entry.name: entry for column in menu.columns for entry in column}
    assert set(entries) == set(ORDERS)
    assert not entries["margin"].isEnabled()  # there is no model yet, and it says so
    assert "Retrain" in entries["margin"].accessibleDescription()
    assert entries["guided"].hasFocus()
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Home, Qt.Key.Key_Down):
        room.press(key)
    room.press(Qt.Key.Key_Return)
    assert workspace.images.order is Order.NAME
    assert workspace.filtering.wanted.picked is None
    assert workspace.filter_bar.order.title == "By name"
