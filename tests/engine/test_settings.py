"""The user's own settings survive a restart, and damage to them costs no more than the settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engine.settings import (
    MAX_RECENT_PROJECTS,
    Settings,
    load_settings,
    num_threads,
    save_settings,
    settings_file,
    user_data_folder,
    wanted_device,
)


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRAFT_DATA", str(tmp_path / "graft"))
    monkeypatch.delenv("GRAFT_THREADS", raising=False)
    return tmp_path / "graft"


def test_settings_come_back_as_they_were_saved(data_folder: Path, tmp_path: Path) -> None:
    settings = Settings(theme="dark", has_auto_advance=False, num_threads=3).with_recent_project(tmp_path / "Füße")
    save_settings(settings)
    assert load_settings() == settings
    assert settings_file().parent == data_folder == user_data_folder()


def test_without_a_file_there_are_defaults_and_nothing_is_written(data_folder: Path) -> None:
    assert load_settings() == Settings()
    assert not data_folder.exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b"null", b'{"theme": 7}', b'{"unheard_of": 1}'])
def test_damaged_settings_become_defaults(content: bytes) -> None:
    settings_file().parent.mkdir()
    settings_file().write_bytes(content)
    assert load_settings() == Settings()


def test_one_damaged_value_does_not_cost_the_others() -> None:
    settings_file().parent.mkdir()
    settings_file().write_bytes(b'{"theme": "light", "num_threads": -4, "recent_projects": "x", "has_auto_advance": 1}')
    assert load_settings() == replace(Settings(), theme="light")


def test_language_device_and_keys_come_back(data_folder: Path) -> None:
    settings = Settings(language="de", device="cuda:1", keys={"retrain": "Ctrl+Alt+R", "zoom_in": "Ctrl++", "undo": ""})
    save_settings(settings)
    assert load_settings() == settings


@pytest.mark.parametrize("device", ["cuda:", "gpu", "cuda:1; rm", "", "cpu0"])
def test_a_device_that_cannot_be_one_is_left_out(device: str) -> None:
    settings_file().parent.mkdir()
    settings_file().write_text(json.dumps({"device": device, "theme": "dark"}))
    assert load_settings() == Settings(theme="dark")


def test_of_damaged_keys_the_others_stay() -> None:
    settings_file().parent.mkdir()
    found = {"retrain": "Ctrl+Alt+R", "undo": 7, "Bad id": "Ctrl+B", "redo": "Hyper+Q", "open": "Ctrl+Ü", "use": "F9"}
    settings_file().write_text(json.dumps({"keys": found}))
    assert load_settings().keys == {"retrain": "Ctrl+Alt+R", "use": "F9"}
    settings_file().write_text(json.dumps({"keys": ["Ctrl+B"]}))
    assert load_settings().keys == {}


def test_the_environment_then_the_setting_decide_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRAFT_DEVICE", raising=False)
    assert wanted_device() == "auto"
    save_settings(Settings(device="cpu"))
    assert wanted_device() == "cpu"
    monkeypatch.setenv("GRAFT_DEVICE", "mps")
    assert wanted_device() == "mps"


def test_recent_projects_have_the_newest_first_without_repetition(tmp_path: Path) -> None:
    settings = Settings()
    for number in [*range(MAX_RECENT_PROJECTS + 3), 5]:
        settings = settings.with_recent_project(tmp_path / str(number))
    assert len(settings.recent_projects) == MAX_RECENT_PROJECTS
    assert settings.recent_projects[0] == str(tmp_path / "5")
    assert len(set(settings.recent_projects)) == MAX_RECENT_PROJECTS
    assert str(tmp_path / "5") not in settings.without_recent_project(tmp_path / "5").recent_projects


def test_with_a_window_one_core_stays_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.settings.num_usable_cores", lambda: 8)
    assert (num_threads(has_window=True), num_threads(has_window=False)) == (7, 8)
    monkeypatch.setattr("engine.settings.num_usable_cores", lambda: 1)
    assert num_threads(has_window=True) == 1


def test_the_environment_then_the_setting_decide_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    save_settings(Settings(num_threads=3))
    assert num_threads(has_window=False) == 3
    monkeypatch.setenv("GRAFT_THREADS", "2")
    assert num_threads(has_window=False) == 2
    monkeypatch.setenv("GRAFT_THREADS", "many")
    assert num_threads(has_window=False) == 3


def test_the_thread_limit_reaches_a_torch_that_is_already_there(repository: Path) -> None:
    program = (
        "from engine.settings import limit_threads; import torch; limit_threads(1); print(torch.get_num_threads())"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program],
        cwd=repository,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == "1"
