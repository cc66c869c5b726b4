"""The sample and the guided first loop on it, as somebody goes through them who never saw the program."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt

from engine import sample
from engine.domain import NO_CLASS
from gui.tour import NUM_ACCEPTED, PER_CLASS, Step, Tour

ALT, CTRL = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ControlModifier
KEYS = (Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_3)


@pytest.fixture
def guided(room: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The sample, opened from the welcome page; it refits by itself after a tenth of a second."""
    monkeypatch.setattr("gui.auto_retrain.PAUSE_MS", 100)
    with room.qtbot.waitSignal(room.session.work.scan_ended, timeout=60_000):
        room.click(room.window.welcome.sample_button)
    session = room.session
    room.wait_for(lambda: len(session.columns) and not session.is_reloading and session.num_unsaved == 0)
    room.window.workspace.grid.setFocus()
    return room


def true_keys() -> list[Qt.Key]:
    """Returns the key of each picture's class, as filed."""
    names = sample.class_names()
    return [KEYS[names.index(file.parent.name)] for file in sample.mixed()[0]]


def test_the_sample_is_one_folder_of_mixed_pictures_and_some_are_kept_back() -> None:
    to_label, to_try = sample.mixed()
    assert not {file.resolve() for file in to_label} & {file.resolve() for file in to_try}
    assert set(Counter(file.parent.name for file in to_label[: 3 * PER_CLASS]).values()) == {PER_CLASS}
    assert set(Counter(file.parent.name for file in to_try).values()) == {sample.NUM_TO_TRY}
    names = [file.parent.name for file in to_label]
    assert all(len(set(names[at : at + 4])) > 1 for at in range(len(names) - 3))


def test_copies_of_the_sample_are_made_once_and_what_is_lost_is_brought_back() -> None:
    folder = sample.lay_out()
    first, second = sorted(folder.iterdir())[:2]
    assert first.read_bytes() == sample.mixed()[0][0].read_bytes()
    before = first.stat().st_mtime_ns
    second.unlink()
    sample.lay_out()
    assert second.read_bytes() == sample.mixed()[0][1].read_bytes()
    assert first.stat().st_mtime_ns == before


def test_every_step_of_the_tour_is_taken_by_doing_it_once(guided: Any) -> None:
    room, session = guided, guided.session
    tour: Tour = room.window.tour
    assert not room.window.workspace.offer.isVisible()  # look-alikes are another way to begin
    keys = true_keys()
    for key in keys[:20]:
        room.press(key)
    room.wait_for(lambda: session.num_unsaved == 0 and tour.progress()[0] == 20)
    room.qtbot.wait(400)  # Auto would have begun by now
    assert session.run is None
    assert not session.work.is_running("refit")
    assert tour.step is Step.LABEL
    assert "scratched" in room.window.tour_bar.detail.text()
    assert room.window.model_bar.facts.text() == "20 images labelled in 3 classes"  # no other word on what to do
    for key in keys[20:30]:
        room.press(key)
    room.wait_for(lambda: tour.step is Step.RETRAIN)

    room.press(Qt.Key.Key_R, CTRL)
    room.wait_for(lambda: tour.step is Step.ACCEPT, 90_000)
    room.wait_for(lambda: np.count_nonzero(~np.isnan(session.columns.confidences)) == len(session.columns))
    assert tour.progress() == (0, NUM_ACCEPTED)
    for _ in range(NUM_ACCEPTED):
        room.press(Qt.Key.Key_Space)
    room.wait_for(lambda: tour.step is Step.REVIEW)
    assert np.count_nonzero(session.columns.accepted) > 0

    room.press(Qt.Key.Key_2, ALT)
    room.wait_for(lambda: tour.step is Step.TAKE)
    room.press(Qt.Key.Key_3, ALT)
    assert tour.step is Step.TAKE
    assert not room.window.use.use.files.num_classified
    room.click(room.window.tour_bar.try_button)
    room.wait_for(lambda: tour.step is Step.DONE, 60_000)
    tried = room.window.use.use.files.paths
    assert {file.parent for file in tried} == {sample.to_try_folder()}
    assert len(tried) == len(sample.mixed()[1])


def test_the_first_step_says_which_class_still_lacks_labels(guided: Any) -> None:
    room, tour = guided, guided.window.tour
    assert "Press 1, 2, 3" in room.window.tour_bar.detail.text()
    for key in [each for each in true_keys()[:30] if each is not KEYS[2]]:
        room.press(key)
    assert room.session.class_counts().tolist()[1:] == [PER_CLASS, PER_CLASS]
    room.wait_for(lambda: "scratched" in room.window.tour_bar.detail.text())
    assert tour.progress() == (2 * PER_CLASS, 3 * PER_CLASS)
    detail = room.window.tour_bar.detail.text()
    assert f"scratched {PER_CLASS}" in detail
    assert "intact" not in detail
    assert tour.step is Step.LABEL


def test_a_model_made_too_early_skips_no_step_and_labels_before_it_are_no_suggestions(guided: Any) -> None:
    room, session, tour = guided, guided.session, guided.window.tour
    keys = true_keys()
    for key in keys[:12]:
        room.press(key)
    room.wait_for(lambda: session.num_unsaved == 0)
    room.press(Qt.Key.Key_R, CTRL)
    room.wait_for(lambda: session.run is not None, 90_000)
    assert tour.step is Step.LABEL
    room.wait_for(lambda: not session.is_reloading)
    for key in keys[12:30]:
        room.press(key)
    room.wait_for(lambda: tour.step is Step.RETRAIN)
    assert np.count_nonzero(session.columns.class_ids != NO_CLASS) == 30
    room.press(Qt.Key.Key_R, CTRL)
    room.wait_for(lambda: tour.step is Step.ACCEPT, 90_000)
    assert tour.progress() == (0, NUM_ACCEPTED)


def test_auto_goes_on_when_the_tour_is_left(guided: Any) -> None:
    room, session = guided, guided.session
    for key in true_keys()[:12]:
        room.press(key)
    room.wait_for(lambda: session.num_unsaved == 0 and not session.why_no_retrain())
    assert session.run is None
    room.click(room.window.tour_bar.leave_button)
    room.wait_for(lambda: session.run is not None, 90_000)


def test_the_sample_project_lies_where_its_pictures_do(guided: Any) -> None:
    paths = {image.path for image in guided.session.project.images()}
    assert {path.parent for path in paths} == {sample.pictures_folder()}
    assert len(paths) == len(sample.mixed()[0])
    assert Path(sample.project_folder(), "project.db").is_file()
