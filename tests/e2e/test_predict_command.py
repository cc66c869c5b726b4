"""`graft predict` and `graft serve` as a script calls them: many images, patterns, a kill in the middle, bad input."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.job import run_in_foreground
from engine.project import Project
from engine.tasks.export import ExportModel
from engine.tasks.scan import ScanFolder
from engine.tasks.train import retrain_jobs
from engine.tasks.train_snapshot import TrainSettings

Graft = Callable[..., "subprocess.CompletedProcess[str]"]
LARGEST_GROWTH_MB = 40
MEASURED = """
import resource, sys
sys.path.insert(0, {root!r})
from engine.commands.cli import run
status = run({arguments!r})
largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(largest // (1024 if sys.platform != "darwin" else 1024 * 1024), file=sys.stderr)
sys.exit(status)
"""


_made: list[Path] = []
"""A project with a model of the built-in network; every test gets a copy."""


@pytest.fixture
def project(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, tiny_images: Path) -> Path:
    if not _made:
        folder = tmp_path_factory.mktemp("predict") / "project"
        with Project.create(folder) as made:
            run_in_foreground(ScanFolder(made, tiny_images, True))
            for job in retrain_jobs(made, TrainSettings("starter")):
                run_in_foreground(job)
        _made.append(folder)
    return Path(shutil.copytree(_made[0], tmp_path / "project"))


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def assert_refused(done: subprocess.CompletedProcess[str], status: int, part: str) -> None:
    """One line on stderr that names the part, and nothing on stdout."""
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (status, "", 1), done
    assert done.stderr.startswith("graft: ")
    assert part in done.stderr
    assert "inside Graft" not in done.stderr


def test_files_folders_and_patterns_are_taken_together(graft: Graft, project: Path, tiny_images: Path) -> None:
    one, pattern = tiny_images / "stripes" / "stripes_0.jpg", f"{tiny_images}/**/*_1.jpg"
    done = graft("predict", project, tiny_images / "circles", pattern, one, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    names = [entry["image"] for entry in json.loads(done.stdout)["predictions"]]
    assert len(names) == len(set(names)) == 4 + 2 + 1, "each once"
    said = graft("predict", project, tiny_images)
    assert said.stdout.count("\n") == 12
    assert graft("predict", project, tiny_images / "circles", "--no-recursive").stdout.count("\n") == 4


@pytest.mark.slow
def test_a_table_is_gone_on_with_after_a_kill(
    project: Path, tiny_images: Path, tmp_path: Path, repository: Path
) -> None:
    many = tmp_path / "many"
    many.mkdir()
    files = sorted(tiny_images.rglob("*.jpg"))
    for index in range(2000):
        os.link(files[index % len(files)], many / f"{index:04d}.jpg")
    table = tmp_path / "out.csv"
    command = [sys.executable, str(repository / "main.py"), "predict", str(project), str(many), "--csv", str(table)]
    part = tmp_path / "out.csv.part"
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while (not part.exists() or part.stat().st_size < 10_000) and time.monotonic() < until:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait(20)
    assert not table.exists()
    num_before = part.read_bytes().count(b"\n") - 1
    assert 0 < num_before < 2000

    done = subprocess.run([*command, "--resume", "--json"], capture_output=True, text=True, check=True)
    document = json.loads(done.stdout)
    assert document["done_before"] >= num_before - 1
    assert document["done_before"] + len(document["predictions"]) == 2000
    assert [row["image"] for row in rows_of(table)] == [f"{index:04d}.jpg" for index in range(2000)]


def test_sorted_links_and_another_models_table(graft: Graft, project: Path, tiny_images: Path, tmp_path: Path) -> None:
    with Project.open(project) as opened:
        run_in_foreground(ExportModel(opened, "onnx", tmp_path / "onnx"))
    table, place = tmp_path / "out.csv", tmp_path / "sorted"
    done = graft("predict", project, tiny_images, "--csv", table, "--sorted-copies", place, "--links")
    assert done.returncode == 0, done.stderr
    links = [path for path in place.rglob("*") if path.is_symlink()]
    assert len(links) == 12
    assert all(link.resolve().parent.parent == tiny_images.resolve() for link in links)
    assert_refused(
        graft("predict", tmp_path / "onnx", tiny_images, "--csv", table, "--resume"), 1, "begun with another model"
    )  # fmt: skip
    assert len(rows_of(table)) == 12, "what was there is untouched"


@pytest.mark.parametrize(
    ("arguments", "status", "part"),
    [
        (("{images}/nowhere.jpg",), 1, "no file or folder"),
        (("{images}/*.tiff",), 1, "no images"),
        (("{images}", "--resume"), 2, "--csv"),
        (("{images}", "--links"), 2, "--sorted-copies"),
        (("{images}", "--sorted-copies", "x", "--unsure-below", "7"), 2, "between 0 and 1"),
        (("{images}", "--csv", "{images}/new.jpg"), 1, "name of an image"),
        (("{images}", "--csv", "{images}/nowhere/out.csv"), 1, "cannot be written"),
        ((), 2, "required"),
    ],
)
def test_bad_arguments_are_one_line(
    graft: Graft, project: Path, tiny_images: Path, arguments: tuple[str, ...], status: int, part: str
) -> None:
    given = [text.replace("{images}", str(tiny_images)) for text in arguments]
    assert_refused(graft("predict", project, *given), status, part)


def test_when_no_image_can_be_read_it_is_a_failure(graft: Graft, project: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    done = graft("predict", project, tmp_path / "broken.jpg", "--json")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "broken.jpg" in done.stderr
    document = json.loads(done.stdout)
    assert (document["predictions"], len(document["failed"])) == ([], 1)


@pytest.mark.parametrize(
    ("arguments", "environment", "status", "part"),
    [
        (("--port", "99999"), {}, 2, "0 to 65535"),
        (("--port", "x"), {}, 2, "--port"),
        ((), {"GRAFT_TOKEN": "short"}, 1, "shorter than"),
    ],
)
def test_a_server_that_cannot_be_started_is_one_line(
    graft: Graft, project: Path, arguments: tuple[str, ...], environment: dict[str, str], status: int, part: str
) -> None:
    assert_refused(graft("serve", project, *arguments, **environment), status, part)


@pytest.mark.slow
def test_a_thousand_images_take_no_more_memory_than_a_hundred(
    project: Path, shared_data: Path, tmp_path: Path, repository: Path
) -> None:
    files = sorted((shared_data / "clothing10").rglob("*.jpg"))
    largest = {}
    for count in (100, 1000):
        folder = tmp_path / str(count)
        folder.mkdir()
        for index in range(count):
            shutil.copy2(files[index % 100], folder / f"{index}.jpg")
        arguments = ["predict", str(project), str(folder), "--csv", str(tmp_path / f"{count}.csv"), "--json"]
        script = MEASURED.format(root=str(repository), arguments=arguments)
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert len(json.loads(done.stdout)["predictions"]) == count
        largest[count] = int(done.stderr.split()[-1])
    assert largest[1000] - largest[100] <= LARGEST_GROWTH_MB, largest
