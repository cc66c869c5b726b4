"""`graft export`: one format or several, any version, and what is there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.commands import cli
from engine.exporters.registry import FORMATS
from engine.extras import EXTRAS
from engine.project import Project


@pytest.fixture
def graft(trained_project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs `graft export ARGUMENTS` on the trained project, checked on two images; returns status, stdout, stderr."""

    @contextmanager
    def opened(_folder: Path) -> Iterator[Project]:
        yield trained_project

    monkeypatch.setattr("engine.commands.export.open_project", opened)
    monkeypatch.setattr("engine.tasks.export.MAX_PARITY_IMAGES", 2)

    def run(*arguments: object) -> tuple[int, str, str]:
        status = cli.run(["export", *map(str, arguments)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_several_formats_get_a_folder_each_and_one_that_fails_leaves_the_others(
    graft: Any, trained_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.tasks.export.is_installed", lambda extra: False)
    out = tmp_path / "out"
    status, said, failed = graft(trained_project.folder, "--format", "onnx-fp16,openvino", "--to", out, "--json")
    assert status == 1
    assert "1 of 2 formats exported. openvino: This format needs OpenVINO, which is not installed." in failed
    document = json.loads(said)
    assert [each["format"] for each in document["exports"]] == ["onnx-fp16"]
    assert [each["format"] for each in document["failed"]] == ["openvino"]
    assert Path(document["exports"][0]["folder"]) == out / "onnx-fp16"
    assert (out / "onnx-fp16" / "model.onnx").is_file()
    assert [path.name for path in out.iterdir()] == ["onnx-fp16"]


def test_one_format_is_the_folder_itself_and_a_version_can_be_named(
    graft: Any, trained_project: Project, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    status, said, _ = graft(trained_project.folder, "--to", out, "--version", 1)
    assert status == 0
    assert "onnx model in" in said
    assert "100.0 % the same class" in said
    assert json.loads((out / "model.json").read_text(encoding="utf-8"))["run"]["id"] == 1
    status, _, failed = graft(trained_project.folder, "--to", tmp_path / "other", "--version", 9)
    assert (status, "There is no version 9" in failed) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["PROJECT", "--to", "x", "--format", "mp3"], "mp3 is no format; choose onnx"),
        (["PROJECT", "--to", "x", "--format", ","], "nothing is no format"),
        (["PROJECT"], "A project and --to DIR are needed."),
    ],
)
def test_bad_usage_is_one_line(graft: Any, arguments: list[str], sentence: str) -> None:
    status, said, failed = graft(*arguments)
    assert (status, said) == (2, "")
    assert sentence in failed
    assert failed.count("\n") == 1


def test_the_list_says_what_each_format_is_for_and_what_it_needs(graft: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.commands.export.is_installed", lambda extra: False)
    status, said, _ = graft("--list", "--json")
    rows = {row["format"]: row for row in json.loads(said)["formats"]}
    assert status == 0
    assert list(rows) == list(FORMATS)
    for name, record in FORMATS.items():
        assert rows[name]["is_installed"] == (not record.extra)
        assert rows[name]["needs"].startswith(EXTRAS[record.extra].title if record.extra else "")
    status, said, _ = graft("--list")
    assert "59 MB to download" in said
