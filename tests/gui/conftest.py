"""A whole window on a real engine and a real session, as tests of the shell use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog
from pytestqt.qtbot import QtBot

from engine.jobs import Engine
from gui.engine_bridge import EngineBridge
from gui.main_window import MainWindow
from gui.preferences import Preferences
from gui.recents import RecentKeeper
from gui.session import Session


@dataclass
class Room:
    """What a test of the window works with."""

    qtbot: QtBot
    engine: Engine
    session: Session
    window: MainWindow

    def wait_for(self, condition: Callable[[], object], timeout_ms: int = 20_000) -> None:
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=timeout_ms)

    def create(self, folder: Path, name: str = "Test") -> None:
        """Makes a project and waits until the window shows it."""
        with self.qtbot.waitSignal(self.session.project_opened, timeout=20_000):
            self.session.create_project(folder, name)

    def open(self, folder: Path) -> None:
        with self.qtbot.waitSignal(self.session.project_opened, timeout=20_000):
            self.window.open_folder(folder)

    def import_folder(self, images: Path, classes_from_folders: bool = False) -> None:
        """Brings a folder in and waits until its images are in the columns."""
        with self.qtbot.waitSignal(self.session.work.scan_ended, timeout=30_000):
            self.session.add_folder(images, classes_from_folders)
        self.wait_for(lambda: len(self.session.columns) and not self.session.is_reloading)

    def add_classes(self, *names: str) -> None:
        for name in names:
            self.session.add_class(name)
        self.wait_for(lambda: self.session.num_unsaved == 0 and len(self.session.classes) >= len(names))

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """Presses a key where the focus is."""
        QTest.keyClick(QApplication.focusWidget() or self.window, key, modifier)

    def click(self, widget: object) -> None:
        self.qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)  # type: ignore[arg-type]

    def dialog(self, kind: type[QDialog]) -> QDialog:
        """Waits for a dialog to be on the screen."""
        found: list[QDialog] = []

        def is_there() -> bool:
            found[:] = [each for each in self.window.findChildren(kind) if each.isVisible()]
            return bool(found)

        self.wait_for(is_there)
        return found[0]


@pytest.fixture(autouse=True)
def no_refit_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows under test train when they are told to; `test_auto_retrain.py` puts the pause back."""
    monkeypatch.setattr("gui.auto_retrain.PAUSE_MS", 10**8)


@pytest.fixture
def room(qtbot: QtBot) -> Iterator[Room]:
    """A window without a project, on the screen and with the focus."""
    engine = Engine()
    engine.start()
    preferences = Preferences()
    preferences.set_first_keys_seen()
    window = MainWindow(preferences)
    bridge = EngineBridge(engine)
    session = Session(bridge, preferences=preferences)
    RecentKeeper(session)
    window.attach(session)
    window.show()
    window.activateWindow()
    qtbot.waitExposed(window)
    yield Room(qtbot, engine, session, window)
    session.work.cancel_all()
    engine.shutdown(2.0)
    window.workspace.shutdown()
    session.shutdown()
    window._may_close = True
    window.close()
    window.deleteLater()
