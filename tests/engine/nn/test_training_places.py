"""Where a network is trained: in parts when memory is short, elsewhere when a GPU fails, in several processes at once.

There is no GPU here: stand-ins fail as one would, and two processes on the processor stand for two devices.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engine.backbones import STARTER_KEY, spec
from engine.errors import TrainingError
from engine.nn import device, fine_tune
from engine.nn.activations import keep_activations
from engine.nn.augmentation import AUGMENTATIONS, MIRRORED, PRESETS, STRONG, VARIED
from engine.nn.device import CPU, Device, DeviceFailedError, DeviceKind, Place, choose_devices
from engine.nn.fine_tune import FineTuning
from engine.nn.head import Head
from engine.nn.material import Material, Recipe
from engine.nn.network_depths import NetworkDepths
from engine.nn.team import start_team
from engine.nn.variants import draw, vary
from engine.weights import find_weights

NUM_IMAGES, NUM_CLASSES, SIZE = 36, 3, 8
ROWS = np.arange(NUM_IMAGES)
GPU = Device(DeviceKind.MPS, "Pretend GPU", "cpu")
"""Runs on the processor under another name, so that everything but its failures is real."""


def nothing() -> None:
    return


class Layers(nn.Module):
    """Small layers that fail as they are told: with more than `room_for` images, or `error` from call `fails_at` on."""

    room_for, fails_at, calls = 10_000, -1, 0
    error: Exception = RuntimeError("unspecified launch failure")

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inner = nn.Sequential(nn.Conv2d(4, SIZE, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())

    def forward(self, x: Tensor) -> Tensor:
        Layers.calls += 1
        if len(x) > Layers.room_for:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        if 0 <= Layers.fails_at < Layers.calls:
            Layers.fails_at = -1
            raise Layers.error
        found: Tensor = self.inner(x)
        return found


@pytest.fixture(autouse=True)
def _healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("room_for", 10_000), ("fails_at", -1), ("calls", 0)):
        monkeypatch.setattr(Layers, name, value)
    monkeypatch.setattr(device, "forget_cached_memory", lambda _: None)


@pytest.fixture
def material() -> Material:
    rng = np.random.default_rng(0)
    targets = ROWS % NUM_CLASSES
    inputs = rng.standard_normal((NUM_IMAGES, 2, 4, 6, 6)).astype(np.float16)
    inputs[ROWS, :, targets] += 1
    goals = np.eye(NUM_CLASSES, dtype=np.float32)[targets]
    return Material(inputs, goals, np.ones(NUM_IMAGES, np.float32), 1)


def head_of(size: int) -> Head:
    zeros = np.zeros(size, np.float32)
    return Head(zeros, zeros + 1, np.zeros((NUM_CLASSES, size), np.float32), np.zeros(NUM_CLASSES, np.float32))


def trained(material: Material, place: Place, num_epochs: int = 3) -> tuple[FineTuning, np.ndarray]:
    recipe = Recipe(epochs=4, batch_size=12, learning_rate=0.02, head_learning_rate=0.1)
    training = FineTuning(Layers(), head_of(SIZE), material, recipe, place)
    while training.epoch < num_epochs:
        training.run_epoch(ROWS, nothing)
    return training, training.logits(ROWS, nothing)


def test_too_little_memory_halves_the_part_of_the_batch_and_trains_the_same(material: Material) -> None:
    _, expected = trained(material, Place(CPU, torch.float32))
    Layers.room_for = 5
    place = Place(GPU, torch.float32)
    training, found = trained(material, place)
    assert place.portion == 3
    assert training.place.device == GPU
    assert not place.notes
    np.testing.assert_allclose(found, expected, atol=5e-3)  # Adam's first steps make much of rounding


def test_the_gradients_of_the_parts_of_a_batch_add_up_to_those_of_the_whole(material: Material) -> None:
    training, _ = trained(material, Place(CPU, torch.float32), num_epochs=1)
    found = []
    for portion in (100, 5):
        training.place.portion = portion
        draw_, part = training._draw(ROWS[:12], 7)
        loss = training._compute_gradients(draw_, part)
        found.append((loss, [each.grad.clone() for each in training._parameters if each.grad is not None]))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    for whole, parts in zip(found[0][1], found[1][1], strict=True):
        torch.testing.assert_close(whole, parts, atol=1e-6, rtol=1e-4)


def test_a_gpu_that_fails_in_the_middle_hands_over_and_nothing_that_was_learned_is_lost(material: Material) -> None:
    _, expected = trained(material, Place(CPU, torch.float32))
    Layers.fails_at = Layers.calls + 5
    place = Place(GPU, torch.float32)
    training, found = trained(material, place)
    assert training.place.device == CPU
    assert place.notes == ["Pretend GPU failed (unspecified launch failure); the processor went on with the training."]
    assert training.epoch == 3
    assert len(training.losses) == 3
    np.testing.assert_allclose(found, expected, atol=5e-3 if place.precision == torch.float32 else 0.2)


def test_a_gpu_that_fails_while_images_are_judged_hands_over(material: Material) -> None:
    training, expected = trained(material, Place(GPU, torch.float32))
    Layers.fails_at = Layers.calls
    found = training.logits(ROWS, nothing)
    assert training.place.device == CPU
    np.testing.assert_allclose(found, expected, atol=1e-4 if training.place.precision == torch.float32 else 0.2)


def test_a_gpu_without_room_for_one_image_hands_over(material: Material) -> None:
    place = Place(GPU, torch.float32)
    with pytest.raises(DeviceFailedError):
        place.make_room(torch.OutOfMemoryError("out of memory"), 1)
    assert place.device == CPU
    assert "Pretend GPU failed" in place.notes[0]


def test_a_processor_without_room_for_one_image_is_a_sentence(
    material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_self: object, _x: Tensor) -> Tensor:
        raise MemoryError

    monkeypatch.setattr(Layers, "forward", refuse)
    with pytest.raises(TrainingError, match="too little memory"):
        trained(material, Place(CPU, torch.float32))


def test_any_other_error_on_the_processor_is_not_hidden(material: Material) -> None:
    Layers.fails_at = 0
    with pytest.raises(RuntimeError, match="launch failure"):
        trained(material, Place(CPU, torch.float32))


def test_a_training_begun_on_one_device_goes_on_on_another(material: Material, tmp_path: Path) -> None:
    training, _ = trained(material, Place(GPU, torch.float32), num_epochs=1)
    training.save(tmp_path / "state.safetensors")
    _, expected = trained(material, Place(CPU, torch.float32))
    recipe = training.recipe
    resumed = FineTuning(Layers(), head_of(SIZE), material, recipe, Place(CPU, torch.float32))
    resumed.restore(tmp_path / "state.safetensors")
    while resumed.epoch < 3:
        resumed.run_epoch(ROWS, nothing)
    np.testing.assert_allclose(resumed.logits(ROWS, nothing), expected, atol=5e-3)


def test_activations_are_kept_in_smaller_parts_and_then_by_the_processor(tmp_path: Path) -> None:
    views = {Path(str(index)): np.full((2, 4, 6, 6), index / 10, np.float32) for index in range(10)}
    layers = Layers().eval()
    expected = np.empty((10, 2, SIZE), np.float16)
    keep_activations(layers, views.__getitem__, list(views), expected, Place(CPU, torch.float32), lambda _: None)
    Layers.room_for, Layers.fails_at = 5, Layers.calls + 6
    place, kept = Place(GPU, torch.float32), np.empty((10, 2, SIZE), np.float16)
    failed = keep_activations(layers, views.__getitem__, list(views), kept, place, lambda _: None)
    assert not failed
    assert place.device == CPU
    np.testing.assert_allclose(kept, expected, atol=1e-2)


def test_several_devices_are_of_one_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = [Device(DeviceKind.CUDA, f"GPU {index}", f"cuda:{index}") for index in range(3)]
    monkeypatch.setattr(device, "gpus", lambda: [*cuda, GPU])
    assert choose_devices("auto", 2) == cuda[:2]
    assert choose_devices("cuda:1", 8) == [cuda[1], cuda[0], cuda[2]]
    assert choose_devices("cpu", 2) == [CPU, CPU]


# ------------------------------------------------------------------------------------------------ variants of batches


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_a_batch_is_varied_by_chance_and_equal_chances_give_equal_pictures(name: str) -> None:
    pictures = torch.randn(6, 3, 16, 16)
    one, two = (vary(pictures, draw(PRESETS[name], np.random.default_rng(3), 6)) for _ in range(2))
    torch.testing.assert_close(one, two)
    assert one.shape == pictures.shape
    assert torch.isfinite(one).all()
    is_same = [torch.equal(a, b) for a, b in zip(one, pictures, strict=True)]
    is_mirrored = [torch.equal(a, b.flip(-1)) for a, b in zip(one, pictures, strict=True)]
    if name == MIRRORED:
        assert all(a or b for a, b in zip(is_same, is_mirrored, strict=True))
        assert 0 < sum(is_mirrored) < 6
    elif name in (VARIED, STRONG):
        assert not any(is_same)


# -------------------------------------------------------------------------------------------------- several processes


def starter_material(shape: tuple[int, ...], folder: Path) -> Material:
    rng = np.random.default_rng(0)
    file = folder / "inputs.npy"
    inputs = np.lib.format.open_memmap(file, "w+", np.float16, (24, 2, *shape))
    inputs[:] = np.maximum(rng.standard_normal(inputs.shape), 0)
    inputs.flush()
    goals = np.eye(NUM_CLASSES, dtype=np.float32)[np.arange(24) % NUM_CLASSES]
    return Material(np.load(file, mmap_mode="r"), goals, np.ones(24, np.float32), 1)


def test_two_processes_train_what_one_trains(tmp_path: Path) -> None:
    record = spec(STARTER_KEY)
    weights = find_weights(record)
    network = NetworkDepths(record, weights)
    _, upper, shape = network.parts("partial")
    material, rows = starter_material(shape, tmp_path), np.arange(24)
    head, recipe = head_of(record.embedding_size), Recipe(epochs=2, batch_size=7)

    def train(team: object) -> tuple[FineTuning, np.ndarray]:
        training = FineTuning(upper, head, material, recipe, Place(CPU, torch.float32), team)  # type: ignore[arg-type]
        while training.epoch < 2:
            training.run_epoch(rows, nothing)
        return training, training.logits(rows, nothing)

    _, alone = train(None)
    team = start_team(record, weights, "partial", torch.float32, [CPU, CPU], 1)
    try:
        training, together = train(team)
        assert np.abs(alone).max() > 0
        np.testing.assert_allclose(together, alone, atol=2e-3 * np.abs(alone).max())
        # One that dies does not end the training: the first process goes on alone.
        team._peers[0].kill()
        training.run_epoch(rows, nothing)
        assert training.team is None
        assert "went on alone" in training.place.notes[0]
    finally:
        team.close()


def test_the_other_process_of_a_graph_is_started_by_the_program_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from engine import helper_process

    asked: list[list[str]] = []
    monkeypatch.setattr(helper_process.subprocess, "Popen", lambda command, **_: asked.append(command))
    helper_process.start_helper(helper_process.MAKE_GRAPH, json.dumps({}))
    assert asked[0][1].endswith("main.py")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    helper_process.start_helper(helper_process.MAKE_GRAPH, json.dumps({}))
    assert asked[1] == [sys.executable, "--helper", "make-graph", "{}"]


def test_the_device_module_alone_names_devices() -> None:
    """Everything else asks it, so that a new kind of device is one change."""
    folder = Path(fine_tune.__file__).parent
    allowed = {"device.py", "team.py", "forward.py"}
    for file in folder.glob("*.py"):
        if file.name not in allowed:
            assert "torch.cuda" not in file.read_text(encoding="utf-8"), file.name
