"""What is done to projects while every write is recorded. Run by `recording.py`: `python workload.py FOLDER`.

Says on stdout what it is about to do ("begin 7") and what has been acknowledged ("done 7 DIGEST"), where the digest is
that of the whole state after the step. A line is one write, so that its place among the recorded writes is known.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.domain import LabelMode, Mark, NewImage, Source
from engine.project import Project
from tests.power_cut.state import digest

NUM_IMAGES = 300


def main(folder: Path) -> None:
    """Works on a new project, and on `older`, which is there already and has to be migrated first."""
    random.seed(0)
    steps = Steps()
    project = steps.opened(lambda: Project.create(folder / "new"))
    work_on(steps, project, file_images(steps, project))
    work_on(steps, steps.opened(lambda: Project.open(folder / "older")), [1, 2, 3, 4, 5])


class Steps:
    """Does one thing after the other and says so."""

    def __init__(self) -> None:
        self.number = 0
        self.project: Project | None = None

    def opened(self, act: Callable[[], Project]) -> Project:
        self.project = None
        self._begin()
        self.project = act()
        self._done()
        return self.project

    def do(self, act: Callable[[], object]) -> None:
        self._begin()
        act()
        self._done()

    def close(self) -> None:
        """Closes the project; what it held then is what it holds from now on."""
        assert self.project is not None
        before = self.project.store.call(lambda db: digest(db.conn))
        say(f"begin {self.number} {self.project.folder.name}")
        self.project.close()
        say(f"done {self.number} {self.project.folder.name} {before}")
        self.number += 1

    def _begin(self) -> None:
        say(f"begin {self.number} {self.project.folder.name if self.project else ''}")

    def _done(self) -> None:
        assert self.project is not None
        say(f"done {self.number} {self.project.folder.name} {self.project.store.call(lambda db: digest(db.conn))}")
        self.number += 1


def file_images(steps: Steps, project: Project) -> list[int]:
    """Imports images as a scan does: filed first, read afterwards."""
    root_id = project.add_root(Path("/images"))
    for start in range(0, NUM_IMAGES, 100):
        rows = [NewImage(f"{i}.jpg".encode(), "", i, i) for i in range(start, start + 100)]
        steps.do(lambda rows=rows: project.add_images(root_id, rows))
    read = [(i, NewImage(f"{i - 1}.jpg".encode(), f"{i:032x}", i - 1, i - 1, 64, 48)) for i in range(1, NUM_IMAGES + 1)]
    steps.do(lambda: project.fill_in_images(read))
    return list(range(1, NUM_IMAGES + 1))


def work_on(steps: Steps, project: Project, ids: list[int]) -> None:
    """Labels, accepts and refuses, undoes, imports, changes classes and notes, backs up, closes and opens again."""
    for name in ("a", "b"):
        steps.do(lambda name=name: project.add_class(name).result())
    classes = [each.id for each in project.classes()]
    for turn in range(40):
        steps.do(lambda: project.label([random.choice(ids)], random.choice(classes)).result())
        if turn % 5 == 0:
            steps.do(lambda: project.label(random.sample(ids, len(ids) // 2), random.choice(classes)).result())
            steps.do(lambda: project.undo().result())
            steps.do(lambda: project.redo().result())
        if turn % 7 == 0:
            pairs = [(image_id, random.choice(classes)) for image_id in random.sample(ids, min(40, len(ids)))]
            steps.do(lambda pairs=pairs: project.label_many(pairs, Source.IMPORT, "import").result())
            page, class_id = random.sample(ids, 8), random.choice(classes)
            steps.do(lambda page=page, class_id=class_id: accept(project, page, class_id))
            steps.do(lambda turn=turn: project.set_note(random.choice(ids), f"note {turn}").result())
            steps.do(lambda turn=turn: project.mark(random.sample(ids, 3), Mark.SKIPPED, turn % 2 == 0).result())
        if turn in (15, 30):
            steps.do(lambda: project.store.back_up().result())
    steps.do(lambda: project.set_label_mode(LabelMode.SEVERAL).result())
    steps.do(lambda: project.split_class(ids[:4], "split").result())
    steps.do(lambda: project.merge_class(classes[0], classes[1]).result())
    steps.close()


def accept(project: Project, page: list[int], class_id: int) -> None:
    """Accepts most of a page of suggestions, and refuses the others."""
    project.accept(page[:6], class_id, Source.SUGGESTION, "accept a page", page[6:], 1).result()


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
