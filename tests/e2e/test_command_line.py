"""The whole loop on the command line, on real images with a real network."""

from __future__ import annotations

import csv
import json
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Graft = Callable[..., "subprocess.CompletedProcess[str]"]
PER_CLASS = 8
NUM_TEST = 10


@pytest.fixture
def steel(shared_data: Path, tmp_path: Path) -> Path:
    """Eight images to label and ten to test for each of the six classes of steel_neu, drawn at random."""
    rng = random.Random(1)
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "class"])
        for folder in sorted(path for path in (shared_data / "steel_neu").iterdir() if path.is_dir()):
            files = sorted(folder.iterdir())
            rng.shuffle(files)
            for index, path in enumerate(files[: PER_CLASS + NUM_TEST]):
                target = tmp_path / ("images" if index < PER_CLASS else f"test/{folder.name}") / path.name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)
                if index < PER_CLASS:
                    writer.writerow([path.name, folder.name])
    return tmp_path


def document(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Returns the JSON document of a command that succeeded without a word on stderr."""
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    parsed: dict[str, Any] = json.loads(done.stdout)
    return parsed


def originals(folder: Path) -> dict[Path, tuple[int, bytes]]:
    """Returns time of change and content of every file."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def test_the_loop_measures_honestly_and_exports_what_it_measured(
    graft: Graft, steel: Path, shared_weights: Path
) -> None:
    project, test = steel / "project", steel / "test"
    before = originals(steel / "images"), originals(test)
    made = document(graft("new", project, "--images", steel / "images", "--labels", "none", "--json"))
    assert (made["num_images"], made["num_labelled"], made["failed"]) == (6 * PER_CLASS, 0, [])

    applied = document(graft("label", project, "--csv", steel / "labels.csv", "--json"))
    assert (applied["num_applied"], len(applied["new_classes"])) == (6 * PER_CLASS, 6)

    trained = document(graft("train", project, "--backbone", "mobilenet_v2", "--depth", "head", "--seed", 1, "--json"))
    assert (trained["num_images"], trained["num_classes"], trained["depth"]) == (6 * PER_CLASS, 6, "head")
    assert set(trained["seconds"]) == {"embed", "train"}
    validation = trained["validation"]
    low, high = validation["accuracy_interval"]
    assert low <= validation["accuracy"] <= high

    evaluated = document(graft("evaluate", project, "--images", test, "--json"))
    assert evaluated["num_images"] == 6 * NUM_TEST
    assert evaluated["accuracy"] >= 0.85
    confusion = np.array(evaluated["confusion"])
    assert confusion.shape == (6, 6)
    assert confusion.trace() / confusion.sum() == pytest.approx(evaluated["accuracy"])
    assert [row["class"] for row in evaluated["per_class"]] == evaluated["classes"]
    assert low - 0.1 <= evaluated["accuracy"] <= high + 0.1, "the model's own estimate fits what was measured"

    predicted = document(
        graft("predict", project, test, "--csv", steel / "out.csv", "--sorted-copies", steel / "sorted", "--json")
    )
    assert len(predicted["predictions"]) == 6 * NUM_TEST
    right = [Path(entry["image"]).parent.name == entry["class"] for entry in predicted["predictions"]]
    assert np.mean(right) == pytest.approx(evaluated["accuracy"]), "predict and evaluate are one model"
    for entry in predicted["predictions"]:
        assert sum(entry["probabilities"].values()) == pytest.approx(1, abs=1e-4)
        assert max(entry["probabilities"].values()) == pytest.approx(entry["confidence"])
    with (steel / "out.csv").open(newline="") as file:
        assert [row["class"] for row in csv.DictReader(file)] == [e["class"] for e in predicted["predictions"]]
    assert sum(1 for path in (steel / "sorted").rglob("*.jpg")) == 6 * NUM_TEST

    exported = document(graft("export", project, "--format", "onnx", "--to", steel / "export", "--json"))
    assert exported["parity"]["top1_agreement"] == 1.0
    assert exported["parity"]["max_abs_diff"] <= 1e-4
    assert exported["parity"]["num_images"] == 6 * PER_CLASS
    assert any(name.endswith(".onnx") for name in exported["files"])
    assert all((steel / "export" / name).is_file() for name in exported["files"])

    again = document(graft("predict", steel / "export" / "model.onnx", test, "--json", GRAFT_WEIGHTS=""))
    for ours, theirs in zip(predicted["predictions"], again["predictions"], strict=True):
        assert (ours["image"], ours["class"]) == (theirs["image"], theirs["class"])
        assert ours["confidence"] == pytest.approx(theirs["confidence"], abs=1e-4)
    assert (originals(steel / "images"), originals(test)) == before, "no original is ever written"


