"""The session: what the user does is seen at once, saved in order, and never lost."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QObject
from shiboken6 import delete

from engine.domain import NO_CLASS, Mark
from engine.errors import StoreError
from engine.project import Project
from gui import saving


class FailingDisk:
    """Stands before a project's writes; while `is_full`, each of them fails as a full disk does."""

    def __init__(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_full = True
        self.order: list[tuple[list[int], int]] = []
        self._label = project.label
        monkeypatch.setattr(project, "label", self.label)

    def label(self, image_ids: list[int], class_id: int, source: Any, stroke: str = "") -> Future[Any]:
        if self.is_full:
            failed: Future[Any] = Future()
            failed.set_exception(StoreError("The disk is full.", "Make room and try again."))
            return failed
        self.order.append((list(image_ids), class_id))
        return self._label(image_ids, class_id, source, stroke)


@pytest.fixture
def filled(room: Any, tiny_images: Path, tmp_path: Path) -> Any:
    """A project with twelve images and two classes."""
    room.create(tmp_path / "project")
    room.import_folder(tiny_images)
    room.add_classes("round", "square")
    return room


def test_a_label_is_in_the_columns_before_the_store_has_it(filled: Any) -> None:
    session = filled.session
    image_id, class_id = int(session.columns.image_ids[3]), session.classes[0].id
    with filled.qtbot.waitSignal(session.rows_changed) as changed:
        session.label([image_id], class_id)
    assert changed.args[0].tolist() == [3]
    assert session.columns.class_ids[3] == class_id
    assert session.save_state == saving.SAVING
    filled.wait_for(lambda: session.save_state == saving.SAVED)
    assert session.project.columns().class_ids[3] == class_id


def test_undo_and_redo_reach_the_columns_and_name_their_step(filled: Any) -> None:
    session = filled.session
    ids = session.columns.image_ids[:4].tolist()
    session.label(ids, session.classes[1].id)
    filled.wait_for(lambda: "4 images" in (session.facts.undo_text or ""))
    session.undo()
    filled.wait_for(lambda: not session.columns.class_ids[:4].any())
    filled.wait_for(lambda: "4 images" in (session.facts.redo_text or ""))
    session.redo()
    filled.wait_for(lambda: session.columns.class_ids[:4].all())


def test_marks_and_cleared_classes_are_seen_at_once_and_saved(filled: Any) -> None:
    session = filled.session
    image_id = int(session.columns.image_ids[0])
    session.label([image_id], session.classes[0].id)
    session.clear([image_id])
    session.mark([image_id], Mark.UNSURE, True)
    assert session.columns.class_ids[0] == NO_CLASS
    assert session.columns.marks[0] & Mark.UNSURE
    filled.wait_for(lambda: session.num_unsaved == 0)
    saved = session.project.columns()
    assert saved.class_ids[0] == NO_CLASS
    assert saved.marks[0] & Mark.UNSURE


def test_failed_writes_stay_in_order_and_are_saved_once_there_is_room(
    filled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = filled.session
    disk = FailingDisk(session.project, monkeypatch)
    ids = session.columns.image_ids[:3].tolist()
    one, two = session.classes[0].id, session.classes[1].id
    with filled.qtbot.waitSignal(session.error_raised) as raised:
        session.label([ids[0]], one)
        session.label([ids[1]], two)
        session.label([ids[0]], two)
    assert "disk is full" in raised.args[0].message
    assert session.save_state == saving.NOT_SAVED
    assert session.num_unsaved == 3
    assert session.columns.class_ids[0] == two
    assert not session.project.columns().class_ids.any()
    disk.is_full = False
    session.retry_saving()
    filled.wait_for(lambda: session.save_state == saving.SAVED)
    assert disk.order == [([ids[0]], one), ([ids[1]], two), ([ids[0]], two)]
    assert session.project.columns().class_ids[:3].tolist() == [two, two, NO_CLASS]


def test_failed_writes_are_tried_again_without_being_asked(filled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    session = filled.session
    session._saves._retry.setInterval(50)
    disk = FailingDisk(session.project, monkeypatch)
    session.label([int(session.columns.image_ids[0])], session.classes[0].id)
    filled.wait_for(lambda: session.save_state == saving.NOT_SAVED)
    disk.is_full = False
    filled.wait_for(lambda: session.save_state == saving.SAVED)
    assert session.project.columns().class_ids[0] == session.classes[0].id


def test_an_outage_is_told_once_and_not_at_every_attempt(filled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    session = filled.session
    session._saves._retry.setInterval(20)
    FailingDisk(session.project, monkeypatch)
    told: list[object] = []
    session.error_raised.connect(told.append)
    session.label([int(session.columns.image_ids[0])], session.classes[0].id)
    filled.qtbot.wait(300)
    assert len(told) == 1


def test_a_write_that_can_never_succeed_is_taken_back_and_told(filled: Any) -> None:
    session = filled.session
    with filled.qtbot.waitSignal(session.error_raised) as raised:
        session.add_class(session.classes[0].name)
    assert session.classes[0].name in str(raised.args[0])
    filled.wait_for(lambda: session.num_unsaved == 0)
    assert session.save_state == saving.SAVED


def test_reading_anew_keeps_what_is_not_saved_yet(filled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    session = filled.session
    FailingDisk(session.project, monkeypatch)
    session.label(session.columns.image_ids[:2], session.classes[0].id)
    session.reload()
    filled.wait_for(lambda: not session.is_reloading)
    assert session.columns.class_ids[:2].tolist() == [session.classes[0].id] * 2


def test_the_current_image_and_selection_survive_reading_anew(filled: Any) -> None:
    session = filled.session
    ids = session.columns.image_ids
    session.set_current(int(ids[5]))
    session.set_selection(ids[4:6])
    session.reload()
    filled.wait_for(lambda: not session.is_reloading)
    assert session.current_image_id == int(ids[5])
    assert session.selected_ids.tolist() == ids[4:6].tolist()


def test_deleting_a_class_and_undoing_it_brings_class_and_labels_back(filled: Any) -> None:
    session = filled.session
    doomed = session.classes[0]
    session.label(session.columns.image_ids[:3], doomed.id)
    session.delete_class(doomed.id)
    filled.wait_for(lambda: session.class_by_id(doomed.id) is None)
    assert not (session.columns.class_ids == doomed.id).any()
    session.undo()
    filled.wait_for(lambda: session.class_by_id(doomed.id) is not None)
    assert (session.columns.class_ids[:3] == doomed.id).all()


def test_rows_are_found_in_any_order_and_unknown_ids_are_left_out(filled: Any) -> None:
    session = filled.session
    ids = session.columns.image_ids
    assert session.row_of(int(ids[7])) == 7
    assert session.row_of(999_999) == -1
    assert session.rows_of([int(ids[4]), 999_999, int(ids[1])]).tolist() == [4, 1]
    assert session.rows_of(np.zeros(0, np.int64)).tolist() == []


def test_a_read_only_project_refuses_labels_with_a_sentence(filled: Any, tmp_path: Path) -> None:
    session = filled.session
    folder = session.project.folder
    session.close_project()
    with filled.qtbot.waitSignal(session.project_opened, timeout=20_000):
        session.open_project(folder, read_only=True)
    with filled.qtbot.waitSignal(session.error_raised) as raised:
        session.label(session.columns.image_ids[:1], session.classes[0].id)
    assert "reading only" in raised.args[0].message
    assert not session.columns.class_ids.any()


def test_what_the_store_says_of_an_earlier_step_shows_below_what_was_done_since(filled: Any) -> None:
    session, (first, second) = filled.session, filled.session.classes
    ids = session.columns.image_ids
    session.label(ids[:3], first.id)
    session.mark(ids[:1], Mark.SKIPPED, True)
    filled.wait_for(lambda: session.num_unsaved == 0)
    session.undo()
    session.undo()
    session.label(ids[1:2], second.id)  # before the store has answered
    assert session.columns.class_ids[:3].tolist() == [first.id, second.id, first.id]
    filled.wait_for(lambda: session.num_unsaved == 0)
    assert session.columns.class_ids[:3].tolist() == [NO_CLASS, second.id, NO_CLASS]
    assert session.columns.marks[0] == Mark.NONE
    assert session.project.columns().class_ids.tolist() == session.columns.class_ids.tolist()


def test_an_answer_to_a_dialog_that_was_closed_meanwhile_is_not_delivered(room: Any, tmp_path: Path) -> None:
    class Asker(QObject):
        def take(self, _answer: object) -> None:
            answers.append("to the dead")

    room.create(tmp_path / "project")
    answers: list[str] = []
    asker = Asker()
    room.session.read_in_background(lambda: None, asker.take)
    delete(asker)
    room.session.read_in_background(lambda: "to the living", answers.append)
    room.wait_for(lambda: bool(answers))
    assert answers == ["to the living"]
