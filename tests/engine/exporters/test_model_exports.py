"""Every registered model format: complete, the same as the program, usable alone, refused when it differs."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image
from safetensors.numpy import load_file

from engine.errors import DiskError, ExportError
from engine.events import JobCancelled, JobEnded, JobProgressed, JobSucceeded
from engine.exporters import onnx_model, package
from engine.exporters.protocol import FULL_PRECISION
from engine.exporters.registry import FORMATS, exporter
from engine.images.decode import decode_rgb
from engine.job import CancelledError, QuietContext
from engine.jobs import Engine, run_in_foreground
from engine.nn.embed import Embedder
from engine.nn.run_model import RunModel, load_run_model
from engine.project import Project
from engine.tasks.export import ExportModel, ExportReport

ALWAYS_THERE = [name for name, record in FORMATS.items() if not record.extra and name != "onnx-int8"]
"""Formats that need nothing installed; int8, which may rightly be refused, has tests of its own."""
EVERY_FORMAT = pytest.mark.parametrize("format_name", ALWAYS_THERE)
SLOW = {"pt2"}
QUICK_FORMATS = pytest.mark.parametrize(
    "format_name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in ALWAYS_THERE]
)
"""The same, with those that take long left to the slow tests."""
COMMON_FILES = {"README.txt", "labels.txt", "model.json", "model_card.md", "parity.json", "predict.py"}


@pytest.fixture(scope="module")
def exports(trained_project: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ExportReport]:
    """Each format exported once."""
    folder = tmp_path_factory.mktemp("exports")
    return {name: run_in_foreground(ExportModel(trained_project, name, folder / name)) for name in ALWAYS_THERE}


def run_model(project: Project) -> RunModel:
    return load_run_model(project.models_dir / "run-0001", project.folder)


def everything_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@EVERY_FORMAT
def test_an_export_is_complete(exports: dict[str, ExportReport], format_name: str) -> None:
    report = exports[format_name]
    expected = COMMON_FILES | {exporter(format_name).model_file}
    assert set(report.files) >= expected
    assert set(report.files) == {path.name for path in report.folder.iterdir()}
    assert report.size_bytes == sum(path.stat().st_size for path in report.folder.rglob("*") if path.is_file())
    assert {path.name for path in report.folder.parent.iterdir()} == set(ALWAYS_THERE), "no temporary folder stays"


@EVERY_FORMAT
def test_an_export_predicts_what_the_program_predicts(exports: dict[str, ExportReport], format_name: str) -> None:
    document = json.loads((exports[format_name].folder / "parity.json").read_text())
    assert document == exports[format_name].document()["parity"]
    assert document["num_images"] == 27
    assert document["top1_agreement"] == 1.0
    if format_name == "onnx-fp16":
        assert 0 <= document["max_abs_diff"] <= 0.05
        assert (document["limit"], document["least_agreement"]) == (None, 0.995)
    else:
        assert 0 <= document["max_abs_diff"] <= 1e-4 == document["limit"]
        assert 0 <= document["max_unknown_diff"] <= 1e-4
    assert document["num_read_alike"] == 26, "all but the 16-bit picture"
    assert (document["num_shown"], document["num_shown_otherwise"]) == (27, 0)
    assert document["runtime"].split()[0] in {"onnxruntime", "torch"}


@QUICK_FORMATS
def test_the_predict_script_runs_alone_on_the_original_files(
    exports: dict[str, ExportReport], trained_project: Project, format_name: str
) -> None:
    images = trained_project.images()
    chosen = [images[0].path, images[-3].path, images[-2].path]  # a plain one, one turned by EXIF, a transparent one
    model = run_model(trained_project)
    answer = subprocess.run(
        [sys.executable, "-I", str(exports[format_name].folder / "predict.py"), *map(str, chosen)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={"PYTHONIOENCODING": "utf-8", "PATH": ""},
        cwd="/",
        check=True,
    )
    with Embedder(model.spec, model.weights, model.preprocessing) as embedder:
        for path, line in zip(chosen, answer.stdout.splitlines(), strict=True):
            probabilities = model.probabilities(embedder.embed(decode_rgb(path))[None])[0]
            score = model.unknown_scores(embedder.embed(decode_rgb(path))[None])[0]
            name, class_name, confidence, unknown_score = line.split("\t")
            assert name == str(path)
            assert class_name == ("unknown" if score >= 0.95 else model.class_names[probabilities.argmax()])
            is_full = exporter(format_name).limits == FULL_PRECISION
            assert float(confidence) == pytest.approx(probabilities.max(), abs=2e-4 if is_full else 0.05)
            assert float(unknown_score) == pytest.approx(score, abs=1e-3 if is_full else 0.05)


@EVERY_FORMAT
def test_labels_card_and_document_tell_where_the_model_comes_from(
    exports: dict[str, ExportReport], trained_project: Project, format_name: str
) -> None:
    folder = exports[format_name].folder
    assert (folder / "labels.txt").read_text(encoding="utf-8").splitlines() == list(
        run_model(trained_project).class_names
    )
    document = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    assert document["format"] == format_name
    assert document["classes"] == list(run_model(trained_project).class_names)
    assert document["run"]["made_at"] == "2026-09-21T14:13:20+00:00"
    assert document["run"]["labels_hash"] == "5eed" * 8
    assert document["validation"]["accuracy_interval"] == [0.7, 0.97]
    assert document["mode"] == "one"
    assert document["unknown"]["threshold"] == 0.95
    assert [row["rate"] for row in document["unknown"]["measured"]["false_alarms"]] == [0.01, 0.05, 0.1]
    card = (folder / "model_card.md").read_text(encoding="utf-8")
    for phrase in (
        "90.0 % (95 % interval 70.0 % to 97.0 %)",
        "rolled-in scale \\| Füße",
        "27 images",
        "## Unknown pictures",
        "Measured on 27 labelled images that were held out",
        "## Limits",
        "16-bit",
    ):
        assert phrase in card


@QUICK_FORMATS
def test_the_same_run_gives_the_same_bytes(
    exports: dict[str, ExportReport], trained_project: Project, tmp_path: Path, format_name: str
) -> None:
    again = run_in_foreground(ExportModel(trained_project, format_name, tmp_path / "again"))
    if not exporter(format_name).is_deterministic:
        pytest.skip(f"{format_name} holds dates and random names")
    for name in [name for name in everything_in(again.folder) if (again.folder / name).is_file()]:
        assert (again.folder / name).read_bytes() == (exports[format_name].folder / name).read_bytes(), name


def test_the_onnx_graph_takes_pictures_of_any_size_and_carries_its_metadata(exports: dict[str, ExportReport]) -> None:
    file = exports["onnx"].folder / "model.onnx"
    metadata = {entry.key: entry.value for entry in onnx.load(file).metadata_props}
    assert json.loads(metadata["classes"]) == ["crazing", "patches", "rolled-in scale | Füße"]
    assert json.loads(metadata["run"])["id"] == 1
    assert {"version", "backbone", "preprocessing"} <= set(metadata)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (pixels,) = session.get_inputs()
    assert (pixels.name, pixels.type) == ("image", "tensor(uint8)")
    for size in ((1, 1), (31, 900), (1200, 64)):
        (probabilities,) = session.run(["probabilities"], {"image": np.full((*size, 3), 90, np.uint8)})
        assert probabilities.shape == (3,)
        assert probabilities.sum() == pytest.approx(1.0, abs=1e-5)
        (score,) = session.run(["unknown_score"], {"image": np.full((*size, 3), 90, np.uint8)})
        assert score.shape == ()
        assert 0.95 <= score <= 1, "a plain grey picture is no steel surface"


def test_the_safetensors_file_holds_plain_tensors_of_backbone_and_head(
    exports: dict[str, ExportReport], trained_project: Project
) -> None:
    tensors = load_file(exports["safetensors"].folder / "model.safetensors")
    assert tensors["head.weight"].shape == (3, run_model(trained_project).spec.embedding_size)
    assert {name.split(".")[0] for name in tensors} == {"backbone", "head", "unknown"}


class TamperedExporter(onnx_model.OnnxExporter):
    """Exports a model whose head differs slightly from the program's."""

    def write(self, model: RunModel, facts: Any, folder: Path, context: Any) -> None:
        bias = model.head.bias + np.array([0.01, 0, 0], np.float32)
        super().write(replace(model, head=replace(model.head, bias=bias)), facts, folder, context)


