"""The block page in a window, by keys and clicks as a user would, on real pictures with a real model."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from engine.domain import NO_CLASS, LabelMode
from engine.evaluation.selection import words_on
from gui.models.image_filter import ImageFilter, Trait, matches
from gui.models.image_index import ImageIndex
from gui.theme import RESOURCES

CTRL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
Key = Qt.Key
PER_CLASS = 12


@pytest.fixture
def sample(room: Any, tmp_path: Path) -> Any:
    """A window on a project of sample pictures that have all been looked at; nothing is labelled."""
    images = tmp_path / "images"
    for folder in sorted((RESOURCES / "sample").iterdir()):
        if folder.is_dir():
            (images / folder.name).mkdir(parents=True)
            for file in sorted(folder.iterdir())[:PER_CLASS]:
                shutil.copy(file, images / folder.name)
    room.create(tmp_path / "project")
    with room.qtbot.waitSignal(
        room.session.work.ended, timeout=90_000, check_params_cb=lambda kind, _: kind == "embed"
    ):
        room.import_folder(images)
    room.add_classes(*sorted(folder.name for folder in images.iterdir()))
    return room


def kinds_of(room: Any, image_ids: np.ndarray) -> list[str]:
    columns = room.session.columns
    return [columns.names[row].split("/")[0] for row in room.session.rows_of(image_ids)]


@pytest.fixture
def trained(sample: Any) -> Any:
    session = sample.session
    for each in session.classes:
        ids = session.columns.image_ids
        session.label(ids[[kind == each.name for kind in kinds_of(sample, ids)]][:5], each.id)
    sample.wait_for(lambda: session.num_unsaved == 0)
    session.retrain()
    sample.wait_for(lambda: session.run is not None, 90_000)
    sample.wait_for(lambda: session.blocks._borne_out is not None)
    sample.press(Key.Key_K, CTRL_SHIFT)
    sample.wait_for(lambda: sample.window.workspace.page is not None)
    return sample


def page_of(room: Any) -> Any:
    return room.window.workspace.page


def test_a_user_checks_everything_by_taking_out_what_is_wrong(trained: Any) -> None:
    room, session = trained, trained.session
    blocks, page = session.blocks, page_of(trained)
    assert not room.window.workspace.filter_bar.isVisible()
    assert page.grid.hasFocus()
    num_given = int((session.columns.class_ids != NO_CLASS).sum())
    num_wrong = num_keys = 0
    while not blocks.is_over:
        name = session.class_by_id(blocks.class_id).name
        grid = page.grid
        assert 0 < len(blocks.page_ids) <= grid.capacity
        assert grid.visualRect(page.images.index(len(blocks.page_ids) - 1, 0)).bottom() <= grid.viewport().height()
        for at, kind in enumerate(kinds_of(room, blocks.page_ids)):
            if kind != name:
                point = grid.visualRect(page.images.index(at, 0)).center()
                QTest.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=point)
                num_wrong, num_keys = num_wrong + 1, num_keys + 1
        room.press(Key.Key_Return)
        num_keys += 1
    room.wait_for(lambda: session.num_unsaved == 0)
    columns = session.columns
    is_done = columns.class_ids != NO_CLASS
    names = {each.id: each.name for each in session.classes}
    assert [names[each] for each in columns.class_ids[is_done].tolist()] == kinds_of(room, columns.image_ids[is_done])
    assert num_keys < (is_done.sum() - num_given) / 2
    assert (blocks.tally.num_out, len(blocks.set_aside())) == (num_wrong, num_wrong)
    assert "accepted after a look" in page.empty.accessibleName()
    room.press(Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    room.wait_for(lambda: not blocks.is_over)
    assert page.stack.currentWidget() is not page.empty


def test_keys_take_out_give_another_class_and_go_to_the_next_class(trained: Any) -> None:
    room, session = trained, trained.session
    blocks, page = session.blocks, page_of(trained)
    first, other = int(blocks.page_ids[0]), next(each for each in session.classes if each.id != blocks.class_id)
    second = int(blocks.page_ids[1])
    room.press(Key.Key_Space)
    assert blocks.page.out == {first}
    assert page.grid.current_position() == 1
    QTest.keyClicks(page.grid, other.key)
    room.wait_for(lambda: session.num_unsaved == 0)
    assert session.columns.class_ids[session.rows_of([second])] == other.id
    assert not session.columns.accepted[session.rows_of([second])].any()
    room.press(Key.Key_Left)
    room.press(Key.Key_Space)
    room.wait_for(lambda: session.num_unsaved == 0)
    assert session.columns.class_ids[session.rows_of([second])] == NO_CLASS
    assert blocks.page.out == {first}
    before, count = blocks.class_id, len(blocks.to_accept())
    assert f"Accept {count}" in page.bar.accept.accessibleName()
    room.press(Key.Key_PageDown)
    assert blocks.class_id not in (before, NO_CLASS)
    room.press(Key.Key_PageUp)
    assert blocks.class_id == before
    assert first not in blocks.page_ids.tolist()
    room.press(Key.Key_Space, SHIFT)
    room.wait_for(lambda: session.num_unsaved == 0)
    assert session.columns.accepted.sum() > 0
    room.press(Key.Key_Escape)
    assert page_of(room) is None
    assert room.window.workspace.filter_bar.isVisible()
    assert not blocks.is_on


def test_a_refit_is_noted_and_changes_the_page_only_when_asked(trained: Any) -> None:
    room, session = trained, trained.session
    blocks, page = session.blocks, page_of(trained)
    shown, run_id = blocks.page_ids.tolist(), session.run.id
    faces = [page._face_at(at) for at in range(len(shown))]
    assert not page.head.newer.isVisible()
    session.retrain()
    room.wait_for(lambda: session.run.id != run_id, 90_000)
    room.wait_for(page.head.newer.isVisible)
    assert blocks.page_ids.tolist() == shown
    assert [(each.class_name, each.confidence) for each in faces] == [
        (each.class_name, each.confidence) for each in (page._face_at(at) for at in range(len(shown)))
    ]
    room.click(page.head.newer)
    assert not page.head.newer.isVisible()
    assert not blocks.is_model_newer


def test_the_page_has_only_whole_pictures_at_any_size_and_keeps_the_first(trained: Any) -> None:
    room, blocks, page = trained, trained.session.blocks, page_of(trained)
    first = int(blocks.page_ids[0])
    for width, height in ((1024, 700), (1500, 900), (1180, 820)):
        room.window.resize(width, height)
        room.qtbot.wait(50)
        last = page.grid.visualRect(page.images.index(len(page.images.rows) - 1, 0))
        assert last.bottom() < page.grid.viewport().height()
        assert len(blocks.page_ids) <= page.grid.capacity
        assert int(blocks.page_ids[0]) == first


def test_without_a_model_or_with_several_classes_the_page_says_what_to_do(sample: Any) -> None:
    room, session = sample, sample.session
    room.press(Key.Key_K, CTRL_SHIFT)
    room.wait_for(lambda: page_of(room) is not None)
    page = page_of(room)
    assert "No model yet" in page.empty.accessibleName()
    room.click(page.empty.button)
    assert page_of(room) is None
    session.set_label_mode(LabelMode.SEVERAL)
    room.wait_for(lambda: session.has_several_classes and not session.is_reloading)
    room.press(Key.Key_K, CTRL_SHIFT)
    assert "several classes" in page.empty.accessibleName()


def test_a_drag_takes_out_all_pictures_that_it_meets(trained: Any) -> None:
    blocks, page = trained.session.blocks, page_of(trained)
    viewport = page.grid.viewport()
    centre = [page.grid.visualRect(page.images.index(at, 0)).center() for at in range(3)]
    QTest.mousePress(viewport, Qt.MouseButton.LeftButton, pos=centre[0])
    for point in centre[1:]:
        QTest.mouseMove(viewport, point)
        QTest.mouseMove(viewport, point + QPoint(3, 0))
    QTest.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=centre[2])
    assert blocks.page.out == set(blocks.page_ids[:3].tolist())


def test_one_taken_out_by_key_is_counted_as_wrong_after_the_next_training_and_can_be_found_again(trained: Any) -> None:
    room, session = trained, trained.session
    blocks, page = session.blocks, page_of(trained)
    taken_out, class_id = int(blocks.page_ids[0]), blocks.class_id
    name = session.class_by_id(class_id).name
    room.press(Key.Key_Space)
    while not blocks.is_over:
        room.press(Key.Key_Return)
    room.wait_for(lambda: session.num_unsaved == 0)
    assert "1 has no class yet: it counts as a wrong suggestion" in page.empty.accessibleName()
    assert session.project.history(taken_out)[-1].text == f"not {name} (refused)"
    room.press(Key.Key_Escape)
    rows = np.flatnonzero(matches(session.columns, ImageFilter(traits=frozenset({Trait.REFUSED})), ImageIndex()))
    assert session.columns.image_ids[rows].tolist() == [taken_out]
    run_id = session.run.id
    session.retrain()
    room.wait_for(lambda: session.run.id != run_id, 90_000)
    assert session.run.settings["accepted_suggestions"]["num_refused"] == 1
    assert "1 image whose suggestion you took out" in words_on(session.run.settings)
    blocks.start()
    assert class_id not in [item.id for item, count in blocks.open_classes() if count]
