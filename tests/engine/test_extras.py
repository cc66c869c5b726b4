"""What only some exports need: fetched whole or not at all, into a folder of its own, with sentences for what fails."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from engine import extras
from engine.errors import ExtraError
from engine.extras import EXTRAS, Extra, activate, extra, extra_folder, install, is_installed, remove, why_not
from engine.job import CancelledError, QuietContext
from engine.jobs import Engine
from engine.tasks.install_extra import InstallExtra

TOY = Extra("toy", "Toy Tools", ("graft-toy==1.0",), "graft_toy", 1_000, 2_000)


@pytest.fixture(autouse=True)
def _own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No network, no index: pip finds one wheel in a folder."""
    monkeypatch.setenv("GRAFT_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("GRAFT_EXTRAS", raising=False)
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    make_wheel(tmp_path / "wheels")


def make_wheel(folder: Path) -> None:
    """Writes graft_toy 1.0, a module with one number."""
    folder.mkdir()
    info = "graft_toy-1.0.dist-info"
    files = {
        "graft_toy.py": "NUMBER = 7\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: graft-toy\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},"
        for name, text in files.items()
    ]
    with zipfile.ZipFile(folder / "graft_toy-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
        wheel.writestr(f"{info}/RECORD", "\n".join([*rows, f"{info}/RECORD,,", ""]))


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else []


def test_an_extra_comes_into_its_own_folder_and_can_be_imported_after_everything_else(tmp_path: Path) -> None:
    assert not is_installed(TOY)
    with pytest.raises(ExtraError, match="needs Toy Tools, which is not installed"):
        activate(TOY)
    folder = install(TOY, QuietContext())
    assert is_installed(TOY)
    assert folder.parent == tmp_path / "data" / "extras"
    assert [path.name for path in folder.parent.iterdir()] == [folder.name], "no temporary folder stays"
    before = list(sys.path)
    activate(TOY)
    assert sys.path == [*before, str(folder)]
    import graft_toy  # type: ignore[import-not-found]

    assert graft_toy.NUMBER == 7
    del sys.modules["graft_toy"]
    remove(TOY)
    assert not folder.exists()


def test_what_the_index_does_not_have_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ExtraError, match="There is no Toy Tools for Python 3"):
        install(replace(TOY, packages=("graft-toy==2.0",)), QuietContext())
    assert left_in(tmp_path / "data") == ["extras"]


def test_without_a_connection_the_sentence_says_so_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(ExtraError, match="cannot be reached") as caught:
        install(TOY, QuietContext())
    assert "Connect to the internet once" in caught.value.hint
    assert left_in(tmp_path / "data") == ["extras"]


def test_a_cancel_ends_pip_at_once_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Cancels(QuietContext):
        def checkpoint(self) -> None:
            raise CancelledError

    def command(packages: object, target: Path) -> list[str]:
        return [sys.executable, "-c", "import time; time.sleep(60)"]

    real = subprocess.Popen

    def popen(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        started.append(real(*arguments, **options))  # type: ignore[call-overload]
        return started[-1]

    monkeypatch.setattr(extras, "pip_command", command)
    monkeypatch.setattr(extras.subprocess, "Popen", popen)
    with pytest.raises(CancelledError):
        install(TOY, Cancels())
    assert started[0].poll() is not None
    assert left_in(tmp_path / "data") == ["extras"]


def test_a_disk_that_is_full_is_told_with_what_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "print('ERROR: Could not install: [Errno 28] No space left on device'); raise SystemExit(1)"
    monkeypatch.setattr(extras, "pip_command", lambda packages, target: [sys.executable, "-c", text])
    with pytest.raises(ExtraError, match="not enough room on the disk for Toy Tools"):
        install(TOY, QuietContext())
    assert left_in(tmp_path / "data") == ["extras"]


@pytest.mark.parametrize("systems", [("Plan 9",), None])
def test_where_it_cannot_be_installed_nothing_is_tried(
    systems: tuple[str, ...] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = TOY if systems is None else replace(TOY, systems=systems)
    if systems is None:
        monkeypatch.setattr(sys, "frozen", True, raising=False)
    reason = why_not(wanted)
    assert reason.startswith("There is no Toy Tools for" if systems else "This build of Graft cannot install")
    with pytest.raises(ExtraError) as caught:
        install(wanted, QuietContext())
    assert caught.value.hint == reason
    assert left_in(tmp_path / "data") == []


def test_other_versions_lie_in_another_folder() -> None:
    assert extra_folder(TOY) != extra_folder(replace(TOY, packages=("graft-toy==1.1",)))


def test_every_extra_is_pinned_and_its_size_is_known() -> None:
    for each in EXTRAS.values():
        assert all("==" in package for package in each.packages)
        assert 0 < each.download_bytes < each.installed_bytes
    with pytest.raises(ExtraError, match="nothing called"):
        extra("nonsense")


def test_the_job_reports_where_it_lies_and_clears_up_after_a_process_that_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EXTRAS, "toy", TOY)
    job = InstallExtra("toy")
    assert job.finish(job.work(job.prepare(), QuietContext())) == extra_folder(TOY)
    left = extra_folder(TOY).parent / f".{extra_folder(TOY).name}.1234.tmp" / "half"
    left.mkdir(parents=True)
    job.clean_up()
    assert [path.name for path in (tmp_path / "data" / "extras").iterdir()] == [extra_folder(TOY).name]


def test_a_cancel_in_the_worker_leaves_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker may be killed while pip takes its time to end."""
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_RETRIES", "50")
    engine = Engine()
    engine.start()
    try:
        handle = engine.submit(InstallExtra("openvino"))
        while not list((tmp_path / "data").glob("extras/.*")):
            assert not handle.has_ended
        handle.cancel()
        assert handle.wait(5)
    finally:
        assert engine.shutdown(5)
    assert left_in(tmp_path / "data") == ["extras"]