def test_an_export_that_differs_from_the_program_is_refused_and_leaves_nothing(
    trained_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "exporter", lambda name: TamperedExporter())
    with pytest.raises(ExportError, match="does not predict what the program predicts"):
        run_in_foreground(ExportModel(trained_project, "onnx", tmp_path / "export"))
    assert everything_in(tmp_path) == []


def test_an_export_that_differs_from_what_the_window_shows_is_refused(
    trained_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = trained_project.predictions()
    assert shown is not None
    other = shown.probabilities.copy()
    other[4] = other[4][[1, 2, 0]]
    monkeypatch.setattr(trained_project, "predictions", lambda run: replace(shown, probabilities=other))
    with pytest.raises(ExportError, match="1 of 27 images the window shows another class"):
        run_in_foreground(ExportModel(trained_project, "onnx", tmp_path / "export"))
    assert everything_in(tmp_path) == []


class BrokenExporter(onnx_model.OnnxExporter):
    """Exports a file that is cut off."""

    def write(self, model: RunModel, facts: Any, folder: Path, context: Any) -> None:
        super().write(model, facts, folder, context)
        whole = (folder / self.model_file).read_bytes()
        (folder / self.model_file).write_bytes(whole[: len(whole) // 2])


def test_an_export_that_cannot_be_loaded_again_is_refused(
    trained_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "exporter", lambda name: BrokenExporter())
    with pytest.raises(ExportError, match="cannot be loaded again"):
        run_in_foreground(ExportModel(trained_project, "onnx", tmp_path / "export"))
    assert everything_in(tmp_path) == []


def test_a_folder_with_something_in_it_is_refused_before_any_work(trained_project: Project, tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "mine.txt").write_text("mine")
    with pytest.raises(DiskError, match="already exists") as caught:
        run_in_foreground(ExportModel(trained_project, "onnx", tmp_path / "export"))
    assert "export-2" in caught.value.hint
    assert everything_in(tmp_path) == ["export", "export/mine.txt"]


def test_an_empty_folder_is_used(trained_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.tasks.export.MAX_PARITY_IMAGES", 1)
    report = run_in_foreground(ExportModel(trained_project, "onnx", tmp_path))
    assert report.folder == tmp_path
    assert set(everything_in(tmp_path)) > COMMON_FILES


def test_a_disk_that_fills_up_leaves_nothing_and_names_the_disk(
    trained_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", write)
    with pytest.raises(DiskError, match="is full"):
        run_in_foreground(ExportModel(trained_project, "onnx", tmp_path / "export"))
    assert everything_in(tmp_path) == []


class FullDisk:
    """Lets the first `num_good` writes through and fails every later one."""

    def __init__(self, patch: pytest.MonkeyPatch, num_good: int) -> None:
        self.num_left = num_good
        for owner, name in ((Path, "write_bytes"), (Path, "write_text"), (os, "fsync"), (os, "rename"), (os, "mkdir")):
            patch.setattr(owner, name, self._limited(getattr(owner, name)))

    def _limited(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def limited(*values: Any, **options: Any) -> Any:
            self.num_left -= 1
            if self.num_left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return write(*values, **options)

        return limited


def test_a_disk_that_is_full_from_any_write_on_leaves_nothing(
    trained_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.tasks.export.MAX_PARITY_IMAGES", 1)
    num_good, is_done = 0, False
    while not is_done:
        with pytest.MonkeyPatch.context() as patch:
            FullDisk(patch, num_good)
            try:
                run_in_foreground(ExportModel(trained_project, "onnx", tmp_path / "export"))
                is_done = True
            except DiskError as err:
                assert "is full" in err.message  # noqa: PT017 - the loop ends with the first export that fits
        # Once the folder has its name it is complete; only the news of that may then fail to reach the disk.
        left = everything_in(tmp_path)
        assert left == [] or {Path(name).name for name in left} > COMMON_FILES
        is_done |= bool(left)
        num_good += 1
    assert num_good > 12


def test_an_unknown_format_lists_the_known_ones(trained_project: Project, tmp_path: Path) -> None:
    with pytest.raises(ExportError) as caught:
        run_in_foreground(ExportModel(trained_project, "mp3", tmp_path / "export"))
    assert ", ".join(FORMATS) in caught.value.hint


def test_a_project_without_a_model_says_what_to_do(tmp_path: Path) -> None:
    with Project.create(tmp_path / "project") as project, pytest.raises(ExportError, match="no trained model"):
        run_in_foreground(ExportModel(project, "onnx", tmp_path / "export"))


def test_a_cancel_during_the_check_leaves_nothing(trained_project: Project, tmp_path: Path) -> None:
    class Cancels(QuietContext):
        is_checking = False

        def progress(self, done: int, total: int, note: str = "") -> None:
            self.is_checking = note.startswith("checking 5")

        def checkpoint(self) -> None:
            if self.is_checking:
                raise CancelledError

    with pytest.raises(CancelledError):
        run_in_foreground(ExportModel(trained_project, "onnx", tmp_path / "export"), Cancels())
    assert everything_in(tmp_path) == []


def test_in_the_worker_an_export_succeeds_and_a_cancelled_one_leaves_nothing(
    trained_project: Project, tmp_path: Path
) -> None:
    engine = Engine()
    engine.start()
    try:
        first = engine.submit(ExportModel(trained_project, "onnx", tmp_path / "first"))
        assert first.wait(60)
        second = engine.submit(ExportModel(trained_project, "onnx", tmp_path / "second"))
        while not (isinstance(event := engine.events.get(timeout=60), JobProgressed) and event.job_id == second.id):
            if isinstance(event, JobEnded):
                assert isinstance(event, JobSucceeded), event
        second.cancel()
        assert second.wait(1)
        assert any(event == JobCancelled(second.id) for event in iter(lambda: engine.events.get(timeout=1), None))
    finally:
        assert engine.shutdown(5)
    assert {path.name for path in tmp_path.iterdir()} == {"first"}


def test_the_originals_are_not_touched(exports: dict[str, ExportReport], trained_project: Project) -> None:
    for image in trained_project.images():
        with Image.open(image.path) as picture:
            picture.load()
        assert image.path.stat().st_size == image.size_bytes


@EVERY_FORMAT
def test_a_read_me_beside_the_model_says_how_to_run_it(
    exports: dict[str, ExportReport], trained_project: Project, format_name: str
) -> None:
    folder = exports[format_name].folder
    text = (folder / "README.txt").read_text(encoding="utf-8")
    for needed in exporter(format_name).requirements(run_model(trained_project).spec):
        assert needed in text
    assert "python predict.py PICTURE..." in text
    assert "model_card.md" in text
    assert ("index.html" in text) == (folder / "index.html").exists()
