"""The model follows the labels by itself, on real pictures with the built-in network, and gets out of the way."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt

from engine.domain import NO_CLASS
from engine.tasks.train import TrainHead, retrain_jobs
from gui.theme import RESOURCES

PER_CLASS = 8


@pytest.fixture
def sample(room: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A window on a project of sample pictures that have all been looked at; it refits after a tenth of a second."""
    monkeypatch.setattr("gui.auto_retrain.PAUSE_MS", 100)
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


def label(room: Any, num_each: int) -> None:
    """Gives the first so many images of each kind their class."""
    columns = room.session.columns
    kinds = np.array([name.split("/")[0] for name in columns.names])
    for each in room.session.classes:
        room.session.label(columns.image_ids[np.flatnonzero(kinds == each.name)[:num_each]], each.id)


def test_a_pause_after_labels_brings_suggestions_and_the_next_pause_a_better_model_in_its_place(sample: Any) -> None:
    room = sample
    label(room, 2)
    room.wait_for(lambda: (room.session.columns.predicted_ids != NO_CLASS).any(), 60_000)
    first = room.session.run
    assert first.settings["is_automatic"]
    label(room, 4)
    room.wait_for(lambda: room.session.run.id != first.id and not room.session.facts.num_labels_since, 60_000)
    assert room.session.run.num_images == 4 * len(room.session.classes)
    assert [run.id for run in room.session.project.runs()] == [room.session.run.id]


def test_what_was_learned_from_by_itself_is_compared_by_itself_so_that_retrain_need_not_wait(sample: Any) -> None:
    room = sample
    label(room, 4)
    room.wait_for(lambda: room.session.run is not None and not room.session.facts.num_labels_since, 60_000)
    project = room.session.project
    room.wait_for(lambda: [type(job) for job in retrain_jobs(project)] == [TrainHead], 60_000)


def test_the_image_looked_at_and_the_selection_stay_where_they_are(sample: Any) -> None:
    room = sample
    room.session.auto_retrain.set_on(False)
    label(room, 2)
    for _ in range(3):
        room.press(Qt.Key.Key_Right)
    room.qtbot.wait(100)
    at, selected = room.session.current_image_id, room.session.selected_ids.tolist()
    shown = room.window.workspace.images.rows.tolist()
    room.session.auto_retrain.set_on(True)
    room.wait_for(lambda: room.session.run is not None, 60_000)
    assert room.session.current_image_id == at
    assert room.session.selected_ids.tolist() == selected
    assert room.window.workspace.images.rows.tolist() == shown


def test_labels_that_were_given_before_the_images_were_looked_at_are_learned_from_afterwards(
    sample: Any, tmp_path: Path
) -> None:
    room, folder = sample, tmp_path / "images"
    shutil.move(folder, tmp_path / "more")  # the same pictures again, in a project of their own
    room.window.commands.close_project()
    room.create(tmp_path / "second")
    room.session.work._is_looking_stopped = True  # as after Cancel: nothing is looked at
    room.import_folder(tmp_path / "more")
    room.add_classes("intact", "missing_hole", "scratched")
    label(room, 2)
    room.qtbot.wait(1500)
    assert room.session.run is None
    room.session.work._is_looking_stopped = False
    room.session.work.look_at_new_images()
    room.wait_for(lambda: room.session.run is not None, 60_000)


def test_switched_off_nothing_is_trained_and_switched_on_it_is_at_once(sample: Any) -> None:
    room = sample
    room.click(room.window.model_bar.auto_box)
    assert not room.session.auto_retrain.is_on
    label(room, 2)
    room.qtbot.wait(1500)
    assert room.session.run is None
    room.click(room.window.model_bar.auto_box)
    room.wait_for(lambda: room.session.run is not None, 60_000)


def test_going_back_to_an_older_version_switches_it_off(sample: Any) -> None:
    room = sample
    label(room, 2)
    room.wait_for(lambda: room.session.run is not None, 60_000)
    with room.qtbot.waitSignal(room.session.run_changed, timeout=60_000):
        room.press(Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    asked_for = room.session.run
    assert not asked_for.settings["is_automatic"]
    label(room, 4)
    room.wait_for(lambda: room.session.run.id != asked_for.id, 60_000)
    room.session.project.activate_run(asked_for.id)
    room.session.reload()
    room.wait_for(lambda: room.session.run.id == asked_for.id)
    assert not room.session.auto_retrain.is_on
    assert not room.window.model_bar.auto_box.isChecked()


def test_too_few_labels_are_no_error(sample: Any) -> None:
    room = sample
    errors: list[object] = []
    room.session.error_raised.connect(errors.append)
    columns = room.session.columns
    for place, each in enumerate(room.session.classes):
        room.session.label(columns.image_ids[[place]], each.id)  # one image of each class
    room.qtbot.wait(2500)
    assert room.session.run is None
    assert not errors
