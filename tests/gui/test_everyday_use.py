"""What a new user stumbles over: banners, themes, small screens, merged classes, images that cannot be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QMenu, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from engine.errors import StoreError
from gui import theme
from gui.dialogs.reports import ReportDialog
from gui.main_window import start_size
from gui.preferences import Preferences
from gui.widgets.banner import Banner, Remedy


@pytest.fixture
def parts(room: Any, tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Twelve images and two classes; nothing is looked at by itself."""
    monkeypatch.setattr("gui.engine_work.EngineWork.embed", lambda _work: None)
    room.create(tmp_path / "project", "Parts")
    room.import_folder(tiny_images)
    room.add_classes("round", "square")
    return room


# ------------------------------------------------------------------------------------------------------ banner


def lines_of(banner: Banner) -> int:
    return round(banner._message.height() / banner._message.fontMetrics().lineSpacing())


@pytest.mark.parametrize("remedies", [[], [Remedy("Open folder", lambda: None)]])
def test_a_short_message_takes_one_line_with_its_close_button_at_the_right_edge(
    qtbot: QtBot, remedies: Sequence[Remedy]
) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    page.resize(1200, 700)
    page.show()
    banner = Banner(page)
    for hint in ("", "A hint.", ""):
        banner.show_text("120 images added.", hint, "check-circle", "success", remedies, is_lasting=True)
        qtbot.waitUntil(lambda: lines_of(banner) == 1)
        assert banner._message.width() > banner.width() * 0.7
        assert banner.width() - banner._close.geometry().right() < 20
        assert banner.height() < 130


# ------------------------------------------------------------------------------------------------- window, theme


@pytest.mark.parametrize(
    ("screen", "window"),
    [((1920, 1080), (1440, 900)), ((1280, 800), (1256, 752)), ((1024, 700), (1024, 680)), ((800, 600), (1024, 680))],
)
def test_the_first_window_fits_on_the_screen(screen: tuple[int, int], window: tuple[int, int]) -> None:
    assert start_size(QSize(*screen)) == QSize(*window)


