"""The package: what goes in and what stays out, its licences, its desktop files, and that two builds are alike."""

from __future__ import annotations

import importlib
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree as ET

import pytest


@pytest.fixture
def part(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Returns a function that imports a module of the build."""
    monkeypatch.syspath_prepend(str(repository / "build"))

    def load(name: str) -> ModuleType:
        return importlib.import_module(name)

    return load


@pytest.mark.parametrize(
    "name",
    [
        "torch/include/ATen/ATen.h",
        "torch/bin/protoc",
        "torch-2.13.0+cpu.dist-info/licenses/LICENSE",
        "torch/_inductor/ir.py",
        "torch/distributed/fsdp/api.py",
        "torchvision/_C.so",
        "torchvision.libs/libjpeg.5980e1e3.so.8",
        "libgtk-3.so.0",
        "PySide6/Qt/plugins/platformthemes/libqgtk3.so",
        "sklearn/linear_model/tests/test_ridge.py",
        "resources/screenshots/label.png",
    ],
)
def test_what_the_program_never_opens_stays_out(part: Any, name: str) -> None:
    assert not part("bundle.prune").is_needed(name)


@pytest.mark.parametrize(
    "name",
    [
        "torch/bin/torch_shm_manager",
        "torch-2.13.0+cpu.dist-info/METADATA",
        "torch/lib/libtorch_cpu.so",
        "torch/nn/functional.py",
        "torch/_dynamo/config.py",
        "torch/_inductor/config_comms.py",
        "torch/distributed/config.py",
        "torch/distributed/optim/functional_adagrad.py",
        "torchvision/models/resnet.py",
        "libglib-2.0.so.0",
        "libcrypto.so.3",
        "PySide6/Qt/plugins/platforms/libqxcb.so",
        "PySide6/Qt/plugins/imageformats/libqsvg.so",
        "resources/starter/starter.onnx",
        "resources/help/start.md",
    ],
)
def test_what_the_program_needs_goes_in(part: Any, name: str) -> None:
    assert part("bundle.prune").is_needed(name)


def test_every_package_that_is_installed_states_a_licence_that_we_may_ship(part: Any, tmp_path: Path) -> None:
    names = part("bundle.licences").collect_licences(tmp_path)
    overview = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert {"torch", "numpy", "pillow"} <= {name.lower() for name in names}
    assert "| not stated |" not in overview
    assert list((tmp_path / "torch").iterdir())


def test_a_package_under_the_gpl_stops_the_build(part: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    licences = part("bundle.licences")
    monkeypatch.setattr(licences, "distributions", lambda: [distribution("torch")])
    monkeypatch.setattr(licences, "licence_of", lambda _each: "GPL-3.0-only")
    with pytest.raises(SystemExit, match="cannot be shipped"):
        licences.collect_licences(tmp_path)


def test_the_desktop_files_are_well_formed_and_name_the_program(part: Any, tmp_path: Path) -> None:
    linux = part("bundle.linux")
    icon = tmp_path / "icon.png"
    icon.write_bytes(b"png")
    linux.add_desktop_files(tmp_path, icon, "1.2.3", "2026-11-21")
    share = tmp_path / "share"
    entry = (share / f"{linux.APP_ID}.desktop").read_text(encoding="utf-8").splitlines()
    assert entry[0] == "[Desktop Entry]"
    assert f"Icon={linux.APP_ID}" in entry
    root = ET.parse(share / f"{linux.APP_ID}.metainfo.xml").getroot()
    release = root.find("releases/release")
    assert release is not None
    assert release.attrib == {"version": "1.2.3", "date": "2026-11-21"}


@pytest.mark.skipif(sys.platform == "win32", reason="the installer is for Linux")
def test_the_installer_puts_the_program_into_the_home_and_takes_it_away(part: Any, tmp_path: Path) -> None:
    linux = part("bundle.linux")
    folder, home = tmp_path / "graft", tmp_path / "a home"
    folder.mkdir()
    home.mkdir()
    (folder / "graft").write_text("#!/bin/sh\necho started\n", encoding="utf-8")
    (folder / "graft").chmod(0o755)
    icon = tmp_path / "icon.png"
    icon.write_bytes(b"png")
    linux.add_desktop_files(folder, icon, "1.2.3", "2026-11-21")
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    for _ in range(2):  # the second time over what is there
        subprocess.run([str(folder / "install.sh")], env=environment, check=True, capture_output=True)
    entry = (home / f".local/share/applications/{linux.APP_ID}.desktop").read_text(encoding="utf-8")
    assert f'Exec="{home}/.local/opt/graft/graft" %f' in entry
    started = subprocess.run(
        [str(home / ".local/bin/graft")], env=environment, check=True, capture_output=True, text=True
    )
    assert started.stdout == "started\n"
    subprocess.run(
        [str(home / ".local/opt/graft/install.sh"), "--remove"], env=environment, check=True, capture_output=True
    )
    assert not [path for path in home.rglob("*") if path.is_file() or path.is_symlink()]


def test_the_list_of_files_changes_when_a_byte_does(part: Any, tmp_path: Path) -> None:
    package = part("package")
    folder = tmp_path / "graft"
    folder.mkdir()
    (folder / "b").write_bytes(b"1")
    (folder / "a").write_bytes(b"2")
    package.write_file_list(folder, tmp_path / "first.txt")
    package.write_file_list(folder, tmp_path / "again.txt")
    (folder / "b").write_bytes(b"3")
    package.write_file_list(folder, tmp_path / "changed.txt")
    first, again, changed = (
        (tmp_path / f"{name}.txt").read_text(encoding="utf-8") for name in ("first", "again", "changed")
    )
    assert first == again != changed
    assert [line.split()[0] for line in first.splitlines()] == ["a", "b"]


@pytest.mark.slow
def test_the_packed_program_does_its_whole_job_where_there_is_no_python(part: Any, repository: Path) -> None:
    folder = repository / ".work" / "package" / "dist" / "graft"
    if not folder.is_dir():
        pytest.skip("nothing is packed here: python3 build/package.py makes the package")
    part("bundle.check").check_folder(folder)
