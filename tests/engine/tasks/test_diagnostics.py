"""Diagnostics: what is needed to answer a question, nothing private, and never an error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine import VERSION
from engine.tasks import diagnostics


def test_every_package_that_decides_about_a_result_is_named_with_its_version() -> None:
    facts = diagnostics.diagnostics()
    assert "not there" not in facts.values()
    assert facts["Graft"].startswith(VERSION)
    assert facts["torch"].startswith("2.")


def test_a_packed_program_tells_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "version.json"
    monkeypatch.setattr(diagnostics, "_VERSION_FILE", file)
    assert diagnostics.program_version() == VERSION
    file.write_text(json.dumps({"version": "0.1.0+abc1234"}))
    assert diagnostics.program_version() == "0.1.0+abc1234"
    file.write_text("[]")
    assert diagnostics.program_version() == VERSION


def test_a_user_folder_that_is_not_there_yet_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAFT_DATA", str(tmp_path / "not" / "there"))
    facts = diagnostics.diagnostics()
    assert facts["Free on its disk"].endswith(" GB")
    assert f"GRAFT_DATA={tmp_path / 'not' / 'there'}" in facts["Variables"]


def test_diagnostics_load_no_torch(repository: Path) -> None:
    code = "import sys; from engine.tasks import diagnostics as d; d.diagnostics(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=repository, check=False).returncode == 0
