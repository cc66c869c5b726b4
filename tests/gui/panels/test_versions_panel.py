"""The versions panel by mouse and keys: use, compare, note, delete and take back, tidy up, and what is empty."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton

from engine.domain import Run
from engine.project import Project
from gui.dialogs.tidy_versions import TidyVersionsDialog
from gui.models.version_list import NOTE, NUMBER
from gui.panels.versions_panel import VersionsPanel

Key = Qt.Key
LEFT = Qt.MouseButton.LeftButton
CTRL = Qt.KeyboardModifier.ControlModifier
NONE = Qt.KeyboardModifier.NoModifier
TRUTH = [0] * 4 + [1] * 4
SAID = {1: [0, 0, 0, 1, 1, 1, 0, 0], 2: TRUTH, 3: [1, *TRUTH[1:]]}


@dataclass
class Bench:
    """The panel over a project of ten images and three versions, of which the third is in use."""

    desk: Any
    panel: VersionsPanel
    errors: list[Any]

    @property
    def session(self) -> Any:
        return self.desk.session

    @property
    def project(self) -> Project:
        project: Project = self.desk.session.project
        return project

    def wait(self, condition: Callable[[], object]) -> None:
        self.desk.qtbot.waitUntil(lambda: bool(condition()), timeout=20_000)

    def shown(self) -> list[str]:
        model = self.panel.model
        return [model.index(row, NUMBER).data() for row in range(model.rowCount())]

    def click_row(self, run_id: int, with_: Any = NONE) -> None:
        row = [each.run.id for each in self.panel.model.rows].index(run_id)
        rect = self.panel.table.visualRect(self.panel.model.index(row, NUMBER))
        QTest.mouseClick(self.panel.table.viewport(), LEFT, with_, rect.center())

    def click(self, made: QPushButton) -> None:
        QTest.mouseClick(made, LEFT)

    def remedy(self, text: str) -> None:
        (made,) = [each for each in self.panel.banner.findChildren(QPushButton) if each.text() == text]
        QTest.mouseClick(made, LEFT)


@pytest.fixture
def bench(
    open_desk: Callable[[Path | None], Any], make_images: Callable[[int], Path], add_version: Callable[..., Run]
) -> Iterator[Bench]:
    desk = open_desk(make_images(10))
    desk.add_classes("ok", "rust")
    ids, session = desk.session.columns.image_ids, desk.session
    session.label(ids[:4], 1)
    session.label(ids[4:8], 2)
    desk.wait_saved()
    for number, said in SAID.items():
        rest = [[0.7, 0.3], [0.2, 0.8] if number == 1 else [0.6, 0.4]]
        add_version(session.project, number, ids.tolist(), [1, 2], TRUTH, said, rest)
    errors: list[Any] = []
    session.error_raised.connect(errors.append)
    panel = VersionsPanel(session, desk.workspace.thumbnails)
    desk.qtbot.addWidget(panel)
    panel.resize(1000, 640)
    session.reload()
    desk.qtbot.waitUntil(lambda: session.run is not None)
    panel.show()
    made = Bench(desk, panel, errors)
    made.wait(lambda: len(panel.model.rows) == 3)
    yield made
    assert errors == []


def test_the_list_shows_the_newest_first_and_says_what_the_chosen_one_is_made_of(bench: Bench) -> None:
    assert bench.shown() == ["3  ·  in use", "2", "1"]
    bench.click_row(1)
    said = bench.panel.details.sentences
    assert said[0] == "Version 1: 62.5 % right (40.0 to 99.0 %)"
    assert not bench.panel.compare_button.isHidden()
    index = bench.panel.model.index(0, NUMBER)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "Version 3  ·  in use"


def test_going_back_to_a_version_shows_its_suggestions_and_one_click_returns(bench: Bench) -> None:
    session, ids = bench.session, bench.session.columns.image_ids
    bench.wait(lambda: session.columns.predicted_ids[9] == 1)
    session.label(ids[8:9], 2)
    bench.desk.wait_saved()
    bench.wait(lambda: session.facts.num_labels_since == 1)
    bench.click_row(1)
    bench.click(bench.panel.use_button)
    bench.wait(lambda: session.run.id == 1 and session.columns.predicted_ids[9] == 2)
    bench.wait(lambda: bench.shown() == ["3", "2", "1  ·  in use"])
    assert bench.project.active_run().id == 1
    assert session.facts.num_labels_since == 1
    assert not bench.panel.use_button.isEnabled()
    assert bench.panel.banner.message == "Version 1 is in use now."
    bench.remedy("Back to version 3")
    bench.wait(lambda: session.run.id == 3 and session.columns.predicted_ids[9] == 1)


def test_two_chosen_versions_are_compared_and_the_flipped_images_open_in_label(bench: Bench) -> None:
    panel, ids = bench.panel, bench.session.columns.image_ids
    bench.click_row(1)
    bench.click_row(2, CTRL)
    bench.wait(lambda: "Fixed" in panel.details.strips)
    assert panel.details.sentences[0].startswith(
        "On 8 images that both were measured on, version 2 is right on 3 that version 1 got wrong, and wrong on 0"
    )
    assert list(panel.details.strips) == ["Fixed", "No class yet, suggested otherwise by 2"]
    panel.details.strips["Fixed"].setFocus()
    QTest.keyClick(panel.details.strips["Fixed"], Key.Key_Return)
    workspace = bench.desk.workspace
    assert sorted(workspace.images.image_ids().tolist()) == ids[[3, 6, 7]].tolist()
    assert workspace.filter_bar.chips[0].accessibleName() == "Filter Fixed: wrong in 1, right in 2, remove"
    QTest.mouseClick(panel.details.strips["No class yet, suggested otherwise by 2"], LEFT)
    assert workspace.images.image_ids().tolist() == [ids[9]]


def test_compare_without_a_second_choice_compares_with_the_version_in_use(bench: Bench) -> None:
    assert not bench.panel.compare_button.isEnabled()  # the one in use is chosen
    bench.click_row(2)
    bench.click(bench.panel.compare_button)
    bench.wait(lambda: "Broken" in bench.panel.details.strips)
    assert bench.panel.table.chosen_ids() == [2, 3]


def test_a_note_is_written_in_its_place_and_esc_gives_it_up(bench: Bench) -> None:
    table = bench.panel.table
    bench.click_row(2)
    QTest.keyClick(table, Key.Key_F2)
    QTest.keyClicks(table.findChild(QLineEdit), "new light")
    QTest.keyClick(table.findChild(QLineEdit), Key.Key_Return)
    bench.wait(lambda: bench.project.run_notes() == {2: "new light"})
    bench.wait(lambda: bench.panel.model.index(1, NOTE).data() == "new light")
    bench.click(bench.panel.note_button)
    QTest.keyClicks(table.findChild(QLineEdit), "something else")
    QTest.keyClick(table.findChild(QLineEdit), Key.Key_Escape)
    assert bench.project.run_notes() == {2: "new light"}


def test_a_deleted_version_comes_back_with_undo_and_with_take_back(bench: Bench) -> None:
    panel = bench.panel
    bench.click_row(3)
    assert not panel.delete_button.isEnabled()
    QTest.keyClick(panel.table, Key.Key_Delete)
    bench.click_row(2)
    QTest.keyClick(panel.table, Key.Key_Delete)
    bench.wait(lambda: bench.shown() == ["3  ·  in use", "1"])
    assert panel.banner.message == "Version 2 is deleted."
    assert [run.id for run in bench.project.runs()] == [1, 3]
    bench.remedy("Undo")
    bench.wait(lambda: len(bench.shown()) == 3)
    bench.click_row(1)
    bench.click_row(2, CTRL)
    bench.click(panel.delete_button)
    bench.wait(lambda: bench.shown() == ["3  ·  in use"])
    assert panel.bring_back_button.text() == "Bring back 2 versions"
    assert panel.take_back()
    bench.wait(lambda: len(bench.shown()) == 2)
    assert panel.take_back()
    bench.wait(lambda: len(bench.shown()) == 3)
    assert not panel.take_back()
    assert not panel.bring_back_button.isVisible()
    assert bench.project.missing_runs() == []


def test_tidying_up_says_before_what_it_frees_and_what_stays(bench: Bench) -> None:
    bench.project.set_run_note(1, "first")
    bench.click(bench.panel.tidy_button)
    (dialog,) = [each for each in QApplication.topLevelWidgets() if isinstance(each, TidyVersionsDialog)]
    dialog.newest.setCurrentIndex(dialog.newest.findData(1))
    bench.wait(lambda: dialog.list.count() == 3)
    # 2 has the best score, 1 a note, 3 is in use: nothing is left to delete until the note goes.
    assert not dialog.delete_button.isEnabled()
    bench.project.set_run_note(1, "")
    dialog.newest.setCurrentIndex(dialog.newest.findData(0))
    bench.wait(dialog.delete_button.isEnabled)
    assert dialog.summary.text().startswith("1 version will be deleted, which frees ")
    texts = [dialog.list.item(row).text() for row in range(3)]
    assert [text.partition("%  ·  ")[2].split(",")[0] for text in texts] == [
        "stays: in use", "stays: best score", "is deleted"]  # fmt: skip
    bench.click(dialog.delete_button)
    bench.wait(lambda: bench.shown() == ["3  ·  in use", "2"])
    bench.remedy("Undo")
    bench.wait(lambda: len(bench.shown()) == 3)


def test_a_version_without_files_says_so_and_can_only_be_deleted(bench: Bench) -> None:
    shutil.rmtree(bench.project.models_dir / "run-0002")
    bench.panel.versions.read()
    bench.wait(lambda: bench.shown()[1] == "2  ·  files missing")
    bench.click_row(2)
    assert not bench.panel.use_button.isEnabled()
    bench.click(bench.panel.compare_button)
    bench.wait(lambda: "version 2" in bench.panel.details.sentences[0])
    bench.click_row(2)
    bench.click(bench.panel.delete_button)
    bench.wait(lambda: len(bench.shown()) == 2)


def test_every_control_has_a_name_and_says_what_it_does(bench: Bench) -> None:
    for made in bench.panel.findChildren(QPushButton):
        if made.isVisible():
            assert made.accessibleName(), made.text()
            assert made.toolTip(), made.text()
    assert bench.panel.table.accessibleName() == "Versions of the model"
    bench.panel.table.setFocus()
    bench.panel.table.setCurrentIndex(bench.panel.model.index(0, 0))
    QTest.keyClick(bench.panel.table, Key.Key_Down)
    assert bench.panel.table.chosen_ids() == [2]
    QTest.keyClick(bench.panel.table, Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert bench.panel.table.chosen_ids() == [1, 2]


def test_without_a_model_the_panel_says_how_to_get_one(open_desk: Callable[[Path | None], Any]) -> None:
    desk = open_desk(None)
    panel = VersionsPanel(desk.session, desk.workspace.thumbnails)
    desk.qtbot.addWidget(panel)
    panel.show()
    desk.qtbot.wait(50)
    assert panel._stack.currentWidget() is panel._empty
    assert "then retrain" in panel._empty.accessibleName()
    assert panel.model.rowCount(QModelIndex()) == 0
    assert np.size(panel.table.chosen_ids()) == 0


def test_the_next_training_can_begin_with_the_network_of_a_version(bench: Bench, tmp_path: Path) -> None:
    assert _links(bench) == []
    (bench.project.models_dir / "run-0003" / "backbone.safetensors").write_bytes(b"")
    bench.panel.versions.read()
    bench.wait(lambda: _links(bench))
    bench.click(_links(bench)[0])
    assert bench.session.preferences.backbone(tmp_path / "project") == "run:3"
    assert bench.panel.banner.message == "The next training begins with the network of version 3."


def _links(bench: Bench) -> list[QPushButton]:
    return [each for each in bench.panel.details.findChildren(QPushButton) if each.isVisible()]


def test_opening_a_project_whose_version_in_use_lost_its_files_says_so(bench: Bench, tmp_path: Path) -> None:
    shutil.rmtree(bench.project.models_dir / "run-0003")
    bench.session.close_project()
    bench.session.open_project(tmp_path / "project")
    bench.wait(lambda: bench.errors)
    (said,) = [str(bench.errors.pop())]
    assert said.startswith("The files of version 3 of the model are not in the project")
    bench.wait(lambda: bench.shown()[:1] == ["3  ·  files missing"])
