"""A person holds class keys and lets go of them at awkward moments; only what is painted on purpose is labelled."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engine.project import Project
from tests.gui.panels.conftest import fill_project

NUM_IMAGES = 12


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Twelve pictures in two folders, and the classes rust and crack."""
    for at in range(NUM_IMAGES):
        file = tmp_path / "pictures" / f"part_{at % 2}" / f"img_{at:02}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 48), (20 * at, 90, 140)).save(file)
    with Project.create(tmp_path / "project", "Painting") as made:
        fill_project(made, tmp_path / "pictures")
        made.add_class("rust").result()
        made.add_class("crack").result()
    return tmp_path / "project"


def grid(window: Any) -> dict[str, Any]:
    return window.wait_for(  # type: ignore[no-any-return]
        lambda: next((each for each in window.find_all("imageGrid") if each.get("num_rows")), None),
        "the grid", timeout_s=30,
    )  # fmt: skip


def click_folder(window: Any) -> None:
    """Gives the keyboard to the tree of folders, by a click that shows half of the pictures."""
    x, y, width, _ = window.find("Folders", "QTreeView")["rect"]
    window._xdotool("mousemove", "--sync", str(x + width // 2), str(y + 40), "click", "1")
    window.wait_for(lambda: grid(window)["num_rows"] == NUM_IMAGES // 2, "the pictures of one folder")


def click_picture(window: Any, row: int) -> None:
    item = next(each for each in grid(window)["items"] if each["row"] == row)
    window.click(item)
    window.wait_for(lambda: grid(window)["current_row"] == row, f"picture {row} to be the current one")


def quit_and_read(window: Any, project: Path) -> dict[int, str]:
    """Closes the window; returns the class of each image that has one, by its place in the project."""
    window.wait_for_text("All labels saved")
    assert window.quit() == 0
    assert "Traceback" not in window.log.read_text()
    with Project.open(project, read_only=True) as opened:
        names = {each.id: each.name for each in opened.classes()}
        return {at: names[each] for at, each in enumerate(opened.columns().class_ids.tolist()) if each}


@pytest.mark.parametrize("hold_s", [0.0, 0.3, 1.2])
def test_a_class_key_after_a_click_on_a_folder_labels_one_picture_and_never_those_passed_later(
    window: Any, project: Path, hold_s: float
) -> None:
    window.start(project)
    click_folder(window)
    window._xdotool("keydown", "1")
    time.sleep(hold_s)
    window._xdotool("keyup", "1")
    time.sleep(0.5)
    click_picture(window, 2)
    window.key("Right", "Right", "Left", "Left", "Left")
    window.wait_for(lambda: grid(window)["current_row"] == 1, "the arrows to have moved")
    assert len(quit_and_read(window, project)) == 1


def test_a_key_still_down_paints_nothing_after_a_click_or_in_another_window(window: Any, project: Path) -> None:
    window.start(project)
    click_picture(window, 0)
    window._xdotool("keydown", "1")
    time.sleep(1.0)
    window.key("Right")  # this one is painted: two so far
    click_picture(window, 5)
    window._xdotool("key", "Right", "Right")
    window.wait_for(lambda: grid(window)["current_row"] == 7, "the arrows to have moved")
    window._xdotool("keyup", "1")
    window._xdotool("keydown", "2")  # labels the eighth; its release goes to the dialog
    time.sleep(0.3)
    window.key("F1")
    time.sleep(0.7)
    window._xdotool("keyup", "2")
    window.key("Escape")
    time.sleep(0.5)
    window.key("Left", "Left")
    time.sleep(0.5)
    assert quit_and_read(window, project) == {0: "rust", 1: "rust", 7: "crack"}
