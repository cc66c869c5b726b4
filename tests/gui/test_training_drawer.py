"""The drawer with the settings of the training: what is chosen there counts, is remembered, and says what it takes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt

from engine.domain import LabelMode, Source
from engine.errors import TrainingError
from engine.events import EpochEnded
from engine.nn.training_plan import AUTO, FULL, HEAD, PARTIAL, Pace
from engine.tasks.interrupted import write_begun, write_progress
from engine.tasks.train_snapshot import TrainSettings

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
        "device": "auto",
        "is_class_balanced": False,
        "seed": 7,
        "with_accepted": True,
    }
    assert "Partial" in room.window.model_bar.training_button.accessibleName()

    room.session.close_project()
    room.open(tmp_path / "project")
    assert room.session.training.for_engine() == chosen
    room.session.preferences.set_training(tmp_path / "project", {"depth": "deepest", "seed": -1})
    room.session.close_project()
    room.open(tmp_path / "project")
    assert room.session.training.settings.depth == HEAD


def test_only_the_head_is_offered_where_images_may_have_several_classes(room: Any, drawer: Any) -> None:
    room.session.set_label_mode(LabelMode.SEVERAL)
    room.wait_for(lambda: not drawer.cards[PARTIAL].isEnabled())
    assert not drawer.cards[FULL].isEnabled()
    assert "only the head" in drawer.cards[FULL].toolTip()
    assert drawer.cards[AUTO].isEnabled()
    assert drawer.cards[HEAD].isEnabled()
    room.session.undo()
    room.wait_for(lambda: drawer.cards[PARTIAL].isEnabled())


def test_time_and_memory_stand_beside_each_depth_before_it_is_begun(room: Any, drawer: Any) -> None:
    training = room.session.training
    room.session.backbones.chosen = None
    assert training.expected(HEAD) == "about a second"
    assert training.expected(AUTO) == "up to 120 s" or "2 min" in training.expected(AUTO)
    assert training.expected(PARTIAL) == ""

    room.wait_for(lambda: room.session.backbones.is_known)
    from engine.backbones import spec

    room.session.backbones.chosen = spec("starter")
    training._paces["starter", "auto"] = {
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


@pytest.fixture
def stopped(room: Any, drawer: Any, tmp_path: Path) -> Path:
    """The scratch folder of a partial training that was cut off at 62 %, its project opened again."""
    project = room.session.project
    scratch = project.cache_dir / "training" / "abc"
    write_begun(scratch, TrainSettings("starter", "partial"), project.snapshot())
    write_progress(scratch, 0.62, 40.0)
    (scratch / "partial-plan.json").write_text("{}")
    room.session.close_project()
    room.open(tmp_path / "project")
    room.wait_for(lambda: room.session.training.interrupted is not None)
    return Path(scratch)


@pytest.mark.usefixtures("stopped")
def test_a_training_that_was_cut_off_is_offered_again_and_resumed_with_one_click(
    room: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar = room.window.interrupted_bar
    room.wait_for(bar.isVisible)
    assert "62 %" in bar.title.text()
    assert "Partial" in bar.sentence.text()
    asked: list[Any] = []

    def refuse(_project: Any, interrupted: Any) -> Any:
        asked.append(interrupted)
        raise TrainingError("Not in a test.", "Go on.")

    monkeypatch.setattr("engine.tasks.train_network.resume_job", refuse)
    room.click(bar.resume_button)
    room.wait_for(lambda: asked)
    assert asked[0].settings == TrainSettings("starter", "partial")


def test_a_training_that_was_cut_off_can_be_discarded(room: Any, stopped: Path) -> None:
    bar = room.window.interrupted_bar
    room.click(bar.discard_button)
    room.wait_for(lambda: not bar.isVisible() and not stopped.exists())


def test_a_training_of_the_network_is_paused_where_a_short_one_is_cancelled(room: Any, drawer: Any) -> None:
    from gui.activities import TRAIN, Activity

    work, model_bar = room.session.work, room.window.model_bar

    class Resumable:
        is_resumable = True

    work._activities[1] = Activity(1, TRAIN, "Training")
    for jobs, words in (([Resumable()], "Pause"), ([], "Cancel")):
        work._training_jobs = jobs
        work.changed.emit()
        assert model_bar.cancel_button.text() == words
    work._activities.clear()
    work.changed.emit()


def test_a_device_is_chosen_and_one_of_another_machine_is_kept(room: Any, drawer: Any) -> None:
    room.click(drawer.cards[PARTIAL])
    assert [drawer.device.itemText(index) for index in range(drawer.device.count())] == ["Auto", "Processor"]
    room.session.training.gpus = {"cuda:0": "Pretend GPU"}
    room.session.training.changed.emit()
    drawer.device.setCurrentIndex(2)
    drawer.device.activated.emit(2)
    assert drawer.device.currentText() == "Pretend GPU"
    assert room.session.training.for_engine()["device"] == "cuda:0"
    room.session.training.gpus = {}
    room.session.training.changed.emit()
    assert drawer.device.currentText() == "cuda:0"


def test_what_a_preset_makes_of_an_own_image_is_seen_before_it_is_begun(
    room: Any, drawer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Here: a process of its own takes half a minute to load torch while the machine is busy.
    monkeypatch.setattr("engine.tasks.preview_variants.PreviewVariants.in_worker", False)
    assert not drawer.strip.isEnabled()
    room.click(drawer.cards[PARTIAL])
    room.wait_for(lambda: drawer.strip.num_pictures == 6, timeout_ms=60_000)
    before = [picture.copy() for picture in drawer.strip._pictures]
    drawer.augmentation.setCurrentIndex(drawer.augmentation.findData("strong"))
    drawer.augmentation.activated.emit(drawer.augmentation.currentIndex())
    room.wait_for(lambda: drawer.strip.num_pictures == 6 and drawer.strip._pictures != before, timeout_ms=60_000)
    drawer.strip.grab()


def test_accepted_suggestions_can_be_left_out_and_their_number_stands_beside_it(room: Any, drawer: Any) -> None:
    session = room.session
    assert not drawer.without_accepted.isEnabled()
    first, second = session.classes[0].id, session.classes[1].id
    ids = session.columns.image_ids[session.columns.class_ids == first][:3]
    session.label(ids, second, Source.SUGGESTION)
    assert drawer.without_accepted.text() == "Leave out 3 accepted"
    assert drawer.without_accepted.accessibleName() == "Leave out 3 accepted suggestions"
    room.click(drawer.without_accepted)
    assert session.training.for_engine()["with_accepted"] is False
    assert TrainSettings(**session.training.for_engine()).with_accepted is False
    room.click(drawer.without_accepted)
    assert session.training.for_engine()["with_accepted"] is True
    room.wait_for(lambda: session.num_unsaved == 0)
