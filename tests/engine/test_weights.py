"""Weights are found by name and content, and downloads survive whatever a network does."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine import weights
from engine.backbones import BackboneSpec, spec
from engine.downloads import download_weights
from engine.errors import BackboneError
from engine.job import CancelledError, QuietContext
from engine.weights import default_backbone, file_sha256, find_weights

CONTENT = bytes(range(256)) * 4000  # about 1 MB
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def record() -> BackboneSpec:
    return spec("mobilenet_v2")


def place(folder: Path, name: str, content: bytes = CONTENT) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name


# ---------------------------------------------------------------------------------------------------------- look-up


def test_the_project_comes_before_the_folders_of_the_environment(
    record: BackboneSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"mobilenet_v2-{SHA256[:8]}.pth"
    in_environment = place(tmp_path / "elsewhere", name)
    monkeypatch.setenv("GRAFT_WEIGHTS", str(tmp_path / "elsewhere"))
    assert find_weights(record, tmp_path / "project") == in_environment

    in_project = place(tmp_path / "project" / "weights", name)
    assert find_weights(record, tmp_path / "project") == in_project


def test_missing_weights_name_every_place_and_the_download(
    record: BackboneSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAFT_WEIGHTS", str(tmp_path / "a"))
    with pytest.raises(BackboneError) as caught:
        find_weights(record, tmp_path / "project")

    for place_looked_at in (
        tmp_path / "project" / "weights",
        weights.user_weights_folder(),
        tmp_path / "a",
        record.url,
    ):
        assert str(place_looked_at) in caught.value.hint


def test_a_file_whose_content_is_not_what_its_name_says_is_refused(
    record: BackboneSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = place(tmp_path, "mobilenet_v2-deadbeef.pth")
    monkeypatch.setenv("GRAFT_WEIGHTS", str(tmp_path))
    with pytest.raises(BackboneError, match="damaged") as caught:
        find_weights(record)
    assert str(file) in caught.value.message


def test_a_damaged_file_does_not_hide_a_good_one(
    record: BackboneSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(tmp_path, "mobilenet_v2-00000000.pth")
    good = place(tmp_path, f"mobilenet_v2-{SHA256[:8]}.pth")
    monkeypatch.setenv("GRAFT_WEIGHTS", str(tmp_path))
    assert find_weights(record) == good


def test_weights_of_a_longer_named_model_are_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(tmp_path, f"vit_b_16_swag-{SHA256[:8]}.pth")
    monkeypatch.setenv("GRAFT_WEIGHTS", str(tmp_path))
    with pytest.raises(BackboneError, match="not on this machine"):
        find_weights(spec("vit_b_16"))


def test_a_file_is_hashed_again_only_after_it_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = place(tmp_path, "weights.pth")
    assert file_sha256(file) == SHA256
    monkeypatch.setattr("engine.weight_files.hash_file", lambda path: pytest.fail("hashed again"))
    assert file_sha256(file) == SHA256
    monkeypatch.undo()

    file.write_bytes(b"other")
    assert file_sha256(file) == hashlib.sha256(b"other").hexdigest()


def test_the_default_backbone_is_the_best_one_that_is_here(shared_weights: Path) -> None:
    assert default_backbone() == "mobilenet_v2"


def test_starter_gives_way_to_any_other_backbone_that_is_here(
    shared_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAFT_DATA", str(tmp_path / "user"))
    name = "squeezenet1_1-25b350dd.pth"
    place(tmp_path / "weights", name, (shared_weights / name).read_bytes())
    monkeypatch.setenv("GRAFT_WEIGHTS", str(tmp_path / "weights"))
    assert default_backbone() == "squeezenet1_1"
    monkeypatch.setenv("GRAFT_WEIGHTS", "")
    assert default_backbone() == "starter"


def test_no_backbone_at_all_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(weights, "STARTER_FOLDER", tmp_path)
    with pytest.raises(BackboneError, match="No backbone is available"):
        default_backbone()


# --------------------------------------------------------------------------------------------------------- download


@pytest.fixture
def remote(record: BackboneSpec, file_server: Any) -> BackboneSpec:
    """A backbone whose weights lie on the test's own file_server."""
    file_server.content = CONTENT
    url = f"http://127.0.0.1:{file_server.server_port}/mobilenet_v2-{SHA256[:8]}.pth"
    return replace(record, url=url, sha256_prefix=SHA256[:8])


