"""Whatever a user does to labels, in whatever order: the project says what a model of ten dictionaries says.

The model keeps the whole state after every step, so undo is taking the one before. Everything is compared after every
action: the table of labels with their sources, columns, bits, marks, notes, palette, texts, and the `Change` that the
window would have been told.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from engine.domain import NO_CLASS, Change, LabelMode, Mark, NewImage, Source, class_ids_of, widened
from engine.errors import ProjectError
from engine.project import Project

IMAGES = range(1, 5)
NAMES = ("ok", "rust", "dent", "a|b")
some_images = st.lists(st.sampled_from(IMAGES), min_size=1, max_size=4)
any_source = st.sampled_from(list(Source))
any_place = st.integers(0, 9)
"""Picks one of what there is, modulo its number."""


class Accident(Enum):
    """What may happen between two steps. LOSS: the database is deleted; a crash leaves all that was written."""

    CLOSING = auto()
    LOSS = auto()
    LOSS_OF_BACKUPS_TOO = auto()
    CRASH = auto()
    CRASH_AND_LOSS = auto()


@dataclass(frozen=True)
class State:
    """Everything that a step can change. `palette` holds (class id, name) in order; `labels` a source by class id."""

    mode: LabelMode = LabelMode.ONE
    palette: tuple[tuple[int, str], ...] = ()
    labels: dict[int, dict[int, str]] = field(default_factory=lambda: {image_id: {} for image_id in IMAGES})
    marks: dict[int, int] = field(default_factory=lambda: dict.fromkeys(IMAGES, 0))
    notes: dict[int, str] = field(default_factory=lambda: dict.fromkeys(IMAGES, ""))

    def image(self, image_id: int) -> tuple[object, ...]:
        return self.labels[image_id], self.marks[image_id], self.notes[image_id]

    def labelled(self, new: dict[int, dict[int, str]]) -> State:
        return replace(self, labels={**self.labels, **new})


@dataclass(frozen=True)
class Step:
    kind: str
    before: State
    after: State


class ProjectMachine(RuleBasedStateMachine):
    """Runs the real project beside the model."""

    def __init__(self) -> None:
        super().__init__()
        # In memory where that is possible: what a disk does with a sync is not the question here.
        memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="graft-machine-", dir=memory if memory.is_dir() else None))
        self.num_folders = 0
        self.project = Project.create(self.folder / "0")
        root_id = self.project.add_root(Path("/images"))
        self.project.add_images(root_id, [NewImage(f"{i}.jpg".encode(), f"{i:032x}", 1, 1) for i in IMAGES])
        self.state = State()
        self.done: list[Step] = []
        self.undone: list[Step] = []
        self.after: dict[int, State] = {0: self.state}

    @initialize(mode=st.sampled_from(LabelMode), backs_up=st.booleans())
    def begin_with_something(self, mode: LabelMode, backs_up: bool) -> None:
        self.set_label_mode(mode)
        for name in NAMES[:2]:
            self.add_class(name)
        self.label([1, 2], 0, Source.SUGGESTION, "")
        self.label([2, 3], 1, Source.HUMAN, "")
        self.mark([1, 4], Mark.CONFIRMED, True)
        self.note(1, "scratch")
        if backs_up:  # else a restore has the journal alone
            self.project.store.back_up().result()

    def teardown(self) -> None:
        self.project.close()
        shutil.rmtree(self.folder)

    # ---- what a user does

    @rule(image_ids=some_images, place=any_place, source=any_source, stroke=st.sampled_from(["", "", "s"]))
    def label(self, image_ids: list[int], place: int, source: Source, stroke: str) -> None:
        class_id = self._class(place)
        if class_id is None:
            return
        kind = "label:s" if stroke else "label"
        wanted = self._labelled([(image_id, class_id, source.value) for image_id in image_ids])
        self._step(lambda: self.project.label(image_ids, class_id, source, stroke), wanted, kind)

    @rule(pairs=st.lists(st.tuples(st.sampled_from(IMAGES), any_place), min_size=1, max_size=5))
    def label_many(self, pairs: list[tuple[int, int]]) -> None:
        if not self.state.palette:
            return
        real = [(image_id, self._class(place) or 0) for image_id, place in pairs]
        wanted = self._labelled([(*pair, "import") for pair in real])
        self._step(lambda: self.project.label_many(real, Source.IMPORT, "import"), wanted)

    @rule(image_ids=some_images, place=any_place, stroke=st.sampled_from(["", "", "s"]))
    def remove_class(self, image_ids: list[int], place: int, stroke: str) -> None:
        class_id = self._class(place)
        if class_id is not None:
            wanted = self.state.labelled({image_id: self._without(image_id, class_id) for image_id in image_ids})
            kind = "remove:s" if stroke else "remove"
            self._step(lambda: self.project.remove_class(image_ids, class_id, stroke), wanted, kind)

    @rule(image_ids=some_images)
    def clear(self, image_ids: list[int]) -> None:
        marks = {image_id: self.state.marks[image_id] & ~Mark.CONFIRMED for image_id in image_ids}
        wanted = self.state.labelled({image_id: {} for image_id in image_ids})
        wanted = replace(wanted, marks={**self.state.marks, **marks})
        self._step(lambda: self.project.clear(image_ids), wanted)

    @rule(image_ids=some_images, mark=st.sampled_from([Mark.SKIPPED, Mark.UNSURE, Mark.CONFIRMED]), on=st.booleans())
    def mark(self, image_ids: list[int], mark: Mark, on: bool) -> None:
        marks = {i: self.state.marks[i] | mark if on else self.state.marks[i] & ~mark for i in image_ids}
        wanted = replace(self.state, marks={**self.state.marks, **marks})
        self._step(lambda: self.project.mark(image_ids, mark, on), wanted)

    @rule(image_id=st.sampled_from(IMAGES), note=st.sampled_from(["", "scratch", "Straße\nleft"]))
    def note(self, image_id: int, note: str) -> None:
        wanted = replace(self.state, notes={**self.state.notes, image_id: note})
        self._step(lambda: self.project.set_note(image_id, note), wanted)

    @rule(image_id=st.sampled_from(IMAGES), place=any_place)
    def revert_image(self, image_id: int, place: int) -> None:
        moments = [0, *(entry.step_id for entry in self.project.history(image_id))]
        step_id = moments[place % len(moments)]
        labels = self.after[step_id].labels[image_id]
        known = {class_id for class_id, _ in self.state.palette}
        if set(labels) <= known and (len(labels) < 2 or self.state.mode is LabelMode.SEVERAL):
            # A class that is there already keeps the source it has now.
            now = self.state.labels[image_id]
            wanted = self.state.labelled({image_id: {each: now.get(each, labels[each]) for each in labels}})
            self._step(lambda: self.project.revert_image(image_id, step_id), wanted)
        else:
            self._refused(lambda: self.project.revert_image(image_id, step_id))

    # ---- classes

    @rule(name=st.sampled_from(NAMES), image_ids=st.none() | some_images)
    def new_class(self, name: str, image_ids: list[int] | None) -> None:
        if image_ids is None:
            self.add_class(name)
        else:
            self.split_class(name, image_ids)

    def add_class(self, name: str) -> None:
        if self._is_taken(name):
            self._refused(lambda: self.project.add_class(name))
            return
        class_id = self._made_class(self.project.add_class(name))
        self._note_step("", replace(self.state, palette=(*self.state.palette, (class_id, name))))

    def split_class(self, name: str, image_ids: list[int]) -> None:
        if self._is_taken(name):
            self._refused(lambda: self.project.split_class(image_ids, name))
            return
        class_id = self._made_class(self.project.split_class(image_ids, name))
        labelled = self._labelled([(image_id, class_id, "human") for image_id in image_ids])
        self._note_step("", replace(labelled, palette=(*self.state.palette, (class_id, name))))

    @rule(place=any_place, name_or_place=st.sampled_from(NAMES) | any_place)
    def rename_or_move_class(self, place: int, name_or_place: str | int) -> None:
        if isinstance(name_or_place, str):
            self.rename_class(place, name_or_place)
        else:
            self.move_class(place, name_or_place)

    def rename_class(self, place: int, name: str) -> None:
        class_id = self._class(place)
        if class_id is None:
            return
        if self._is_taken(name, class_id):
            self._refused(lambda: self.project.rename_class(class_id, name))
            return
        palette = tuple((each, name if each == class_id else old) for each, old in self.state.palette)
        self._step(lambda: self.project.rename_class(class_id, name), replace(self.state, palette=palette))

    def move_class(self, place: int, to: int) -> None:
        class_id = self._class(place)
        if class_id is not None:
            (moved,) = (each for each in self.state.palette if each[0] == class_id)
            others = [each for each in self.state.palette if each[0] != class_id]
            others.insert(min(to, len(others)), moved)
            # After a deletion the places have gaps, so that a move to where a class stands may still be a step.
            self._step(
                lambda: self.project.move_class(class_id, to),
                replace(self.state, palette=tuple(others)),
                may_be_void=True,
            )

    @rule(place=any_place, into=st.none() | any_place)
    def delete_or_merge_class(self, place: int, into: int | None) -> None:
        if into is None:
            self.delete_class(place)
        else:
            self.merge_class(place, into)

    def delete_class(self, place: int) -> None:
        class_id = self._class(place)
        if class_id is not None:
            self._step(lambda: self.project.delete_class(class_id), self._gone(class_id))

    def merge_class(self, place: int, into: int) -> None:
        class_id, into_id = self._class(place), self._class(into)
        if class_id is None or into_id is None:
            return
        if class_id == into_id:
            self._refused(lambda: self.project.merge_class(class_id, into_id))
            return
        moved = {
            image_id: {into_id: labels[class_id], **self._without(image_id, class_id)}
            for image_id, labels in self.state.labels.items()
            if class_id in labels
        }
        self._step(lambda: self.project.merge_class(class_id, into_id), self._gone(class_id).labelled(moved))

    @rule(mode=st.sampled_from(LabelMode))
    def set_label_mode(self, mode: LabelMode) -> None:
        if mode is LabelMode.ONE and any(len(labels) > 1 for labels in self.state.labels.values()):
            self._refused(lambda: self.project.set_label_mode(mode))
        else:
            self._step(lambda: self.project.set_label_mode(mode), replace(self.state, mode=mode))

    # ---- back and forth, and accidents

    @rule(num_undone=st.integers(1, 4), accident=st.none() | st.sampled_from(Accident), num_redone=st.integers(0, 3))
    def go_back_and_forth(self, num_undone: int, accident: Accident | None, num_redone: int) -> None:
        for _ in range(num_undone):
            self._go(self.project.undo(), self.done, self.undone, lambda step: step.before)
        self._check_everything()
        if accident is not None:
            self.accident(accident)
            self._check_everything()
        for _ in range(num_redone):
            self._go(self.project.redo(), self.undone, self.done, lambda step: step.after)

    @rule(which=st.sampled_from(Accident))
    def accident(self, which: Accident) -> None:
        if which is Accident.CRASH or which is Accident.CRASH_AND_LOSS:
            self._crash(loses_database=which is Accident.CRASH_AND_LOSS)
            return
        self.project.close()
        folder = self.project.folder
        if which is Accident.LOSS or which is Accident.LOSS_OF_BACKUPS_TOO:
            (folder / "project.db").unlink()
        if which is Accident.LOSS_OF_BACKUPS_TOO:
            shutil.rmtree(folder / "backups")
        self.project = Project.open(folder) if which is Accident.CLOSING else Project.restore(folder)

    def _crash(self, loses_database: bool) -> None:
        """Goes on with the files as they are at this moment."""
        self.num_folders += 1
        copy = self.folder / str(self.num_folders)
        lost = ("project.db*",) if loses_database else ()
        shutil.copytree(self.project.folder, copy, ignore=shutil.ignore_patterns(*lost))
        self.project.close()
        self.project = Project.restore(copy) if loses_database else Project.open(copy)

    # ---- what must hold

    @invariant()
    def labels_and_their_sources_are_those_of_the_model(self) -> None:
        rows = self.project.store.call(
            lambda db: db.execute("SELECT image_id, class_id, source FROM image_classes").fetchall()
        )
        found: dict[int, dict[int, str]] = {image_id: {} for image_id in IMAGES}
        for image_id, class_id, source in rows:
            found[image_id][class_id] = source
        assert found == self.state.labels

    @invariant()
    def columns_are_those_of_the_model(self) -> None:
        columns = self.project.columns()
        assert columns.image_ids.tolist() == list(IMAGES)
        self._compare_images(columns.image_ids, columns.class_ids, columns.class_bits, columns.marks, columns.noted)
        assert self.project.notes() == {image_id: note for image_id, note in self.state.notes.items() if note}

    @invariant()
    def palette_is_that_of_the_model(self) -> None:
        palette = self.project.classes()
        assert [(each.id, each.name) for each in palette] == list(self.state.palette)
        keys = [each.key for each in palette if each.key]
        assert len(set(keys)) == len(keys)
        assert self.project.label_mode is self.state.mode

    @invariant()
    def there_is_something_to_undo_or_redo_when_the_model_has_it(self) -> None:
        assert (self.project.can_undo() is not None) == bool(self.done)
        assert (self.project.can_redo() is not None) == bool(self.undone)

    @invariant()
    def labels_since_a_step_are_counted_as_in_the_model(self) -> None:
        step_id = list(self.after)[len(self.after) // 2]
        then, now = self.after[step_id].labels, self.state.labels
        num_changed = sum(set(then[image_id]) != set(now[image_id]) for image_id in IMAGES)
        assert self.project.num_labels_since(step_id) == num_changed

    @invariant()
    def training_sees_the_labels_of_the_model(self) -> None:
        snapshot = self.project.snapshot()
        has_several = self.state.mode is LabelMode.SEVERAL
        wanted = {
            image_id: set(labels)
            for image_id, labels in self.state.labels.items()
            if labels or (has_several and self.state.marks[image_id] & Mark.CONFIRMED)
        }
        found = {
            int(image_id): {each.id for each, is_there in zip(snapshot.classes, row, strict=True) if is_there}
            for image_id, row in zip(snapshot.image_ids, snapshot.targets_matrix, strict=True)
        }
        assert found == wanted

    # ---- inside

    def _check_everything(self) -> None:
        self.labels_and_their_sources_are_those_of_the_model()
        self.columns_are_those_of_the_model()
        self.palette_is_that_of_the_model()

    def _class(self, place: int) -> int | None:
        palette = self.state.palette
        return palette[place % len(palette)][0] if palette else None

    def _is_taken(self, name: str, own_id: int = 0) -> bool:
        return any(each == name and class_id != own_id for class_id, each in self.state.palette)

    def _without(self, image_id: int, class_id: int) -> dict[int, str]:
        return {each: source for each, source in self.state.labels[image_id].items() if each != class_id}

    def _gone(self, class_id: int) -> State:
        labels = {image_id: self._without(image_id, class_id) for image_id in IMAGES}
        palette = tuple(each for each in self.state.palette if each[0] != class_id)
        return replace(self.state, labels=labels, palette=palette)

    def _labelled(self, wishes: list[tuple[int, int, str]]) -> State:
        if self.state.mode is LabelMode.ONE:
            wishes = list({wish[0]: wish for wish in wishes}.values())  # the last of each image
        new: dict[int, dict[int, str]] = {}
        for image_id, class_id, source in wishes:
            old = self.state.labels[image_id]
            kept = old if self.state.mode is LabelMode.SEVERAL else {k: v for k, v in old.items() if k == class_id}
            # Of two wishes for the same class in one step the last counts; a class that is there keeps its source.
            new[image_id] = {**new.get(image_id, {}), class_id: source, **kept}
        return self.state.labelled(new)

    def _step(
        self, act: Callable[[], Future[Change]], wanted: State, kind: str = "", may_be_void: bool = False
    ) -> None:
        last = self.project.last_step()
        change = act().result()
        if may_be_void and wanted == self.state:
            if self.project.last_step() != last:
                self._note_step(kind, wanted)
        elif wanted == self.state:
            assert (self.project.last_step(), len(change.image_ids), change.classes_changed) == (last, 0, False)
        else:
            assert self.project.last_step() == last + 1
            self._note_step(kind, wanted)
            self._check_change(change, self.done[-1].before)

    def _made_class(self, future: Future[Any]) -> int:
        return int(future.result().id)

    def _note_step(self, kind: str, wanted: State) -> None:
        self.done.append(Step(kind, self.state, wanted))
        self.undone.clear()
        self.state = wanted
        self.after[self.project.last_step()] = wanted

    def _refused(self, act: Callable[[], Future[Any]]) -> None:
        last = self.project.last_step()
        with pytest.raises(ProjectError):
            act().result()
        assert self.project.last_step() == last

    def _go(
        self, future: Future[Change | None], source: list[Step], target: list[Step], goal: Callable[[Step], State]
    ) -> None:
        change, before = future.result(), self.state
        if not source:
            assert change is None
            return
        assert change is not None
        moved = [source.pop()]
        while source and moved[0].kind.endswith(":s") and source[-1].kind == moved[0].kind:
            moved.append(source.pop())
        first_id = self.project.last_step() - len(moved) + 1
        for step_id, step in enumerate(moved, first_id):
            target.append(step)
            self.state = self.after[step_id] = goal(step)
        self._check_change(change, before)

    def _check_change(self, change: Change, before: State) -> None:
        told = set(change.image_ids.tolist())
        assert told >= {i for i in IMAGES if before.image(i) != self.state.image(i)}
        assert len(told) == len(change.image_ids)
        self._compare_images(change.image_ids, change.class_ids, change.class_bits, change.marks, change.noted)
        assert change.classes_changed or before.palette == self.state.palette
        assert change.mode_changed == (before.mode is not self.state.mode)

    def _compare_images(self, image_ids: Any, class_ids: Any, class_bits: Any, marks: Any, noted: Any) -> None:
        has_several = self.state.mode is LabelMode.SEVERAL
        assert bool(class_bits.shape[1]) == has_several
        ranks = {class_id: rank for rank, (class_id, _) in enumerate(self.state.palette)}
        for row, image_id in enumerate(image_ids.tolist()):
            labels = self.state.labels[image_id]
            assert class_ids[row] == (min(labels, key=ranks.__getitem__) if labels else NO_CLASS)
            if has_several:
                assert class_ids_of(widened(class_bits, 1)[row]) == sorted(labels)
            assert marks[row] == self.state.marks[image_id]
            assert noted[row] == bool(self.state.notes[image_id])


_QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@pytest.mark.timeout(900)  # a failure is made smaller for up to five minutes before it is told
def test_project_says_what_the_model_says() -> None:
    run_state_machine_as_test(ProjectMachine, settings=settings(max_examples=70, stateful_step_count=40, **_QUIET))


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_project_says_what_the_model_says_for_long() -> None:
    run_state_machine_as_test(ProjectMachine, settings=settings(max_examples=600, stateful_step_count=60, **_QUIET))
