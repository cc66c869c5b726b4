#!/usr/bin/env python3
"""Makes the pictures of README in resources/screenshots anew, from the program as it is.

usage: .venv/bin/python build/screenshots.py     (needs steel_neu and MobileNetV2 in ../shared or GRAFT_SHARED; minutes)

A project of 580 pictures of steel strip is made with the command line, 210 of them labelled, and MobileNetV2 trained on
them; then the window, off the screen, shows one page after the other. The same seed labels the same pictures.
"""

from __future__ import annotations

import csv
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from environment import ROOT

SHARED = Path(os.environ.get("GRAFT_SHARED") or ROOT.parent / "shared")
TARGET = ROOT / "resources" / "screenshots"
NUM_IMAGES, NUM_LABELLED, NUM_OTHERS, SEED = 580, 210, 12, 7
WIDTH_PX, HEIGHT_PX = 1600, 1000
QUIET_S = 5
PROJECT = "Steel strip, line 4"


def main() -> None:
    """Makes the project in a temporary folder and takes all pictures."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        os.environ |= {
            "GRAFT_DATA": str(work / "data"), "GRAFT_WEIGHTS": str(SHARED / "weights"), "GRAFT_LANGUAGE": "en",
            "QT_QPA_PLATFORM": "offscreen",
        }  # fmt: skip
        make_project(work)
        Photographer(work).run()


def make_project(work: Path) -> None:
    """Copies pictures under neutral names, labels some by a table, and trains."""
    chooser = random.Random(SEED)
    files = sorted((SHARED / "data" / "steel_neu").glob("*/*"))
    chooser.shuffle(files)
    (work / "pictures").mkdir()
    (work / "others").mkdir()
    with (work / "labels.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["image", "class"])
        for number, file in enumerate(files[:NUM_IMAGES]):
            copy = work / "pictures" / f"strip_{number:04d}{file.suffix}"
            shutil.copy(file, copy)
            if number < NUM_LABELLED:
                table.writerow([copy.name, file.parent.name])
    for number, file in enumerate(files[NUM_IMAGES : NUM_IMAGES + NUM_OTHERS]):
        shutil.copy(file, work / "others" / f"sample_{number:02d}{file.suffix}")
    graft("new", work / PROJECT, "--images", work / "pictures", "--name", PROJECT)
    graft("label", work / PROJECT, "--csv", work / "labels.csv")
    graft("train", work / PROJECT, "--backbone", "mobilenet_v2")


def graft(*arguments: object) -> None:
    subprocess.run(
        [sys.executable, str(ROOT / "main.py"), *map(str, arguments), "--json"], check=True, capture_output=True
    )


class Photographer:
    """The window off the screen, and what is done to show each page."""

    def __init__(self, work: Path) -> None:
        sys.path.insert(0, str(ROOT))
        from PySide6.QtWidgets import QApplication

        from gui.app import Program, share_the_machine
        from gui.languages import choose_language, translate_qt
        from gui.preferences import Preferences

        choose_language()
        share_the_machine()
        self.work = work
        self.app = QApplication([])
        translate_qt(self.app)
        preferences = Preferences()
        preferences.set_first_keys_seen()
        preferences.set_theme("dark")
        self.program = Program(self.app)
        self.program.window.resize(WIDTH_PX, HEIGHT_PX)
        self.program.start(None)

    def run(self) -> None:
        """Takes all pictures, in the order that needs the least going back."""
        window = self.window
        self.until(lambda: self.program.session is not None)
        self.take("welcome")
        window.open_folder(self.work / PROJECT)
        self.until(lambda: self.session.project is not None and len(self.session.columns) == NUM_IMAGES)
        self.until(lambda: self.session.run is not None)
        self.rest()  # after what is looked for in the background: quality, near-duplicates
        grid = window.workspace.grid
        grid.go_to(NUM_LABELLED - 12)
        grid.go_to(NUM_LABELLED + 13)
        self.take("label")
        window.commands.use_theme("light")
        self.take("label_light")
        window.commands.use_theme("dark")
        window.action_set["toggle_viewer"].trigger()
        self.wait(1500)
        window.workspace.heat.toggle()
        self.wait(3000)
        self.take("viewer")
        window.workspace.heat.toggle()
        window.action_set["toggle_viewer"].trigger()
        for name in ("training", "show_stacks", "show_blocks"):
            window.action_set[name].trigger()
            self.rest()
            self.take(name.removeprefix("show_"))
            if name == "training":
                window.action_set[name].trigger()
        window.show_review()
        self.until(lambda: window.review.current_page == "overview")
        self.rest()
        self.take("review")
        window.review.show_page("map")
        self.rest()
        self.take("map")
        window.show_use()
        self.rest()
        window.commands.use.add(sorted((self.work / "others").iterdir()))
        self.rest()
        self.take("use")
        self.take_export()
        self.program.stop()

    def take_export(self) -> None:
        from PySide6.QtWidgets import QDialog

        self.window.show_label()
        self.window.action_set["export"].trigger()
        self.wait(1000)
        dialog = next(each for each in self.window.findChildren(QDialog) if each.isVisible())
        dialog.export_button.click()
        self.rest()
        self.save(dialog, "export")
        dialog.reject()

    def take(self, name: str) -> None:
        """Saves what the window shows."""
        self.wait(700)
        self.save(self.window, name)

    def save(self, widget: Any, name: str) -> None:
        """In 256 colours: the pictures travel with every clone."""
        from PIL import Image

        file = TARGET / f"{name}.png"
        widget.grab().save(str(file))
        with Image.open(file) as picture:
            picture.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE).save(
                file, optimize=True
            )

    @property
    def window(self) -> Any:
        return self.program.window

    @property
    def session(self) -> Any:
        return self.program.session

    def rest(self) -> None:
        """Waits until nothing has been going on for a while."""
        for _ in range(QUIET_S):
            self.wait(1000)
            self.until(lambda: self.session.work.current() is None, 300)

    def until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        for _ in range(int(20 * seconds)):
            if condition():
                return
            self.wait(50)
        raise TimeoutError("what a picture was to show did not come")

    def wait(self, milliseconds: int) -> None:
        from PySide6.QtCore import QEventLoop, QTimer

        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()


if __name__ == "__main__":
    main()