class Watcher(QuietContext):
    """Records progress, and cancels once `cancel_at` bytes are there."""

    def __init__(self, cancel_at: int | None = None) -> None:
        self.seen: list[tuple[int, int]] = []
        self.cancel_at = cancel_at

    def progress(self, done: int, total: int, note: str = "") -> None:
        self.seen.append((done, total))

    def checkpoint(self) -> None:
        if self.cancel_at is not None and self.seen and self.seen[-1][0] >= self.cancel_at:
            raise CancelledError


def test_a_download_arrives_whole_and_is_found(
    remote: BackboneSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = Watcher()
    file = download_weights(remote, tmp_path, watcher)

    assert file.read_bytes() == CONTENT
    assert watcher.seen[-1] == (len(CONTENT), len(CONTENT))
    assert [entry.name for entry in tmp_path.iterdir()] == [file.name]
    monkeypatch.setenv("GRAFT_WEIGHTS", str(tmp_path))
    assert find_weights(remote) == file


def test_a_download_that_was_cut_off_goes_on_where_it_stopped(
    remote: BackboneSpec, file_server: Any, tmp_path: Path
) -> None:
    file_server.stop_after = 300_000
    with pytest.raises(BackboneError, match="stopped") as caught:
        download_weights(remote, tmp_path, QuietContext())
    assert "goes on where it stopped" in caught.value.hint

    assert download_weights(remote, tmp_path, QuietContext()).read_bytes() == CONTENT
    assert file_server.ranges == [None, "bytes=300000-"]


def test_a_cancelled_download_keeps_what_it_has(remote: BackboneSpec, file_server: Any, tmp_path: Path) -> None:
    with pytest.raises(CancelledError):
        download_weights(remote, tmp_path, Watcher(cancel_at=200_000))
    (part,) = tmp_path.iterdir()
    assert part.name.endswith(".part")
    size = part.stat().st_size
    assert 200_000 <= size < len(CONTENT)

    assert download_weights(remote, tmp_path, QuietContext()).read_bytes() == CONTENT
    assert file_server.ranges[-1] == f"bytes={size}-"


def test_a_server_without_ranges_starts_again_from_the_beginning(
    remote: BackboneSpec, file_server: Any, tmp_path: Path
) -> None:
    file_server.has_ranges = False
    place(tmp_path, f"{remote.url.rsplit('/', 1)[-1]}.part", b"old rubbish")

    assert download_weights(remote, tmp_path, QuietContext()).read_bytes() == CONTENT


def test_a_part_that_is_complete_already_is_only_checked(remote: BackboneSpec, tmp_path: Path) -> None:
    place(tmp_path, f"{remote.url.rsplit('/', 1)[-1]}.part", CONTENT)

    assert download_weights(remote, tmp_path, QuietContext()).read_bytes() == CONTENT


def test_content_with_another_hash_is_deleted(remote: BackboneSpec, file_server: Any, tmp_path: Path) -> None:
    file_server.content = CONTENT[:-1] + b"!"
    with pytest.raises(BackboneError, match="hash is wrong"):
        download_weights(remote, tmp_path, QuietContext())
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_already_is_not_fetched(remote: BackboneSpec, file_server: Any, tmp_path: Path) -> None:
    place(tmp_path, remote.url.rsplit("/", 1)[-1])
    download_weights(remote, tmp_path, QuietContext())
    assert file_server.ranges == []


def test_a_server_that_does_not_have_the_file_is_quoted(remote: BackboneSpec, file_server: Any, tmp_path: Path) -> None:
    file_server.status = 404
    with pytest.raises(BackboneError, match="404"):
        download_weights(remote, tmp_path, QuietContext())


def test_no_network_is_a_sentence_with_a_way_out(remote: BackboneSpec, file_server: Any, tmp_path: Path) -> None:
    file_server.shutdown()
    file_server.server_close()
    with pytest.raises(BackboneError) as caught:
        download_weights(remote, tmp_path, QuietContext())
    assert "Check the network" in caught.value.hint
    assert str(weights.user_weights_folder()) in caught.value.hint


# --------------------------------------------------------------------------------- weights whose hash the server states


@pytest.fixture
def unstated(remote: BackboneSpec, file_server: Any) -> BackboneSpec:
    """As timm's networks: the catalogue knows no hash, the server states it where it sends on to the content."""
    file_server.stated_hash = SHA256
    url = remote.url.replace(remote.url.rsplit("/", 1)[-1], "moved/model.safetensors")
    return replace(remote, url=url, sha256_prefix="", model_name="net.tag", key="timm:net.tag")


def test_the_hash_that_the_server_states_is_checked_and_names_the_file(
    unstated: BackboneSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = download_weights(unstated, tmp_path, QuietContext())
    assert file.name == f"net.tag-{SHA256[:16]}.safetensors"
    assert file.read_bytes() == CONTENT
    monkeypatch.setenv("GRAFT_WEIGHTS", str(tmp_path))
    assert find_weights(unstated) == file


def test_content_that_is_not_what_the_server_stated_is_deleted(
    unstated: BackboneSpec, file_server: Any, tmp_path: Path
) -> None:
    file_server.content = CONTENT[:-1] + b"!"
    with pytest.raises(BackboneError, match="hash is wrong"):
        download_weights(unstated, tmp_path, QuietContext())
    assert list(tmp_path.iterdir()) == []


def test_a_download_without_a_known_hash_goes_on_where_it_stopped_too(
    unstated: BackboneSpec, file_server: Any, tmp_path: Path
) -> None:
    file_server.stop_after = 300_000
    with pytest.raises(BackboneError, match="stopped"):
        download_weights(unstated, tmp_path, QuietContext())
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.tag.safetensors.part"]
    assert download_weights(unstated, tmp_path, QuietContext()).read_bytes() == CONTENT
    assert file_server.ranges[-1] == "bytes=300000-"


# ---------------------------------------------------------------------------------------------------------- deleting


def test_only_what_lies_in_the_users_own_folder_is_deleted(
    record: BackboneSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"mobilenet_v2-{SHA256[:8]}.pth"
    theirs = place(tmp_path / "elsewhere", name)
    monkeypatch.setenv("GRAFT_WEIGHTS", str(tmp_path / "elsewhere"))
    own = place(weights.user_weights_folder(), name)
    part = place(weights.user_weights_folder(), "mobilenet_v2-b0353104.pth.part", b"half")
    other = place(weights.user_weights_folder(), f"mobilenet_v3_large-{SHA256[:8]}.pth")

    assert set(weights.own_files(record)) == {own, part}
    assert weights.delete_weights(record) == len(CONTENT) + 4
    assert not own.exists()
    assert not part.exists()
    assert other.exists()
    assert find_weights(record) == theirs


def test_networks_of_timm_that_are_here_are_listed_beside_the_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(tmp_path, f"resnet26d.bt_in1k-{SHA256[:16]}.safetensors")
    place(tmp_path, f"no_such.network-{SHA256[:16]}.safetensors")
    monkeypatch.setenv("GRAFT_WEIGHTS", str(tmp_path))
    (found,) = weights.other_backbones()
    assert found.key == "timm:resnet26d.bt_in1k"
    assert weights.has_weights(found)


def test_weights_that_are_not_free_for_every_use_are_never_chosen_for_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(tmp_path, f"vit_small_patch16_dinov3.lvd1689m-{SHA256[:16]}.safetensors")
    monkeypatch.setenv("GRAFT_WEIGHTS", str(tmp_path))
    assert weights.has_weights(spec("timm:vit_small_patch16_dinov3.lvd1689m"))
    assert default_backbone() == "starter"
