"""Walks through every screen of the window in one language and writes what it reads there as JSON lines.

Run in a process of its own (the language is chosen before the window is imported):
    python tests/gui/walk.py LANGUAGE FOLDER [--pictures] [--size 1440x900] [--theme dark]

LANGUAGE is "de", "en", or "pseudo": there every marked text stands in brackets; one without them was not marked.
A line is {"screen", "kind", "text", "cut"}: `cut` is how many pixels of the text have no room.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "build")]
OPENING, CLOSING = "⟦", "⟧"
SAMPLE = ROOT / "resources" / "sample"
NUM_LABELLED = 14
SETTLE_MS = 350
NOT_WALKED = {"quit", "close", "new", "open", "sample", "cancel", "tour", "import_labels", "label_mode"}


def main() -> None:
    """Reads the arguments, makes a trained project from the sample, and walks."""
    parser = argparse.ArgumentParser()
    parser.add_argument("language")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", action="store_true")
    parser.add_argument("--size", default="1440x900")
    parser.add_argument("--theme", default="light")
    options = parser.parse_args()
    os.environ["GRAFT_DATA"] = str(options.folder / "data")
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    use_language(options.language, options.folder)
    walk = Walk(options.folder, options.pictures, options.size, options.theme)
    try:
        walk.run()
    finally:
        walk.end()


def use_language(name: str, folder: Path) -> None:
    """Takes a language; the pseudo language is made here from the marked texts."""
    from engine import language

    if name == "pseudo":
        from translations import mo_bytes, template_of

        template = template_of(ROOT)
        for message in template:
            if isinstance(message.id, tuple):
                message.string = tuple(f"{OPENING}{each}{CLOSING}" for each in message.id)
            elif message.id:
                message.string = f"{OPENING}{message.id}{CLOSING}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "de.mo").write_bytes(mo_bytes(template))
        language.FOLDER = folder  # type: ignore[misc]
        name = "de"
    language.use(name)


class Walk:
    """The program on the sample, and what it showed."""

    def __init__(self, folder: Path, has_pictures: bool, size: str, theme: str) -> None:
        from PySide6.QtCore import QTimer
        from PySide6.QtWidgets import QApplication

        from gui.app import Program, share_the_machine
        from gui.languages import translate_qt
        from gui.preferences import Preferences

        share_the_machine()
        self.app = QApplication([])
        translate_qt(self.app)
        preferences = Preferences()
        preferences.set_first_keys_seen()
        preferences.set_auto_retrain(False)
        preferences.set_theme(theme)
        self.folder = folder
        self.has_pictures = has_pictures
        self.screen = "start"
        self.seen: set[tuple[str, str]] = set()
        self.program = Program(self.app)
        self.program.window.resize(*map(int, size.split("x")))
        self.program.start(None)
        # What asks in a loop of its own is read and left from here.
        self._watch = QTimer(interval=2 * SETTLE_MS)
        self._watch.timeout.connect(self._leave_modal)

    def run(self) -> None:
        """Goes through everything."""
        window = self.program.window
        self.until(lambda: self.program.session is not None and window.isVisible())
        self.read("welcome")
        self._watch.start()
        self.walk_empty()
        self._watch.stop()
        self.make_model()
        self._watch.start()
        self.walk_label()
        self.walk_review()
        self.walk_use()
        for name, action in window.action_set._actions.items():
            if name not in NOT_WALKED and not name.startswith("theme_") and action.isEnabled():
                self.do(name, action.trigger)
        self._watch.stop()

    def end(self) -> None:
        self.program.stop()

    # ---- stations

    def walk_empty(self) -> None:
        from gui.dialogs.new_project import NewProjectDialog

        window, session = self.program.window, self.session
        dialog = NewProjectDialog(session, window)
        dialog.open()
        self.read("new project")
        dialog.reject()

    def make_model(self) -> None:
        session = self.session
        session.create_project(self.folder / "project", "Sample")
        self.until(lambda: session.project is not None)
        self.read("empty project")
        session.add_folder(SAMPLE, False)
        self.until(lambda: len(session.columns) > 100 and not session.is_reloading)
        self.read("imported")
        names = sorted(folder.name for folder in SAMPLE.iterdir() if folder.is_dir())
        for name in names:
            session.add_class(name)
        self.until(lambda: len(session.classes) == len(names) and session.num_unsaved == 0)
        for image_class in session.classes:
            ids = [row.id for row in session.project.images() if f"{image_class.name}/" in row.name]
            session.label(ids[:NUM_LABELLED], image_class.id)
        self.until(lambda: session.num_unsaved == 0 and not session.why_no_retrain())
        session.retrain()
        self.until(lambda: session.run is not None, 120)
        self.wait(2000)
        self.read("trained")

    def walk_label(self) -> None:
        window = self.program.window
        window.action_set["show_stacks"].trigger()
        self.wait(3000)
        self.read("stacks")
        for name in ("show_blocks", "show_changed", "show_duplicates"):
            self.do(name, window.action_set[name].trigger)
        window.show_label()
        window.action_set["toggle_viewer"].trigger()
        self.read("viewer")
        window.action_set["toggle_viewer"].trigger()
        window.action_set["training"].trigger()
        self.read("training drawer")
        window.action_set["training"].trigger()
        window.tour.begin()
        self.read("tour")

    def walk_review(self) -> None:
        window = self.program.window
        window.show_review()
        self.wait(5000)
        for key in ("overview", "mistakes", "suspects", "map", "versions"):
            self.do(f"review {key}", lambda key=key: window.review.show_page(key))
        self.wait(2000)

    def walk_use(self) -> None:
        window = self.program.window
        window.show_use()
        self.read("use, empty")
        pictures = sorted(SAMPLE.rglob("*.jpg"))[:6]
        window.commands.use.add(pictures)
        self.wait(4000)
        self.read("use")

    # ---- means

    @property
    def session(self) -> Any:
        assert self.program.session is not None
        return self.program.session

    def do(self, screen: str, act: Callable[[], object]) -> None:
        """Does something and reads what stands there then; dialogs are left again."""
        self.screen = screen
        act()
        self.read(screen)
        self._leave_modal()
        for widget in self.app.topLevelWidgets():
            if widget.isVisible() and widget is not self.program.window:
                widget.close()
        self.wait(50)

    def read(self, screen: str) -> None:
        """Writes every text of every window that is open."""
        self.screen = screen
        self.wait(SETTLE_MS)
        for window in self.app.topLevelWidgets():
            if window.isVisible():
                self._read_window(window)

    def wait(self, milliseconds: int) -> None:
        from PySide6.QtCore import QEventLoop, QTimer

        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()

    def until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        for _ in range(int(seconds * 20)):
            if condition():
                return
            self.wait(50)
        raise TimeoutError(f"{self.screen}: what was waited for did not come")

    def _leave_modal(self) -> None:
        dialog = self.app.activeModalWidget() or self.app.activePopupWidget()
        if dialog is not None:
            self._read_window(dialog)
            dialog.close()

    def _read_window(self, window: Any) -> None:
        from PySide6.QtWidgets import QWidget

        if self.has_pictures:
            number = len(list(self.folder.glob("*.png")))
            name = self.screen.replace(" ", "-").replace(",", "")
            window.grab().save(str(self.folder / f"{number:03d}-{name}-{type(window).__name__}.png"))
        for widget in (window, *window.findChildren(QWidget)):
            for kind, text, cut in texts_of(widget):
                if text and (kind, text) not in self.seen:
                    self.seen.add((kind, text))
                    line = {"screen": self.screen, "kind": kind, "text": text, "cut": cut}
                    sys.stdout.write(json.dumps(line) + "\n")
                    sys.stdout.flush()


def texts_of(widget: Any) -> Iterator[tuple[str, str, int]]:
    """Yields the texts of one widget: what kind, the text, and how many pixels of it are cut off."""
    from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QLineEdit, QListWidget, QMenu, QTextBrowser

    name = type(widget).__name__
    yield f"{name} tooltip", widget.toolTip(), 0
    yield f"{name} accessible", widget.accessibleName(), 0
    yield f"{name} title", widget.windowTitle() if widget.isWindow() else "", 0
    for action in widget.actions():
        yield f"{name} action", action.text(), 0
        yield f"{name} action tooltip", action.toolTip(), 0
    if isinstance(widget, QMenu):
        yield f"{name} menu", widget.title(), 0
    if not isinstance(widget, (QAbstractButton, QLabel, QLineEdit, QComboBox, QListWidget, QTextBrowser)):
        return
    cut = 0
    if widget.isVisible() and isinstance(widget, (QAbstractButton, QLabel)) and "Elided" not in name:
        wraps = isinstance(widget, QLabel) and widget.wordWrap()
        room, wanted = widget.size(), widget.minimumSizeHint()
        cut = max(0, (0 if wraps else wanted.width() - room.width()))
        if wraps:
            cut = max(0, widget.heightForWidth(room.width()) - room.height())
    if isinstance(widget, (QAbstractButton, QLabel)):
        yield name, widget.text(), cut
    elif isinstance(widget, QLineEdit):
        yield f"{name} placeholder", widget.placeholderText(), 0
    elif isinstance(widget, QComboBox):
        for at in range(widget.count()):
            yield f"{name} item", widget.itemText(at), 0
    elif isinstance(widget, QListWidget):
        for at in range(widget.count()):
            yield f"{name} item", widget.item(at).text(), 0


if __name__ == "__main__":
    main()
