"""A person labels at full speed in the real window, with nothing but the keyboard; the store is what counts."""

from __future__ import annotations

import io
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.commands.console import Console
from engine.commands.new import new
from engine.domain import LabelMode, Mark, class_ids_of
from engine.project import Project

NUM_PICTURES = 200
SIZE_PX = (2400, 1600)
CLASSES = ("rust", "crack", "fine", "hole", "dent")


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hundred files of 4 megapixels; only every tenth is a picture of its own, because that is made faster."""
    folder = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(3)
    for at in range(NUM_PICTURES):
        if at % 10 == 0:
            coarse = Image.fromarray(rng.integers(0, 256, (6, 9, 3), np.uint8))
            file = io.BytesIO()
            coarse.resize(SIZE_PX, Image.Resampling.BILINEAR).save(file, "JPEG", quality=80)
        # What comes behind the end of a JPEG is not looked at, but it makes another file of it.
        (folder / f"photo_{at:03}.jpg").write_bytes(file.getvalue() + b"%d" % at)
    return folder


@pytest.fixture
def make_project(photographs: Path, tmp_path: Path) -> Callable[..., Path]:
    """Makes a project over the photographs with some classes."""

    def make(*classes: str, mode: LabelMode = LabelMode.ONE) -> Path:
        folder = tmp_path / "project"
        new(folder, photographs, False, Console(is_json=True))
        with Project.open(folder) as project:
            project.set_label_mode(mode).result()
            for name in classes:
                project.add_class(name).result()
        return folder

    return make


def grid(window: Any) -> dict[str, Any]:
    return window.wait_for(lambda: next(iter(window.find_all("imageGrid")), None), "the grid", timeout_s=30)  # type: ignore[no-any-return]


def wait_for_row(window: Any, row: int) -> None:
    window.wait_for(lambda: grid(window)["current_row"] == row, f"image {row} to be the current one", timeout_s=60)


def wait_for_classes(window: Any, *names: str) -> None:
    window.wait_for(
        lambda: [item["text"] for item in window.find("Classes")["items"]] == list(names), f"the classes {names}"
    )


def quit_and_read(window: Any, project: Path) -> dict[str, list[str]]:
    """Closes the window; returns the classes of every image as the store has them, by file name."""
    window.wait_for_text("All labels saved")
    assert window.quit() == 0
    assert "Traceback" not in window.log.read_text()
    with Project.open(project) as opened:
        columns, names = opened.columns(), {each.id: each.name for each in opened.classes()}
        if opened.label_mode is LabelMode.SEVERAL:
            found = [class_ids_of(bits) for bits in columns.class_bits.tolist()]
        else:
            found = [[class_id] if class_id else [] for class_id in columns.class_ids.tolist()]
        return {name: [names[each] for each in ids] for name, ids in zip(columns.names, found, strict=True)}


@pytest.mark.parametrize("view", [pytest.param("grid", marks=pytest.mark.slow), "viewer"])
def test_two_hundred_pictures_labelled_at_speed_are_all_in_the_store_and_none_is_misplaced(
    window: Any, make_project: Callable[..., Path], view: str
) -> None:
    project = make_project(*CLASSES)
    choices = random.Random(view).choices(range(len(CLASSES)), k=NUM_PICTURES)
    window.start(project)
    wait_for_classes(window, *CLASSES)
    wait_for_row(window, 0)
    if view == "viewer":
        window.key("Return")
        window.find("Image")
    started = time.monotonic()
    window.key(*(str(choice + 1) for choice in choices))
    took_s = time.monotonic() - started
    window.key("Escape")
    wait_for_row(window, NUM_PICTURES - 1)
    assert took_s < NUM_PICTURES / 8  # keys came faster than eight a second
    expected = {f"photo_{at:03}.jpg": [CLASSES[choice]] for at, choice in enumerate(choices)}
    assert quit_and_read(window, project) == expected


def test_several_classes_per_picture_are_given_taken_confirmed_and_undone_by_keys(
    window: Any, make_project: Callable[..., Path]
) -> None:
    project = make_project("car", "tree", "rain", mode=LabelMode.SEVERAL)
    window.start(project)
    wait_for_classes(window, "car", "tree", "rain")
    wait_for_row(window, 0)
    window.key("1", "3", "Return", "2", "1", "2", "Return", "Return", "3", "Return")
    wait_for_row(window, 4)
    window.key("1", "ctrl+z")  # the last picture: given and taken back
    window.wait_for_text("All labels saved")
    window.screenshot("several.png")
    labels = quit_and_read(window, project)
    assert [labels[f"photo_{at:03}.jpg"] for at in range(5)] == [["car", "rain"], ["car"], [], ["rain"], []]
    with Project.open(project) as opened:
        marks = opened.columns().marks
    assert np.flatnonzero(marks & Mark.CONFIRMED).tolist() == [0, 1, 2, 3]


def test_painting_with_a_key_held_down_labels_what_the_arrows_reach_and_is_one_step(
    window: Any, make_project: Callable[..., Path]
) -> None:
    project = make_project("rust", "crack")
    window.start(project)
    wait_for_classes(window, "rust", "crack")
    wait_for_row(window, 0)
    window.key("1")
    wait_for_row(window, 1)
    window._xdotool("keydown", "2")
    time.sleep(1.2)  # the system repeats the key by now; that labels nothing more
    window.key("Right", "Right", "Right")
    window._xdotool("keyup", "2")
    wait_for_row(window, 4)
    window.key("Right")
    wait_for_row(window, 5)
    window.wait_for_text("All labels saved")
    window.screenshot("painted.png")
    window.key("ctrl+z")
    window.wait_for_text("All labels saved")
    window.key("ctrl+shift+z")
    labels = quit_and_read(window, project)
    assert [labels[f"photo_{at:03}.jpg"] for at in range(6)] == [["rust"], *[["crack"]] * 4, []]
    with Project.open(project) as opened:
        assert [step.text for step in opened.steps(2)] == [
            "label photo_004.jpg as crack and 3 more", "label photo_000.jpg as rust",
        ]  # fmt: skip


def test_classes_are_split_renamed_merged_and_brought_back_from_the_keyboard(
    window: Any, make_project: Callable[..., Path]
) -> None:
    project = make_project("rust", "crack")
    window.start(project)
    wait_for_classes(window, "rust", "crack")
    wait_for_row(window, 0)
    window.key("1", "1", "2", "2")
    wait_for_row(window, 4)
    # split off: the first two pictures become a class of their own
    window.key("Home", "shift+Right", "ctrl+shift+n")
    window.wait_for(lambda: window.find("Name of a new class")["has_focus"], "the field for the new class")
    window.type("deep rust")
    window.key("Return")
    wait_for_classes(window, "rust", "crack", "deep rust")
    # rename in place: F6 goes over the note to the palette
    window.key("F6", "F6")
    window.wait_for(lambda: window.find("Classes")["has_focus"], "the palette to have the keyboard")
    window.key("Down", "F2")
    window.type("fissure")
    window.key("Return")
    wait_for_classes(window, "rust", "fissure", "deep rust")
    # merge "fissure" into "rust", from its menu
    window.key("Menu")
    window.wait_for(
        lambda: any("Merge into" in action["text"] for w in window.widgets() for action in w.get("actions", [])),
        "the menu of the class",
    )
    window.key("m", "Return")
    wait_for_classes(window, "rust", "deep rust")
    window.wait_for_text("All labels saved")
    window.key("ctrl+z")
    wait_for_classes(window, "rust", "fissure", "deep rust")
    window.screenshot("classes.png")
    labels = quit_and_read(window, project)
    assert [labels[f"photo_{at:03}.jpg"] for at in range(5)] == [
        ["deep rust"], ["deep rust"], ["fissure"], ["fissure"], [],
    ]  # fmt: skip
