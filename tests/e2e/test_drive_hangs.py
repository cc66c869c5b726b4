"""A drive that stops answering while the program runs: the window goes on, and the program can be quit."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from PIL import Image

from engine.jobs import run_in_foreground
from engine.project import Project
from engine.tasks.scan import ScanFolder

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import sys, threading
from pathlib import Path
from PySide6.QtCore import QTimer
import engine.images.scan as scan
from engine.project import Project
from gui import app, folder_watch
from gui.main_window import MainWindow

hang = threading.Event()
def never(*_):
    hang.wait()
folder_watch.read_bytes = never      # the loader threads
folder_watch.can_reach = never       # the probes
scan.read_bytes = never              # the readers of a scan, in a pool that Python waits for at its end

windows = []
really_fill = MainWindow.fill
def fill(self, session):
    windows.append(self)
    QTimer.singleShot(50, begin)
    return really_fill(self, session)
MainWindow.fill = fill

def begin():
    window = windows[0]
    if not window.is_attached or window.session.project is None:
        QTimer.singleShot(50, begin)
        return
    window.session.add_folder(Path(sys.argv[2]))
    window.workspace.open_viewer()
    QTimer.singleShot(1500, end)

def end():
    print("beat", flush=True)            # the event loop runs
    windows[0].close()

if __name__ == "__main__":               # not in the worker processes, which import this file
    sys.exit(app.run(Path(sys.argv[1])))
"""


def test_the_program_is_quit_within_seconds_while_every_read_hangs(tmp_path: Path) -> None:
    for folder in ("pictures", "more"):
        (tmp_path / folder).mkdir()
        for at in range(3):
            Image.new("RGB", (32, 24), (at * 60, len(folder), 0)).save(tmp_path / folder / f"{at}.jpg")
    with Project.create(tmp_path / "project") as project:
        run_in_foreground(ScanFolder(project, tmp_path / "pictures", False))
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    program = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "project"), str(tmp_path / "more")],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "GRAFT_DATA": str(tmp_path / "data"),
            "QT_QPA_PLATFORM": "offscreen",
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert program.stdout is not None
        assert program.stdout.readline() == "beat\n"
        closed = time.monotonic()
        assert program.wait(30) == 0
        assert time.monotonic() - closed < 12.0
    finally:
        program.kill()
        program.wait()
