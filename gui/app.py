"""Starts and ends the window: application, theme, exception hook, engine, orderly shutdown.

Only what the first paint needs is imported at the top; the rest comes through `gui.warm_up`.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from engine import settings as user_settings
from gui import theme
from gui.languages import translate_qt
from gui.main_window import MainWindow
from gui.preferences import Preferences
from gui.warm_up import WarmUp

if TYPE_CHECKING:
    from engine.jobs import Engine
    from gui.session import Session

IMPORTED_AT = time.monotonic()
ENGINE_SHUTDOWN_S = 1.5
WARM_UP_S = 5.0
REST_MS = 1000
"""So long the warm-up rests after the window was filled: a project that was asked for is shown by then."""
EXIT_S = 2.0
SWITCH_INTERVAL_S = 0.0005
"""How long the engine thread may keep the interpreter lock while the window waits; Python says 5 ms."""
FIRST_PAINT_VARIABLE = "GRAFT_PRINT_FIRST_PAINT"


class Program(QObject):
    """Everything behind one window: made in order, taken down in the opposite order."""

    def __init__(self, app: QApplication) -> None:
        super().__init__()
        self.preferences = Preferences()
        theme.apply(app, self.preferences.theme)
        self.window = MainWindow(self.preferences)
        self.window.errors.install_hook()
        self.engine: Engine | None = None
        self.session: Session | None = None
        self._is_stopped = False
        self._warm_up = WarmUp(self)
        self._warm_up.done.connect(self._begin_filling)
        self._filling: Iterator[None] = iter(())
        self._fill_timer = QTimer(self, interval=0)  # one step for each turn of the event loop
        self._fill_timer.timeout.connect(self._fill_on)
        self.window.painted.connect(lambda: QTimer.singleShot(0, self._warm_up.start))

    def start(self, project: Path | None) -> None:
        """Shows the window; engine, session and project come once it is on the screen."""
        if project is not None:
            self.window.open_folder(project.absolute())
        self.window.show()

    def stop(self) -> None:
        """Ends everything, also while a training is under way. What the window called saved is on the disk."""
        self._is_stopped = True
        self._fill_timer.stop()
        self._warm_up.stop(WARM_UP_S)
        if self.session is not None and self.engine is not None:
            self.session.work.cancel_all()
            self.engine.shutdown(ENGINE_SHUTDOWN_S)
            if self.window.is_attached:
                self.window.workspace.shutdown()
            self.session.shutdown()
        self.preferences.flush()

    def _begin_filling(self) -> None:
        if self._is_stopped:
            return
        from engine.jobs import Engine
        from gui.engine_bridge import EngineBridge
        from gui.recents import RecentKeeper
        from gui.session import Session

        self.engine = Engine()
        self.engine.start()
        self.session = Session(EngineBridge(self.engine, self), self, self.preferences)
        RecentKeeper(self.session)
        self._filling = self.window.fill(self.session)
        self._fill_timer.start()

    def _fill_on(self) -> None:
        try:
            next(self._filling)
        except StopIteration:
            self._fill_timer.stop()
            QTimer.singleShot(REST_MS, self._warm_up.go_on)


def share_the_machine() -> None:
    """Leaves a core and the interpreter lock to the window while the engine works. Before the window is made."""
    user_settings.limit_threads(user_settings.num_threads(has_window=True))
    sys.setswitchinterval(SWITCH_INTERVAL_S)


def run(project: Path | None) -> int:
    """Runs the window until it is closed and returns the exit status. With a project, opens it."""
    share_the_machine()
    QGuiApplication.setApplicationName("graft")
    QGuiApplication.setApplicationDisplayName("Graft")
    QGuiApplication.setDesktopFileName("graft")
    app = QApplication(sys.argv[:1])
    translate_qt(app)
    program = Program(app)
    if os.environ.get(FIRST_PAINT_VARIABLE):
        program.window.painted.connect(_print_first_paint)
    program.start(project)
    try:
        status = app.exec()
    finally:
        program.stop()
    _end_soon(status)
    return status


def run_window(arguments: Sequence[str]) -> int:
    """Runs the window for the arguments of the command line: nothing, or a project folder."""
    return run(Path(arguments[0]) if arguments else None)


def _end_soon(status: int) -> None:
    """Ends the process even if a thread hangs in a read from a drive that went away: Python would wait for it.

    Everything is saved and stopped by now.
    """

    def end() -> None:
        time.sleep(EXIT_S)
        os._exit(status)

    threading.Thread(target=end, name="graft-end", daemon=True).start()


def _print_first_paint() -> None:
    sys.stdout.write(f"first paint {1000.0 * _seconds_since_start():.0f} ms\n")
    sys.stdout.flush()


def _seconds_since_start() -> float:
    """Returns the age of this process (where /proc tells it; elsewhere the time since this module was imported)."""
    stat = Path("/proc/self/stat")
    if not stat.is_file():
        return time.monotonic() - IMPORTED_AT
    ticks = int(stat.read_text().rsplit(")", 1)[1].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
