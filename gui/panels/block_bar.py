"""The bar below a block: accept the page, or everything of the class above a confidence."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from engine.domain import NO_CLASS
from engine.language import decimal, tr
from gui.panels import block_words
from gui.session import Session
from gui.theme import theme
from gui.widgets.buttons import button
from gui.widgets.shortcut_button import ShortcutButton
from gui.widgets.text import text_label

PERCENTS = (99, 98, 97, 95, 90, 80, 70, 60, 50)
USUAL_PERCENT = 95


class BlockBar(QWidget):
    """Says beside each button what it would do, and how much of it would probably be wrong."""

    accept_wanted = Signal()
    accept_above_wanted = Signal(float)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.accept = ShortcutButton(tr("Accept"), tr("Enter"))
        self.accept.clicked.connect(self.accept_wanted)
        self.percent = QComboBox()
        for each in PERCENTS:
            self.percent.addItem(f"{each} %", each)
        self.percent.setCurrentIndex(PERCENTS.index(USUAL_PERCENT))
        self.percent.setAccessibleName(tr("Confidence from which suggestions are accepted without a look"))
        self.percent.setToolTip(tr("How sure the model must be of those that are accepted without a look"))
        self.percent.currentIndexChanged.connect(lambda _index: self._show_above())
        self._above_title = text_label(tr("Without a look, all above"), "dim")
        self.above_text = text_label(role="dim", wrap=True)
        self.accept_above = button(
            tr("Accept them"), tooltip=tr("Accept all of these at once; one step of undo (Ctrl+Z)")
        )
        self.accept_above.clicked.connect(lambda: self.accept_above_wanted.emit(self._confidence))
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 16, 8)
        row.setSpacing(8)
        row.addWidget(self.accept)
        row.addSpacing(16)
        row.addWidget(self._above_title)
        row.addWidget(self.percent)
        row.addWidget(self.above_text, 1)
        row.addWidget(self.accept_above)

    @property
    def _confidence(self) -> float:
        return int(self.percent.currentData()) / 100

    def show_blocks(self) -> None:
        """Shows what can be accepted now."""
        blocks = self._session.blocks
        count = len(blocks.to_accept())
        self.accept.set_title(tr("Accept {count:,}", count=count) if count else tr("Go on"))
        self.accept.setToolTip(
            tr("Give the pictures that are left their class and show the next page (Enter, Shift+Space)")
            if count
            else tr("Show the next page (Enter)")
        )
        self.accept.setEnabled(not self._session.is_read_only)
        self._show_above()

    def _show_above(self) -> None:
        blocks = self._session.blocks
        if blocks.class_id == NO_CLASS:
            return
        count, found = blocks.expected_above(self._confidence)
        self.above_text.setText(
            f"{decimal(count, ',')}: {block_words.mistakes(found)}" if count else tr("none is so sure")
        )
        self.accept_above.setEnabled(count > 0 and not self._session.is_read_only)
        self.accept_above.setText(tr("Accept {count:,}", count=count) if count else tr("Accept"))
        self.accept_above.setAccessibleName(
            tr(
                "Accept {count:,} above {percent} without a look: {mistakes}",
                count=count,
                percent=self.percent.currentText(),
                mistakes=block_words.mistakes(found),
            )
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme().window))
        painter.fillRect(0, 0, self.width(), 1, QColor(theme().border))
        painter.end()
