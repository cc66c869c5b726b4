"""The drawer with the settings of the training: what is chosen there counts, is remembered, and says what it takes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt

from engine.events import EpochEnded
from engine.nn.training_plan import AUTO, FULL, HEAD, PARTIAL, Pace

CONTROL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
PACE = Pace(lower_s=0.01, step_s=0.01, look_s=0.003, embed_s=0.01, view_bytes=25_000, memory_bytes=700_000_000)


@pytest.fixture
def drawer(room: Any, tmp_path: Path, tiny_images: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Opened by its key over a labelled project; the pace of this machine is not measured, which takes too long."""
    monkeypatch.setattr("gui.training_choice.TrainingChoice.measure", lambda _self: None)
    room.create(tmp_path / "project")
    room.import_folder(tiny_images, classes_from_folders=True)
    room.press(Qt.Key.Key_R, CONTROL_SHIFT)
    room.wait_for(room.window.training_drawer.isVisible)
    return room.window.training_drawer


def test_it_opens_and_closes_by_key_and_gives_the_focus_back(room: Any, drawer: Any) -> None:
    room.wait_for(drawer.cards[HEAD].hasFocus)
    room.press(Qt.Key.Key_Escape)
    room.wait_for(lambda: not drawer.isVisible())
    room.press(Qt.Key.Key_R, CONTROL_SHIFT)
    room.wait_for(drawer.isVisible)


def test_a_depth_is_chosen_and_remembered_for_the_project(room: Any, drawer: Any, tmp_path: Path) -> None:
    assert not drawer.budget.isEnabled()
    room.click(drawer.cards[PARTIAL])
    assert drawer.budget.isEnabled()
    drawer.budget.setCurrentIndex(drawer.budget.findData(600.0))
    drawer.budget.activated.emit(drawer.budget.currentIndex())
    drawer.seed.setText("7")
    drawer.seed.editingFinished.emit()
    room.click(drawer.balanced)
    chosen = room.session.training.for_engine()
    assert chosen == {
        "depth": PARTIAL,
        "time_budget_s": 600.0,
        "augmentation": "mirror",
        "is_class_balanced": False,
        "seed": 7,
    }
    assert "Partial" in room.window.model_bar.training_button.accessibleName()

    room.session.close_project()
    room.open(tmp_path / "project")
    assert room.session.training.for_engine() == chosen
    room.session.preferences.set_training(tmp_path / "project", {"depth": "deepest", "seed": -1})
    room.session.close_project()
    room.open(tmp_path / "project")
    assert room.session.training.settings.depth == HEAD


def test_time_and_memory_stand_beside_each_depth_before_it_is_begun(room: Any, drawer: Any) -> None:
    training = room.session.training
    room.session.backbones.chosen = None
    assert training.expected(HEAD) == "about a second"
    assert training.expected(AUTO) == "up to 120 s" or "2 min" in training.expected(AUTO)
    assert training.expected(PARTIAL) == ""

    room.wait_for(lambda: room.session.backbones.is_known)
    from engine.backbones import spec

    room.session.backbones.chosen = spec("starter")
    training._paces["starter"] = {
        PARTIAL: PACE,
        FULL: Pace(0.0, 100.0, 1.0, 1.0, 300_000, 10**9),
    }
    training.changed.emit()
    assert drawer.expected[PARTIAL].text().startswith("about ")
    assert "MB" in drawer.expected[PARTIAL].text()
    assert drawer.expected[FULL].text().startswith("too long: ")


def test_the_rounds_of_a_training_become_curves(room: Any, drawer: Any) -> None:
    for epoch in (1, 2, 3):
        accuracy = 0.5 + 0.1 * epoch if epoch == 2 else math.nan
        event = EpochEnded(PARTIAL, "1", epoch, 10, 1.0 / epoch, 0.8, accuracy)
        room.session.bridge.epoch_ended.emit(event)
    assert drawer.plot.curves.loss == [(1, 1.0), (2, 0.5), (3, 1.0 / 3)]
    assert drawer.plot.curves.accuracy == [(2, pytest.approx(0.7))]
    assert "without part 1" in drawer.curves_title.text()
    assert "loss 0.33" in drawer.plot.accessibleDescription()
    room.session.bridge.epoch_ended.emit(EpochEnded(PARTIAL, "all", 1, 10, 0.9, math.nan, math.nan))
    assert len(drawer.plot.curves.loss) == 1
    drawer.plot.grab()


def test_the_choice_reaches_the_training(room: Any, drawer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def refuse(_project: Any, settings: Any, *_: Any) -> list[Any]:
        from engine.errors import TrainingError

        asked.append(settings)
        raise TrainingError("Not in a test.", "Go on.")

    monkeypatch.setattr("engine.tasks.train.retrain_jobs", refuse)
    room.click(drawer.cards[AUTO])
    room.session.retrain()
    room.wait_for(lambda: asked)
    assert (asked[0].depth, asked[0].time_budget_s) == (AUTO, 120.0)


def test_a_training_that_was_stopped_is_offered_again(room: Any, drawer: Any, tmp_path: Path) -> None:
    scratch = tmp_path / "project" / "cache" / "training" / "abc"
    scratch.mkdir(parents=True)
    (scratch / "partial-plan.json").write_text("{}")
    room.session.close_project()
    room.open(tmp_path / "project")
    assert room.session.training.has_stopped
