"""Formats that need more than the program has, and precisions that may be refused: made for real, on real images."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import venv
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from engine.errors import ExportError, ExtraError
from engine.exporters.onnx_parts import layers_of_backbone, prepare, robust_layers
from engine.exporters.parity import Parity, refuse_without_parity
from engine.exporters.protocol import FULL_PRECISION
from engine.exporters.registry import FORMATS, exporter
from engine.extras import EXTRAS, is_installed
from engine.images.decode import decode_rgb
from engine.jobs import run_in_foreground
from engine.nn.classifier_graph import classifier_graph
from engine.nn.embed import Embedder
from engine.nn.run_model import load_run_model
from engine.project import Project
from engine.tasks.export import ExportModel
from engine.tasks.install_extra import InstallExtra

WITH_EXTRAS = [name for name, record in FORMATS.items() if record.extra]
HALF = exporter("onnx-fp16").limits
QUARTER = exporter("onnx-int8").limits


def parity(agreement: float, difference: float = 0.05) -> Parity:
    return Parity("onnxruntime 1", 200, agreement, difference, None, 200, 0, 0, 0.05)


def test_fewer_digits_are_refused_below_the_agreement_that_they_promise() -> None:
    assert (HALF.agreement, QUARTER.agreement) == (0.995, 0.99)
    refuse_without_parity(parity(0.995), HALF)
    refuse_without_parity(parity(0.99), QUARTER)
    for found, limits in ((0.99, HALF), (0.985, QUARTER), (float("nan"), QUARTER)):
        with pytest.raises(ExportError, match="of 200 of your images get the same class"):
            refuse_without_parity(parity(found), limits)
    with pytest.raises(ExportError, match="does not predict what the program predicts"):
        refuse_without_parity(parity(1.0, float("nan")), QUARTER)
    with pytest.raises(ExportError, match="does not predict what the program predicts"):
        refuse_without_parity(parity(1.0, 2e-4), FULL_PRECISION)


def test_a_few_images_shown_otherwise_are_allowed_only_with_fewer_digits() -> None:
    shown = replace(parity(0.995), num_shown=200, num_shown_otherwise=2)
    refuse_without_parity(shown, QUARTER)
    with pytest.raises(ExportError, match="2 of 200 images the window shows another class"):
        refuse_without_parity(replace(shown, top1_agreement=1.0, max_abs_diff=1e-6), FULL_PRECISION)


def test_eight_bits_leave_the_first_layers_alone_and_only_layers_of_the_backbone_are_meant(
    trained_project: Project,
) -> None:
    run = trained_project.active_run()
    assert run is not None
    graph = classifier_graph(load_run_model(trained_project.run_dir(run), trained_project.folder))
    prepare(graph)
    layers, robust = layers_of_backbone(graph), robust_layers(graph)
    assert len({node.name for node in graph.graph.node}) == len(graph.graph.node)
    assert robust == layers[-len(robust) :]
    assert 4 <= len(layers) - len(robust) <= 12
    assert all(":backbone/" in name for name in layers)


def test_what_is_missing_is_said_before_anything_is_written(
    trained_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.tasks.export.is_installed", lambda extra: False)
    with pytest.raises(ExtraError, match="needs OpenVINO, which is not installed") as caught:
        run_in_foreground(ExportModel(trained_project, "openvino", tmp_path / "export"))
    assert "59 MB to download, 180 MB on the disk" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def _extras(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A place for what is fetched: GRAFT_EXTRAS, or one that goes with the tests."""
    with pytest.MonkeyPatch.context() as patch:
        if "GRAFT_EXTRAS" not in os.environ:
            patch.setenv("GRAFT_EXTRAS", str(tmp_path_factory.mktemp("extras")))
        yield


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("_extras")
@pytest.mark.parametrize("name", WITH_EXTRAS)
def test_a_format_with_an_extra_is_fetched_written_and_checked(
    trained_project: Project, tmp_path: Path, name: str
) -> None:
    needed = EXTRAS[FORMATS[name].extra]
    if not is_installed(needed):
        try:
            run_in_foreground(InstallExtra(needed.key))
        except ExtraError as err:
            pytest.skip(f"{needed.title} cannot be fetched here: {err}")
    report = run_in_foreground(ExportModel(trained_project, name, tmp_path / "export"))
    if exporter(name).is_deterministic:
        again = run_in_foreground(ExportModel(trained_project, name, tmp_path / "again"))
        for file in again.folder.iterdir():
            assert file.read_bytes() == (report.folder / file.name).read_bytes(), file.name
    document = json.loads((report.folder / "parity.json").read_text())
    if document["unchecked_because"]:
        assert name == "coreml"
        assert platform.system() != "Darwin"
        card = (report.folder / "model_card.md").read_text(encoding="utf-8")
        assert "**Not checked.** Core ML models run on Apple's systems only." in card
        return
    assert document["num_images"] == 27
    assert document["top1_agreement"] == 1.0
    assert 0 <= document["max_abs_diff"] <= 1e-4
    assert 0 <= document["max_unknown_diff"] <= 1e-4


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_eight_bits_on_real_images_agree_or_are_refused(trained_project: Project, tmp_path: Path) -> None:
    try:
        report = run_in_foreground(ExportModel(trained_project, "onnx-int8", tmp_path / "export"))
    except ExportError as err:
        assert "99.0% are needed" in err.message  # noqa: PT017 - either end is right, each with its own signs
        assert list(tmp_path.iterdir()) == []
        return
    assert report.parity.top1_agreement is not None
    assert report.parity.top1_agreement >= 0.99
    full = run_in_foreground(ExportModel(trained_project, "onnx", tmp_path / "full"))
    assert (report.folder / "model.onnx").stat().st_size < 0.4 * (full.folder / "model.onnx").stat().st_size


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", ["onnx", "pt2", "safetensors", "onnx-fp16"])
def test_the_script_runs_where_there_is_nothing_but_its_runtime(
    trained_project: Project, tmp_path: Path, name: str
) -> None:
    report = run_in_foreground(ExportModel(trained_project, name, tmp_path / "export"))
    needs = json.loads((report.folder / "model.json").read_text(encoding="utf-8"))["requirements"]
    # The very build that is here: where it is the small one for processors, pip would take the one with CUDA (4 GB).
    needs = [f"{name}=={version(name)}" if (name := each.split(">")[0]).startswith("torch") else each for each in needs]
    venv.create(tmp_path / "alone", with_pip=True)
    python = tmp_path / "alone" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = [python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *needs]
    fetched = subprocess.run(pip, capture_output=True, text=True, check=False)
    if fetched.returncode != 0:
        pytest.skip(f"pip cannot fetch {', '.join(needs)} here: {fetched.stderr[-200:]}")
    run = trained_project.active_run()
    assert run is not None
    model = load_run_model(trained_project.run_dir(run), trained_project.folder)
    paths = [image.path for image in trained_project.images()[:9]]
    command = [python, "-I", report.folder / "predict.py", *paths]
    said = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", cwd=tmp_path, check=True,
        env={"PYTHONIOENCODING": "utf-8", "PATH": "", "SYSTEMROOT": os.environ.get("SYSTEMROOT", "")},
    )  # fmt: skip
    with Embedder(model.spec, model.weights, model.preprocessing) as embedder:
        for path, line in zip(paths, said.stdout.splitlines(), strict=True):
            features = embedder.embed(decode_rgb(path))[None]
            wanted, score = model.probabilities(features)[0], model.unknown_scores(features)[0]
            _file, class_name, confidence, _score = line.split("\t")
            assert class_name == ("unknown" if score >= 0.95 else model.class_names[wanted.argmax()])
            assert float(confidence) == pytest.approx(wanted.max(), abs=0.05 if "fp16" in name else 2e-4)
    assert sys.executable != str(python)
