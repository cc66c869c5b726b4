"""A person in Review: opens a cell of the confusion matrix, relabels, undoes, accepts a suspect, goes on in Label."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.domain import Source
from engine.project import Project

CLASSES = ("crazing", "inclusion", "patches", "scratches")
PER_CLASS, NUM_LABELLED = 16, 12
PLANTED = {"crazing_0": "patches", "patches_1": "scratches", "scratches_2": "crazing"}


@pytest.fixture
def project(graft: Any, shared_data: Path, tmp_path: Path) -> Path:
    """A trained project of four kinds of steel, in which three labels are wrong."""
    images, folder = tmp_path / "steel", tmp_path / "project"
    images.mkdir()
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "class"])
        for name in CLASSES:
            for index, source in enumerate(sorted((shared_data / "steel_neu" / name).iterdir())[:PER_CLASS]):
                target = images / f"{name}_{index}{source.suffix}"
                shutil.copy(source, target)
                if index < NUM_LABELLED:
                    writer.writerow([target.name, PLANTED.get(target.stem, name)])
    for command in (
        ("new", folder, "--images", images),
        ("label", folder, "--csv", tmp_path / "labels.csv"),
        ("train", folder, "--depth", "head"),
    ):
        done = graft(*command)
        assert done.returncode == 0, done.stderr
    return folder


def matrix(window: Any) -> dict[str, Any]:
    found = next(each for each in window.widgets() if each["class"] == "ConfusionView")
    assert isinstance(found, dict)
    return found


def review_grid(window: Any) -> dict[str, Any] | None:
    return next(iter(window.find_all("reviewGrid")), None)


def test_cell_relabel_undo_suspect_and_take_me_to_the_rest(window: Any, project: Path, tmp_path: Path) -> None:
    window.start(project)
    window.click(window.find("Review", "QPushButton"))
    window.wait_for_text("without looking")
    window.screenshot("review.png")

    # a cell off the diagonal opens its images
    mistakes = [each for each in matrix(window)["cells"] if re.match(r"[1-9]\d* images? of .* taken for", each["text"])]
    assert mistakes, "the planted labels are mistakes"
    worst = max(mistakes, key=lambda each: int(each["text"].split()[0]))
    number = int(worst["text"].split()[0])
    window.click(worst)
    window.wait_for(lambda: (found := review_grid(window)) and found["num_rows"] == number, f"{number} images")
    window.wait_for_text("WORST FIRST")
    window.screenshot("cell.png")

    # a class key relabels the first of them; undo takes it back
    other = next(index for index in range(len(CLASSES)) if index not in worst["cell"])
    window.key(str(other + 1))
    window.wait_for_text("1 label changed since")
    window.wait_for_text("All labels saved")
    window.key("ctrl+z")
    window.wait_for(lambda: not any("changed since" in text for text in window.texts()), "the label to be undone")
    window.key("Escape")
    window.wait_for(lambda: review_grid(window) is None, "the images to be put away")

    # a suspect is accepted by key
    tab = window.wait_for(
        lambda: next((each for each in window.widgets() if re.match(r"Suspects\s+\d", each["text"])), None),
        "suspects",
    )
    window.click(tab)
    window.wait_for_text("images most like it")
    window.screenshot("suspects.png")
    window.key("a")
    window.wait_for_text("1 label changed since")
    window.wait_for_text("All labels saved")

    # what is not accepted unseen is shown in Label
    window.click(window.find("Overview", "QPushButton"))
    window.click(window.find("Precision", "QSlider"))
    window.key("End")
    rest = window.wait_for_text("Take me to the")
    num_rest = (PER_CLASS - NUM_LABELLED) * len(CLASSES)
    assert rest == f"Take me to the {num_rest}"
    window.click(rest)
    window.wait_for(
        lambda: any(each.get("num_rows") == num_rest for each in window.find_all("imageGrid")),
        f"a grid of {num_rest} images",
    )
    window.screenshot("rest.png")
    assert window.quit() == 0

    with Project.open(project) as opened:
        columns, names = opened.columns(), {each.id: each.name for each in opened.classes()}
        labels = {
            Path(name).stem: names[class_id]
            for name, class_id in zip(columns.names, columns.class_ids.tolist(), strict=True)
            if class_id
        }
        expected = {f"{name}_{index}": name for name in CLASSES for index in range(NUM_LABELLED)} | PLANTED
        changed = {stem for stem, name in labels.items() if expected[stem] != name}
        assert len(changed) == 1
        image_id = next(
            image_id
            for image_id, name in zip(columns.image_ids, columns.names, strict=True)
            if Path(name).stem in changed
        )
        assert opened.history(int(image_id))[-1].source is Source.HUMAN
    assert "Traceback" not in window.log.read_text()
