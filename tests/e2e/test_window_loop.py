"""A person at the real window: opens a folder of pictures, labels by key, retrains, exports; comes back and undoes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.commands.console import Console
from engine.commands.new import new
from engine.domain import Source
from engine.project import Project

CLASSES = ("crazing", "patches", "scratches")
PER_CLASS = 8
NUM_LABELLED = 5


@pytest.fixture
def steel(shared_data: Path, tmp_path: Path) -> Path:
    """Eight images of each of three classes in one folder; a file is called after its class, so they sort in blocks."""
    folder = tmp_path / "steel"
    folder.mkdir()
    for name in CLASSES:
        files = sorted((shared_data / "steel_neu" / name).iterdir())[:PER_CLASS]
        for index, file in enumerate(files):
            shutil.copy(file, folder / f"{name}_{index}{file.suffix}")
    return folder


def classes_by_name(project: Path) -> dict[str, str]:
    """Returns the class of every labelled image, as the store has it."""
    with Project.open(project) as opened:
        columns, names = opened.columns(), {entry.id: entry.name for entry in opened.classes()}
    return {name: names[class_id] for name, class_id in zip(columns.names, columns.class_ids, strict=True) if class_id}


def grid(window: Any, num_rows: int) -> dict[str, Any]:
    """Waits until the grid shows so many images, and returns it."""
    return window.wait_for(
        lambda: next((each for each in window.find_all("imageGrid") if each.get("num_rows") == num_rows), None),
        f"a grid of {num_rows} images",
        timeout_s=30,
    )


def click_image(window: Any, row: int, num_rows: int) -> None:
    item = next(each for each in grid(window, num_rows)["items"] if each["row"] == row)
    window.click(item)
    window.wait_for(lambda: grid(window, num_rows)["current_row"] == row, f"image {row} to be the current one")


def fill(window: Any, field: str, text: str) -> None:
    """Replaces what stands in a text field."""
    window.click(window.find(field, "QLineEdit"))
    window.key("ctrl+a")
    window.type(text)
    window.wait_for(lambda: window.find(field, "QLineEdit")["text"] == text, f"{text!r} in the field {field}")


def test_import_label_by_keys_retrain_and_export(window: Any, steel: Path, tmp_path: Path) -> None:
    project, export, num_images = tmp_path / "project", tmp_path / "export", len(CLASSES) * PER_CLASS

    # a new project from a folder of pictures
    window.start()
    window.click("New project")
    fill(window, "Images", str(steel))
    fill(window, "Kept in", str(project))
    window.click("Create project")
    grid(window, num_images)

    # three classes, typed
    window.click(window.find("Name of a new class", "QLineEdit"))
    for name in CLASSES:
        window.type(name)
        window.key("Return")
    window.wait_for(
        lambda: [item["text"] for item in window.find("Classes")["items"]] == list(CLASSES), "the three classes"
    )

    # five of each, one key a picture; each key moves on to the next
    for block in range(len(CLASSES)):
        first = block * PER_CLASS
        click_image(window, first, num_images)
        for place in range(NUM_LABELLED):
            window.key(str(block + 1))
            row = first + place + 1
            window.wait_for(lambda row=row: grid(window, num_images)["current_row"] == row, f"image {row} to come next")
    window.wait_for_text("All labels saved")

    # retrain, and the model says how good it is
    window.key("ctrl+r")
    title = window.wait_for_text("Version 1", timeout_s=90)
    assert "%" in title
    window.screenshot("trained.png")

    # accept one suggestion
    click_image(window, PER_CLASS - 1, num_images)
    window.key("space")
    window.wait_for_text("1 new label since")
    window.wait_for_text("All labels saved")

    # export, checked
    window.key("ctrl+e")
    window.activate()
    fill(window, "Export to", str(export))
    window.click(window.find("Export", "QPushButton"))
    window.wait_for_text("Checked in onnxruntime", timeout_s=60)
    window.screenshot("exported.png")
    window.click(window.find("Close", "QPushButton"))
    window.activate()
    assert window.quit() == 0

    labels = classes_by_name(project)
    expected = {f"{name}_{index}" for name in CLASSES for index in range(NUM_LABELLED)}
    assert {Path(name).stem for name in labels} == expected | {f"{CLASSES[0]}_{PER_CLASS - 1}"}
    assert all(name.startswith(label) for name, label in labels.items() if Path(name).stem in expected)
    with Project.open(project) as opened:
        run = opened.active_run()
        assert run is not None
        assert run.num_images == len(expected)
        accepted = next(record for record in opened.images() if Path(record.name).stem == f"{CLASSES[0]}_7")
        assert opened.history(accepted.id)[-1].source is Source.SUGGESTION
    parity = json.loads((export / "onnx" / "parity.json").read_text(encoding="utf-8"))
    assert parity["top1_agreement"] == 1.0
    assert parity["num_images"] == num_images
    assert (export / "onnx" / "model.onnx").is_file()
    assert "Traceback" not in window.log.read_text()


def test_saved_labels_survive_a_kill_and_undo_goes_on_after_it(window: Any, steel: Path, tmp_path: Path) -> None:
    project, num_images = tmp_path / "project", len(CLASSES) * PER_CLASS
    new(project, steel, False, Console(is_json=True))
    with Project.open(project) as opened:
        for name in CLASSES:
            opened.add_class(name).result()

    window.start(project)
    click_image(window, 0, num_images)
    window.key("1", "1", "2")
    window.wait_for(lambda: grid(window, num_images)["current_row"] == 3, "the fourth image")
    window.wait_for_text("All labels saved")
    window.kill()
    assert list(classes_by_name(project).values()) == [CLASSES[0], CLASSES[0], CLASSES[1]]

    window.start(project)
    grid(window, num_images)
    window.key("ctrl+z", "ctrl+z")
    window.wait_for_text("All labels saved")
    window.key("ctrl+shift+z")
    window.wait_for_text("All labels saved")
    assert window.quit() == 0
    assert list(classes_by_name(project).values()) == [CLASSES[0], CLASSES[0]]
