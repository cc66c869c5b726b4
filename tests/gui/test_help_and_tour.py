"""The guide, the guided first loop and what a question needs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QGuiApplication

from gui.dialogs.about import AboutDialog
from gui.dialogs.help import FOLDER, PAGES, HelpDialog, help_pages
from gui.tour import NUM_ACCEPTED, PER_CLASS, Step, Tour


def test_every_page_of_the_guide_is_listed_and_every_link_leads_to_a_page() -> None:
    assert {file.stem for file in FOLDER.glob("*.md")} == set(PAGES)
    for page in help_pages():
        assert page.title
        for target in re.findall(r"\]\(([^)]+)\)", page.text):
            assert target.removesuffix(".md") in PAGES, f"{page.name}: {target}"


def test_the_guide_lists_the_pages_that_have_the_words_searched_for(qtbot: Any) -> None:
    dialog = HelpDialog()
    qtbot.addWidget(dialog)
    assert dialog.list.count() == len(PAGES)
    dialog.search.setText("journal of nothing")
    assert dialog.list.count() == 0
    dialog.search.setText("near-duplicates")
    assert 0 < dialog.list.count() < len(PAGES)
    assert "near-duplicates" in dialog.text.toPlainText()
    assert dialog.text.textCursor().selectedText().casefold() == "near-duplicates"


def test_a_link_in_the_guide_turns_to_its_page(qtbot: Any) -> None:
    dialog = HelpDialog("start")
    qtbot.addWidget(dialog)
    dialog.text.anchorClicked.emit(QUrl("labelling.md"))
    assert dialog.text.toPlainText().startswith(next(page.title for page in help_pages() if page.name == "labelling"))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Thirty small pictures."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(30):
        Image.new("RGB", (24, 24), (8 * number, 90, 200)).save(folder / f"{number:02}.png")
    return folder


def test_the_tour_counts_labels_and_goes_on_by_what_was_done(room: Any, tmp_path: Path, pictures: Path) -> None:
    room.create(tmp_path / "project")
    room.import_folder(pictures)
    room.add_classes("one", "two")
    tour: Tour = room.window.tour
    room.window.commands.begin_tour()
    assert tour.step is Step.LABEL
    assert room.window.tour_bar.isVisible()
    first, second = (each.id for each in room.session.classes)
    ids = room.session.columns.image_ids
    room.session.label(ids[:25], first)  # more of one class do not make up for the other
    room.wait_for(lambda: tour.progress() == (PER_CLASS, 2 * PER_CLASS))
    room.session.label(ids[15:25], second)
    room.wait_for(lambda: tour.step is Step.RETRAIN)
    assert "Retrain" in room.window.tour_bar.title.text()
    room.click(room.window.tour_bar.leave_button)
    assert tour.step is None
    assert not room.window.tour_bar.isVisible()


def test_the_tour_ends_with_the_project(room: Any, tmp_path: Path, pictures: Path) -> None:
    room.create(tmp_path / "project")
    room.import_folder(pictures)
    room.window.commands.begin_tour()
    assert room.window.tour.step is Step.LABEL
    room.session.close_project()
    room.wait_for(lambda: room.window.tour.step is None)


def test_after_a_model_the_tour_asks_for_accepted_suggestions_then_review_then_use(
    room: Any, tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.create(tmp_path / "project")
    room.import_folder(pictures)
    room.add_classes("one", "two")
    first, second = (each.id for each in room.session.classes)
    ids = room.session.columns.image_ids
    room.session.label(ids[:10], first)
    room.session.label(ids[10:20], second)
    tour: Tour = room.window.tour
    room.window.commands.begin_tour()
    assert tour.step is Step.RETRAIN
    with room.qtbot.waitSignal(room.session.work.training_ended, timeout=60_000):
        room.session.retrain()
    room.wait_for(lambda: tour.step is Step.ACCEPT)
    room.session.label(ids[20 : 20 + NUM_ACCEPTED], first)
    room.wait_for(lambda: tour.step is Step.REVIEW)
    room.window.show_review()
    assert tour.step is Step.TAKE
    room.press(Qt.Key.Key_3, Qt.KeyboardModifier.AltModifier)
    assert tour.step is Step.TAKE  # nothing was seen there yet
    room.click(room.window.tour_bar.try_button)  # pictures of the project that have no class
    room.wait_for(lambda: tour.step is Step.DONE, 60_000)
    assert set(room.window.use.use.files.paths) <= set(pictures.iterdir())
    assert room.window.tour_bar.leave_button.text() == "Close"


def test_about_copies_the_versions_that_a_question_needs(qtbot: Any) -> None:
    dialog = AboutDialog()
    qtbot.addWidget(dialog)
    dialog.copy_button.click()
    copied = QGuiApplication.clipboard().text()
    assert "torch: 2." in copied
    assert "Screen: " in copied
