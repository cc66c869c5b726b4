"""A project that another process holds: a sentence that names it, a read-only copy, the original untouched."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.errors import ProjectInUseError
from engine.project import Project

HOLDER = """
import sys
from pathlib import Path
from engine.project import Project
project = Project.open(Path(sys.argv[1]))
print("open", flush=True)
for line in sys.stdin:
    project.label([int(line)], 1).result()
    print("labelled", flush=True)
project.close()
"""
FLOOD = """
import sys
from pathlib import Path
from engine.project import Project
project = Project.open(Path(sys.argv[1]))
print("open", flush=True)
ids = [record.id for record in project.images()]
while True:
    for class_id in (1, 2):
        project.label(ids, class_id).result()
"""


@pytest.fixture
def folder(project: Project, file_images: Callable[..., list[int]]) -> Path:
    """A closed project with 300 images and the classes 1 and 2."""
    file_images(project, 300)
    project.add_class("ok").result()
    project.add_class("rust").result()
    project.close()
    return project.folder


@pytest.fixture
def start(repository: Path, folder: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Call it with a program; it returns the process once it has the project open."""
    processes = []

    def run(program: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(folder)],
            cwd=repository,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def test_a_second_instance_is_told_who_holds_the_project(
    folder: Path, start: Callable[[str], subprocess.Popen[str]]
) -> None:
    holder = start(HOLDER)
    started = time.perf_counter()
    with pytest.raises(ProjectInUseError, match=rf"open in another Graft window \(process {holder.pid} on ") as caught:
        Project.open(folder)
    assert time.perf_counter() - started < 5
    assert "read-only copy" in caught.value.hint
    with pytest.raises(ProjectInUseError):
        Project.restore(folder)
    assert holder.stdin is not None
    assert holder.stdout is not None
    holder.stdin.write("3\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "labelled\n", "the first one goes on undisturbed"
    holder.communicate()
    with Project.open(folder) as project:
        assert project.columns().class_ids[2] == 1


def test_a_read_only_copy_shows_what_the_other_window_has_saved(
    folder: Path, start: Callable[[str], subprocess.Popen[str]]
) -> None:
    holder = start(HOLDER)
    assert holder.stdin is not None
    assert holder.stdout is not None
    holder.stdin.write("7\n")
    holder.stdin.flush()
    holder.stdout.readline()
    before = {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*")}
    with Project.open(folder, read_only=True) as copy:
        assert copy.columns().class_ids[6] == 1
        assert copy.can_undo() == "label 000006.jpg as ok"
    assert {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*")} == before
    holder.stdin.write("8\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "labelled\n", "the copying must not have taken the holder's lock away"
    with pytest.raises(ProjectInUseError):
        Project.open(folder)


def test_copies_made_during_a_flood_of_writes_are_whole(
    folder: Path, start: Callable[[str], subprocess.Popen[str]]
) -> None:
    start(FLOOD)
    for _ in range(8):
        with Project.open(folder, read_only=True) as copy:
            labels = copy.columns().class_ids
            assert len(labels) == 300
            assert len(set(labels.tolist())) == 1, "half of a step"


def test_a_killed_holder_does_not_keep_the_project(folder: Path, start: Callable[[str], subprocess.Popen[str]]) -> None:
    holder = start(HOLDER)
    holder.kill()
    holder.wait()
    assert (folder / "open-by.json").exists()
    with Project.open(folder):
        pass
    assert not (folder / "open-by.json").exists()


@pytest.mark.skipif(os.name == "nt", reason="POSIX: closing any handle of a file drops the process's locks on it")
def test_a_copy_within_the_same_process_leaves_the_lock_alone(folder: Path, repository: Path) -> None:
    with Project.open(folder):
        Project.open(folder, read_only=True).close()
        program = f"from pathlib import Path\nfrom engine.project import Project\nProject.open(Path({str(folder)!r}))"
        done = subprocess.run([sys.executable, "-c", program], cwd=repository, capture_output=True, text=True)
        assert "ProjectInUseError" in done.stderr
