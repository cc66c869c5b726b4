"""Two people label the same pictures, one takes over what the other did, and the project is looked after."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

Graft = Callable[..., "subprocess.CompletedProcess[str]"]


def test_labels_are_imported_merged_backed_up_and_checked(graft: Graft, tmp_path: Path, tiny_images: Path) -> None:
    mine, theirs, copies = tmp_path / "mine", tmp_path / "theirs", tmp_path / "copies"
    shutil.copytree(tiny_images, copies)
    (tmp_path / "labels.csv").write_text("image,class\ncircles_0.jpg,round\ncircles_1.jpg,circles\n")
    for command in (
        ("new", mine, "--images", tiny_images),
        ("new", theirs, "--images", copies),
        ("import", mine, tmp_path / "labels.csv"),
        ("import", theirs, copies),
    ):
        done = graft(*command)
        assert (done.returncode, done.stderr) == (0, "")
    before = {path: path.read_bytes() for path in theirs.rglob("*") if path.is_file()}
    done = graft("merge", mine, theirs, "--json", "--conflicts", tmp_path / "conflicts.csv")
    assert (done.returncode, done.stderr) == (0, "")
    merged = json.loads(done.stdout)
    assert (merged["num_new"], merged["num_equal"], merged["num_conflicts"]) == (10, 1, 1)
    assert (tmp_path / "conflicts.csv").read_text().splitlines()[
        1
    ] == "circles/circles_0.jpg,classes,round,circles,here,"
    assert {path: path.read_bytes() for path in theirs.rglob("*") if path.is_file()} == before

    assert "read back and good" in graft("backup", mine).stdout
    assert graft("backup", mine, "--list").stdout.splitlines()[0].endswith("  good")
    assert graft("check", mine, "--pictures").returncode == 0
    (mine / "labels.jsonl").unlink()
    done = graft("check", mine)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "1 thing is wrong" in done.stderr
    assert "The journal labels.jsonl is not there." in done.stdout
