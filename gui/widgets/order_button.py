"""The button that names the order of the images and opens the menu of orders."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy

from engine.language import tr
from gui.theme import paint_icon

WIDTH_PX, ARROW_PX = 176, 14


class OrderButton(QPushButton):
    """As wide whatever the order is, so that nothing beside it moves; a longer name ends in "…"."""

    def __init__(self) -> None:
        super().__init__()
        self.title = ""
        self.setProperty("role", "choice")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFixedWidth(WIDTH_PX)

    def sizeHint(self) -> QSize:
        return QSize(WIDTH_PX, super().sizeHint().height())

    def set_title(self, title: str) -> None:
        """Shows the name of the order in force."""
        self.title = title
        room = WIDTH_PX - ARROW_PX - 26
        self.setText(self.fontMetrics().elidedText(title, Qt.TextElideMode.ElideRight, room))
        self.setToolTip(tr("Order of the images: {title} (F4)", title=title))
        self.setAccessibleName(tr("Order of the images: {title}", title=title))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Down:
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        arrow = QRectF(self.width() - ARROW_PX - 8, (self.height() - ARROW_PX) / 2, ARROW_PX, ARROW_PX)
        paint_icon(painter, "chevron-down", arrow, "text_dim")
        painter.end()
