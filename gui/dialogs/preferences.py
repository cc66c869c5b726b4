"""The user's own settings, and what the program keeps on this machine. What is changed holds at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QWidget,
)

from engine.language import tr
from gui.dialogs.frame import FramedDialog
from gui.dialogs.preferences_backups import BackupsPage
from gui.dialogs.preferences_computing import ComputingPage
from gui.dialogs.preferences_general import GeneralPage
from gui.dialogs.preferences_keys import KeysPage
from gui.dialogs.preferences_page import PreferencesPage
from gui.dialogs.preferences_storage import StoragePage
from gui.session import Session
from gui.theme import icon
from gui.widgets.buttons import button

if TYPE_CHECKING:
    from gui.commands import Commands
    from gui.thumbnails import Thumbnails

WIDTH_PX, HEIGHT_PX, LIST_PX = 800, 580, 152
ROW_PX = 36


class PreferencesDialog(FramedDialog):
    """The sections on the left, the chosen one at the right; opens on the one that was looked at last."""

    def __init__(
        self, session: Session, commands: Commands, thumbnails: Thumbnails, parent: QWidget | None = None
    ) -> None:
        super().__init__(tr("Preferences"), tr("For all projects. Changes hold at once."), parent)
        room = parent.size() if parent is not None else QSize(WIDTH_PX, HEIGHT_PX)
        self.resize(min(WIDTH_PX, room.width() - 40), min(HEIGHT_PX, room.height() - 40))
        self._preferences = session.preferences
        self.general = GeneralPage(session, commands)
        self.keys = KeysPage(session, commands)
        self.computing = ComputingPage(session)
        self.storage = StoragePage(session, thumbnails)
        self.backups = BackupsPage(session)
        sections: tuple[tuple[str, str, str, PreferencesPage], ...] = (
            ("general", tr("General"), "sliders", self.general),
            ("keys", tr("Keys"), "keyboard", self.keys),
            ("computing", tr("Computing"), "server", self.computing),
            ("storage", tr("Storage"), "folder", self.storage),
            ("backups", tr("Backups"), "clock", self.backups),
        )
        self._keys = [key for key, *_ in sections]
        self.sections = QListWidget()
        self.sections.setProperty("role", "lines")
        self.sections.setAccessibleName(tr("Sections of the preferences"))
        self.sections.setFixedWidth(LIST_PX)
        self.sections.setIconSize(QSize(18, 18))
        self.pages = QStackedWidget()
        for _key, title, icon_name, page in sections:
            item = QListWidgetItem(icon(icon_name), title)
            item.setSizeHint(QSize(LIST_PX - 8, ROW_PX))
            self.sections.addItem(item)
            self.pages.addWidget(_scrollable(page))
        self._pages = [page for *_, page in sections]
        row = QHBoxLayout()
        row.setSpacing(20)
        row.addWidget(self.sections)
        row.addWidget(self.pages, 1)
        self.body.addLayout(row, 1)
        close = self.add_button(button(tr("Close"), "primary"))
        close.clicked.connect(self.accept)
        self.sections.currentRowChanged.connect(self._show_section)
        last = self._preferences.preferences_section
        self.sections.setCurrentRow(self._keys.index(last) if last in self._keys else 0)
        self.sections.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_section(self, key: str) -> None:
        """Turns to a section: "general", "keys", "computing", "storage" or "backups"."""
        self.sections.setCurrentRow(self._keys.index(key))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter belongs to the lists and fields; it closes from the button only."""
        is_enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if not is_enter or isinstance(self.focusWidget(), QPushButton):
            super().keyPressEvent(event)

    def _show_section(self, at: int) -> None:
        self.pages.setCurrentIndex(at)
        self._preferences.set_preferences_section(self._keys[at])
        self._pages[at].begin()


def _scrollable(page: PreferencesPage) -> QWidget:
    """Returns the page, with a bar where the window is too small; those that are a list have one of their own."""
    if isinstance(page, KeysPage | BackupsPage):
        return page
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(page)
    page.setAutoFillBackground(False)
    return area
