"""The current image, small, in the shape that it has."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.language import tr
from gui.widgets.image_card import CardFace, CardPainter

MIN_SHAPE, DEFAULT_SHAPE, MAX_SHAPE = 0.5, 0.75, 1.0
"""Height by width of the preview; it takes the shape of the image between these limits."""


class Preview(QWidget):
    """The current image in the width of the panel."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._painter = CardPainter(4)
        self._face: CardFace | None = None
        self._shape = DEFAULT_SHAPE
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        # The layout asks for the height. Set in a resize event instead, it could make the scroll bar beside it come
        # and go for ever: with the bar the picture is lower, then there is no need for the bar, and so on.
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName(tr("Preview"))

    def set_face(self, face: CardFace | None, width_px: int, height_px: int) -> None:
        """Shows a picture whole; the size is the image's, known before its picture is there."""
        if face is None or self._face is None or face.image_id != self._face.image_id:
            self._painter.forget()
        self._face = face
        shape = height_px / width_px if width_px and height_px else DEFAULT_SHAPE
        shape = min(MAX_SHAPE, max(MIN_SHAPE, shape))
        if shape != self._shape:
            self._shape = shape
            self.updateGeometry()
        self.update()

    def forget(self) -> None:
        """Drops what was scaled."""
        self._painter.forget()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return round(width * self._shape)

    def sizeHint(self) -> QSize:
        return QSize(200, self.heightForWidth(200))

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._face is None:
            return
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        self._painter.paint_picture(painter, QRect(0, 0, self.width(), self.height()), self._face)
        painter.end()
