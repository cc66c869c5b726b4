"""What the menus do about suggestions that are checked in blocks, and about those that changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gui.session import Session

if TYPE_CHECKING:
    from gui.main_window import MainWindow
    from gui.panels.block_page import BlockPage


class BlockCommands:
    """Makes the block page when it is first wanted."""

    def __init__(self, session: Session, window: MainWindow) -> None:
        self._session, self._window = session, window
        self._page: BlockPage | None = None
        session.blocks.wanted.connect(self.show_blocks)

    def show_blocks(self) -> None:
        """Opens the block page, or leaves it."""
        workspace = self._window.workspace
        if self._page is None:
            from gui.panels.block_page import BlockPage

            self._page = BlockPage(self._session, workspace.thumbnails)
            workspace.pages.add(self._page)
        self._window.toggle_page(self._page)

    def show_changed(self) -> None:
        """Shows the images whose suggestion the last training changed."""
        if self._session.changes.num_changed:
            self._window.show_label()
            self._session.changes.show()
