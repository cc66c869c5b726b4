"""Several classes per image on the command line: made, labelled, trained, measured, predicted."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

Graft = Callable[..., "subprocess.CompletedProcess[str]"]
CLASSES = ["crazing", "patches", "scratches"]
NUM_IMAGES, NUM_SEEN = 64, 44


@pytest.fixture
def mixed(shared_data: Path, tmp_path: Path) -> Path:
    """Pictures of up to three kinds of surface beside each other, and files that say which; the last are to test."""
    rng = np.random.default_rng(9)
    truth = rng.random((NUM_IMAGES, len(CLASSES))) < (0.5, 0.4, 0.35)
    files = {name: sorted((shared_data / "steel_neu" / name).iterdir()) for name in (*CLASSES, "pitted_surface")}
    for name in ("seen", "unseen"):
        (tmp_path / name).mkdir()
        with (tmp_path / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerow(["image", "class", "confirmed"])
    for index, row in enumerate(truth):
        names = [name for name, is_there in zip(CLASSES, row, strict=True) if is_there]
        picture = Image.new("RGB", (120 * (len(names) + 1), 120))
        for place, name in enumerate(rng.permutation([*names, "pitted_surface"])):
            with Image.open(files[name][rng.integers(len(files[name]))]) as part:
                picture.paste(part.convert("RGB").resize((120, 120)), (120 * place, 0))
        where = "seen" if index < NUM_SEEN else "unseen"
        picture.save(tmp_path / where / f"{index:03}.jpg", quality=90)
        with (tmp_path / f"{where}.csv").open("a", newline="") as file:
            csv.writer(file).writerow([f"{index:03}.jpg", "|".join(names), "yes"])
    return tmp_path


def document(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Returns the JSON document of a command that succeeded without a word on stderr."""
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    parsed: dict[str, Any] = json.loads(done.stdout)
    return parsed


def test_the_loop_with_several_classes_per_image(graft: Graft, mixed: Path, shared_weights: Path) -> None:
    project = mixed / "project"
    document(graft("new", project, "--images", mixed / "seen", "--labels", "none", "--several-classes", "--json"))
    too_early = graft("train", project)
    assert too_early.returncode == 1
    assert too_early.stderr.count("\n") <= 2
    assert "No image has a class yet" in too_early.stderr

    assert document(graft("label", project, "--csv", mixed / "seen.csv", "--json"))["num_applied"] == NUM_SEEN
    trained = document(graft("train", project, "--backbone", "mobilenet_v2", "--json"))
    assert (trained["mode"], trained["depth"], sorted(trained["classes"])) == ("several", "head", CLASSES)
    validation = trained["validation"]
    assert {"method", "accuracy", "accuracy_interval", "macro_f1", "log_loss", "ece"} < set(validation)
    low, high = validation["mean_average_precision_interval"]
    assert 0.5 < low < validation["mean_average_precision"] <= high <= 1

    own = document(graft("evaluate", project, "--json"))
    assert own["mean_average_precision"] == pytest.approx(validation["mean_average_precision"])
    assert (own["mode"], own["num_images"], own["confusion"]) == ("several", NUM_SEEN, [])

    refused = graft("evaluate", project, "--images", mixed / "unseen")
    assert refused.returncode == 1
    assert "a folder can name only one" in refused.stderr
    unseen = document(
        graft("evaluate", project, "--images", mixed / "unseen", "--labels", mixed / "unseen.csv", "--json")
    )
    assert unseen["num_images"] == NUM_IMAGES - NUM_SEEN
    assert unseen["mean_average_precision"] > low - 0.15
    assert sorted(row["class"] for row in unseen["per_class"]) == CLASSES

    predicted = document(graft("predict", project, mixed / "unseen", "--json"))["predictions"]
    thresholds = {row["class"]: row["threshold"] for row in own["per_class"]}
    for entry in predicted:
        above = {name for name, share in entry["probabilities"].items() if share >= np.float32(thresholds[name])}
        assert set(entry["classes"]) == above
    model = mixed / "exported"
    exported = document(graft("export", project, "--format", "onnx", "--to", model, "--json"))
    assert exported["parity"]["top1_agreement"] == 1.0
    again = document(graft("predict", model, mixed / "unseen", "--json"))["predictions"]
    assert [entry["classes"] for entry in again] == [entry["classes"] for entry in predicted]
    brought = document(graft("evaluate", model, "--json"))
    assert brought["mean_average_precision"] == pytest.approx(validation["mean_average_precision"])
    assert brought["num_images"] == NUM_SEEN
    script = subprocess.run(
        [sys.executable, model / "predict.py", mixed / "unseen" / again[0]["image"]],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert all(name in script.stdout for name in again[0]["classes"])

    said = graft("evaluate", project)
    assert "Mean average precision" in said.stdout
    assert "Accuracy" not in said.stdout


def test_a_table_of_labels_that_is_not_there_is_refused_before_anything_else(graft: Graft, tmp_path: Path) -> None:
    done = graft("evaluate", tmp_path, "--labels", tmp_path / "labels.csv")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