def test_the_theme_is_chosen_in_the_view_menu_and_remembered(room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRAFT_THEME", raising=False)
    actions = room.window.action_set
    assert any(action.menu() is room.window.menus["Theme"] for action in room.window.menus["View"].actions())
    try:
        actions["theme_light"].trigger()
        assert not theme.theme().is_dark
        assert Preferences().theme == "light"
        assert [actions[f"theme_{name}"].isChecked() for name in ("system", "light", "dark")] == [False, True, False]
        actions["theme_dark"].trigger()
        assert theme.theme().is_dark
        assert [actions[f"theme_{name}"].isChecked() for name in ("system", "light", "dark")] == [False, False, True]
    finally:
        theme.set_choice("system")


# ------------------------------------------------------------------------------------------------------ classes


@pytest.mark.parametrize("key", [Qt.Key.Key_Escape, Qt.Key.Key_Return])
def test_after_adding_classes_one_key_gives_the_keyboard_back_to_the_images(parts: Any, key: Qt.Key) -> None:
    panel, workspace = parts.window.workspace.palette_panel, parts.window.workspace
    panel.new_name.setFocus()
    parts.qtbot.keyClicks(panel.new_name, "bent")
    parts.press(Qt.Key.Key_Return)
    parts.wait_for(lambda: len(parts.session.classes) == 3)
    assert panel.new_name.hasFocus()  # the next class can be typed at once
    parts.press(key)
    parts.wait_for(workspace.grid.hasFocus)
    workspace.grid.go_to(0)
    parts.press(Qt.Key.Key_3)
    assert parts.session.columns.class_ids[0] == parts.session.classes[2].id


def test_escape_gives_up_a_name_that_was_begun(parts: Any) -> None:
    panel = parts.window.workspace.palette_panel
    panel.new_name.setFocus()
    parts.qtbot.keyClicks(panel.new_name, "ben")
    parts.press(Qt.Key.Key_Escape)
    assert panel.new_name.text() == ""
    assert len(parts.session.classes) == 2


def test_enter_in_the_search_goes_to_the_images_found(parts: Any) -> None:
    workspace = parts.window.workspace
    parts.press(Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert workspace.show_list.search.hasFocus()
    parts.qtbot.keyClicks(workspace.show_list.search, "circles")
    parts.press(Qt.Key.Key_Return)
    assert workspace.grid.hasFocus()
    assert len(workspace.images.rows) == 4


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_a_class_is_merged_into_another_from_its_menu_and_undo_parts_them(parts: Any) -> None:
    session, panel = parts.session, parts.window.workspace.palette_panel
    first, second = session.classes
    session.label(session.columns.image_ids[:3], first.id)
    session.label(session.columns.image_ids[3:5], second.id)
    parts.wait_for(lambda: session.num_unsaved == 0)
    row = panel.view.visualRect(panel.model.index(0, 0))
    panel._open_menu(row.center())
    (menu,) = [each for each in panel.findChildren(QMenu) if each.title() == "&Merge into"]
    assert [action.text() for action in menu.actions()] == ["square"]
    menu.actions()[0].trigger()
    parts.wait_for(lambda: [each.name for each in session.classes] == ["square"])
    parts.wait_for(lambda: session.columns.class_ids[:5].tolist() == [second.id] * 5)
    session.undo()
    parts.wait_for(lambda: [each.name for each in session.classes] == ["round", "square"])
    assert session.columns.class_ids[:5].tolist() == [first.id] * 3 + [second.id] * 2


# ------------------------------------------------------------------------------------------- engine and second copies


def test_images_that_cannot_be_looked_at_are_counted_and_can_be_listed(parts: Any) -> None:
    report = SimpleNamespace(failed=[("circles/a.jpg", "The file is cut short."), ("b.jpg", "Gone.")])
    parts.session.work._tell_failed([None, report])
    banner = parts.window.errors.banner
    assert banner.message == "2 images could not be read."
    parts.click(next(each for each in banner.findChildren(QPushButton) if each.text() == "Show them"))
    dialog = parts.dialog(ReportDialog)
    assert "circles/a.jpg: The file is cut short." in dialog.box.toPlainText()
    dialog.close()


def test_a_second_copy_that_is_behind_is_told_beside_the_save_state(
    parts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, chip = parts.session, parts.window.top_bar.save_chip
    parts.wait_for(lambda: chip.text() == "All labels saved")
    problem = StoreError("The backups folder cannot be written.", "Make room on its disk.")
    monkeypatch.setattr(type(session.project.store), "problem", property(lambda _store: problem))
    session.label(session.columns.image_ids[:1], session.classes[0].id)
    parts.wait_for(lambda: chip.text() == "Saved, without a second copy")
    assert "Make room on its disk." in chip.toolTip()


# ------------------------------------------------------------------------------------------------------ export


def test_an_export_that_is_refused_tells_all_of_it_once_in_its_dialog(
    parts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.domain import Run, Validation
    from engine.errors import ExportError
    from engine.events import JobFailed
    from gui.activities import EXPORT, Activity
    from gui.dialogs.export import ExportDialog

    validation = Validation("2 folds", 0.9, (0.8, 0.95), 0.9, 0.1, 0.0, [], [])
    run = Run(1, 0.0, "starter", "", "head", 0, "", [1, 2], ["a", "b"], 9, 1, validation, {}, {}, True)
    monkeypatch.setattr(parts.session, "run", run)
    monkeypatch.setattr("gui.exports._weights_bytes", lambda _project, _run: 0)
    parts.window.errors.banner.close_banner()
    dialog = ExportDialog(parts.session, parts.window)
    dialog.open()
    work, exports = parts.session.work, parts.session.exports
    error = ExportError("/some/very/long/folder/name/" * 6 + " already exists.", "Choose another folder. " * 8)

    def fail() -> None:
        work._activities[9], exports._formats[9] = Activity(9, EXPORT, "Exporting ONNX"), "onnx"
        work._on_end(EXPORT, parts.session.project, JobFailed(9, error, ""))

    fail()
    parts.qtbot.wait(20)
    row = dialog.rows["onnx"]
    assert row.outcome.text() == str(error)
    assert row.outcome.height() >= row.outcome.heightForWidth(row.outcome.width())
    assert not row.open_button.isVisible()
    assert not parts.window.errors.banner.isVisible()
    dialog.reject()
    fail()
    assert parts.window.errors.banner.isVisible()


def test_a_dropped_file_that_is_no_image_is_a_sentence_and_adds_nothing(parts: Any, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("x")
    parts.window.commands.drop(file)
    banner = parts.window.errors.banner
    assert banner.message == "“notes.txt” is not an image."
    assert "Drop the folder" in banner.hint
    assert len(parts.session.columns) == 12
    assert parts.session.work.current() is None


def test_retrain_takes_the_last_refusal_off_the_screen(parts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    session, banner = parts.session, parts.window.errors.banner
    monkeypatch.setattr(session.work, "retrain", lambda: None)
    monkeypatch.setattr("engine.weights.has_weights", lambda *_: True)
    session.label(session.columns.image_ids[:1], session.classes[0].id)
    session.label(session.columns.image_ids[1:2], session.classes[1].id)
    parts.wait_for(lambda: parts.window.action_set["retrain"].isEnabled())
    parts.window.errors.show_error(StoreError("Fewer than two classes have two different images."))
    assert banner.isVisible()
    parts.press(Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    assert not banner.isVisible()


def test_a_disk_that_has_room_again_is_good_news_in_place_of_the_error(
    parts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from concurrent.futures import Future

    failed: Future[Any] = Future()
    failed.set_exception(StoreError("The disk is full.", "Make room."))
    session, banner = parts.session, parts.window.errors.banner
    with monkeypatch.context() as patched:
        patched.setattr(session.project, "label", lambda *_: failed)
        session.label(session.columns.image_ids[5:6], session.classes[0].id)
        parts.wait_for(lambda: banner.message == "The disk is full.")
    session.retry_saving()
    parts.wait_for(lambda: banner.message == "Everything is saved now.")
    assert session.num_unsaved == 0


def test_a_project_on_a_read_only_disk_is_offered_to_be_read(
    room: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.project import Project

    Project.create(tmp_path / "project", "Archive").close()
    monkeypatch.setattr("gui.folders.os.access", lambda *_: False)
    really_open = Project.open

    def refuse(folder: Path, read_only: bool = False) -> Project:
        if not read_only:
            raise StoreError("The project cannot be written.", "Open it read-only.")
        return really_open(folder, read_only=True)

    monkeypatch.setattr(Project, "open", refuse)
    room.window.open_folder(tmp_path / "project")
    room.wait_for(room.window.errors.banner.isVisible)
    offer = next(each for each in room.window.errors.banner.findChildren(QPushButton) if "read-only" in each.text())
    with room.qtbot.waitSignal(room.session.project_opened, timeout=20_000):
        room.click(offer)
    assert room.session.is_read_only


# ------------------------------------------------------------------------------------------------------ backbones


def test_a_file_that_is_no_weights_is_refused_and_not_kept(parts: Any, tmp_path: Path) -> None:
    from engine import weights
    from engine.backbones import spec
    from engine.errors import BackboneError
    from gui.backbone_choice import install_file

    file = tmp_path / "holiday.pth"
    file.write_bytes(bytes(range(256)) * 20)
    with pytest.raises(BackboneError, match="not a file of weights"):
        install_file(spec("mobilenet_v2"), file)
    assert not list(weights.user_weights_folder().glob("*"))


def test_the_weights_of_another_backbone_are_named(shared_weights: Path) -> None:
    from engine.backbones import spec
    from engine.errors import BackboneError
    from gui.backbone_choice import install_file

    (file,) = shared_weights.glob("squeezenet1_1-*.pth")
    with pytest.raises(BackboneError, match="holds the weights of SqueezeNet"):
        install_file(spec("mobilenet_v2"), file)
