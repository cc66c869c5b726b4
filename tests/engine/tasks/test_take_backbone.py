"""A network taken over from an export: what ONNX holds is what safetensors holds, and training goes on from it."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import onnx
import pytest
import torch

from engine.backbones import spec
from engine.errors import BackboneError
from engine.jobs import run_in_foreground
from engine.nn.fx_export import export_convolutional
from engine.nn.graph_weights import GRAPH_PREFIX, weights_of_graph
from engine.nn.networks import load_backbone, make_backbone
from engine.project import Project
from engine.tasks.export import ExportModel
from engine.tasks.scan import ScanFolder
from engine.tasks.take_backbone import take_backbone
from engine.tasks.train import retrain_jobs
from engine.tasks.train_snapshot import TrainSettings
from engine.weights import find_weights


@pytest.fixture
def trained(tiny_images: Path, tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "first") as project:
        run_in_foreground(ScanFolder(project, tiny_images, True))
        for job in retrain_jobs(project, TrainSettings("starter")):
            run_in_foreground(job)
        yield project


@pytest.mark.parametrize("key", ["squeezenet1_1", "mobilenet_v3_small", "mobilenet_v2"])
def test_weights_read_from_a_graph_compute_what_the_network_computes(key: str, shared_weights: Path) -> None:
    record = spec(key)
    network = load_backbone(record, find_weights(record, None))
    graph = export_convolutional(network, record.input_size_px, record.embedding_size)
    state = weights_of_graph(record, onnx.compose.add_prefix(graph, GRAPH_PREFIX), "model.onnx")
    rebuilt = make_backbone(record).to_empty(device="cpu")
    rebuilt.load_state_dict(state, assign=True)
    pictures = torch.randn(2, 3, record.input_size_px, record.input_size_px, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected, found = network(pictures), rebuilt.eval()(pictures)
    assert (expected - found).abs().max() <= 1e-5 * expected.abs().max()


def test_a_graph_of_another_network_or_precision_is_refused(shared_weights: Path) -> None:
    record = spec("squeezenet1_1")
    graph = export_convolutional(
        load_backbone(record, find_weights(record, None)), record.input_size_px, record.embedding_size
    )
    prefixed = onnx.compose.add_prefix(graph, GRAPH_PREFIX)
    with pytest.raises(BackboneError, match="MobileNet"):
        weights_of_graph(spec("mobilenet_v3_small"), prefixed, "model.onnx")
    prefixed.graph.initializer.pop()
    with pytest.raises(BackboneError, match="safetensors"):
        weights_of_graph(record, prefixed, "model.onnx")


def test_training_goes_on_from_an_onnx_export(
    trained: Project, tiny_images: Path, tmp_path: Path, run_job: Callable
) -> None:
    run_in_foreground(ExportModel(trained, "onnx", tmp_path / "Line 2"))
    with Project.create(tmp_path / "second") as project:
        record = take_backbone(tmp_path / "Line 2", project.folder)
        assert record.key.startswith("own:Line_2-")
        assert "Line 2" in record.display_name
        run_in_foreground(ScanFolder(project, tiny_images, True))
        for job in retrain_jobs(project, TrainSettings(record.key)):
            run_in_foreground(job)
        run = project.active_run()
        assert run is not None
        assert run.backbone == record.key
        first = trained.active_run()
        assert first is not None
        # The same network on the same images: the same figures but for the last digits.
        assert run.validation.log_loss == pytest.approx(first.validation.log_loss, rel=0.05)


@pytest.mark.parametrize("name", ["model.pt", "model.pt2", "weights.ckpt", "model.onnx", "model.safetensors"])
def test_hostile_files_are_no_starting_point(name: str, tmp_path: Path) -> None:
    bomb = tmp_path / "exploded"

    (tmp_path / "model").mkdir()
    (tmp_path / "model" / name).write_bytes(_pickled(bomb))
    for source in (tmp_path / "model" / name, tmp_path / "model"):
        with pytest.raises(BackboneError) as refused:
            take_backbone(source, tmp_path / "project")
        assert refused.value.hint
    assert not bomb.exists()
    assert not (tmp_path / "project").exists()


def test_a_damaged_export_is_no_starting_point(trained: Project, tmp_path: Path) -> None:
    run_in_foreground(ExportModel(trained, "onnx", tmp_path / "export"))
    file = tmp_path / "export" / "model.onnx"
    data = file.read_bytes()
    for spoilt in (data[: len(data) // 2], b"", data.replace(b"Graft", b"Gruft")):
        file.write_bytes(spoilt)
        with pytest.raises(BackboneError):
            take_backbone(tmp_path / "export", tmp_path / "project")
    shutil.rmtree(tmp_path / "export")
    with pytest.raises(BackboneError):
        take_backbone(tmp_path / "export", tmp_path / "project")


class _Bomb:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.target,))


def _pickled(target: Path) -> bytes:
    return pickle.dumps(_Bomb(target))
