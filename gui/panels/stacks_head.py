"""The bar above the stacks: how many are named, what is left, the size of the pictures, and new stacks."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QWidget

from engine.language import tr
from gui.theme import icon, theme
from gui.widgets.buttons import button
from gui.widgets.progress import SlimProgress
from gui.widgets.size_slider import SizeSlider
from gui.widgets.stack_layout import DEFAULT_TILE_PX, MAX_TILE_PX, MIN_TILE_PX
from gui.widgets.text import PartsLabel, text_label

WIDE_PX, NARROW_PX = 760, 660
"""Below the first width the bar of what is named goes, and the slider's word; below the other also what is left."""


class StacksHead(QWidget):
    """Shows what it is told."""

    size_wanted = Signal(int)
    asked = Signal()
    """New stacks are wanted; or no longer, while they are being made."""
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._has_stacks = False
        self._title = text_label(tr("Look-alikes"), "heading")
        self._progress = SlimProgress()
        self._progress.setFixedWidth(96)
        self._done = text_label()
        self._rest = PartsLabel(role="dim")
        self._rest.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._size_label = text_label(tr("Size"), "dim")
        self.size_slider = SizeSlider(MIN_TILE_PX, MAX_TILE_PX, DEFAULT_TILE_PX, 88)
        self.size_slider.valueChanged.connect(self.size_wanted)
        self.ask_button = button(tr("New stacks"), "chip", "retrain")
        self.ask_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.ask_button.clicked.connect(self.asked)
        self.close_button = QToolButton()
        self.close_button.setIcon(icon("grid"))
        self.close_button.setToolTip(tr("Back to the grid (Esc)"))
        self.close_button.setAccessibleName(tr("Back to the grid"))
        self.close_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.close_button.clicked.connect(self.closed)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 6, 12, 6)
        row.setSpacing(10)
        row.addWidget(self._title)
        row.addWidget(self._progress)
        row.addWidget(self._done)
        row.addWidget(self._rest, 1)
        row.addStretch(0)
        row.addWidget(self._size_label)
        row.addWidget(self.size_slider)
        row.addWidget(self.ask_button)
        row.addWidget(self.close_button)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.show_progress(0, 0, "")

    def show_progress(self, num_named: int, num_stacks: int, rest: str) -> None:
        """Shows how many stacks are named, and in words what is left."""
        done = tr("{num_named:,} of {num_stacks:,} stacks named", num_named=num_named, num_stacks=num_stacks)
        self._done.setText(done if num_stacks else "")
        self._progress.set_progress(num_named, max(1, num_stacks))
        self._rest.setText(rest)
        self._has_stacks = num_stacks > 0
        self._fit()

    def show_asking(self, is_asking: bool) -> None:
        """Offers new stacks, or to stop making them."""
        text = tr("Stop") if is_asking else tr("New stacks")
        self.ask_button.setText(f" {text}")  # a chip leaves no room between icon and text
        self.ask_button.setAccessibleName(text)
        self.ask_button.setIcon(icon("close" if is_asking else "retrain"))
        ask_tip = tr("Put all images without a class into new stacks (Ctrl+L)")
        tip = tr("Stop; what is there stays") if is_asking else ask_tip
        self.ask_button.setToolTip(tip)

    def set_card_px(self, size: int) -> None:
        self.size_slider.set_card_px(size)

    def sizeHint(self) -> QSize:
        return QSize(600, 46)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 46)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(0, self.height() - 1, self.width(), 1, QColor(theme().border))

    def _fit(self) -> None:
        is_wide = self.width() >= WIDE_PX
        self._progress.setVisible(self._has_stacks and is_wide)
        self._size_label.setVisible(self._has_stacks and is_wide)
        self._rest.setVisible(not self._has_stacks or self.width() >= NARROW_PX)
        self.size_slider.setVisible(self._has_stacks)
        self.size_slider.setFixedWidth(88 if is_wide else 56)
