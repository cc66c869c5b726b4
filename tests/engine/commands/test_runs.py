"""`graft runs`: what it prints, what it changes, and one line for whatever cannot be done."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.commands import cli
from engine.domain import Run
from engine.project import Project

Graft = Callable[..., tuple[int, str, str]]


@pytest.fixture
def graft(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Graft:
    """Runs a command here and returns (exit status, stdout, stderr)."""
    monkeypatch.setattr(cli, "limit_threads", lambda count: None)

    def run(*arguments: object) -> tuple[int, str, str]:
        status = cli.run([str(each) for each in arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def folder(tmp_path: Path, file_images: Callable[..., list[int]], add_version: Callable[..., Run]) -> Path:
    """A project with ten images, of which eight have a class, and three versions: the second one sees more right."""
    with Project.create(tmp_path / "parts") as project:
        ids = file_images(project, 10)
        ok, rust = (project.add_class(name).result().id for name in ("ok", "rust"))
        project.label(ids[:4], ok).result()
        project.label(ids[4:8], rust).result()
        truth = [0] * 4 + [1] * 4
        for number, said in ((1, [0, 0, 0, 1, 1, 1, 0, 0]), (2, truth), (3, [1, *truth[1:]])):
            rest = [[0.7, 0.3], [0.2, 0.8] if number == 1 else [0.6, 0.4]]
            add_version(project, number, ids, [ok, rust], truth, said, rest)
    return tmp_path / "parts"


def document(answer: tuple[int, str, str]) -> dict[str, Any]:
    status, out, err = answer
    assert (status, err) == (0, "")
    parsed: dict[str, Any] = json.loads(out)
    return parsed


def test_the_list_says_which_version_is_in_use_and_what_each_is_worth(graft: Graft, folder: Path) -> None:
    listed = document(graft("runs", folder, "--json"))["runs"]
    assert [(each["run"], each["is_active"]) for each in listed] == [(1, False), (2, False), (3, True)]
    assert listed[0]["validation"]["accuracy"] == 0.625
    assert listed[0]["size_bytes"] > 500
    lines = graft("runs", folder)[1].splitlines()
    assert [line[0] for line in lines] == [" ", " ", "*"]
    assert "62.5 % (40.0–99.0)  8 images, 2 classes  starter, head" in lines[0]


def test_a_note_stays_and_an_empty_one_goes(graft: Graft, folder: Path) -> None:
    assert "“sharper light”" in graft("runs", folder, "--note", 2, " sharper light ")[1]
    assert document(graft("runs", folder, "--json"))["runs"][1]["note"] == "sharper light"
    assert "“" not in graft("runs", folder, "--note", 2, "")[1]


def test_another_version_is_used_and_the_one_before_can_be_deleted_then(graft: Graft, folder: Path) -> None:
    sentence = "Version 3 of the model is in use. Use another version first, then delete this one."
    assert graft("runs", folder, "--delete", 3) == (1, "", f"graft: {sentence}\n")
    assert graft("runs", folder, "--activate", 2)[1].splitlines()[1].startswith("*   2")
    assert [each["run"] for each in document(graft("runs", folder, "--delete", 3, "--json"))["runs"]] == [1, 2]
    assert sorted(each.name for each in (folder / "models").iterdir()) == ["run-0001", "run-0002"]
    with Project.open(folder) as project:
        assert project.active_run().id == 2
        assert project.new_run_id() == 4


def test_comparing_tells_who_is_right_where_the_other_is_wrong(graft: Graft, folder: Path) -> None:
    found = document(graft("runs", folder, "--compare", 1, 2, "--json"))
    assert (len(found["fixed"]), found["broken"], found["other_mistake"]) == (3, [], [])
    assert found["paired"]["p_value"] == pytest.approx(0.25)
    assert (found["num_unlabelled"], len(found["other_suggestion"])) == (2, 1)
    status, out, _ = graft("runs", folder, "--compare", 1, 2)
    assert status == 0
    assert out.splitlines()[0] == (
        "On 8 images that both were measured on, version 2 is right on 3 that version 1 got wrong, and wrong on 0 that "
        "version 1 got right: no real difference (chance alone does as much in 25 % of cases)."
    )
    assert "Both learned from the same labels." in out
    assert "1 of 2 images without a class would get another suggestion." in out
    assert graft("runs", folder, "--compare", 1, 9)[2].startswith("graft: There is no version 9 of the model.")


def test_tidying_up_keeps_what_matters_and_says_why(graft: Graft, folder: Path) -> None:
    graft("runs", folder, "--activate", 1)
    trial = document(graft("runs", folder, "--prune", "--keep", 0, "--dry-run", "--json"))
    assert (trial["deleted"], trial["would_delete"]) == ([], [3])
    assert trial["kept"] == {"1": "in use", "2": "best score"}
    assert trial["freed_bytes"] > 0
    assert graft("runs", folder, "--prune")[1] == "There is nothing to tidy up.\n"
    out = graft("runs", folder, "--prune", "--keep", 0)[1]
    assert out.startswith("Deleted 1 version (3), 0.0 MB.\nkept: version 1, in use\n")
    assert [each["run"] for each in document(graft("runs", folder, "--json"))["runs"]] == [1, 2]


@pytest.mark.parametrize(
    ("arguments", "status", "part"),
    [
        (["--activate", 7], 1, "There is no version 7"),
        (["--delete", 7], 1, "There is no version 7"),
        (["--note", 7, "x"], 1, "There is no version 7"),
        (["--note", "two", "x"], 2, "two is not the number of a version"),
        (["--activate", "two"], 2, "invalid int value"),
        (["--activate", 1, "--delete", 2], 2, "not allowed with"),
        (["--keep", 2], 2, "belong to --prune"),
        (["--prune", "--keep", -1], 2, "-1 is not a number of versions"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    graft: Graft, folder: Path, arguments: list[object], status: int, part: str
) -> None:
    found = graft("runs", folder, *arguments)
    assert (found[0], found[1], found[2].count("\n")) == (status, "", 1)
    assert part in found[2]


def test_a_project_without_a_model_says_what_to_do(graft: Graft, tmp_path: Path) -> None:
    Project.create(tmp_path / "new").close()
    assert graft("runs", tmp_path / "new") == (
        0, "There is no version yet: label some images and run graft train.\n", "")  # fmt: skip


def test_a_restore_without_the_models_says_which_versions_have_no_files(graft: Graft, folder: Path) -> None:
    (folder / "project.db").unlink()
    (folder / "models" / "run-0002" / "run.json").unlink()
    status, out, _ = graft("restore", folder)
    assert status == 0
    assert "The files of version 2 of the model are not there" in out
    assert "its files are missing" in graft("runs", folder)[1].splitlines()[1]
    assert "not in the project" in graft("runs", folder, "--activate", 2)[2]
