"""The local server as the window sees it: a process of its own that serves a model to other programs, or none.

Off until the user switches it on, and off again when the window closes: the process ends when its input does.
"""

from __future__ import annotations

import json
from enum import Enum
from typing import Any

from PySide6.QtCore import QObject, QProcess, Signal

from engine.errors import ServerError
from engine.helper_process import SERVE_MODEL, helper_command
from engine.language import tr
from gui.use_model import UsedModel

END_MS = 1500


class ServerState(Enum):
    OFF = "off"
    STARTING = "starting"
    ON = "on"
    STOPPING = "stopping"


class LocalServer(QObject):
    """One for the window. `address` and `token` are there while it is on; `model` is what it serves."""

    changed = Signal()
    failed = Signal(object)
    """It could not be started, or ended by itself: an AppError."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state = ServerState.OFF
        self.model: UsedModel | None = None
        self.address = ""
        self.token = ""
        """Stays the same while the window is open, so that a program need not be told again after a stop."""
        self._port = 0
        self._process: QProcess | None = None
        self._next: UsedModel | None = None
        self._said = b""

    def start(self, model: UsedModel) -> None:
        """Serves a model, in place of the one that was served before."""
        if self._process is not None:
            self._next = model
            self.stop()
            return
        from engine.server.places import place_document

        self.model, self._said = model, b""
        argument: dict[str, Any] = {"model": place_document(_place_of(model)), "port": self._port, "token": self.token}
        program, *arguments = helper_command(SERVE_MODEL, json.dumps(argument))
        self._process = process = QProcess(self)
        process.readyReadStandardOutput.connect(self._on_said)
        process.finished.connect(self._on_finished)
        process.errorOccurred.connect(self._on_error)
        process.setStandardErrorFile(QProcess.nullDevice())
        self._become(ServerState.STARTING)
        process.start(program, arguments)

    def stop(self) -> None:
        """Ends it once it has answered what it is working on."""
        if self._process is not None:
            self._process.closeWriteChannel()
            self._become(ServerState.STOPPING)

    def shutdown(self) -> None:
        """Ends it now. The last call."""
        process, self._process = self._process, None
        if process is not None:
            process.disconnect(self)
            process.closeWriteChannel()
            if not process.waitForFinished(END_MS):
                process.kill()
                process.waitForFinished(END_MS)

    def _on_said(self) -> None:
        assert self._process is not None
        self._said += bytes(self._process.readAllStandardOutput().data())
        if b"\n" not in self._said or self.state is not ServerState.STARTING:
            return
        said = json.loads(self._said)
        if "error" in said:
            self._port = 0  # Perhaps another program has the one of before.
            self.failed.emit(ServerError(said["error"]))
            return
        self.address, self.token = said["address"], said["token"]
        self._port = int(self.address.rpartition(":")[2])
        self._become(ServerState.ON)

    def _on_finished(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.deleteLater()
        if self.state is ServerState.ON:
            self.failed.emit(ServerError(tr("The local server ended by itself."), tr("Start it again.")))
        elif self.state is ServerState.STARTING and not self._said:
            self.failed.emit(ServerError(tr("The local server did not start."), tr("Try again; the log may say why.")))
        self.model, self.address = None, ""
        self._become(ServerState.OFF)
        if self._next is not None:
            model, self._next = self._next, None
            self.start(model)

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart:  # Then it never finishes either.
            self._on_finished()

    def _become(self, state: ServerState) -> None:
        self.state = state
        self.changed.emit()


def _place_of(model: UsedModel) -> Any:
    """Returns what `engine.server.places.place_document` takes."""
    from engine.project import Project
    from engine.tasks.predict import RunPlace

    if not isinstance(model.source, Project):
        return model.source
    assert model.run is not None
    return RunPlace(model.source.run_dir(model.run), model.source.folder, model.unknown_threshold)
