"""The window from the outside: keys and clicks, and what it shows for them."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication, QPushButton

import engine.tasks.train
from engine.domain import Run, Validation
from engine.errors import ProjectInUseError, TrainingError
from engine.job import Job, JobContext, Priority
from engine.project import Project
from gui.dialogs import ask
from gui.dialogs.internal_error import InternalErrorDialog
from gui.dialogs.new_project import NewProjectDialog
from gui.dialogs.shortcuts import ShortcutsDialog

CTRL = Qt.KeyboardModifier.ControlModifier


class FakeTraining(Job[Project, Project, Run]):
    """Records a run that is right about everything, without a network."""

    title: ClassVar[str] = "Training"
    priority = Priority.INTERACTIVE

    def __init__(self, project: Project) -> None:
        self.project = project

    def prepare(self) -> Project:
        return self.project

    @staticmethod
    def work(snapshot: Project, context: JobContext) -> Project:
        context.progress(1, 2, "half way")
        return snapshot

    def finish(self, result: Project) -> Run:
        classes = result.classes()
        run_id = result.new_run_id()
        folder = f"run-{run_id:04d}"
        columns = result.columns()
        (result.models_dir / folder).mkdir(parents=True)
        probabilities = np.tile(np.array([0.9, 0.1], np.float32), (len(columns), 1))
        ids = np.array([each.id for each in classes], np.int32)
        np.savez(
            result.models_dir / folder / "predictions.npz",
            image_ids=columns.image_ids,
            class_ids=ids,
            probabilities=probabilities,
        )
        figures = [{"class": i, "precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 2} for i in range(2)]
        validation = Validation("2 folds", 0.961, (0.938, 0.976), 0.96, 0.1, 0.02, figures, [[2, 0], [0, 2]])
        run = Run(
            id=run_id,
            created_at=time.time(),
            backbone="mobilenet_v2",
            weights_hash="0",
            depth="head",
            seed=0,
            folder=folder,
            class_ids=ids.tolist(),
            class_names=[each.name for each in classes],
            num_images=4,
            last_step=result.last_step(),
            validation=validation,
            seconds={"train": 0.1},
            settings={},
            is_active=True,
        )
        return result.add_run(run)


class StubbornTraining(FakeTraining):
    """Goes on until it is cancelled."""

    @staticmethod
    def work(snapshot: Project, context: JobContext) -> Project:
        while True:
            context.checkpoint()
            time.sleep(0.01)


class FailingTraining(FakeTraining):
    """Cannot be done."""

    @staticmethod
    def work(snapshot: Project, context: JobContext) -> Project:
        raise TrainingError("There is only one image of “round”.", "Label more images of it.")


class BrokenTraining(FakeTraining):
    """Has a bug."""

    @staticmethod
    def work(snapshot: Project, context: JobContext) -> Project:
        raise ZeroDivisionError("by zero")


@pytest.fixture
def weights_are_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every backbone counts as available, and nothing is embedded by itself."""
    monkeypatch.setattr("engine.weights.has_weights", lambda *_: True)
    monkeypatch.setattr("gui.engine_work.EngineWork.embed", lambda _work: None)


@pytest.fixture
def labelled(weights_are_here: None, room: Any, tiny_images: Path, tmp_path: Path) -> Any:
    """Twelve images, two classes, two images labelled with each."""
    room.create(tmp_path / "project", "Parts")
    room.import_folder(tiny_images)
    room.add_classes("round", "square")
    session = room.session
    session.label(session.columns.image_ids[:2], session.classes[0].id)
    session.label(session.columns.image_ids[2:4], session.classes[1].id)
    room.wait_for(lambda: session.num_unsaved == 0 and session.facts.num_labels_since == 4)
    return room


def use_training(monkeypatch: pytest.MonkeyPatch, kind: type[FakeTraining]) -> None:
    monkeypatch.setattr(engine.tasks.train, "retrain_jobs", lambda project, _settings: [kind(project)])


