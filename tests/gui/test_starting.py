"""The window is filled in steps: it stays awake meanwhile, and may be closed between any two of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from gui.app import Program, share_the_machine

share_the_machine()
app = QApplication([])
program = Program(app)
turns_until_closed = int(sys.argv[1])

def turn():
    global turns_until_closed
    window = program.window
    if program.session is None or (turns_until_closed and not window.is_attached):
        turns_until_closed -= program.session is not None
        return
    timer.stop()
    print("filled" if window.is_attached else "not filled")
    window.close()

timer = QTimer(interval=0)
timer.timeout.connect(turn)
timer.start()
QTimer.singleShot(60_000, lambda: app.exit(1))
program.start(None)
status = app.exec()
program.stop()
sys.exit(status)
"""


@pytest.mark.parametrize(("turns", "state"), [(0, "not filled"), (3, "not filled"), (1000, "filled")])
def test_the_window_may_be_closed_while_it_is_filled(turns: int, state: str, repository: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "GRAFT_DATA": str(tmp_path)}
    command = [sys.executable, "-c", SCRIPT, str(turns)]
    done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split("\n")[0]) == (0, state), done.stderr
    assert "Traceback" not in done.stderr
