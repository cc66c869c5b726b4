"""Training layers is repeatable, can be stopped anywhere, and survives a loss that gets out of hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.backbones import STARTER_KEY, spec
from engine.errors import TrainingError
from engine.job import CancelledError
from engine.nn.device import CPU, Place
from engine.nn.fine_tune import FineTuning
from engine.nn.head import Head
from engine.nn.material import Material, Recipe
from engine.nn.networks import load_backbone
from engine.nn.split_network import split_network
from engine.weights import find_weights

NUM_IMAGES, NUM_CLASSES, SIZE = 48, 3, 8
ROWS = np.arange(NUM_IMAGES)


def nothing() -> None:
    return


def small_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(4, SIZE, 3, padding=1), nn.BatchNorm2d(SIZE), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


@pytest.fixture
def material() -> Material:
    """Bright in one of the first three channels, by class."""
    rng = np.random.default_rng(0)
    targets = ROWS % NUM_CLASSES
    inputs = rng.standard_normal((NUM_IMAGES, 2, 4, 6, 6)).astype(np.float16)
    inputs[ROWS, :, targets] += 1
    goals = np.eye(NUM_CLASSES, dtype=np.float32)[targets]
    return Material(inputs, goals, np.ones(NUM_IMAGES, np.float32), 1)


def begin(material: Material, network: nn.Module | None = None, **settings: object) -> FineTuning:
    zeros = np.zeros(SIZE, np.float32)
    head = Head(zeros, zeros + 1, np.zeros((NUM_CLASSES, SIZE), np.float32), np.zeros(NUM_CLASSES, np.float32))
    recipe = Recipe(**({"epochs": 6, "batch_size": 16, "learning_rate": 0.02, "head_learning_rate": 0.1} | settings))  # type: ignore[arg-type]
    return FineTuning(network or small_network(), head, material, recipe, Place(CPU, torch.float32))


def train(training: FineTuning, num_epochs: int) -> NDArray[np.float32]:
    while training.epoch < num_epochs:
        training.run_epoch(ROWS, nothing)
    return training.logits(ROWS, nothing)


def test_the_layers_learn_what_the_head_alone_did_not_know(material: Material) -> None:
    training = begin(material)
    assert np.ptp(training.logits(ROWS, nothing)) == 0
    logits = train(training, 6)
    assert (logits.argmax(axis=1) == ROWS % NUM_CLASSES).mean() > 0.9
    assert training.losses[-1] < training.losses[0]


def test_the_same_seed_gives_the_same_model_and_another_seed_another(material: Material) -> None:
    one, two, other = (train(begin(material, seed=seed), 3) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - other).max() > 0


def test_a_training_that_was_stopped_ends_as_one_that_was_not(material: Material, tmp_path: Path) -> None:
    stopped = begin(material)
    train(stopped, 2)
    stopped.save(tmp_path / "state.safetensors")
    resumed = begin(material)
    resumed.restore(tmp_path / "state.safetensors")
    assert resumed.epoch == 2
    np.testing.assert_array_equal(train(resumed, 5), train(begin(material), 5))


def test_a_training_that_was_stopped_in_the_middle_of_a_round_goes_on_with_the_next_batch(
    material: Material, tmp_path: Path
) -> None:
    stopped = begin(material)
    train(stopped, 1)
    left = [2]

    def stop_soon() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise CancelledError

    with pytest.raises(CancelledError):
        stopped.run_epoch(ROWS, stop_soon)
    stopped.save(tmp_path / "state.safetensors")
    resumed = begin(material)
    resumed.restore(tmp_path / "state.safetensors")
    assert resumed.epoch == 1
    np.testing.assert_array_equal(train(resumed, 3), train(begin(material), 3))


@pytest.mark.parametrize("content", [b"", b"nonsense"], ids=["empty", "damaged"])
def test_a_damaged_state_begins_from_the_beginning(material: Material, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "state.safetensors"
    file.write_bytes(content)
    training = begin(material)
    training.restore(file)
    assert training.epoch == 0


def test_the_network_that_was_given_stays_as_it_was(material: Material) -> None:
    network = small_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    training = begin(material, network)
    train(training, 2)
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)
    # The statistics of BatchNorm are frozen in the trained copy as well.
    torch.testing.assert_close(training.upper.state_dict()["1.running_mean"], before["1.running_mean"])


class Explosive(nn.Module):
    """Gives infinite outputs for as long as `is_armed`."""

    is_armed = True

    def __init__(self) -> None:
        super().__init__()
        self.inner = small_network()

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.inner(x)
        return found * math.inf if Explosive.is_armed else found


def test_a_loss_that_is_not_finite_is_taken_back_and_goes_on_slower(
    material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Explosive, "is_armed", False)
    training = begin(material, Explosive())
    train(training, 1)
    before = training.state()
    monkeypatch.setattr(Explosive, "is_armed", True)
    assert math.isnan(training.run_epoch(ROWS, nothing))
    assert training.epoch == 1
    assert training.slowness < 1
    torch.testing.assert_close(training.state()["layer.0"], before["layer.0"], rtol=0, atol=0)
    monkeypatch.setattr(Explosive, "is_armed", False)
    train(training, 3)


def test_after_three_losses_that_are_not_finite_it_says_that_the_old_model_is_intact(material: Material) -> None:
    training = begin(material, Explosive())
    training.run_epoch(ROWS, nothing)
    training.run_epoch(ROWS, nothing)
    with pytest.raises(TrainingError, match="three times") as caught:
        training.run_epoch(ROWS, nothing)
    assert "untouched" in caught.value.hint


def test_a_layer_of_small_weights_that_are_scaled_up_afterwards_is_not_overthrown(material: Material) -> None:
    network = small_network()
    # The same function with weights a thousand times smaller, as there are in networks with BatchNorm.
    with torch.no_grad():
        network[0].weight /= 1000
        network[0].bias /= 1000
        network[1].weight *= 1000
    training = begin(material, network, learning_rate=4e-4, epochs=20)
    assert training._factors[0] < 0.005
    losses = [training.run_epoch(ROWS, nothing) for _ in range(4)]
    assert max(losses) < losses[0] + 0.05
    assert begin(material, learning_rate=4e-4)._factors[0] == pytest.approx(0.3)


def test_images_with_several_classes_learn_each_for_itself() -> None:
    rng = np.random.default_rng(1)
    has_class = rng.random((NUM_IMAGES, NUM_CLASSES)) < 0.5
    inputs = rng.standard_normal((NUM_IMAGES, 1, 4, 6, 6)).astype(np.float16)
    inputs[:, 0, :NUM_CLASSES] += 1.5 * has_class[:, :, None, None]
    several = Material(inputs, has_class.astype(np.float32), np.ones(NUM_IMAGES, np.float32), 1, True)
    logits = train(begin(several, epochs=20, mixup=0.0), 20)
    assert ((logits > 0) == has_class).mean() > 0.85


def test_half_of_starter_can_be_trained_and_computes_the_same() -> None:
    record = spec(STARTER_KEY)
    network = load_backbone(record, find_weights(record))
    split = split_network(network, record.input_size_px)
    assert split is not None
    assert 0.4 < split.share < 0.7
    assert set(split.upper.state_dict()) <= set(network.state_dict())
    assert len(split.shape) == 3


def test_a_network_that_decides_as_it_goes_cannot_be_divided() -> None:
    class Deciding(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.mean(dim=(2, 3)) if x.sum() > 0 else x.amax(dim=(2, 3))

    assert split_network(Deciding(), 16) is None
