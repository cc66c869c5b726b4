"""`kill -9` at any moment: every acknowledged label is there afterwards, in the database and in the journal."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from engine.project import Project

NUM_ROUNDS = 8
LABELLER = """
import itertools, sys
from pathlib import Path
from engine.project import Project
project = Project.open(Path(sys.argv[1]))
for count in itertools.count(int(sys.argv[2])):
    project.label([count % 200 + 1], count % 2 + 1).result()
    print(count, flush=True)
"""


def test_acknowledged_labels_survive_a_kill(
    project: Project, file_images: Callable[..., list[int]], repository: Path, tmp_path: Path
) -> None:
    file_images(project, 200)
    project.add_class("ok").result()
    project.add_class("rust").result()
    project.close()
    rng, expected, count = random.Random(0), {}, 0
    for round_number in range(NUM_ROUNDS):
        process = subprocess.Popen(
            [sys.executable, "-c", LABELLER, str(project.folder), str(count)],
            cwd=repository,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        acknowledged = [process.stdout.readline()]
        time.sleep(rng.uniform(0, 0.3))
        process.kill()
        acknowledged += process.stdout.read().splitlines()
        process.wait()
        process.stdout.close()
        numbers = [int(line) for line in acknowledged if line.strip()]
        assert numbers, f"round {round_number}: the labeller never came to work"
        expected |= {number % 200 + 1: number % 2 + 1 for number in numbers}
        unanswered = (numbers[-1] + 1) % 200 + 1
        count = numbers[-1] + 1
        if round_number == NUM_ROUNDS // 2:  # once with the database lost as well: the journal alone must do
            (project.folder / "project.db").unlink()
            shutil.rmtree(project.folder / "backups")
            Project.restore(project.folder).close()
        started = time.perf_counter()
        with Project.open(project.folder) as again:
            assert time.perf_counter() - started < 5
            found = {image_id: class_id for image_id, class_id in again.store.call(_labels) if image_id != unanswered}
        assert {image: found.get(image) for image in expected if image != unanswered} == {
            image: class_id for image, class_id in expected.items() if image != unanswered
        }


def _labels(db: object) -> list[tuple[int, int]]:
    return list(db.execute("SELECT image_id, class_id FROM image_classes").fetchall())  # type: ignore[attr-defined]
