"""A row of small pictures that stands for a list of images and opens it."""

from __future__ import annotations

from itertools import count

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.language import decimal, tr
from gui.theme import font, theme
from gui.thumbnails import Thumbnails
from gui.widgets.image_card import CardFace, CardPainter

TILE_WIDTH_PX, TILE_HEIGHT_PX, GAP_PX, FRAME_PX = 76, 56, 6, 4
PITCH_PX = TILE_WIDTH_PX + GAP_PX
_consumers = count()


class ImageStrip(QWidget):
    """Shows as many as fit, and how many more there are. A click, Enter or Space opens all of them."""

    opened = Signal()

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.image_ids: NDArray[np.int64] = np.zeros(0, np.int64)
        self._thumbnails = thumbnails
        self._consumer = f"image strip {next(_consumers)}"
        self._painter = CardPainter(40)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._wish_timer = QTimer(self, singleShot=True, interval=0)
        self._wish_timer.timeout.connect(self._ask_for_pictures)
        # A method and not a lambda: strips come and go, and Qt forgets the method with the strip.
        thumbnails.loaded.connect(self._on_loaded)

    def show_images(self, image_ids: NDArray[np.int64], name: str) -> None:
        """Shows other images; `name` says what they are."""
        self.image_ids = image_ids
        self._painter.forget()
        self.setAccessibleName(name)
        self.setToolTip(tr("{name}: show all of them in Label (Enter)", name=name))
        self._wish_timer.start()
        self.update()

    def let_go(self) -> None:
        """Asks for no pictures any more, before the strip goes."""
        self._wish_timer.stop()
        self._thumbnails.want(self._consumer, [])

    def sizeHint(self) -> QSize:
        return QSize(6 * PITCH_PX, TILE_HEIGHT_PX + 2 * FRAME_PX)

    def minimumSizeHint(self) -> QSize:
        return QSize(2 * PITCH_PX, TILE_HEIGHT_PX + 2 * FRAME_PX)

    def num_tiles(self) -> int:
        """Returns how many pictures are shown; a last place may say how many more there are."""
        places = max(1, (self.width() - 2 * FRAME_PX + GAP_PX) // PITCH_PX)
        return len(self.image_ids) if len(self.image_ids) <= places else places - 1

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        colors, shown = theme(), self.num_tiles()
        for place, image_id in enumerate(self.image_ids[:shown].tolist()):
            failure = self._thumbnails.failure(image_id) or ""
            face = CardFace(image_id, "", self._thumbnails.get(image_id), failure)
            self._painter.paint_picture(painter, _tile(place), face)
        if shown < len(self.image_ids):
            tile = _tile(shown)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colors.control))
            painter.drawRoundedRect(QRectF(tile), 8, 8)
            painter.setPen(QColor(colors.text_dim))
            painter.setFont(font(1.0, bold=True))
            painter.drawText(tile, int(Qt.AlignmentFlag.AlignCenter), f"+{decimal(len(self.image_ids) - shown, ',')}")
        if self.hasFocus():
            painter.setPen(QPen(QColor(colors.accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 10, 10)
        painter.end()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.opened.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.opened.emit()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._wish_timer.start()

    def showEvent(self, event: object) -> None:
        super().showEvent(event)  # type: ignore[arg-type]
        self._wish_timer.start()

    def hideEvent(self, event: object) -> None:
        super().hideEvent(event)  # type: ignore[arg-type]
        self.let_go()

    def _on_loaded(self, _image_ids: object) -> None:
        self.update()

    def _ask_for_pictures(self) -> None:
        if self.isVisible():
            self._thumbnails.want(self._consumer, self.image_ids[: self.num_tiles()].tolist())


def _tile(place: int) -> QRect:
    return QRect(FRAME_PX + place * PITCH_PX, FRAME_PX, TILE_WIDTH_PX, TILE_HEIGHT_PX)
