"""Weights files of others are read as plain tensors, or refused with a sentence."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch

from engine.backbones import spec
from engine.errors import BackboneError
from engine.nn.networks import load_backbone
from engine.nn.torchvision_shim import import_torchvision
from engine.weights import find_weights


class Bomb:
    """Unpickling this makes a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.file,))


def test_weights_of_another_architecture_are_refused(shared_weights: Path) -> None:
    with pytest.raises(BackboneError, match="does not hold the weights of ResNet-18"):
        load_backbone(spec("resnet18"), find_weights(spec("mobilenet_v2")))


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"not weights at all", bytes(range(256)) * 50])
def test_a_file_that_is_no_weights_file_is_refused(tmp_path: Path, content: bytes, suffix: str) -> None:
    file = tmp_path / f"mobilenet_v2-00000000{suffix}"
    file.write_bytes(content)
    with pytest.raises(BackboneError, match="cannot be read"):
        load_backbone(spec("mobilenet_v2"), file)


def test_a_truncated_file_is_refused(shared_weights: Path, tmp_path: Path) -> None:
    file = tmp_path / "half.pth"
    file.write_bytes(find_weights(spec("squeezenet1_1")).read_bytes()[:1_000_000])
    with pytest.raises(BackboneError, match="cannot be read"):
        load_backbone(spec("squeezenet1_1"), file)


@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_code_in_a_weights_file_is_never_run(tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", raising=False)
    trap, file = tmp_path / "ran", tmp_path / "bomb.pth"
    if how == "torch":
        torch.save({"weight": Bomb(trap)}, file)
    else:
        file.write_bytes(pickle.dumps(Bomb(trap)))
    with pytest.raises(BackboneError):
        load_backbone(spec("mobilenet_v2"), file)
    assert not trap.exists()


@pytest.mark.parametrize("content", [[torch.zeros(2)], {"weights": [1, 2]}, {"a": {"b": torch.zeros(1)}}])
def test_a_file_that_holds_something_else_is_refused(tmp_path: Path, content: object) -> None:
    file = tmp_path / "other.pth"
    torch.save(content, file)
    with pytest.raises(BackboneError, match="not a table of weights"):
        load_backbone(spec("mobilenet_v2"), file)


def test_the_switch_that_allows_pickles_is_gone_from_the_environment() -> None:
    assert "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD" not in os.environ


def test_torchvision_can_be_imported_twice() -> None:
    assert import_torchvision() is import_torchvision()
