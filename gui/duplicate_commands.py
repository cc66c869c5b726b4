"""What the menus do about near-duplicates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gui.models.picked_images import PickedImages
from gui.session import Session

if TYPE_CHECKING:
    from gui.main_window import MainWindow
    from gui.panels.duplicates_page import DuplicatesPage


class DuplicateCommands:
    """Makes the page of near-duplicates when it is first wanted."""

    def __init__(self, session: Session, window: MainWindow) -> None:
        self._session, self._window = session, window
        self._page: DuplicatesPage | None = None
        session.assistance.duplicates_wanted.connect(self.show_duplicates)

    def show_duplicates(self) -> None:
        """Opens the page of near-duplicates, or leaves it."""
        workspace = self._window.workspace
        if self._page is None:
            from gui.panels.duplicates_page import DuplicatesPage

            self._page = DuplicatesPage(self._session, workspace.thumbnails)
            self._page.images_wanted.connect(
                lambda ids, title: self._session.images_wanted.emit(PickedImages(title, ids))
            )
            workspace.pages.add(self._page)
        self._window.toggle_page(self._page)
