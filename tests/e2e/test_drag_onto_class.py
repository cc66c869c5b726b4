"""A person with a mouse: draws a rubber band, drags what it caught onto a class, undoes it, drags another image."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from PIL import Image

from engine.project import Project
from tests.gui.panels.conftest import fill_project

NUM_IMAGES = 12


def make_project(folder: Path) -> Path:
    pictures = folder / "pictures"
    pictures.mkdir()
    for at in range(NUM_IMAGES):
        Image.new("RGB", (64, 48), (20 * at, 90, 140)).save(pictures / f"img_{at:02}.png")
    with Project.create(folder / "project", "Mouse") as project:
        fill_project(project, pictures)
        project.add_class("rust").result()
        project.add_class("crack").result()
    return folder / "project"


def drag(window: Any, start: tuple[int, int], end: tuple[int, int]) -> None:
    """Moves the pressed mouse in steps, as a hand does."""
    window._xdotool("mousemove", "--sync", *map(str, start), "mousedown", "1")
    for step in range(1, 11):
        x, y = (round(a + (b - a) * step / 10) for a, b in zip(start, end, strict=True))
        window._xdotool("mousemove", str(x), str(y))
        time.sleep(0.05)
    window._xdotool("mousemove", str(end[0] + 2), str(end[1] + 1))
    time.sleep(0.2)
    window._xdotool("mouseup", "1")


def middle(item: dict[str, Any]) -> tuple[int, int]:
    x, y, width, height = item["rect"]
    return x + width // 2, y + height // 2


def labelled(project: Path) -> dict[str, int]:
    with Project.open(project, read_only=True) as opened:
        columns = opened.columns()
    return {name: int(each) for name, each in zip(columns.names, columns.class_ids, strict=True) if each}


def test_images_caught_with_a_rubber_band_are_dragged_onto_a_class(window: Any, tmp_path: Path) -> None:
    project = make_project(tmp_path)
    window.start(project)
    grid = window.wait_for(
        lambda: next((each for each in window.find_all("imageGrid") if each.get("num_rows") == NUM_IMAGES), None),
        "the grid", timeout_s=30,
    )  # fmt: skip
    items = {item["row"]: item for item in grid["items"]}
    left, top, _, height = items[0]["rect"]
    in_gap = (left - 8, top + height // 2)
    drag(window, in_gap, middle(items[2]))
    window.wait_for_text("SELECTED · 3")
    palette = window.find("Classes", "ClassListView")
    drag(window, middle(items[1]), middle(next(item for item in palette["items"] if item["text"] == "crack")))
    window.wait_for(
        lambda: any(each.get("current_row") == 3 for each in window.find_all("imageGrid")), "the image behind them"
    )
    window.wait_for_text("All labels saved")
    assert window.quit() == 0
    assert labelled(project) == {f"img_{at:02}.png": 2 for at in range(3)}
    window.start(project)
    window.find("imageGrid")
    window.key("ctrl+z")
    window.wait_for_text("SELECTED · 3")  # undo shows what it took back
    # One that is not selected is selected by the press and goes along, in one movement.
    palette = window.find("Classes", "ClassListView")
    drag(window, middle(items[7]), middle(next(item for item in palette["items"] if item["text"] == "rust")))
    window.wait_for_text("All labels saved")
    assert window.quit() == 0
    assert labelled(project) == {"img_07.png": 1}
