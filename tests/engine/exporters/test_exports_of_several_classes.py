"""Models for several classes per image leave with a sigmoid and a threshold per class, in every format."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.domain import LabelMode, Validation
from engine.errors import ImportFormatError
from engine.exporters.package import write_package
from engine.exporters.parity import ParityImage
from engine.exporters.protocol import ModelFacts, WriteContext
from engine.exporters.registry import FORMATS
from engine.extras import extra, is_installed
from engine.importers.model import MODEL_FILES, find_model, recorded_figures
from engine.job import QuietContext
from engine.nn.run_model import RunModel, load_run_model
from engine.project import Project
from engine.tasks.predict import PredictImages

ALWAYS_THERE = [name for name, record in FORMATS.items() if not record.extra and name != "onnx-int8"]
LOADABLE = [name for name in ALWAYS_THERE if name in MODEL_FILES]
THRESHOLDS = np.array([0.3, 0.62, 0.45], np.float32)


@pytest.fixture(scope="module")
def model(trained_project: Project) -> RunModel:
    run = trained_project.active_run()
    assert run is not None
    found = load_run_model(trained_project.run_dir(run), trained_project.folder)
    head = replace(found.head, temperature=1.0)
    return replace(found, head=head, mode=LabelMode.SEVERAL, thresholds=THRESHOLDS)


def write(name: str, model: RunModel, project: Project, folder: Path) -> Path:
    """Exports the model of several classes in a format, checked on a third of the images."""
    rows = [
        {"class": name, "average_precision": 0.7, "precision": 0.8, "recall": 0.6, "f1": 0.7, "threshold": 0.4,
         "support": 9, "recall_interval": [0.4, 0.8], "precision_interval": None}
        for name in model.class_names
    ]  # fmt: skip
    validation = Validation(
        "5-fold", 0.6, (0.4, 0.8), 0.7, 0.4, 0.06, rows,
        mean_average_precision=0.75, mean_average_precision_interval=(0.6, 0.85), micro_f1=0.72,
    )  # fmt: skip
    facts = ModelFacts("Mixed", 1, "2026-11-21T00:00:00+00:00", "head", 0, 27, "0" * 32, validation, 0.1)
    images = [ParityImage(image.path, image.size_bytes, image.mtime_ns) for image in project.images()[::3]]
    write_package(name, model, facts, images, folder, WriteContext(QuietContext(), Path(), Path()))
    return folder


@pytest.fixture(scope="module")
def folders(model: RunModel, trained_project: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An export in every format that needs nothing installed."""
    return {name: write(name, model, trained_project, tmp_path_factory.mktemp(name)) for name in ALWAYS_THERE}


@pytest.mark.slow
def test_openvino_decides_as_the_program_does(model: RunModel, trained_project: Project, tmp_path: Path) -> None:
    if not is_installed(extra("openvino")):
        pytest.skip("OpenVINO is not installed (GRAFT_EXTRAS)")
    folder = write("openvino", model, trained_project, tmp_path)
    parity = json.loads((folder / "parity.json").read_text())
    assert parity["top1_agreement"] == 1.0
    assert parity["max_abs_diff"] <= 1e-4


@pytest.mark.parametrize("name", LOADABLE)
def test_the_export_loaded_back_decides_as_the_program_does(
    folders: dict[str, Path], model: RunModel, trained_project: Project, name: str
) -> None:
    parity = json.loads((folders[name] / "parity.json").read_text())
    assert parity["top1_agreement"] == 1.0
    assert parity["max_abs_diff"] <= 1e-4

    exported = find_model(folders[name])
    assert exported is not None
    job = PredictImages(exported, [image.path for image in trained_project.images()[:6]])
    predicted = job.finish(type(job).work(job.prepare(), QuietContext()))
    assert predicted.mode is LabelMode.SEVERAL
    np.testing.assert_array_equal(predicted.thresholds, THRESHOLDS)
    assert predicted.unknown_threshold == 0.9
    assert np.abs(predicted.probabilities.sum(axis=1) - 1).max() > 0.01, "not a softmax"
    for entry, row in zip(predicted.document()["predictions"], predicted.probabilities, strict=True):
        wanted = {each for each, value, limit in zip(model.class_names, row, THRESHOLDS, strict=True) if value >= limit}
        assert set(entry["classes"]) == wanted
        assert entry["class"] == (entry["classes"][0] if wanted else None)


@pytest.mark.parametrize("name", ALWAYS_THERE)
def test_the_script_names_every_class_that_reaches_its_threshold(
    folders: dict[str, Path], model: RunModel, trained_project: Project, name: str
) -> None:
    path = trained_project.images()[0].path
    answer = subprocess.run(
        [sys.executable, "-I", str(folders[name] / "predict.py"), str(path)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={"PYTHONIOENCODING": "utf-8", "PATH": ""},
        check=True,
    )
    shown, classes, score = answer.stdout.rstrip("\n").split("\t")
    assert shown == str(path)
    assert classes in ("-", "unknown") or set(classes.split(", ")) <= set(model.class_names)
    assert 0 <= float(score) <= 1


@pytest.mark.parametrize("name", LOADABLE)
def test_its_figures_and_its_card_are_those_of_several_classes(folders: dict[str, Path], name: str) -> None:
    exported = find_model(folders[name])
    assert exported is not None
    figures = recorded_figures(exported)
    assert figures["mode"] == "several"
    assert figures["mean_average_precision"] == 0.75
    assert figures["confusion"] == []
    assert figures["per_class"][0]["average_precision"] == 0.7
    card = (folders[name] / "model_card.md").read_text(encoding="utf-8")
    for phrase in ("any of 3 classes", "mean average precision | 0.750 (95 % interval 0.600 to 0.850)", "0.620"):
        assert phrase in card


def test_thresholds_that_do_not_fit_are_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    document = json.loads((folders["safetensors"] / "model.json").read_text(encoding="utf-8"))
    for name in ("model.safetensors", "labels.txt"):
        (tmp_path / name).write_bytes((folders["safetensors"] / name).read_bytes())
    for thresholds in ([0.5], ["a", "b", "c"], None, [0.1, 0.2, float("nan")]):
        (tmp_path / "model.json").write_text(json.dumps(document | {"thresholds": thresholds}), encoding="utf-8")
        exported = find_model(tmp_path)
        assert exported is not None
        with pytest.raises(ImportFormatError, match="decisions"):
            recorded_figures(exported)
