"""The guide, offline: the pages of `resources/help`, with a list of them and a search over all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QTextCursor, QTextDocument
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QListWidget, QListWidgetItem, QTextBrowser, QVBoxLayout, QWidget

from engine.language import current, tr
from gui.dialogs.frame import FramedDialog
from gui.theme import RESOURCES, theme
from gui.widgets.buttons import button

FOLDER: Final = RESOURCES / "help"
PAGES: Final = ("start", "labelling", "training", "review", "use", "exports", "safety", "questions", "benchmarks")
"""The pages in their order: file names without ".md"."""
LIST_PX = 250
NAME_ROLE = int(Qt.ItemDataRole.UserRole)


@dataclass(frozen=True, slots=True)
class HelpPage:
    """One page; `title` is its first heading, `text` the whole Markdown."""

    name: str
    title: str
    text: str


@cache
def help_pages() -> tuple[HelpPage, ...]:
    """Returns all pages in their order."""
    texts = {name: _file_of(name).read_text(encoding="utf-8") for name in PAGES}
    return tuple(HelpPage(name, text.split("\n", 1)[0].removeprefix("# "), text) for name, text in texts.items())


def _file_of(name: str) -> Path:
    """Returns a page in the user's language, or in English where there is none."""
    translated = FOLDER / current() / f"{name}.md"
    return translated if translated.is_file() else FOLDER / f"{name}.md"


class HelpDialog(FramedDialog):
    """Stays open beside the window, so that one can read and do."""

    def __init__(self, page: str = PAGES[0], parent: QWidget | None = None) -> None:
        super().__init__(tr("Guide"), "", parent)
        self.setModal(False)
        self.resize(940, 680)
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search the guide"))
        self.search.setAccessibleName(tr("Search the guide"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._on_search)
        self.search.returnPressed.connect(self._find_next)
        self.list = QListWidget()
        self.list.setProperty("role", "lines")
        self.list.setAccessibleName(tr("Pages of the guide"))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.currentItemChanged.connect(self._show_current)
        self.text = QTextBrowser()
        self.text.setAccessibleName(tr("Page of the guide"))
        self.text.setOpenLinks(False)
        self.text.anchorClicked.connect(self._open)
        self.text.document().setDocumentMargin(12)
        left = QVBoxLayout()
        left.setSpacing(12)
        left.addWidget(self.search)
        left.addWidget(self.list, 1)
        side = QWidget()
        side.setFixedWidth(LIST_PX)
        side.setLayout(left)
        left.setContentsMargins(0, 0, 0, 0)
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addWidget(side)
        row.addWidget(self.text, 1)
        self.body.addLayout(row, 1)
        close = self.add_button(button(tr("Close"), "primary"))
        close.clicked.connect(self.accept)
        self._fill("")
        self.show_page(page)
        self.list.setFocus()

    def show_page(self, name: str) -> None:
        """Turns to a page, if it is in the list."""
        for at in range(self.list.count()):
            if self.list.item(at).data(NAME_ROLE) == name:
                self.list.setCurrentRow(at)

    def _fill(self, wanted: str) -> None:
        """Lists the pages on which a text stands; all for an empty one."""
        current = self.list.currentItem()
        name = current.data(NAME_ROLE) if current is not None else None
        self.list.clear()
        for page in help_pages():
            if wanted.casefold() in page.text.casefold():
                item = QListWidgetItem(page.title)
                item.setData(NAME_ROLE, page.name)
                self.list.addItem(item)
        self.show_page(str(name))
        if self.list.currentRow() < 0 and self.list.count():
            self.list.setCurrentRow(0)
        if not self.list.count():
            self.text.setMarkdown(tr("Nothing in the guide has these words. Try a shorter one."))

    def _show_current(self, item: QListWidgetItem | None) -> None:
        if item is None:
            return
        page = next(each for each in help_pages() if each.name == item.data(NAME_ROLE))
        self.text.document().setDefaultStyleSheet(f"a {{ color: {theme().accent}; }}")
        self.text.setMarkdown(page.text)
        self._find_next()

    def _on_search(self, text: str) -> None:
        self._fill(text.strip())

    def _find_next(self) -> None:
        """Marks the next place of what is searched for; after the last one comes the first again."""
        wanted = self.search.text().strip()
        if wanted and not self.text.find(wanted):
            self.text.moveCursor(QTextCursor.MoveOperation.Start)
            self.text.find(wanted, QTextDocument.FindFlag(0))

    def _open(self, url: QUrl) -> None:
        name = url.path().removesuffix(".md")
        if url.isRelative() and name in PAGES:
            self.search.clear()
            self.show_page(name)
        elif url.scheme() in ("http", "https"):
            QDesktopServices.openUrl(url)