def test_labels_go_out_and_come_in_again_unchanged(graft: Graft, steel: Path) -> None:
    graft("new", steel / "one", "--images", steel / "test", "--labels", "folders")
    document(graft("export-data", steel / "one", "--format", "csv", "--to", steel / "all.csv", "--json"))
    graft("new", steel / "two", "--images", steel / "test", "--labels", "none")
    applied = document(graft("label", steel / "two", "--csv", steel / "all.csv", "--json"))
    assert applied["num_applied"] == 6 * NUM_TEST
    document(graft("export-data", steel / "two", "--format", "csv", "--to", steel / "again.csv", "--json"))
    assert (steel / "again.csv").read_bytes() == (steel / "all.csv").read_bytes()


def test_groups_are_kept_together_until_the_user_says_otherwise(
    graft: Graft, tmp_path: Path, tiny_images: Path
) -> None:
    project, by_number = tmp_path / "project", r"_(\d)\.jpg$"
    arguments = ("--images", tiny_images, "--labels", "folders", "--group-by", by_number, "--json")
    made = document(graft("new", project, *arguments))
    assert (made["group_by"], made["num_groups"]) == (by_number, 4)
    # These tiny images look alike, which would make groups of its own.
    trained = document(graft("train", project, "--backbone", "starter", "--automatic-groups", "off", "--json"))
    assert trained["validation"]["method"].endswith("-fold cross-validation, groups by name pattern kept together")

    refused = graft("train", project, "--group-by", "folder")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    again = document(graft("train", project, "--json"))
    assert again["validation"] == trained["validation"], "a rule that is refused changes nothing"
    plain = document(graft("train", project, "--group-by", "none", "--json"))
    assert plain["validation"]["method"].endswith("-fold cross-validation")


def test_the_same_seed_gives_the_same_figures(graft: Graft, steel: Path, shared_weights: Path) -> None:
    graft("new", steel / "project", "--images", steel / "test", "--labels", "folders")
    arguments = ("train", steel / "project", "--backbone", "mobilenet_v2", "--seed", 3, "--json")
    first, second = document(graft(*arguments)), document(graft(*arguments))
    assert first["validation"] == second["validation"]
    assert second["run"] == first["run"] + 1


# ------------------------------------------------------------------------------------------------------------ demo


@pytest.mark.slow
def test_the_demo_runs_the_whole_loop_without_a_display(
    graft: Graft, tmp_path: Path, shared_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    shown = document(graft("demo", "--out", tmp_path / "out", "--json"))
    assert set(shown) == {"project", "train", "evaluate", "predict", "export"}
    assert shown["evaluate"]["accuracy"] >= 0.9
    assert shown["export"]["parity"]["top1_agreement"] == 1.0
    assert len(shown["predict"]["predictions"]) == shown["evaluate"]["num_images"]
    assert any(name.endswith(".onnx") for name in shown["export"]["files"])


def test_the_demo_needs_nothing_but_the_program(graft: Graft, tmp_path: Path) -> None:
    """No weights from elsewhere: the built-in Starter does it."""
    shown = document(graft("demo", "--out", tmp_path / "out", "--json", GRAFT_WEIGHTS=""))
    assert shown["train"]["backbone"] == "starter"
    assert shown["evaluate"]["accuracy"] >= 0.7
    assert shown["export"]["parity"]["top1_agreement"] == 1.0


def test_the_demo_refuses_a_folder_in_use(graft: Graft, tmp_path: Path, shared_weights: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("keep me")
    done = graft("demo", "--out", tmp_path / "out")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["notes.txt"]
