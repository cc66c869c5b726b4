"""The versions of the model: a list, what one is made of, what differs between two, and what can be done to them."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from gui.session import Session
from gui.thumbnails import Thumbnails
from gui.versions import Versions


class VersionsPanel(QWidget):
    """Reads nothing while it is not seen."""

    export_wanted = Signal()
    """The model in use is to be exported."""

    def __init__(self, session: Session, parent: QWidget | None = None, thumbnails: Thumbnails | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.versions = Versions(session)
