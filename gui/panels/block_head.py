"""The line above a block: which class, how many are left, how many of the page are probably wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from engine.domain import ImageClass
from engine.language import decimal, tr
from gui.panels import block_words
from gui.theme import font, icon, theme
from gui.widgets.buttons import button
from gui.widgets.text import ElidedLabel

if TYPE_CHECKING:
    from gui.blocks import Blocks


class _Dot(QWidget):
    """The colour of the class."""

    def __init__(self) -> None:
        super().__init__()
        self.color = ""
        self.setFixedSize(QSize(16, 16))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.color))
        painter.drawEllipse(QRectF(1, 1, 14, 14))
        painter.end()


class BlockHead(QWidget):
    """Text only, but for what leads away: newer suggestions, and back to the images."""

    close_wanted = Signal()
    renew_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._dot = _Dot()
        self.title = ElidedLabel()
        self.title.setFont(font(1.25, bold=True))
        self.expected = ElidedLabel(role="dim")
        self.newer = button("", "chip", tooltip=tr("Make this page anew from the suggestions of the newest model"))
        self.newer.clicked.connect(self.renew_wanted)
        self.close_button = QToolButton()
        self.close_button.setIcon(icon("close"))
        self.close_button.setToolTip(tr("Back to the images (Esc)"))
        self.close_button.setAccessibleName(tr("Back to the images"))
        self.close_button.clicked.connect(self.close_wanted)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self._dot)
        line.addWidget(self.title, 1)
        words = QVBoxLayout()
        words.setSpacing(3)
        words.addLayout(line)
        words.addWidget(self.expected)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 10, 8, 8)
        row.setSpacing(12)
        row.addLayout(words, 1)
        row.addWidget(self.newer)
        row.addWidget(self.close_button)

    def show_blocks(self, blocks: Blocks, item: ImageClass) -> None:
        """Shows where the pass is."""
        self._dot.color = item.color
        self._dot.update()
        num_left, on_page = blocks.num_left(), len(blocks.page_ids)
        more = num_left - on_page
        self.title.setText(
            tr(
                "{class_name}?  {on_page:,} of {num_left:,}",
                class_name=item.name,
                on_page=on_page,
                num_left=max(num_left, on_page),
            )
            if more > 0
            else f"{item.name}?  {decimal(on_page, ',')}"
        )
        words = [block_words.expected(on_page, blocks.expected_mistakes()), block_words.so_far(blocks.tally)]
        self.expected.setText("  ".join(each for each in words if each))
        self.setAccessibleName(f"{self.title.text()}. {self.expected.text()}")
        self.newer.setVisible(blocks.is_model_newer)
        self.newer.setText(tr("New suggestions from version {version} · Show", version=blocks.newest_run_id))
        self.newer.setAccessibleName(self.newer.text())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme().window))
        painter.fillRect(0, self.height() - 1, self.width(), 1, QColor(theme().border))
        painter.end()
