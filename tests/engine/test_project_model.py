"""Hypothesis plays a user against a simple model: whatever the order of steps, undos and restarts, both agree."""

from __future__ import annotations

import os
import shutil
import tempfile
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine.domain import Mark, NewImage, Source
from engine.project import Project

NUM_IMAGES = 6
image_sets = st.sets(st.integers(1, NUM_IMAGES), min_size=1).map(sorted)
names = st.sampled_from(["ok", "rust", "crack", "hole"])


@dataclass
class State:
    """What a project should hold: class per image, marks per image, name and key per class."""

    labels: dict[int, int] = field(default_factory=dict)
    marks: dict[int, int] = field(default_factory=dict)
    classes: dict[int, tuple[str, str | None]] = field(default_factory=dict)


class ProjectAgainstModel(RuleBasedStateMachine):
    """The rules are what a user can do; the model keeps a list of whole states for undo."""

    def __init__(self) -> None:
        super().__init__()
        # In memory where there is such a disk: thousands of small syncs say nothing here.
        memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
        self.folder = Path(tempfile.mkdtemp(prefix="graft-model-", dir=memory)) / "project"
        self.state = State()
        self.past: list[State] = []
        self.future: list[State] = []

    @initialize()
    def make(self) -> None:
        self.project = Project.create(self.folder)
        root_id = self.project.add_root(Path("/nowhere"))
        self.project.add_images(root_id, [NewImage(f"{i}.jpg".encode(), f"hash{i}", i, i) for i in range(NUM_IMAGES)])

    def teardown(self) -> None:
        self.project.close()
        shutil.rmtree(self.folder.parent)

    def step(self, after: State) -> None:
        if after != self.state:
            self.past.append(self.state)
            self.future = []
            self.state = after

    def any_class(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from(sorted(self.state.classes)))

    @rule(ids=image_sets, data=st.data(), source=st.sampled_from(list(Source)))
    @precondition(lambda self: self.state.classes)
    def label(self, ids: list[int], data: st.DataObject, source: Source) -> None:
        class_id = self.any_class(data)
        after = deepcopy(self.state)
        after.labels.update(dict.fromkeys(ids, class_id))
        change = self.project.label(ids, class_id, source).result()
        assert set(change.class_ids.tolist()) <= {class_id}
        self.step(after)

    @rule(data=st.data(), pairs=st.dictionaries(st.integers(1, NUM_IMAGES), st.integers(0, 3), min_size=1))
    @precondition(lambda self: self.state.classes)
    def label_many(self, data: st.DataObject, pairs: dict[int, int]) -> None:
        existing = [0, *sorted(self.state.classes)]
        wanted = {image_id: existing[pick % len(existing)] for image_id, pick in pairs.items()}
        after = deepcopy(self.state)
        after.labels.update(wanted)
        after.labels = {image_id: class_id for image_id, class_id in after.labels.items() if class_id}
        self.project.label_many(list(wanted.items()), Source.IMPORT, "import").result()
        self.step(after)

    @rule(ids=image_sets)
    def clear(self, ids: list[int]) -> None:
        after = deepcopy(self.state)
        for image_id in ids:
            after.labels.pop(image_id, None)
        self.project.clear(ids).result()
        self.step(after)

    @rule(ids=image_sets, mark=st.sampled_from([Mark.SKIPPED, Mark.UNSURE]), on=st.booleans())
    def mark(self, ids: list[int], mark: Mark, on: bool) -> None:
        after = deepcopy(self.state)
        for image_id in ids:
            marks = after.marks.pop(image_id, 0)
            marks = marks | mark if on else marks & ~mark
            if marks:
                after.marks[image_id] = marks
        self.project.mark(ids, mark, on).result()
        self.step(after)

    @rule(name=names)
    def add_class(self, name: str) -> None:
        if name in {known for known, _ in self.state.classes.values()}:
            return
        added = self.project.add_class(name).result()
        after = deepcopy(self.state)
        after.classes[added.id] = (name, added.key)
        self.step(after)

    @rule(name=names, data=st.data())
    @precondition(lambda self: self.state.classes)
    def rename_class(self, name: str, data: st.DataObject) -> None:
        if name in {known for known, _ in self.state.classes.values()}:
            return
        class_id = self.any_class(data)
        self.project.rename_class(class_id, name).result()
        after = deepcopy(self.state)
        after.classes[class_id] = (name, after.classes[class_id][1])
        self.step(after)

    @rule(key=st.sampled_from(["1", "2", "q", None]), data=st.data())
    @precondition(lambda self: self.state.classes)
    def set_class_key(self, key: str | None, data: st.DataObject) -> None:
        class_id = self.any_class(data)
        self.project.set_class_key(class_id, key).result()
        after = deepcopy(self.state)
        if key is not None:
            after.classes = {i: (n, None if k == key else k) for i, (n, k) in after.classes.items()}
        after.classes[class_id] = (after.classes[class_id][0], key)
        self.step(after)

    @rule(data=st.data())
    @precondition(lambda self: self.state.classes)
    def delete_class(self, data: st.DataObject) -> None:
        class_id = self.any_class(data)
        self.project.delete_class(class_id).result()
        after = deepcopy(self.state)
        del after.classes[class_id]
        after.labels = {image_id: known for image_id, known in after.labels.items() if known != class_id}
        self.step(after)

    @rule(data=st.data())
    @precondition(lambda self: len(self.state.classes) > 1)
    def merge_class(self, data: st.DataObject) -> None:
        class_id, into = data.draw(st.permutations(sorted(self.state.classes)))[:2]
        self.project.merge_class(class_id, into).result()
        after = deepcopy(self.state)
        del after.classes[class_id]
        after.labels = {i: into if known == class_id else known for i, known in after.labels.items()}
        self.step(after)

    @rule()
    def undo(self) -> None:
        change = self.project.undo().result()
        assert (change is None) == (not self.past)
        if self.past:
            self.future.append(self.state)
            self.state = self.past.pop()

    @rule()
    def redo(self) -> None:
        change = self.project.redo().result()
        assert (change is None) == (not self.future)
        if self.future:
            self.past.append(self.state)
            self.state = self.future.pop()

    @rule()
    def reopen(self) -> None:
        self.project.close()
        self.project = Project.open(self.folder)

    @rule(keep_backups=st.booleans())
    def lose_the_database(self, keep_backups: bool) -> None:
        self.project.close()
        (self.folder / "project.db").unlink()
        if not keep_backups:
            shutil.rmtree(self.folder / "backups")
        self.project = Project.restore(self.folder)

    @invariant()
    def both_agree(self) -> None:
        found: dict[str, Any] = self.project.store.call(
            lambda db: {
                "labels": dict(db.execute("SELECT image_id, class_id FROM image_classes").fetchall()),
                "marks": dict(db.execute("SELECT image_id, marks FROM image_marks WHERE marks != 0").fetchall()),
            }
        )
        assert found["labels"] == self.state.labels
        assert found["marks"] == self.state.marks
        assert {one.id: (one.name, one.key) for one in self.project.classes()} == self.state.classes
        assert (self.project.can_undo() is None) == (not self.past)
        assert (self.project.can_redo() is None) == (not self.future)


TestProjectAgainstModel = ProjectAgainstModel.TestCase
TestProjectAgainstModel.settings = settings(
    max_examples=20,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
