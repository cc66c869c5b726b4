"""Qt's system libraries: installed where that is allowed, named exactly where it is not, looked for once."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


class Machine:
    """A Linux machine without libEGL and Xvfb."""

    def __init__(self, libraries: ModuleType, patch: pytest.MonkeyPatch, folder: Path) -> None:
        self.missing = {"libEGL.so.1"}
        self.programs = {"apt-get", "openbox", "xdotool", "import"}
        self.installed: list[list[str]] = []
        self.is_online = True
        environment = importlib.import_module("environment")
        self.stamp_folder = folder
        environment.write_stamp(folder, {"runtime": "abc"})
        patch.setattr(libraries.sys, "platform", "linux")
        patch.setattr(libraries, "ENVIRONMENT", folder)
        patch.setattr(libraries, "read_stamp", lambda: environment.read_stamp(folder))
        patch.setattr(libraries, "_can_load", lambda library: library not in self.missing)
        patch.setattr(libraries, "which", lambda name: name in self.programs)
        patch.setattr(libraries, "FONT_FOLDERS", (str(folder),))
        patch.setattr(libraries, "apt_install", self._install)
        patch.setattr(libraries.os, "geteuid", lambda: 0, raising=False)

    def _install(self, packages: list[str]) -> bool:
        self.installed.append(packages)
        if self.is_online:
            self.missing.clear()
            self.programs.add("Xvfb")
        return self.is_online


@pytest.fixture
def libraries(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(repository / "build"))
    return importlib.import_module("system_libraries")


@pytest.fixture
def machine(libraries: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    return Machine(libraries, monkeypatch, tmp_path)


def test_root_on_debian_gets_exactly_what_is_missing_and_is_not_asked_again(libraries: Any, machine: Machine) -> None:
    libraries.ensure_system_libraries(with_tests=False, has_window=True)
    libraries.ensure_system_libraries(with_tests=False, has_window=True)
    assert machine.installed == [["libegl1"]]


def test_the_tests_need_a_display_too(libraries: Any, machine: Machine) -> None:
    libraries.ensure_system_libraries(with_tests=True, has_window=True)
    assert machine.installed == [["libegl1", "xvfb"]]


def test_other_users_are_told_the_exact_command(
    libraries: Any, machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(libraries.os, "geteuid", lambda: 1000, raising=False)
    libraries.ensure_system_libraries(with_tests=False, has_window=True)
    captured = capsys.readouterr()
    assert machine.installed == []
    assert captured.out == ""
    assert "sudo apt-get install -y libegl1" in captured.err


def test_other_systems_are_told_which_libraries(
    libraries: Any, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.programs.discard("apt-get")
    libraries.ensure_system_libraries(with_tests=False, has_window=True)
    assert "libEGL.so.1" in capsys.readouterr().err


def test_a_command_line_without_network_tries_once_and_a_window_tries_again(libraries: Any, machine: Machine) -> None:
    machine.is_online = False
    libraries.ensure_system_libraries(with_tests=False, has_window=False)
    libraries.ensure_system_libraries(with_tests=False, has_window=False)
    assert len(machine.installed) == 1
    libraries.ensure_system_libraries(with_tests=False, has_window=True)
    assert len(machine.installed) == 2


def test_windows_and_macos_need_nothing(libraries: Any, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries.sys, "platform", "darwin")
    assert libraries.missing_packages(with_tests=True) == []
