"""Walks through every screen of the window in one language and writes what it reads there as JSON lines.

Run in a process of its own (the language is chosen before the window is imported):
    python tests/gui/walk.py LANGUAGE FOLDER [--pictures] [--size 1440x900] [--theme dark]

LANGUAGE is "de", "en", or "pseudo": there every marked text stands in brackets; one without them was not marked.
A line is {"screen", "kind", "text", "cut", "elided"}: `cut` is how many pixels of the text have no room or lie under
something else, `elided` how many an ellipsis stands for.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "build")]
OPENING, CLOSING = "⟦", "⟧"
SAMPLE = ROOT / "resources" / "sample"
NUM_LABELLED, NUM_WRONG = 14, 2
SETTLE_MS, LAY_OUT_MS = 350, 20
NOT_WALKED = {"quit", "close", "new", "open", "sample", "cancel", "tour", "import_labels", "merge", "label_mode"}


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
        self.seen: set[tuple[str, str, bool]] = set()
        self.program = Program(self.app)
        self.program.window.resize(*map(int, size.split("x")))
        self.program.start(None)
        # What asks in a loop of its own is read and left from here.
        self._watch = QTimer(interval=2 * SETTLE_MS)
        self._watch.timeout.connect(self._leave_modal)

    def run(self) -> None:
        """Goes through everything."""
        window = self.window
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
        self.walk_messages()
        self.walk_preferences()
        for name, action in window.action_set._actions.items():
            if name not in NOT_WALKED and not name.startswith("theme_") and action.isEnabled():
                self.do(name, action.trigger)
        self.walk_several()
        self._watch.stop()

    def end(self) -> None:
        self.program.stop()

    # ---- stations

    def walk_empty(self) -> None:
        from gui.dialogs.new_project import NewProjectDialog

        window, session = self.window, self.session
        for images in (None, SAMPLE):
            self.show_dialog("new project", NewProjectDialog(images, window, session))

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
        for image_class, other in zip(session.classes, session.classes[1:] + session.classes[:1], strict=True):
            ids = [row.id for row in session.project.images() if f"{image_class.name}/" in row.name]
            session.label(ids[:NUM_LABELLED], image_class.id)
            session.label(ids[NUM_LABELLED : NUM_LABELLED + NUM_WRONG], other.id)
        self.until(lambda: session.num_unsaved == 0 and not session.why_no_retrain())
        session.retrain()
        self.until(lambda: session.run is not None, 120)
        self.wait(2000)
        self.read("trained")

    def walk_menus(self) -> None:
        from PySide6.QtCore import QPoint

        from gui.panels.class_menu import open_class_menu
        from gui.panels.image_menu import open_image_menu

        window, where = self.window, QPoint(200, 100)
        for name, menu in window.menus.items():
            self.do(f"menu {name}", lambda menu=menu: menu.popup(where))
        workspace = window.workspace
        workspace.grid.go_to(0)
        self.do("menu image", lambda: open_image_menu(workspace, where))
        self.do("menu class", lambda: open_class_menu(workspace.palette_panel, self.session.classes[0].id, where))
        self.do("menu orders", window.commands.assistance.show_orders)
        self.do("find class", workspace.find_class)
        workspace.finder.hide()

    def walk_label(self) -> None:
        from gui.tour import Step

        window, workspace = self.window, self.window.workspace
        self.walk_menus()
        for name in ("show_next", "show_similar"):
            window.action_set[name].trigger()
            self.wait(2000)
            self.read(name)
        window.action_set["show_stacks"].trigger()
        self.wait(3000)
        self.read("stacks")
        for name in ("show_blocks", "show_changed", "show_duplicates"):
            self.do(name, window.action_set[name].trigger)
        workspace.show_images_page()
        workspace.set_filter(type(workspace.images.filter)())
        workspace.grid.go_to(3)
        window.action_set["toggle_viewer"].trigger()
        self.read("viewer")
        workspace.viewer.toggle_levels_panel()
        workspace.heat.toggle()
        self.wait(2500)
        self.read("viewer, levels and heat")
        workspace.heat.toggle()
        workspace.viewer.toggle_levels_panel()
        window.action_set["toggle_viewer"].trigger()
        window.action_set["training"].trigger()
        self.read("training drawer")
        self.session.training.choose(depth="partial", time_budget_s=60.0)
        self.wait(1500)
        self.read("training drawer, partial")
        self.session.retrain()
        self.wait(4000)
        self.read("training drawer, training")
        self.session.work.cancel_kind("train")
        self.until(lambda: self.session.work.current() is None)
        window.action_set["training"].trigger()
        self.wait(500)
        self.read("training stopped")
        self.session.training.discard()
        self.session.training.choose(depth="head")
        window.action_set["tour"].trigger()
        for step in Step:
            window.tour._step = step
            window.tour.changed.emit()
            self.read(f"tour {int(step)}")
        window.tour.end()

    def walk_messages(self) -> None:
        from engine.language import tr
        from gui.dialogs.reports import ReportDialog, failed_report
        from gui.widgets.banner import Remedy

        window, session = self.window, self.session
        report = failed_report([("a.jpg", "?"), ("b.jpg", "?")])
        remedies = [Remedy(tr("Open the folder"), lambda: None), Remedy(tr("Try again"), lambda: None)]
        window.errors.show_warning(report.headline, report.sentence, remedies)
        self.read("warning")
        window.errors.banner.close_banner()
        self.show_dialog("report", ReportDialog(report, window))
        self.do("internal error", lambda: window.errors.show_error(RuntimeError("walk")))
        window.workspace.offline_bar.set_roots(session.project.roots())
        self.read("folder gone")
        window.workspace.offline_bar.set_roots([])

    def walk_review(self) -> None:
        from gui.dialogs.tidy_versions import TidyVersionsDialog

        window = self.window
        window.show_review()
        self.wait(5000)
        for key in ("overview", "mistakes", "suspects", "map"):
            self.do(f"review {key}", lambda key=key: window.review.show_page(key))
        run = self.session.run
        self.session.retrain()
        self.until(lambda: self.session.run not in (None, run), 120)
        window.review.show_page("versions")
        self.wait(2000)
        self.read("review versions")
        versions = window.review.versions
        versions.table.choose([each.run.id for each in versions.versions.rows][:2])
        self.wait(2000)
        self.read("versions compared")
        self.show_dialog("tidy versions", TidyVersionsDialog(versions.versions, window))

    def walk_preferences(self) -> None:
        from gui.dialogs.preferences import PreferencesDialog

        for key in ("keys", "computing", "storage", "backups"):
            self.session.preferences.set_preferences_section(key)
            workspace = self.window.workspace
            dialog = PreferencesDialog(self.session, self.window.commands, workspace.thumbnails, self.window)
            self.show_dialog(f"preferences {key}", dialog)

    def walk_use(self) -> None:
        from gui.dialogs.use_folder import UseFolderDialog

        window = self.window
        window.show_use()
        self.read("use, empty")
        pictures = sorted(SAMPLE.rglob("*.jpg"))[:6]
        window.commands.use.add(pictures)
        self.wait(4000)
        self.read("use")
        dialog = UseFolderDialog(window.commands.use.session, False, SAMPLE, window)
        dialog.sort_box.setChecked(True)
        self.show_dialog("use folder, filled", dialog)

    def walk_several(self) -> None:
        """Last: the other kind of project, where an image may have several classes."""
        from engine.domain import LabelMode

        self.window.show_label()
        self.session.set_label_mode(LabelMode.SEVERAL)
        self.until(lambda: self.session.has_several_classes)
        self.wait(1000)
        self.read("several classes")
        for name in ("shortcuts", "first_keys", "training"):
            self.do(f"{name}, several classes", self.window.action_set[name].trigger)

    # ---- means

    @property
    def session(self) -> Any:
        assert self.program.session is not None
        return self.program.session

    @property
    def window(self) -> Any:
        return self.program.window

    def show_dialog(self, screen: str, dialog: Any) -> None:
        """Opens a dialog, gives it a second to look around, reads and closes it."""
        self.screen = screen
        self._watch.stop()
        dialog.open()
        self.wait(1000)
        self.read(screen)
        dialog.reject()
        self._watch.start()

    def do(self, screen: str, act: Callable[[], object]) -> None:
        """Does something and reads what stands there then; dialogs are left again."""
        from gui.panels.first_keys import FirstKeysLayer

        self.screen = screen
        act()
        self.read(screen)
        self._leave_modal()
        for layer in self.window.findChildren(FirstKeysLayer):
            layer.dismiss()
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
        for each in (milliseconds, LAY_OUT_MS):  # what the last timers asked for is laid out too
            QTimer.singleShot(each, loop.quit)
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
        from walk_texts import overlaps_in, texts_of

        if self.has_pictures:
            number = len(list(self.folder.glob("*.png")))
            name = self.screen.replace(" ", "-").replace(",", "")
            window.grab().save(str(self.folder / f"{number:03d}-{name}-{type(window).__name__}.png"))
        for widget in (window, *window.findChildren(QWidget)):
            for kind, text, cut, elided in (*texts_of(widget), *overlaps_in(widget)):
                key = (kind, text, cut > 1 or elided > 0)
                if text and key not in self.seen:
                    self.seen.add(key)
                    line = {"screen": self.screen, "kind": kind, "text": text, "cut": cut, "elided": elided}
                    sys.stdout.write(json.dumps(line) + "\n")
                    sys.stdout.flush()


if __name__ == "__main__":
    main()
