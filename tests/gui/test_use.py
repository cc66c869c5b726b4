"""The Use workspace: real pictures, the built-in network, real keys; with and without a project."""

from __future__ import annotations

import csv
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication, QImage
from PySide6.QtWidgets import QLabel

from engine.domain import NO_CLASS, LabelMode, class_ids_of
from engine.job import run_in_foreground
from engine.project import Project
from engine.tasks.export import ExportModel
from engine.tasks.scan import ScanFolder
from engine.tasks.train import retrain_jobs
from engine.tasks.train_snapshot import TrainSettings
from gui.dialogs import ask
from gui.dialogs.use_folder import UseFolderDialog
from gui.panels.use_workspace import UseWorkspace
from gui.use_files import Kind, State, UseOrder
from gui.widgets.class_button import ClassButton

CLASSES = ("crazing", "patches", "scratches")
_made: list[Path] = []
"""A folder with a project, its exports, and pictures it has not seen; every test gets a copy."""


@pytest.fixture
def place(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Path:
    """Holds project/, onnx/, safetensors/ and new/: five unseen pictures of each class, one odd, one broken."""
    if not _made:
        folder = tmp_path_factory.mktemp("use")
        (folder / "new").mkdir()
        for name in CLASSES:
            (folder / "steel" / name).mkdir(parents=True)
            files = sorted((shared_data / "steel_neu" / name).iterdir())
            for file in files[:10]:
                shutil.copy2(file, folder / "steel" / name / file.name)
            for file in files[60:65]:
                shutil.copy2(file, folder / "new" / file.name)
        odd = next((shared_data / "clothing10").rglob("*.jpg"))
        shutil.copy2(odd, folder / "new" / "odd.jpg")
        (folder / "new" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 broken")
        with Project.create(folder / "project") as project:
            run_in_foreground(ScanFolder(project, folder / "steel", True))
            for job in retrain_jobs(project, TrainSettings("starter")):
                run_in_foreground(job)
            for name in ("onnx", "safetensors"):
                run_in_foreground(ExportModel(project, name, folder / name))
        _made.append(folder)
    for name in ("project", "onnx", "safetensors", "new"):
        shutil.copytree(_made[0] / name, tmp_path / name)
    return tmp_path


def drop(room: Any, *paths: Path) -> None:
    """Drops files on the window, as a file manager does."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    event = QDropEvent(QPointF(700, 400), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
                       Qt.KeyboardModifier.NoModifier)  # fmt: skip
    room.window.dropEvent(event)


def open_use(room: Any, place: Path) -> UseWorkspace:
    room.open(place / "project")
    room.press(Qt.Key.Key_3, Qt.KeyboardModifier.AltModifier)
    page: UseWorkspace = room.window.use
    room.wait_for(page.isVisible)
    return page


def wait_until_done(room: Any, page: UseWorkspace, number: int) -> None:
    room.wait_for(lambda: len(page.use.files) == number and not page.use.num_waiting, 60_000)
    room.wait_for(lambda: len(page.images.rows) == number)


def labels_in(folder: Path) -> dict[str, str]:
    """Returns the labelled images of a project, as its store has them."""
    with Project.open(folder, read_only=True) as project:
        names = {each.id: each.name for each in project.classes()}
        columns = project.columns()
        return {
            columns.names[row]: names[int(columns.class_ids[row])]
            for row in range(len(columns))
            if columns.class_ids[row] != NO_CLASS
        }


def go_to(page: UseWorkspace, name: str) -> int:
    """Makes a file current; returns its row."""
    row = next(row for row, path in enumerate(page.use.files.paths) if path.name == name)
    page.grid.go_to(page.images.position_of_row(row))
    return row


def test_dropped_pictures_are_classified_and_listed_by_what_the_model_says(room, place: Path) -> None:
    page = open_use(room, place)
    assert "Version 1" in page.strip.title.text()
    assert page.strip.interval.text().startswith("(")
    drop(room, place / "new")
    wait_until_done(room, page, 17)
    files, model = page.use.files, page.use.model
    assert model is not None
    by_name = {item.id: item.name for item in model.classes}
    right = [by_name.get(int(files.columns.predicted_ids[row])) == path.name.rpartition("_")[0]
             for row, path in enumerate(files.paths) if "_" in path.name]  # fmt: skip
    assert np.mean(right) >= 0.8
    failed = next(row for row, path in enumerate(files.paths) if path.name == "broken.jpg")
    assert files.states[failed] == State.FAILED
    assert page.faces.of_row(failed).class_name == ""
    row = go_to(page, "crazing_150.jpg") if (place / "new" / "crazing_150.jpg").exists() else 0
    assert files.probabilities[row].sum() == pytest.approx(1, abs=1e-3) or row == failed
    # The list on the left narrows it down; the order is applied to what is left.
    room.wait_for(lambda: Kind.FAILED in page.lists.model_.entries)
    page.lists.choose(Kind.FAILED)
    page.apply_list()
    assert [files.paths[row].name for row in page.images.rows] == ["broken.jpg"]
    page.lists.choose(Kind.ALL)
    page.order.setCurrentText(UseOrder.LEAST_SURE.value)
    page.apply_list()
    confidences = files.columns.confidences[page.images.rows]
    assert (np.diff(confidences[np.isfinite(confidences)]) >= 0).all()


def test_a_wrong_prediction_is_put_right_by_key_and_flows_into_the_project(room, place: Path) -> None:
    page = open_use(room, place)
    drop(room, *sorted((place / "new").glob("*_*.jpg")))
    wait_until_done(room, page, 15)
    target = page.use.files.paths[4].name
    page.grid.go_to(4)
    page.grid.setFocus()
    patches = next(item for item in room.session.classes if item.name == "patches")
    room.press(Qt.Key(ord(patches.key.upper())))
    room.wait_for(lambda: 4 in page.use.files.project_image_ids)
    assert page.grid.current_position() == 5  # on to the next, as in Label
    room.wait_for(lambda: len(room.session.columns) == 31 and not room.session.is_reloading)
    assert labels_in(place / "project")[target] == "patches"
    assert page.faces.of_row(4).class_name == "patches"
    assert (place / "new" / target).exists()

    room.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    room.wait_for(lambda: page.use.files.columns.class_ids[4] == NO_CLASS)
    room.wait_for(lambda: room.session.num_unsaved == 0)
    assert target not in labels_in(place / "project")

    page.grid.setFocus()
    room.press(Qt.Key.Key_Space)  # the prediction of the next one is right
    room.wait_for(lambda: 5 in page.use.files.project_image_ids)
    assert labels_in(place / "project")[page.use.files.paths[5].name] == page.faces.of_row(5).class_name

    # By mouse: the class in the right column, for two files at once.
    page.grid.select_positions(np.array([0, 1]), 0)
    room.wait_for(lambda: len(page.targets()) == 2)
    buttons = [each for each in page.details.findChildren(ClassButton) if each.text() == "patches" and each.isVisible()]
    room.click(buttons[0])
    room.wait_for(lambda: {0, 1} <= page.use.files.project_image_ids.keys())
    assert page.use.files.counts()[Kind.CORRECTED] == 3


def test_a_pasted_picture_is_classified_and_kept_in_the_project_once_it_is_labelled(room, place: Path, qtbot) -> None:
    page = open_use(room, place)
    picture = QImage(str(sorted((place / "new").glob("scratches*.jpg"))[0]))
    QGuiApplication.clipboard().setImage(picture)
    room.press(Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    wait_until_done(room, page, 1)
    pasted = page.use.files.paths[0]
    page.grid.go_to(0)
    page.grid.setFocus()
    room.press(Qt.Key.Key_Space)
    room.wait_for(lambda: 0 in page.use.files.project_image_ids)
    assert (place / "project" / "pictures" / pasted.name).is_file()
    # Files in the clipboard count as dropped ones.
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(place / "new" / "odd.jpg"))])
    QGuiApplication.clipboard().setMimeData(data)
    try:
        room.press(Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
        wait_until_done(room, page, 2)
    finally:
        # What Python made must not outlive it: the clipboard lives until the very end of the process.
        QGuiApplication.clipboard().clear()


@pytest.mark.parametrize("name", ["onnx", "safetensors"])
def test_an_exported_model_is_used_without_a_project(
    room, place: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask, "ask_file", lambda *_arguments: place / name / "model.json")
    room.click(room.window.welcome.model_button)
    page: UseWorkspace = room.window.use
    room.wait_for(lambda: page.use.model is not None, 60_000)
    assert page.isVisible()
    assert page.strip.title.text().startswith("project, version 1  ·")
    assert page.drop_page.files_button.isVisible()
    drop(room, place / "new")
    wait_until_done(room, page, 17)
    counts = page.use.files.counts()
    assert counts[Kind.FAILED] == 1
    with Project.open(place / "project", read_only=True) as project:
        run = project.active_run()
    assert run is not None
    assert [item.name for item in page.use.model.classes] == run.class_names  # type: ignore[union-attr]
    # Nothing can be corrected without a project, and the window says why.
    go_to(page, "odd.jpg")
    page.grid.setFocus()
    room.press(Qt.Key.Key_Slash)
    assert "Open a project" in page.hints.accessibleDescription()
    # Where it looks.
    room.press(Qt.Key.Key_H)
    room.wait_for(lambda: page.viewer.canvas.heat.image is not None, 60_000)
    room.click(page.strip.leave_button)
    assert room.window.welcome.isVisible()


class _Bomb:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.target,))


@pytest.mark.parametrize("name", ["model.pt", "model.pt2", "weights.pkl", "model.onnx", "model.safetensors"])
def test_a_hostile_file_is_refused_with_a_sentence(room, tmp_path: Path, name: str) -> None:
    room.window.show_use()
    page: UseWorkspace = room.window.use
    (tmp_path / name).write_bytes(pickle.dumps(_Bomb(tmp_path / "exploded")))
    drop(room, tmp_path / name)
    room.wait_for(lambda: room.window.errors.banner.isVisible(), 60_000)
    said = " ".join(label.text() for label in room.window.errors.banner.findChildren(QLabel))
    assert name in said
    assert page.use.model is None
    assert not (tmp_path / "exploded").exists()


def test_a_folder_becomes_a_table_and_sorted_copies(room, place: Path) -> None:
    page = open_use(room, place)
    room.press(Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    dialog = room.dialog(UseFolderDialog)
    assert isinstance(dialog, UseFolderDialog)
    dialog.folder_field.setText(str(place / "new"))
    dialog.sort_box.setChecked(True)
    room.wait_for(lambda: dialog.survey.num_images == 17)
    assert "free on that disk" in dialog.room.text()
    room.click(dialog.start_button)
    run = room.window.commands.use.run
    room.wait_for(lambda: run.state is not None and run.state.has_ended, 60_000)
    assert "16 pictures classified" in run.state.words
    with (place / "new classified.csv").open(newline="", encoding="utf-8") as stream:
        rows = {row["image"]: row for row in csv.DictReader(stream)}
    assert len(rows) == 16
    copies = {path.name: path.parent.name for path in (place / "new sorted").rglob("*.jpg")}
    assert copies.keys() == rows.keys()
    for name, folder in copies.items():
        row = rows[name]
        wanted = "unknown" if row["unknown"] == "yes" else "unsure" if float(row["confidence"]) < 0.8 else row["class"]
        assert folder == wanted
    # What it found is in the list, to be looked through and corrected.
    wait_until_done(room, page, 17)
    assert len(list((place / "new").iterdir())) == 17


def test_a_run_that_was_stopped_is_gone_on_with(room, place: Path) -> None:
    page = open_use(room, place)
    for number in range(12):
        shutil.copytree(place / "new", place / "many" / str(number))
    commands = room.window.commands.use
    plan_dialog = UseFolderDialog(page.use, is_watch=False, folder=place / "many", parent=room.window)
    commands.run.start(plan_dialog.folder_plan())
    room.wait_for(lambda: commands.run.state.done > 0, 60_000)
    commands.run.cancel()
    room.wait_for(lambda: commands.run.state.has_ended, 60_000)
    assert commands.run.state.has_failed
    assert not (place / "many classified.csv").exists()
    page.work_rows.acted.emit("folder", "again")
    room.wait_for(lambda: not commands.run.is_running and not commands.run.state.has_failed, 90_000)
    report = commands.run.report
    assert report.num_done_before > 0
    assert report.num_done_before + report.num_classified == 12 * 16
    with (place / "many classified.csv").open(newline="", encoding="utf-8") as stream:
        assert len({row["image"] for row in csv.DictReader(stream)}) == 12 * 16


def test_a_watched_folder_is_followed_through_its_absence(room, place: Path) -> None:
    page = open_use(room, place)
    incoming = place / "incoming"
    incoming.mkdir()
    shutil.copy(place / "new" / "odd.jpg", incoming / "old.jpg")
    room.press(Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    dialog = room.dialog(UseFolderDialog)
    assert isinstance(dialog, UseFolderDialog)
    dialog.folder_field.setText(str(incoming))
    room.wait_for(dialog.start_button.isEnabled)
    room.click(dialog.start_button)
    watch = room.window.commands.use.watch
    room.wait_for(lambda: watch._found.is_there and watch._finder is not None and watch._finder._has_looked)
    files = sorted((place / "new").glob("*_*.jpg"))
    data = files[0].read_bytes()
    (incoming / "a.jpg").write_bytes(data[: len(data) // 2])  # half of it, and the writer pauses
    shutil.copy(files[1], incoming / "b.jpg")
    room.wait_for(lambda: watch.num_classified == 1, 60_000)
    (incoming / "a.jpg").write_bytes(data)
    room.wait_for(lambda: watch.num_classified == 2, 60_000)
    shutil.move(incoming, place / "away")
    room.wait_for(lambda: "not there" in watch.problem)
    shutil.move(place / "away", incoming)
    shutil.copy(files[2], incoming / "c.jpg")
    room.wait_for(lambda: watch.num_classified == 3, 60_000)
    assert watch.problem == ""
    with (place / "incoming classified.csv").open(newline="", encoding="utf-8") as stream:
        names = [Path(row["image"]).name for row in csv.DictReader(stream)]
    assert sorted(names) == ["a.jpg", "b.jpg", "c.jpg"]
    assert {path.name for path in page.use.files.paths} == {"a.jpg", "b.jpg", "c.jpg"}
    room.click(page.watch_button)
    assert not watch.is_running


def test_without_a_model_use_says_what_to_do(room, tmp_path: Path) -> None:
    room.create(tmp_path / "empty")
    room.press(Qt.Key.Key_3, Qt.KeyboardModifier.AltModifier)
    page: UseWorkspace = room.window.use
    assert page.drop_page.model_button.isVisible()
    assert page.drop_page.label_button.isVisible()
    assert not page.folder_button.isEnabled()
    room.click(page.drop_page.label_button)
    assert room.window.workspace.isVisible()


def test_what_is_neither_picture_nor_model_is_refused_with_a_sentence(room, place: Path) -> None:
    page = open_use(room, place)
    (place / "notes.txt").write_text("hello")
    drop(room, place / "notes.txt")
    room.wait_for(lambda: room.window.errors.banner.isVisible())
    assert len(page.use.files) == 0


def test_what_the_project_calls_unknown_counts_here_at_once(room, place: Path) -> None:
    page = open_use(room, place)
    drop(room, place / "new")
    wait_until_done(room, page, 17)
    before = page.use.files.counts()[Kind.UNKNOWN]
    room.session.set_false_alarm_rate(0.10)
    room.wait_for(lambda: page.use.files.columns.unknown_threshold == pytest.approx(0.9))
    assert page.use.files.counts()[Kind.UNKNOWN] >= before
    assert "90 %" in page.strip.facts.text()


def test_closing_the_project_leaves_nothing_behind(room, place: Path) -> None:
    page = open_use(room, place)
    drop(room, place / "new")
    room.wait_for(lambda: len(page.use.files) == 17)
    room.session.close_project()
    room.wait_for(room.window.welcome.isVisible)
    assert page.use.model is None
    assert len(page.use.files) == 0


def test_where_images_have_several_classes_a_key_gives_and_takes(room, place: Path) -> None:
    page = open_use(room, place)
    room.session.set_label_mode(LabelMode.SEVERAL)
    room.wait_for(lambda: room.session.has_several_classes)
    drop(room, *sorted((place / "new").glob("crazing_*.jpg"))[:2])
    wait_until_done(room, page, 2)
    files = page.use.files
    said = int(files.columns.predicted_ids[0])
    other = next(item for item in room.session.classes if item.id != said)
    page.grid.go_to(0)
    page.grid.setFocus()
    room.press(Qt.Key(ord(other.key.upper())))
    room.wait_for(lambda: 0 in files.project_image_ids)

    def has() -> set[int]:
        row = room.session.row_of(files.project_image_ids[0])
        return set(class_ids_of(room.session.columns.class_bits[row].tolist())) if row >= 0 else set()

    expected = {other.id} if page.faces.of_row(0).is_unknown else {said, other.id}
    room.wait_for(lambda: has() == expected)
    page.grid.go_to(0)
    room.wait_for(lambda: room.session.num_unsaved == 0 and not room.session.is_reloading)
    room.press(Qt.Key(ord(other.key.upper())))
    room.wait_for(lambda: has() == expected - {other.id})
