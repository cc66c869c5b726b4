"""A card with a caption, as the pages of Review are made of."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QSpacerItem, QVBoxLayout, QWidget

from gui.widgets.text import text_label

PADDING_PX, HEAD_PX = 18, 24


class Card(QFrame):
    """Content goes into `body`; `head` is the line of the caption, where small controls may stand on the right."""

    needed_height_changed = Signal(int)
    """So many pixels are needed at the present width."""

    def __init__(self, caption: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(PADDING_PX, 10, PADDING_PX, 14)
        self.body.setSpacing(8)
        self.head = QHBoxLayout()
        self.head.setSpacing(8)
        self.head.addSpacerItem(QSpacerItem(0, HEAD_PX, QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed))
        self.caption: QLabel = text_label(caption, "caption")
        if caption:
            self.setAccessibleName(caption)
            self.head.addWidget(self.caption, 1)
            self.body.addLayout(self.head)

    def event(self, event: QEvent) -> bool:
        is_done = super().event(event)
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize) and self.body.hasHeightForWidth():
            # A grid does not give wrapped words in several of its columns the height that they need.
            needed = self.body.minimumHeightForWidth(self.width())
            if needed != self.minimumHeight():
                self.setMinimumHeight(needed)
                self.needed_height_changed.emit(needed)
        return is_done

    def set_caption(self, text: str) -> None:
        """Shows another caption."""
        self.caption.setText(text.upper())
        self.setAccessibleName(text)
