"""A project with a trained run on real images and a real network, made once for all exporter tests."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.backbones import spec
from engine.domain import NewImage, Run, Validation
from engine.evaluation.unknown import fit_unknown
from engine.images.hashing import content_hash
from engine.nn.embed import Embedder
from engine.nn.head import Head, probabilities_of
from engine.nn.run_model import write_head, write_unknown
from engine.project import Project
from engine.weights import file_sha256, find_weights

CLASSES = ["crazing", "patches", "rolled-in scale | Füße"]
PER_CLASS = 8


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One user folder for all tests here, so that the backbone's graph is made once."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(autouse=True)
def _same_data_folder(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAFT_DATA", str(data_folder))


@pytest.fixture(scope="session")
def trained_project(shared: Path, data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Three classes of steel_neu, and three odd pictures: rotated by EXIF, transparent, 16-bit."""
    root = tmp_path_factory.mktemp("export")
    weights_folder = root / "project" / "weights"
    weights_folder.mkdir(parents=True)
    shutil.copy(next((shared / "weights").glob("mobilenet_v2-*.pth")), weights_folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAFT_DATA", str(data_folder))
        files, targets = _gather(shared / "data" / "steel_neu", root / "images")
        with Project.create(root / "project", "Steel") as project:
            _add(project, root / "images", files)
            _add_run(project, root / "images", files, targets)
            yield project


def _gather(source: Path, folder: Path) -> tuple[list[str], list[int]]:
    names, targets = [], []
    folder.mkdir()
    for target, name in enumerate(["crazing", "patches", "rolled-in_scale"]):
        for file in sorted((source / name).iterdir())[:PER_CLASS]:
            shutil.copy(file, folder / file.name)
            names.append(file.name)
            targets.append(target)
    with Image.open(folder / names[0]) as picture:
        rgb = picture.convert("RGB").resize((300, 200))
    exif = Image.Exif()
    exif[274] = 6
    rgb.save(folder / "rotated.jpg", exif=exif, quality=90)
    transparent = rgb.convert("RGBA")
    transparent.putalpha(Image.linear_gradient("L").resize(rgb.size))
    transparent.save(folder / "transparent.png")
    grey = np.asarray(rgb.convert("L")).astype(np.uint16) * 16 + 300
    Image.fromarray(grey).save(folder / "deep.png")
    return [*names, "rotated.jpg", "transparent.png", "deep.png"], [*targets, 0, 1, 2]


def _add(project: Project, folder: Path, names: list[str]) -> None:
    root = project.add_root(folder)
    images = []
    for name in names:
        state = (folder / name).stat()
        images.append(NewImage(name.encode(), content_hash(folder / name), state.st_size, state.st_mtime_ns))
    project.add_images(root, images)


def _add_run(project: Project, folder: Path, names: list[str], targets: list[int]) -> None:
    backbone = spec("mobilenet_v2")
    weights = find_weights(backbone, project.folder)
    with Embedder(backbone, weights) as embedder:
        features = np.concatenate([block.features for block in embedder.blocks([folder / name for name in names])])
        preprocessing = embedder.preprocessing
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-3
    standard = (features - mean) / scale
    wanted = np.eye(len(CLASSES))[targets] * 4 - 2
    kernel = standard @ standard.T + 50 * np.eye(len(standard))
    weight = (standard.T @ np.linalg.solve(kernel, wanted)).T
    run_folder = project.models_dir / "run-0001"
    run_folder.mkdir()
    head = Head(*(a.astype(np.float32) for a in (mean, scale, weight, np.zeros(len(CLASSES)))), temperature=0.7)
    write_head(run_folder / "head.safetensors", head)
    folds = np.arange(len(names)) % 3
    unknown = fit_unknown(features, np.array(targets), folds, head.logits(features), head.mean, head.scale)
    assert unknown is not None
    write_unknown(run_folder / "unknown.safetensors", unknown.detector)
    np.savez(run_folder / "labels.npz", image_ids=np.arange(len(names)), targets=np.array(targets))
    probabilities = probabilities_of(head.logits(features.astype(np.float16)), head.temperature)
    np.savez(
        run_folder / "predictions.npz",
        image_ids=[image.id for image in project.images()],
        class_ids=[3, 2, 1],
        probabilities=probabilities[:, ::-1].astype(np.float16),
        unknown_scores=unknown.detector.scores(features, head.logits(features)),
    )
    document = {
        "backbone": backbone.key,
        "backbone_spec": backbone.to_document(),
        "class_names": CLASSES,
        "class_ids": [1, 2, 3],
        "preprocessing": preprocessing.to_document(),
        "weights_hash": file_sha256(weights),
    }
    (run_folder / "run.json").write_text(json.dumps(document))
    per_class = [{"class": name, "precision": 0.9, "recall": 0.8, "f1": 0.85, "support": 9} for name in CLASSES]
    project.add_run(
        Run(
            id=1,
            created_at=1_790_000_000.0,
            backbone=backbone.key,
            weights_hash=file_sha256(weights),
            depth="head",
            seed=0,
            folder="run-0001",
            class_ids=[1, 2, 3],
            class_names=CLASSES,
            num_images=len(names),
            last_step=1,
            validation=Validation("5-fold", 0.9, (0.7, 0.97), 0.88, 0.3, 0.05, per_class, [[8, 1, 0]] * 3),
            seconds={},
            settings={},
            is_active=True,
            unknown=unknown.document(probabilities.max(axis=1)),
            labels_hash="5eed" * 8,
        )
    )
