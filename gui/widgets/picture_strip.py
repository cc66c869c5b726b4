"""A row of small pictures of one size, for a preview."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.theme import theme

SIDE_PX, GAP_PX = 52, 6


class PictureStrip(QWidget):
    """Shows up to `count` pictures; empty places while there are none, and grey ones while they do not count."""

    def __init__(self, count: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._count = count
        self._pictures: list[QImage] = []
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    @property
    def num_pictures(self) -> int:
        return len(self._pictures)

    def set_pictures(self, pictures: Sequence[QImage]) -> None:
        """Shows these square pictures instead of the present ones."""
        self._pictures = list(pictures[: self._count])
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self._count * (SIDE_PX + GAP_PX) - GAP_PX, SIDE_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.setOpacity(1.0 if self.isEnabled() else 0.35)
        for index in range(self._count):
            place = QRectF(index * (SIDE_PX + GAP_PX), 0, SIDE_PX, SIDE_PX)
            if place.right() > self.width():  # half a picture says nothing
                break
            path = QPainterPath()
            path.addRoundedRect(place, 6, 6)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme().color("border"))
            painter.drawPath(path)
            if index < len(self._pictures):
                painter.save()
                painter.setClipPath(path)
                painter.drawImage(place, self._pictures[index])
                painter.restore()
