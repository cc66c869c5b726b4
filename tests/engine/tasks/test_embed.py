"""Embeddings are computed once for each content, survive cancels and lost caches, and never stop at a broken image."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.backbones import spec
from engine.domain import ImageStatus
from engine.errors import BackboneError
from engine.events import EmbeddingsAdded, Event
from engine.images.decode import decode_rgb
from engine.job import CancelledError, QuietContext
from engine.nn.embed import Embedder
from engine.project import Project
from engine.tasks import embed
from engine.tasks.embed import CHANGED_REASON, ComputeEmbeddings, open_source
from engine.weights import find_weights

BACKBONE = "squeezenet1_1"


class Recorder(QuietContext):
    """Records what a job says, and cancels after so many embedded images."""

    def __init__(self, cancel_after: int | None = None) -> None:
        self.cancel_after = cancel_after
        self.num_added = 0
        self.progressed: list[tuple[int, int]] = []

    def checkpoint(self) -> None:
        if self.cancel_after is not None and self.num_added >= self.cancel_after:
            raise CancelledError

    def progress(self, done: int, total: int, note: str = "") -> None:
        self.progressed.append((done, total))

    def emit(self, event: Event) -> None:
        assert isinstance(event, EmbeddingsAdded)
        self.num_added += event.num_images


def num_embedded(project: Project) -> int:
    source = open_source(project, BACKBONE)
    rows = source.rows_of(project, (image.content_hash for image in project.images()))
    return int((rows >= 0).sum())


def test_every_image_is_embedded_once_and_then_cached(make_project: Callable, steel: Path, run_job: Callable) -> None:
    project, recorder = make_project(steel), Recorder()
    report = run_job(ComputeEmbeddings(project, BACKBONE), recorder)

    assert (report.num_embedded, report.num_cached, report.failed) == (24, 0, [])
    assert recorder.num_added == 24
    assert recorder.progressed[-1] == (24, 24)
    again = run_job(ComputeEmbeddings(project, BACKBONE))
    assert (again.num_embedded, again.num_cached) == (0, 24)


def test_cached_embeddings_are_those_of_the_picture_alone(
    make_project: Callable, steel: Path, run_job: Callable
) -> None:
    project = make_project(steel)
    run_job(ComputeEmbeddings(project, BACKBONE))
    source = open_source(project, BACKBONE)
    image = project.images()[17]
    cached = source.file.read(source.rows_of(project, [image.content_hash]))[0]

    with Embedder(spec(BACKBONE), find_weights(spec(BACKBONE)), num_threads=1) as embedder:
        alone = embedder.embed(decode_rgb(image.path))
    np.testing.assert_allclose(cached, alone, atol=1e-5)
    assert np.linalg.norm(cached) == pytest.approx(1.0, abs=1e-5)


def test_copies_of_a_picture_are_embedded_once(make_project: Callable, steel: Path, run_job: Callable) -> None:
    shutil.copy2(next((steel / "crazing").iterdir()), steel / "patches" / "copy.jpg")
    project = make_project(steel)
    assert run_job(ComputeEmbeddings(project, BACKBONE)).num_embedded == 24
    assert num_embedded(project) == 25


def test_only_the_images_asked_for_are_embedded(make_project: Callable, steel: Path, run_job: Callable) -> None:
    project = make_project(steel)
    wanted = [image.id for image in project.images()][5:9]
    assert run_job(ComputeEmbeddings(project, BACKBONE, wanted)).num_embedded == 4
    assert num_embedded(project) == 4


def test_a_cancelled_job_keeps_the_blocks_it_finished(
    make_project: Callable, steel: Path, run_job: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed, "_BLOCK_SIZE", 8)
    monkeypatch.setattr("engine.nn.embed.BATCH_SIZE", 4)
    project = make_project(steel)
    with pytest.raises(CancelledError):
        run_job(ComputeEmbeddings(project, BACKBONE), Recorder(cancel_after=8))
    assert num_embedded(project) == 8

    assert run_job(ComputeEmbeddings(project, BACKBONE)).num_embedded == 16


def test_broken_missing_and_changed_images_are_named_and_the_rest_goes_on(
    make_project: Callable, steel: Path, run_job: Callable
) -> None:
    project = make_project(steel)
    truncated, missing, changed = project.images()[:3]
    state = truncated.path.stat()
    data = bytearray(truncated.path.read_bytes())
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    truncated.path.write_bytes(data)
    os.utime(truncated.path, ns=(state.st_atime_ns, state.st_mtime_ns))
    missing.path.unlink()
    shutil.copyfile(project.images()[10].path, changed.path)

    report = run_job(ComputeEmbeddings(project, BACKBONE))

    assert report.num_embedded == 21
    assert {name for name, _ in report.failed} == {truncated.name, missing.name, changed.name}
    assert dict(report.failed)[changed.name] == CHANGED_REASON
    found = {image.id: image for image in project.images()}
    assert found[truncated.id].status == ImageStatus.UNREADABLE
    assert found[truncated.id].reason
    assert found[missing.id].status == ImageStatus.MISSING


def test_images_of_a_folder_that_went_away_are_not_called_missing(
    make_project: Callable, steel: Path, run_job: Callable
) -> None:
    """Missing images take no part in trainings: a drive that was unplugged must not empty a project."""
    project = make_project(steel)
    away = steel.rename(steel.with_name("away"))

    report = run_job(ComputeEmbeddings(project, BACKBONE))

    assert len(report.failed) == 24
    assert {image.status for image in project.images()} == {ImageStatus.READABLE}
    away.rename(steel)
    assert run_job(ComputeEmbeddings(project, BACKBONE)).num_embedded == 24


def test_an_embedding_that_is_not_finite_is_refused_and_its_image_named(
    make_project: Callable, steel: Path, run_job: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(steel)
    plain = Embedder._embeddings_of

    def poisoned(self: Embedder, outputs: np.ndarray) -> np.ndarray:
        rows = plain(self, outputs)
        rows[0, 0] = np.inf
        return rows

    monkeypatch.setattr(Embedder, "_embeddings_of", poisoned)
    report = run_job(ComputeEmbeddings(project, BACKBONE))
    assert [reason for _, reason in report.failed] == ["The network gives no finite embedding for it."] * 2
    assert num_embedded(project) == 22


def test_a_deleted_cache_is_filled_again(make_project: Callable, steel: Path, run_job: Callable) -> None:
    project = make_project(steel)
    run_job(ComputeEmbeddings(project, BACKBONE))
    shutil.rmtree(project.cache_dir / "features")
    assert run_job(ComputeEmbeddings(project, BACKBONE)).num_embedded == 24
    assert num_embedded(project) == 24


def test_a_backbone_without_weights_is_a_sentence(make_project: Callable, steel: Path, run_job: Callable) -> None:
    with pytest.raises(BackboneError, match="not on this machine"):
        run_job(ComputeEmbeddings(make_project(steel), "resnet18"))


def test_the_looks_chosen_for_a_project_are_those_its_images_get(
    make_project: Callable, steel: Path, run_job: Callable
) -> None:
    project = make_project(steel)
    assert open_source(project, BACKBONE).preprocessing.views == ("whole", "centre")
    run_job(ComputeEmbeddings(project, BACKBONE))
    project.set_views_preset("fast")
    assert open_source(project, BACKBONE).preprocessing.views == ("whole",)
    assert num_embedded(project) == 0
    assert run_job(ComputeEmbeddings(project, BACKBONE)).num_embedded == 24
    project.set_views_preset("balanced")
    assert num_embedded(project) == 24
    project.set_views_preset("of a newer version")
    assert num_embedded(project) == 24


def test_a_network_taken_over_from_another_model_embeds_under_its_own_name(
    make_project: Callable, steel: Path, run_job: Callable, tmp_path: Path
) -> None:
    import json

    from safetensors.torch import save_file

    from engine.nn.networks import EXPORTED_PREFIX, load_backbone
    from engine.own_backbones import take

    export = tmp_path / "line 2"
    export.mkdir()
    state = load_backbone(spec(BACKBONE), find_weights(spec(BACKBONE))).state_dict()
    save_file(
        {EXPORTED_PREFIX + name: value.contiguous() for name, value in state.items()}, export / "model.safetensors"
    )
    (export / "model.json").write_text(json.dumps({"backbone": {"key": BACKBONE}}))
    project = make_project(steel)
    own = take(export, project.folder)

    ids = [image.id for image in project.images()][:3]
    assert run_job(ComputeEmbeddings(project, own.key, ids)).num_embedded == 3
    assert run_job(ComputeEmbeddings(project, BACKBONE, ids)).num_embedded == 3
    hashes = [image.content_hash for image in project.images()][:3]
    rows = [
        source.file.read(source.rows_of(project, hashes))
        for source in (open_source(project, own.key), open_source(project, BACKBONE))
    ]
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-5)


def test_a_gpu_that_fails_is_said_in_progress_and_report(
    make_project: Callable, steel: Path, run_job: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.nn import embed as nn_embed
    from engine.nn import forward
    from engine.nn.device import Device, DeviceKind

    class Broken:
        def start(self, _views: np.ndarray) -> Callable[[], np.ndarray]:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(forward, "_GpuEngine", lambda *_: Broken())
    monkeypatch.setattr(forward, "free_memory_bytes", lambda _: 1 << 34)
    monkeypatch.setattr(nn_embed, "choose_device", lambda: Device(DeviceKind.CUDA, "Pretend GPU", "cuda:0", True))
    notes: list[str] = []
    recorder = Recorder()
    monkeypatch.setattr(recorder, "progress", lambda done, total, note="": notes.append(note))
    report = run_job(ComputeEmbeddings(make_project(steel), BACKBONE), recorder)
    assert report.num_embedded == 24
    assert "Pretend GPU failed" in report.notes[0]
    assert "the GPU failed, so the processor does it" in notes[-1]


def test_the_speed_of_this_machine_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine import speeds

    speeds.note("a", "the processor", 100, 2, 4.0)
    speeds.note("a", "the processor", 100, 2, 8.0)  # the machine was busy
    speeds.note("b", "the processor", 5, 2, 1.0)  # too few to say
    assert speeds.views_per_second() == {"a": 50.0}
    speeds.note("a", "Pretend GPU", 100, 2, 8.0)  # another device: what it does now counts
    assert speeds.views_per_second() == {"a": 25.0}
    speeds._file().write_text("[1]")
    assert speeds.views_per_second() == {}
