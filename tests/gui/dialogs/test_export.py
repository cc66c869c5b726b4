"""The export dialog: several formats at once, each with its own progress, end and folder."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, ClassVar

import pytest
from PySide6.QtCore import Qt

from engine import extras
from engine.domain import Run, Validation
from engine.errors import ExportError
from engine.exporters.parity import Parity
from engine.exporters.registry import FORMATS
from engine.job import Job, JobContext
from engine.tasks.export import ExportReport
from gui.dialogs.export import ExportDialog, parity_words
from gui.exports import ExportState

VALIDATION = Validation("2 folds", 0.9, (0.8, 0.95), 0.9, 0.1, 0.0, [], [])
CHECKED = Parity("onnxruntime 1", 200, 1.0, 3e-7, 1e-4, 200, 200, 0)
UNCHECKED = Parity.unchecked("Core ML", "Core ML models run on Apple's systems only.")
done = threading.Event()


def made(run_id: int) -> Run:
    return Run(
        run_id, 0.0, "starter", "", "head", 0, "", [1, 2], ["a", "b"], 9, 1, VALIDATION, {}, {}, is_active=run_id == 2
    )  # fmt: skip


class FakeExport(Job[tuple[str, Path], Parity, ExportReport]):
    """ONNX goes well, safetensors is refused, .pt2 waits to be cancelled, Core ML cannot be checked."""

    title: ClassVar[str] = "Exporting"
    asked: ClassVar[list[tuple[str, Path, int]]] = []

    def __init__(self, project: Any, format: str, folder: Path, run: Run) -> None:
        self.format, self.folder = format, folder
        self.asked.append((format, folder, run.id))

    def prepare(self) -> tuple[str, Path]:
        return self.format, self.folder

    @staticmethod
    def work(snapshot: tuple[str, Path], context: JobContext) -> Parity:
        name, _folder = snapshot
        if name == "safetensors":
            raise ExportError("It differs.", "Retrain.")
        context.progress(3, 8, "checking 3 of 8 images")
        while name == "pt2" and not done.wait(0.01):
            context.checkpoint()
        return UNCHECKED if name == "coreml" else CHECKED

    def finish(self, result: Parity) -> ExportReport:
        return ExportReport(self.format, self.folder, ["model"], result, 8_900_000)


class FakeInstall(Job[str, None, None]):
    title: ClassVar[str] = "Installing"
    installed: ClassVar[list[str]] = []

    def __init__(self, key: str) -> None:
        self.key = key

    def prepare(self) -> str:
        return self.key

    @staticmethod
    def work(snapshot: str, context: JobContext) -> None:
        FakeInstall.installed.append(snapshot)

    def finish(self, result: None) -> None:
        return None


@pytest.fixture
def dialog(room: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ExportDialog:
    """On the screen, with nothing installed that formats need."""
    done.clear()
    FakeExport.asked, FakeInstall.installed = [], []
    monkeypatch.setattr("engine.tasks.export.ExportModel", FakeExport)
    monkeypatch.setattr("engine.tasks.install_extra.InstallExtra", FakeInstall)
    monkeypatch.setattr("gui.exports._weights_bytes", lambda _project, _run: 10_000_000)
    monkeypatch.setattr("gui.exports.is_installed", lambda extra: extra.key in FakeInstall.installed)
    monkeypatch.setattr(extras.platform, "system", lambda: "Linux")
    room.create(tmp_path / "project", "Parts")
    monkeypatch.setattr(room.session, "run", made(2))
    room.window.commands.export_model()
    return room.dialog(ExportDialog)  # type: ignore[no-any-return]


def tick(dialog: ExportDialog, *names: str) -> None:
    for name, row in dialog.rows.items():
        if row.box.isChecked() != (name in names):
            row.box.click()


def test_every_format_says_what_it_is_for_how_large_it_is_and_what_it_needs(room: Any, dialog: ExportDialog) -> None:
    room.wait_for(lambda: dialog.rows["onnx"].size_label.text() == "about 10 MB")
    assert dialog.rows["onnx-fp16"].size_label.text() == "about 5.0 MB"
    assert list(dialog.rows) == list(FORMATS)
    for name, row in dialog.rows.items():
        assert row.box.text() == FORMATS[name].title
        assert row.description.text() == FORMATS[name].description
        assert row.needs.isVisible() == bool(FORMATS[name].extra)
    assert dialog.rows["openvino"].needs.text() == "Needs OpenVINO: 59 MB to download, 180 MB on the disk."
    tick(dialog, "onnx", "openvino")
    assert "2 formats, about 20 MB." in dialog.summary.text()
    assert "OpenVINO will be installed first: 59 MB from the internet" in dialog.summary.text()
    tick(dialog)
    assert not dialog.export_button.isEnabled()


def test_each_format_ends_for_itself(room: Any, dialog: ExportDialog, tmp_path: Path) -> None:
    tick(dialog, "onnx", "safetensors", "pt2", "coreml")
    dialog.folder_field.setText(str(tmp_path / "out"))
    room.click(dialog.export_button)
    rows, exports = dialog.rows, room.session.exports
    room.wait_for(lambda: rows["pt2"].note.text() == "Checking 3 of 8 images")
    assert rows["onnx"].outcome.text().startswith("Checked in onnxruntime 1: the same class on all 200 images")
    assert rows["onnx"].size_label.text() == "8.9 MB"
    assert rows["onnx"].open_button.isVisible()
    assert rows["safetensors"].outcome.text() == "It differs. Retrain."
    assert not rows["safetensors"].open_button.isVisible()
    assert rows["coreml"].note.text() == "Waiting"
    assert not rows["coreml"].progress.isVisible()
    assert dialog.close_button.text() == "Hide"
    assert not rows["pt2"].box.isEnabled()
    room.click(rows["pt2"].cancel_button)
    room.wait_for(lambda: not exports.is_running)
    assert exports.rows["pt2"].state is ExportState.CANCELLED
    assert rows["pt2"].outcome.text() == "Cancelled. Nothing was written."
    assert rows["coreml"].outcome.text() == "Written, but not checked. Core ML models run on Apple's systems only."
    assert FakeInstall.installed == ["coreml"]
    assert not rows["coreml"].needs.isVisible(), "it is there now"
    assert FakeExport.asked == [
        (name, tmp_path / "out" / name, 2) for name in ("onnx", "safetensors", "pt2", "coreml")
    ]  # fmt: skip
    assert not room.window.errors.banner.isVisible(), "the dialog has told it"


def test_escape_cancels_all_and_closing_lets_them_go_on(room: Any, dialog: ExportDialog) -> None:
    tick(dialog, "pt2", "onnx")
    room.click(dialog.export_button)
    room.wait_for(lambda: dialog.rows["pt2"].note.text() == "Checking 3 of 8 images")
    room.click(dialog.close_button)
    assert room.session.exports.is_running
    room.window.commands.export_model()
    again = room.dialog(ExportDialog)
    assert again.rows["pt2"].note.text() == "Checking 3 of 8 images"
    again.setFocus()
    room.qtbot.keyClick(again, Qt.Key.Key_Escape)
    room.wait_for(lambda: not room.session.exports.is_running)
    assert again.rows["pt2"].outcome.text() == "Cancelled. Nothing was written."
    assert again.isVisible()


def test_an_older_version_is_exported_as_itself(room: Any, dialog: ExportDialog, tmp_path: Path) -> None:
    dialog.close()
    room.window.commands.export_version(made(1))
    older = room.dialog(ExportDialog)
    assert older.folder_field.text() == str(tmp_path / "project" / "exports" / "model-1")
    tick(older, "onnx")
    room.click(older.export_button)
    room.wait_for(lambda: older.rows["onnx"].open_button.isVisible())
    assert FakeExport.asked == [("onnx", tmp_path / "project" / "exports" / "model-1" / "onnx", 1)]


def test_another_version_waits_until_the_first_is_done(room: Any, dialog: ExportDialog) -> None:
    tick(dialog, "pt2")
    room.click(dialog.export_button)
    room.wait_for(lambda: dialog.rows["pt2"].note.text() == "Checking 3 of 8 images")
    dialog.close()
    room.window.commands.export_version(made(1))
    other = room.dialog(ExportDialog)
    tick(other, "onnx")
    assert not other.export_button.isEnabled()
    assert other.summary.text() == "Version 2 is being exported; this one can follow when that is done."
    done.set()
    room.wait_for(other.export_button.isEnabled)
    assert not other.rows["pt2"].ended.isVisible(), "that was of the other version"


def test_what_cannot_be_installed_here_cannot_be_chosen(
    room: Any, dialog: ExportDialog, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog.close()
    monkeypatch.setattr("gui.exports.why_not", lambda extra: f"There is no {extra.title} here.")
    room.window.commands.export_model()
    row = room.dialog(ExportDialog).rows["litert"]
    assert row.needs.text() == "There is no LiteRT Torch here."
    assert not row.box.isEnabled()


@pytest.mark.parametrize(
    ("agreement", "difference", "words"),
    [
        (1.0, 3e-7, "the same class on all 200 images, probabilities within 0.000001."),
        (0.995, 0.08, "the same class on 99.5 % of 200 images, probabilities within 0.08."),
    ],
)
def test_the_check_is_told_in_words(agreement: float, difference: float, words: str) -> None:
    parity = Parity("onnxruntime 1", 200, agreement, difference, None, 200, 0, 0)
    assert parity_words(parity) == ("check-circle", "success", f"Checked in onnxruntime 1: {words}")
