"""What the menus do about the local server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt

from gui.local_server import LocalServer, ServerState
from gui.session import Session

if TYPE_CHECKING:
    from gui.main_window import MainWindow


class ServerCommands(QObject):
    """Holds the server of the window, and shows its dialog."""

    def __init__(self, session: Session, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.server = LocalServer(self)
        self.server.failed.connect(window.errors.show_error)
        session.project_closing.connect(self._on_project_closing)
        window.closed.connect(self.server.shutdown)

    def show(self) -> None:
        """Shows where the server is reached, and the switch."""
        from gui.dialogs.local_server import LocalServerDialog

        dialog = LocalServerDialog(self.server, self._window.commands.use.session, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _on_project_closing(self) -> None:
        model = self.server.model
        if model is not None and not model.is_exported and self.server.state is not ServerState.STOPPING:
            self.server.stop()
