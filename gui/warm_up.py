"""Imports what the window needs after its first paint, in a thread, so that the paint does not wait for it.

Three things would stall the window meanwhile: garbage collections of the fast-growing heap, which are therefore held
back; single long imports, which is why the heavy ones (torch, onnxruntime) stay in the worker process; and the thread
itself, which holds the interpreter lock. It therefore rests while the window is filled (`go_on`).
"""

from __future__ import annotations

import gc
import importlib
import threading

from PySide6 import QtWidgets
from PySide6.QtCore import QObject, Signal

MODULES = (
    "numpy",
    "numpy.ma",
    "engine.project",
    "gui.session",
    "gui.commands",
    "gui.actions",
    "gui.panels.label_workspace",
    "gui.panels.interrupted_bar",
    "gui.panels.model_bar",
    "gui.panels.tour_bar",
    "gui.panels.training_drawer",
    "gui.panels.unknown_menu",
    "gui.recents",
    "gui.tour",
)
LATER = ("engine.tasks.embed", "engine.tasks.train", "gui.panels.review_workspace", "engine.tasks.review")


class WarmUp(QObject):
    """Tells with `done` when the window can be filled. `stop` it before the program ends."""

    done = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread = threading.Thread(target=self._run, name="warm-up", daemon=True)
        self._may_go_on = threading.Event()
        self._is_stopped = False

    def start(self) -> None:
        self._thread.start()

    def go_on(self) -> None:
        """The window is filled: imports what it needs only later, so that this is quick, too."""
        self._may_go_on.set()

    def stop(self, timeout_s: float) -> None:
        """Waits for the thread to end, which leaves out what is not needed any more."""
        self._is_stopped = True
        self._may_go_on.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        gc.disable()
        try:
            for name in MODULES:
                importlib.import_module(name)
            _make_types()
            self.done.emit()
            self._may_go_on.wait()
            for name in LATER:
                if not self._is_stopped:
                    importlib.import_module(name)
        finally:
            gc.freeze()
            gc.enable()


def _make_types() -> None:
    """Has PySide make the classes of QtWidgets, which it does at their first use.

    The first call that returns a widget of a private kind (`viewport()`) would otherwise make all of them at once in
    the window's thread, in 40 ms.
    """
    for name in dir(QtWidgets):
        getattr(QtWidgets, name)
