"""The slider of how large the pictures are."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QSlider

from engine.language import tr


class SizeSlider(QSlider):
    """In pixels of the screen. `set_card_px` follows what the wheel does, without telling it again."""

    def __init__(self, least_px: int, most_px: int, now_px: int, width_px: int) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setRange(least_px, most_px)
        self.setValue(now_px)
        self.setFixedWidth(width_px)
        self.setAccessibleName(tr("Size of the pictures"))
        self.setToolTip(tr("Size of the pictures (Ctrl+wheel)"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def set_card_px(self, size: int) -> None:
        """Shows a size that was chosen elsewhere."""
        blocker = QSignalBlocker(self)
        self.setValue(size)
        blocker.unblock()