def test_ctrl_r_trains_and_the_bar_shows_the_model_and_the_images_their_suggestions(
    labelled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_training(monkeypatch, FakeTraining)
    session, bar = labelled.session, labelled.window.model_bar
    session.set_current(int(session.columns.image_ids[7]))
    assert bar.title.text() == "No model yet"
    with labelled.qtbot.waitSignal(session.run_changed, timeout=20_000):
        labelled.press(Qt.Key.Key_R, CTRL)
    assert "Version 1" in bar.title.text()
    assert "96.1 %" in bar.title.text()
    assert bar.interval.text() == "(93.8–97.6)"
    assert bar.facts.text() == "4 images, 2 classes"
    assert (session.columns.predicted_ids == session.classes[0].id).all()
    assert session.current_image_id == int(session.columns.image_ids[7])
    labelled.wait_for(lambda: session.predictions(int(session.columns.image_ids[7])))
    name, share = session.predictions(int(session.columns.image_ids[7]))[0]
    assert name.name == "round"
    assert share == pytest.approx(0.9, abs=1e-3)
    session.label(session.columns.image_ids[4:5], session.classes[0].id)
    labelled.wait_for(lambda: "1 new label since" in bar.facts.text())


def test_retrain_needs_two_classes_and_says_so(
    weights_are_here: None, room: Any, tiny_images: Path, tmp_path: Path
) -> None:
    room.create(tmp_path / "project")
    room.import_folder(tiny_images)
    room.add_classes("round", "square")
    button = room.window.model_bar.retrain_button
    assert not button.isEnabled()
    assert "two classes" in button.toolTip()
    ids = room.session.columns.image_ids
    room.session.label(ids[:1], room.session.classes[0].id)
    room.session.label(ids[1:2], room.session.classes[1].id)
    assert button.isEnabled()


def test_without_weights_the_bar_says_what_to_do(room: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.weights.has_weights", lambda *_: False)
    room.create(tmp_path / "project")
    room.wait_for(lambda: room.session.backbones.is_known)
    assert "GRAFT_WEIGHTS" in room.window.model_bar.facts.text()


def test_a_training_can_be_cancelled_from_the_bar(labelled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    use_training(monkeypatch, StubbornTraining)
    bar = labelled.window.model_bar
    labelled.click(bar.retrain_button)
    labelled.wait_for(lambda: bar.cancel_button.isVisible() and bar.cancel_button.isEnabled())
    assert not bar.retrain_button.isEnabled()
    labelled.click(bar.cancel_button)
    labelled.wait_for(lambda: not bar.cancel_button.isVisible())
    assert bar.retrain_button.isEnabled()
    assert labelled.session.run is None


def test_a_training_that_cannot_be_done_is_a_banner_with_the_next_step(
    labelled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_training(monkeypatch, FailingTraining)
    labelled.press(Qt.Key.Key_R, CTRL)
    banner = labelled.window.errors.banner
    labelled.wait_for(lambda: "only one image" in banner.message)
    assert banner.isVisible()
    assert "Label more" in banner.hint
    labelled.press(Qt.Key.Key_Escape)


def test_a_bug_in_a_training_is_shown_once_with_details_to_copy(labelled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    use_training(monkeypatch, BrokenTraining)
    labelled.press(Qt.Key.Key_R, CTRL)
    dialog = labelled.dialog(InternalErrorDialog)
    copy = next(each for each in dialog.findChildren(QPushButton) if each.text() == "Copy details")
    labelled.click(copy)
    assert "ZeroDivisionError" in QApplication.clipboard().text()
    dialog.close()


def test_closing_while_training_is_over_in_two_seconds(labelled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    use_training(monkeypatch, StubbornTraining)
    labelled.press(Qt.Key.Key_R, CTRL)
    labelled.wait_for(lambda: labelled.session.work.current() is not None)
    began = time.monotonic()
    labelled.session.work.cancel_all()
    assert labelled.engine.shutdown(1.5)
    labelled.window.workspace.shutdown()
    labelled.session.shutdown()
    assert time.monotonic() - began < 2.0


def test_the_score_in_the_model_bar_opens_review_and_alt_1_comes_back(
    labelled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_training(monkeypatch, FakeTraining)
    with labelled.qtbot.waitSignal(labelled.session.run_changed, timeout=20_000):
        labelled.press(Qt.Key.Key_R, CTRL)
    labelled.click(labelled.window.model_bar.title)
    labelled.wait_for(labelled.window.review.isVisible)
    assert labelled.window.top_bar.switch.current == "review"
    labelled.press(Qt.Key.Key_1, Qt.KeyboardModifier.AltModifier)
    assert labelled.window.workspace.isVisible()
    assert labelled.window.top_bar.switch.current == "label"


def test_ctrl_z_undoes_and_ctrl_shift_z_redoes(labelled: Any) -> None:
    session = labelled.session
    labelled.press(Qt.Key.Key_Z, CTRL)
    labelled.wait_for(lambda: not session.columns.class_ids[2:4].any())
    assert session.columns.class_ids[:2].all()
    labelled.wait_for(lambda: session.can_redo)
    labelled.press(Qt.Key.Key_Z, CTRL | Qt.KeyboardModifier.ShiftModifier)
    labelled.wait_for(lambda: session.columns.class_ids[2:4].all())


def test_a_new_project_needs_only_the_folder_of_images(
    room: Any, tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask, "ask_folder", lambda *_: tiny_images)
    room.press(Qt.Key.Key_N, CTRL)
    dialog = room.dialog(NewProjectDialog)
    browse = next(each for each in dialog.findChildren(QPushButton) if each.text() == "Choose…")
    room.click(browse)
    assert dialog.name_field.text() == "tiny images"
    dialog.place_field.setText(str(tmp_path / "kept here"))
    assert "circles" in dialog.class_folders_note.text()
    box = dialog.class_folders_box
    room.qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(10, box.height() // 2))
    with room.qtbot.waitSignal(room.session.work.scan_ended, timeout=30_000):
        room.click(dialog.create_button)
    room.wait_for(lambda: room.session.class_counts()[1:].tolist() == [4, 4, 4])
    assert sorted(each.name for each in room.session.classes) == ["circles", "squares", "stripes"]
    assert (tmp_path / "kept here" / "project.db").is_file()


@pytest.mark.parametrize(
    ("images", "place", "words"),
    [
        ("missing", "new", "no such folder"),
        ("file.txt", "new", "is a file"),
        ("tiny_images", "tiny_images/inside", "outside"),
        ("tiny_images", "relative", "whole path"),
    ],
)
def test_a_new_project_that_cannot_be_made_says_why_before_it_is_tried(
    room: Any, tiny_images: Path, tmp_path: Path, images: str, place: str, words: str
) -> None:
    (tmp_path / "file.txt").write_text("x")
    room.window.commands.new_project_from(tmp_path / images)
    dialog = room.dialog(NewProjectDialog)
    dialog.place_field.setText(place if words == "whole path" else str(tmp_path / place))
    assert words in dialog.problem.text()
    assert not dialog.create_button.isEnabled()
    dialog.close()


def test_a_project_that_is_open_elsewhere_is_offered_as_a_copy_to_read(room: Any, tmp_path: Path) -> None:
    holder = Project.create(tmp_path / "project", "Held")
    try:
        with room.qtbot.waitSignal(room.session.error_raised, timeout=20_000) as raised:
            room.window.open_folder(tmp_path / "project")
        assert isinstance(raised.args[0], ProjectInUseError)
        banner = room.window.errors.banner
        assert banner.isVisible()
        offer = next(each for each in banner.findChildren(QPushButton) if "read-only" in each.text())
        with room.qtbot.waitSignal(room.session.project_opened, timeout=20_000):
            room.click(offer)
        assert room.session.is_read_only
        assert room.window.top_bar.save_chip.text() == "Read-only"
    finally:
        holder.close()


def test_a_folder_that_is_no_project_is_refused_and_welcome_stays_usable(room: Any, tmp_path: Path) -> None:
    room.window.open_folder(tmp_path)
    room.wait_for(room.window.errors.banner.isVisible)
    assert "not a Graft project" in room.window.errors.banner.message
    assert room.window.welcome.isEnabled()


def test_a_dropped_folder_starts_a_new_project(room: Any, tiny_images: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tiny_images))])
    event = QDropEvent(
        QPointF(50, 50), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    room.window.dropEvent(event)
    dialog = room.dialog(NewProjectDialog)
    assert dialog.images_field.text() == str(tiny_images)
    dialog.close()


def test_several_folders_dropped_at_once_all_join_the_open_project(
    room: Any, tiny_images: Path, tmp_path: Path
) -> None:
    room.create(tmp_path / "project")
    folders = [tmp_path / "one", tmp_path / "two"]
    for at, folder in enumerate(folders):
        folder.mkdir()
        shutil.copy(sorted(tiny_images.rglob("*.jpg"))[at], folder / "first.jpg")
        shutil.copy(sorted(tiny_images.rglob("*.jpg"))[at], folder / "second.jpg")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in (folders[0], folders[1] / "first.jpg")])
    event = QDropEvent(
        QPointF(50, 50), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    room.window.dropEvent(event)
    room.wait_for(lambda: len(room.session.columns) == 4)
    assert {root.path for root in room.session.project.roots()} == set(folders)


def test_unreadable_files_are_counted_and_can_be_listed(room: Any, tiny_images: Path, tmp_path: Path) -> None:
    (tiny_images / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture at all")
    room.create(tmp_path / "project")
    room.import_folder(tiny_images)
    banner = room.window.errors.banner
    room.wait_for(banner.isVisible)
    assert "1 file could not be read" in banner.hint
    from gui.dialogs.reports import ReportDialog

    room.click(next(each for each in banner.findChildren(QPushButton) if each.text() == "Show them"))
    dialog = room.dialog(ReportDialog)
    assert "broken.jpg: " in dialog.box.toPlainText()
    room.click(dialog.copy_button)
    assert "broken.jpg: " in QApplication.clipboard().text()
    dialog.close()


def test_a_closed_project_is_among_the_recent_ones_with_its_counts(labelled: Any) -> None:
    folder = labelled.session.project.folder
    labelled.press(Qt.Key.Key_W, CTRL)
    labelled.wait_for(lambda: labelled.session.project is None)
    (recent,) = labelled.window.welcome._preferences.recent_projects()
    assert (recent.folder, recent.name, recent.num_images, recent.num_labelled) == (str(folder), "Parts", 12, 4)
    with labelled.qtbot.waitSignal(labelled.session.project_opened, timeout=20_000):
        labelled.qtbot.mouseClick(labelled.window.welcome.recent_rows()[0], Qt.MouseButton.LeftButton)
    assert labelled.session.columns.class_ids[:4].all()


def test_closing_the_window_with_labels_not_saved_asks(labelled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from concurrent.futures import Future

    from engine.errors import StoreError

    def full(*_: object) -> Future[Any]:
        failed: Future[Any] = Future()
        failed.set_exception(StoreError("The disk is full.", "Make room."))
        return failed

    session, window = labelled.session, labelled.window
    monkeypatch.setattr(session.project, "label", full)
    session.label(session.columns.image_ids[5:6], session.classes[0].id)
    labelled.wait_for(lambda: session.save_state == "not saved")
    assert "1 step not saved" in window.top_bar.save_chip.text()
    asked: list[str] = []

    def go_back(_parent: object, title: str, text: str, choices: list[str]) -> int:
        asked.append(f"{title} {text}")
        return choices.index("Go back")

    monkeypatch.setattr(ask, "ask_choice", go_back)
    window.close()
    assert "not saved" in asked[0]
    assert window.isVisible()
    assert session.num_unsaved == 1
    monkeypatch.setattr(ask, "ask_choice", lambda *_: 0)
    window.close()
    assert not window.isVisible()


def test_every_action_has_a_unique_shortcut_and_every_key_is_on_the_sheet(room: Any) -> None:
    from gui.action_table import ACTIONS
    from gui.dialogs.shortcuts import menu_keys

    keys = [spec.shortcut for spec in ACTIONS if spec.shortcut]
    assert len(keys) == len(set(keys))
    assert len(menu_keys()) == sum(1 for spec in ACTIONS if spec.shortcut and spec.has_own_key)
    room.press(Qt.Key.Key_F1)
    room.dialog(ShortcutsDialog).close()


def test_every_button_of_the_window_has_a_name_for_screen_readers(labelled: Any) -> None:
    from PySide6.QtWidgets import QAbstractButton, QLineEdit

    nameless = [
        each
        for each in labelled.window.findChildren(QAbstractButton)
        if each.isVisible() and not (each.accessibleName() or each.text() or isinstance(each.parent(), QLineEdit))
    ]
    assert nameless == []


def test_the_sample_opens_with_its_classes_ready_and_nothing_labelled(weights_are_here: None, room: Any) -> None:
    session = room.session
    with room.qtbot.waitSignal(session.work.scan_ended, timeout=60_000):
        room.click(room.window.welcome.sample_button)
    room.wait_for(lambda: len(session.columns) >= 100 and not session.is_reloading and session.num_unsaved == 0)
    assert [each.name for each in session.classes] == ["intact", "missing hole", "scratched"]
    assert not session.columns.class_ids.any()
    room.press(Qt.Key.Key_W, CTRL)
    room.wait_for(lambda: session.project is None)
    with room.qtbot.waitSignal(session.project_opened, timeout=20_000):
        room.click(room.window.welcome.sample_button)
    assert len(session.columns) >= 100
