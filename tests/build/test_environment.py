"""Set-up: when the environment is renewed, and that an interrupted or doubled set-up does no harm."""

from __future__ import annotations

import importlib
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PYPROJECT = """
[project]
name = "graft"
dependencies = ["alpha==1", "beta==2"]
[project.optional-dependencies]
test = ["gamma==3"]
"""


@pytest.fixture
def environment(repository: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module build/environment.py, imported as build/run.py does it."""
    monkeypatch.syspath_prepend(str(repository / "build"))
    return importlib.import_module("environment")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository of its own."""
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    return tmp_path


@pytest.fixture
def installed(environment: ModuleType, root: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Replaces venv and pip by something quick, and returns what was asked of pip so far."""
    calls: list[list[str]] = []

    def run(command: list[str]) -> int:
        if "venv" in command:
            python = environment.environment_python(Path(command[-1]))
            python.parent.mkdir(parents=True, exist_ok=True)
            python.touch()
        else:
            calls.append([argument for argument in command if "==" in argument])
        return 0

    monkeypatch.setattr(environment, "_run", run)
    monkeypatch.setattr(environment, "_is_sound", lambda folder: environment.environment_python(folder).exists())
    return calls


def test_a_second_start_installs_nothing(environment: ModuleType, root: Path, installed: list[list[str]]) -> None:
    environment.ensure_environment(False, root)
    environment.ensure_environment(False, root)
    assert installed == [["alpha==1", "beta==2"]]


def test_tests_add_their_own_packages_and_the_program_still_starts(
    environment: ModuleType, root: Path, installed: list[list[str]]
) -> None:
    environment.ensure_environment(False, root)
    environment.ensure_environment(True, root)
    environment.ensure_environment(False, root)
    assert installed == [["alpha==1", "beta==2"], ["alpha==1", "beta==2", "gamma==3"]]


def test_changed_dependencies_are_installed_again(
    environment: ModuleType, root: Path, installed: list[list[str]]
) -> None:
    environment.ensure_environment(False, root)
    (root / "pyproject.toml").write_text(PYPROJECT.replace("beta==2", "beta==2.1"))
    environment.ensure_environment(False, root)
    assert installed[1:] == [["alpha==1", "beta==2.1"]]


def test_other_changes_of_pyproject_install_nothing(
    environment: ModuleType, root: Path, installed: list[list[str]]
) -> None:
    environment.ensure_environment(False, root)
    (root / "pyproject.toml").write_text(PYPROJECT + "[tool.ruff]\nline-length = 120\n")
    environment.ensure_environment(False, root)
    assert len(installed) == 1


def test_another_python_version_changes_the_fingerprint(
    environment: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = environment.fingerprint(["alpha==1"])
    monkeypatch.setattr(environment.sys, "version_info", (3, 99, 0, "final", 0))
    assert environment.fingerprint(["alpha==1"]) != before


def test_an_interrupted_install_is_taken_up_again(
    environment: ModuleType, root: Path, installed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.ensure_environment(False, root)
    (root / "pyproject.toml").write_text(PYPROJECT.replace("beta==2", "beta==3"))
    with monkeypatch.context() as patch:

        def interrupt(folder: Path, requirements: list[str]) -> None:
            raise KeyboardInterrupt

        patch.setattr(environment, "_install", interrupt)
        with pytest.raises(KeyboardInterrupt):
            environment.ensure_environment(False, root)
    assert environment.read_stamp(root / ".venv") == {}
    (root / "pyproject.toml").write_text(PYPROJECT)  # even back at what was installed before, nothing is taken on trust
    environment.ensure_environment(False, root)
    assert len(installed) == 2


def test_a_failed_install_is_a_sentence_and_leaves_no_stamp(
    environment: ModuleType, root: Path, installed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.ensure_environment(False, root)
    (root / "pyproject.toml").write_text(PYPROJECT.replace("alpha==1", "alpha==2"))
    monkeypatch.setattr(environment, "_run", lambda command: 1)
    with pytest.raises(environment.SetupError, match="could not be installed"):
        environment.ensure_environment(False, root)
    assert environment.read_stamp(root / ".venv") == {}


@pytest.mark.parametrize("damage", ["", "{", "[]", "null"])
def test_a_damaged_stamp_counts_as_none(
    environment: ModuleType, root: Path, installed: list[list[str]], damage: str
) -> None:
    environment.ensure_environment(False, root)
    (root / ".venv" / "graft-setup.json").write_text(damage)
    environment.ensure_environment(False, root)
    assert len(installed) == 2


def test_two_set_ups_at_once_install_once(
    environment: ModuleType, root: Path, installed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = environment._install

    def slow(folder: Path, requirements: list[str]) -> None:
        time.sleep(0.3)
        quick(folder, requirements)

    monkeypatch.setattr(environment, "_install", slow)
    threads = [threading.Thread(target=environment.ensure_environment, args=(False, root)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(installed) == 1


def test_the_environment_of_this_repository_lists_the_pins_of_pyproject(environment: ModuleType) -> None:
    pinned = environment.dependencies(with_tests=True)
    assert "torch==2.13.0" in pinned
    assert all("==" in entry or "," in entry for entry in pinned), "every direct dependency is pinned"


def test_run_passes_the_exit_status_on_and_keeps_stdout_clean(repository: Path) -> None:
    command = [sys.executable, str(repository / "build" / "run.py"), "no-such-command"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("graft: no-such-command is neither a command nor a folder.")


def test_without_arguments_and_display_run_starts_the_demo(
    repository: Path, environment: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run: Any = importlib.import_module("run")
    started: list[list[str]] = []
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(run.sys, "platform", "linux")
    monkeypatch.setattr(run, "ensure_environment", lambda with_tests: Path("python"))
    monkeypatch.setattr(run, "ensure_system_libraries", lambda with_tests, has_window: None)
    monkeypatch.setattr(run, "hand_over", lambda python, arguments: started.append(arguments) or 0)
    assert run.main([]) == 0
    monkeypatch.setenv("DISPLAY", ":0")
    assert run.main([]) == 0
    assert [arguments[1:] for arguments in started] == [["demo"], []]
    assert "no display" in capsys.readouterr().err
