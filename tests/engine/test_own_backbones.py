"""Backbones of one's own: what a run made of its network, and what was taken over from another model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine import own_backbones
from engine.backbones import spec
from engine.errors import BackboneError
from engine.nn.networks import EXPORTED_PREFIX, load_backbone, make_backbone
from engine.weights import file_sha256, find_backbone, find_weights

KEY = "squeezenet1_1"


def write_weights(file: Path) -> torch.nn.Module:
    """Writes SqueezeNet with random weights as runs and exports do, and returns it."""
    torch.manual_seed(3)
    network = make_backbone(spec(KEY)).to_empty(device="cpu")
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({EXPORTED_PREFIX + name: value for name, value in network.state_dict().items()}, file)
    return network.eval()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose run 3 was fine-tuned."""
    folder = tmp_path / "parts" / "models" / "run-0003"
    write_weights(folder / "backbone.safetensors")
    document = {"id": 3, "backbone": KEY, "weights_hash": file_sha256(folder / "backbone.safetensors")}
    (folder / "run.json").write_text(json.dumps(document))
    return tmp_path / "parts"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """An export in the format safetensors, of another project."""
    folder = tmp_path / "Line 2 scratches"
    write_weights(folder / "model.safetensors")
    (folder / "model.json").write_text(json.dumps({"backbone": {"key": KEY}}))
    return folder


def test_what_a_run_made_of_its_network_is_a_backbone(project: Path) -> None:
    record = find_backbone("run:3", project)
    assert record.display_name == "SqueezeNet 1.1 of version 3"
    assert (record.key, record.architecture_key, record.url) == ("run:3", KEY, "")
    assert find_weights(record, project) == project / "models" / "run-0003" / "backbone.safetensors"
    assert [each.key for each in own_backbones.list_own(project)] == ["run:3"]


def test_its_weights_are_loaded_as_they_were_written(project: Path, tmp_path: Path) -> None:
    record = find_backbone("run:3", project)
    written = write_weights(tmp_path / "again.safetensors")
    picture = torch.randn(1, 3, 224, 224)
    loaded = load_backbone(record, find_weights(record, project))
    # The run is older than spreads: its head takes the network's own output.
    torch.testing.assert_close(loaded(picture), written.get_submodule("network")(picture))


@pytest.mark.parametrize("key", ["run:4", "run:x", "run:", "own:nothing", "own:../../etc/passwd", "own:a/b"])
def test_one_that_is_not_there_is_a_sentence(project: Path, key: str) -> None:
    with pytest.raises(BackboneError):
        find_backbone(key, project)


def test_a_run_of_its_own_needs_a_project() -> None:
    with pytest.raises(BackboneError, match="in this project"):
        find_backbone("run:3", None)


def test_a_changed_file_is_refused(project: Path) -> None:
    file = project / "models" / "run-0003" / "backbone.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"\xff")
    with pytest.raises(BackboneError, match="damaged"):
        find_weights(find_backbone("run:3", project), project)


def test_the_backbone_of_an_export_is_taken_over_whole(export: Path, project: Path) -> None:
    record = own_backbones.take(export, project)
    assert record.key.startswith("own:Line_2_scratches-")
    assert record.display_name == "SqueezeNet 1.1 from “Line 2 scratches”"
    found = find_backbone(record.key, project)
    assert found == record
    file = find_weights(found, project)
    assert file.parent == project / "weights"
    assert file.read_bytes() == (export / "model.safetensors").read_bytes()
    assert record in own_backbones.list_own(project)
    assert own_backbones.take(export / "model.safetensors", project) == record


def test_a_project_and_a_run_can_be_taken_from(project: Path, tmp_path: Path) -> None:
    from_project = own_backbones.take(project, tmp_path / "other")
    from_run = own_backbones.take(project / "models" / "run-0003", tmp_path / "other")
    assert from_project == from_run
    assert from_project.display_name == "SqueezeNet 1.1 from “parts”"


def test_a_folder_without_a_backbone_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match="no backbone to take"):
        own_backbones.take(tmp_path, tmp_path / "project")


@pytest.mark.parametrize(
    "document", ["", "[]", "{}", '{"backbone": 3}', '{"backbone": {"key": "nothing"}}', '{"backbone": {}}']
)
def test_an_export_that_says_nonsense_of_its_backbone_is_a_sentence(
    export: Path, tmp_path: Path, document: str
) -> None:
    (export / "model.json").write_text(document)
    with pytest.raises(BackboneError):
        own_backbones.take(export, tmp_path / "project")
    assert not (tmp_path / "project").exists()


def test_a_file_that_came_after_the_hash_in_its_name_was_given_is_refused(export: Path, project: Path) -> None:
    record = own_backbones.take(export, project)
    (project / "weights" / f"{record.key[4:]}.safetensors").write_bytes(b"something else")
    with pytest.raises(BackboneError, match="damaged"):
        find_weights(record, project)
