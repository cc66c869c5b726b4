"""Every ending of a command: exit status, and at most one line on stderr."""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.commands import backbones, cli
from engine.commands.console import Console, percent, plural, without_nan
from engine.commands.names import COMMANDS, is_command_line
from engine.errors import ProjectError, StoreError
from engine.job import CancelledError

Ending = Callable[[BaseException], tuple[int, str, str]]


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ending:
    """Returns a function that runs a command which raises, and returns (exit status, stdout, stderr)."""
    monkeypatch.setattr(cli, "limit_threads", lambda count: None)

    def run(error: BaseException) -> tuple[int, str, str]:
        def fail(arguments: argparse.Namespace, console: Console) -> None:
            raise error

        monkeypatch.setattr(backbones, "run", fail)
        status = cli.run(["backbones", "--json"])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_an_expected_failure_is_one_line_with_its_hint(ending: Ending) -> None:
    assert ending(ProjectError("There is no project in a.", "Make one with graft new.")) == (
        1,
        "",
        "graft: There is no project in a. Make one with graft new.\n",
    )


def test_a_message_of_several_lines_becomes_one(ending: Ending) -> None:
    assert ending(StoreError("The database\nis damaged.", "Restore\ta backup."))[2] == (
        "graft: The database is damaged. Restore a backup.\n"
    )


@pytest.mark.parametrize("error", [KeyboardInterrupt(), CancelledError()])
def test_ctrl_c_is_a_quiet_end(ending: Ending, error: BaseException) -> None:
    assert ending(error) == (130, "", "graft: cancelled\n")


def test_a_bug_is_one_line_and_its_traceback_is_in_the_log(
    ending: Ending, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAFT_DATA", str(tmp_path))
    status, out, err = ending(ZeroDivisionError("a secret detail"))
    log = tmp_path / "logs" / "graft.log"
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "Traceback" not in err
    assert str(log) in err
    assert "ZeroDivisionError: a secret detail" in log.read_text()


def test_a_full_disk_met_outside_of_our_own_writers_is_still_a_sentence(ending: Ending) -> None:
    status, _, err = ending(OSError(28, "No space left on device", "/data/x.bin"))
    assert status == 1
    assert "is full" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["trian", "x"], "Did you mean train?"),
        (["frobnicate"], "graft --help lists the commands."),
        (["train"], "graft train --help"),
        (["train", "x", "--depth", "deep"], "--depth"),
        (["train", "x", "--time-budget", "-3"], "--time-budget"),
        (["new", "x"], "--images"),
        (["new", "x", "--images", "y", "--group-by", "("], "--group-by"),
        (["train", "x", "--group-by", ""], "--group-by"),
        (["export", "x", "--to", "y", "--format", "pickle"], "--format"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_bad_usage_is_one_line_and_exit_2(
    arguments: list[str], part: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "limit_threads", lambda count: None)
    assert cli.run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert part in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "limit_threads", lambda count: None)
    with pytest.raises(SystemExit) as end:
        cli.run([name, "--help"])
    assert end.value.code == 0
    assert f"usage: graft {name}" in capsys.readouterr().out


def test_a_folder_or_nothing_means_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parts").mkdir()
    assert not is_command_line([])
    assert not is_command_line(["parts"])
    assert not is_command_line([str(tmp_path / "not there yet")])
    assert is_command_line(["demo"])
    assert is_command_line(["--help"])
    assert is_command_line(["prats"])


# ------------------------------------------------------------------------------------------------------- console


def test_json_output_is_one_document_and_nothing_else() -> None:
    out, err = io.StringIO(), io.StringIO()
    console = Console(is_json=True, out=out, err=err)
    console.say("a line for people")
    console.document({"accuracy": float("nan"), "interval": (0.5, float("inf")), "class": "Rußpartikel"})
    assert json.loads(out.getvalue()) == {"accuracy": None, "interval": [0.5, None], "class": "Rußpartikel"}
    assert err.getvalue() == ""


def test_text_output_has_no_document() -> None:
    out = io.StringIO()
    console = Console(is_json=False, out=out, err=io.StringIO())
    console.say("a line for people")
    console.document({"accuracy": 1})
    assert out.getvalue() == "a line for people\n"


def test_progress_is_drawn_on_a_terminal_only() -> None:
    from engine.commands.console import ProgressBar

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    pipe, terminal = io.StringIO(), Terminal()
    for stream in (pipe, terminal):
        bar = ProgressBar("Training", stream)
        bar.progress(1, 2, "first half")
        bar.progress(2, 2)
        bar.close()
    assert pipe.getvalue() == ""
    assert "Training" in terminal.getvalue()


def test_a_reader_that_goes_away_is_no_traceback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cli, "limit_threads", lambda count: None)

    def fail(arguments: argparse.Namespace, console: Console) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(backbones, "run", fail)
    with (tmp_path / "out").open("w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert cli.run(["backbones"]) == 1


def test_figures_are_written_for_people() -> None:
    assert (percent(0.9344), percent(float("nan")), percent(None)) == ("93.4 %", "–", "–")
    assert (plural(1, "class", "classes"), plural(1240, "image")) == ("1 class", "1,240 images")
    assert without_nan({"a": [1.0, float("-inf")]}) == {"a": [1.0, None]}
