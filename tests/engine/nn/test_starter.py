"""Starter as it is shipped: the files belong together, and what it sees is worth something."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from engine.backbones import STARTER_FOLDER, STARTER_KEY, spec
from engine.nn.networks import load_backbone
from engine.nn.onnx_graph import make_session
from engine.nn.starter import EMBEDDING_SIZE, PART_SIZES, SPREAD_BLOCKS, StarterNetwork
from engine.weights import find_weights

MAX_SIZE_BYTES = 6_000_000
NUM_PER_CLASS = 10


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    """The settings beside the weights."""
    document: dict[str, Any] = json.loads((STARTER_FOLDER / "settings.json").read_text(encoding="utf-8"))
    return document


@pytest.fixture(scope="module")
def network() -> StarterNetwork:
    """Starter with its shipped weights, as the program loads it."""
    loaded = load_backbone(spec(STARTER_KEY), find_weights(spec(STARTER_KEY)))
    assert isinstance(loaded, StarterNetwork)
    return loaded


@pytest.fixture(scope="module")
def session() -> ort.InferenceSession:
    """The shipped graph."""
    return make_session(STARTER_FOLDER / "starter.onnx", num_threads=2)  # its threads sleep while they wait


@pytest.mark.parametrize("name", ["starter.safetensors", "starter.onnx"])
def test_each_file_has_the_hash_in_the_settings(settings: dict[str, Any], name: str) -> None:
    """A file replaced without the other, or without the measured figures, is noticed."""
    assert hashlib.sha256((STARTER_FOLDER / name).read_bytes()).hexdigest() == settings["sha256"][name]


def test_no_file_is_larger_than_six_megabytes() -> None:
    """It travels with every copy of the program."""
    assert max(file.stat().st_size for file in STARTER_FOLDER.iterdir()) <= MAX_SIZE_BYTES


def test_the_catalogue_states_what_the_settings_state(settings: dict[str, Any]) -> None:
    """The record of the built-in backbone is made from the file that lies beside the weights."""
    record = spec(STARTER_KEY)
    assert (record.embedding_size, record.input_size_px) == (EMBEDDING_SIZE, settings["input_size_px"])
    assert record.size_bytes == (STARTER_FOLDER / "starter.safetensors").stat().st_size


def test_the_graph_computes_what_torch_computes(network: StarterNetwork, session: ort.InferenceSession) -> None:
    """Both read the same half-precision numbers, so only the order of additions differs."""
    pictures = torch.randn(3, 3, 160, 160, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = network(pictures).numpy()
    got = session.run(["embedding"], {"input": pictures.numpy()})[0]
    assert got.shape == (3, EMBEDDING_SIZE)
    assert np.abs(got - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("shape", [(1, 3, 128, 128), (2, 3, 224, 160), (1, 3, 150, 201)])
def test_the_graph_takes_any_number_and_size_of_pictures(
    network: StarterNetwork, session: ort.InferenceSession, shape: tuple[int, ...]
) -> None:
    """Also sizes that are no multiple of 32, where strides and pooling must round alike."""
    pictures = np.random.default_rng(0).standard_normal(shape, np.float32)
    with torch.inference_mode():
        expected = network(torch.from_numpy(pictures)).numpy()
    got = session.run(["embedding"], {"input": pictures})[0]
    assert np.abs(got - expected).max() <= 1e-4 * np.abs(expected).max()


def test_the_embedding_is_the_mean_of_the_feature_map(network: StarterNetwork, session: ort.InferenceSession) -> None:
    """Class activation maps rely on it, in torch and in the graph."""
    pictures = np.random.default_rng(1).standard_normal((2, 3, 160, 160), np.float32)
    embedding, feature_map = session.run(["embedding", "feature_map"], {"input": pictures})
    np.testing.assert_allclose(feature_map.mean((2, 3)), embedding, rtol=1e-4, atol=1e-5)
    with torch.inference_mode():
        features = network.forward_features(torch.from_numpy(pictures))
    np.testing.assert_allclose(features.numpy(), feature_map, rtol=1e-3, atol=1e-3 * feature_map.max())


@pytest.mark.parametrize("side_px", [128, 150])
def test_the_description_is_the_last_mean_and_three_spreads(network: StarterNetwork, side_px: int) -> None:
    """Nearly so where the finest map has an odd side: the cells at its rim then count more."""
    pictures = torch.randn(2, 3, side_px, side_px, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        maps, x = [], network.stem(pictures)
        for block in network.blocks:
            x = block(x)
            maps.append(x)
        got = network.descriptor(pictures).mean((2, 3)).split(PART_SIZES, 1)
    torch.testing.assert_close(got[0], maps[-1].mean((2, 3)))
    for part, index in zip(got[1:], SPREAD_BLOCKS, strict=True):
        spread = maps[index].std((2, 3), correction=0)
        is_exact = part.shape[1] == maps[-1].shape[1] or side_px == 128
        torch.testing.assert_close(part, spread, rtol=1e-3 if is_exact else 0.3, atol=2e-3 if is_exact else 0.1)


def test_the_graph_passes_the_full_check() -> None:
    """Other runtimes read it too."""
    onnx.checker.check_model(onnx.load(STARTER_FOLDER / "starter.onnx"), full_check=True)


def test_the_embedding_of_a_black_picture_is_finite(network: StarterNetwork) -> None:
    """A constant picture is where careless normalisation divides by zero."""
    with torch.inference_mode():
        assert torch.isfinite(network(torch.full((1, 3, 160, 160), -2.0))).all()


@pytest.mark.parametrize(("name", "at_least"), [("steel_neu", 0.88), ("caltech59", 0.55)])
def test_a_linear_head_on_it_is_far_better_than_chance(
    session: ort.InferenceSession, shared_data: Path, name: str, at_least: float
) -> None:
    """Ten pictures per class to learn from, up to ten others of each to be judged by; chance is .17 and .02."""
    side_px = spec(STARTER_KEY).input_size_px
    train: list[tuple[NDArray[np.float32], int]] = []
    test: list[tuple[NDArray[np.float32], int]] = []
    folders = sorted(folder for folder in (shared_data / name).iterdir() if folder.is_dir())
    for target, folder in enumerate(folders):
        for position, file in enumerate(sorted(folder.iterdir())[: 2 * NUM_PER_CLASS]):
            embedding = session.run(["embedding"], {"input": _normalised(file, side_px)})[0][0]
            (train if position % 2 else test).append((embedding / np.linalg.norm(embedding), target))
    with threadpool_limits(1, user_api="blas"):  # threads that spin make this many times slower on a busy machine
        head = LogisticRegression(C=30, max_iter=1000).fit(*_columns(train))
    assert head.score(*_columns(test)) >= at_least


def _columns(rows: list[tuple[NDArray[np.float32], int]]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    return np.stack([embedding for embedding, _ in rows]), np.array([target for _, target in rows])


def _normalised(file: Path, side_px: int) -> NDArray[np.float32]:
    record = spec(STARTER_KEY)
    picture = Image.open(file).convert("RGB").resize((side_px, side_px), Image.Resampling.BILINEAR)
    pixels = np.asarray(picture, np.float32) / 255
    normalised = (pixels - np.float32(record.mean)) / np.float32(record.std)
    return normalised.transpose(2, 0, 1)[None]
