"""The row of small pictures under the viewer; the current one is in the middle where there are enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.language import tr
from gui.models.image_list import ImageListModel
from gui.theme import theme
from gui.thumbnails import Thumbnails
from gui.widgets.image_card import CardFace, CardPainter

TILE_WIDTH_PX, TILE_HEIGHT_PX, GAP_PX, BAR_PX, MARGIN_PX = 84, 62, 6, 4, 12
PITCH_PX = TILE_WIDTH_PX + GAP_PX


class FilmStrip(QWidget):
    """Shows the neighbours of a position with a bar in the colour of their class (outlined: suggestion)."""

    position_clicked = Signal(int)

    def __init__(
        self,
        model: ImageListModel,
        thumbnails: Thumbnails,
        face_of: Callable[[int], CardFace],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._list = model
        self._thumbnails = thumbnails
        self._face_of = face_of
        self._painter = CardPainter(200)
        self._position = -1
        self._hovered = -1
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setAccessibleName(tr("Neighbouring images"))
        self._wish_timer = QTimer(self, singleShot=True, interval=0)
        self._wish_timer.timeout.connect(self._ask_for_pictures)
        thumbnails.loaded.connect(lambda _ids: self.update())

    def sizeHint(self) -> QSize:
        return QSize(600, TILE_HEIGHT_PX + BAR_PX + 26)

    def set_position(self, position: int) -> None:
        """Moves a position to the middle."""
        self._position = position
        self.update()
        self._wish_timer.start()

    def forget_pictures(self) -> None:
        """Drops what was scaled, because other files are shown now, and asks for their pictures."""
        self._painter.forget()
        self._wish_timer.start()

    def visible_positions(self) -> range:
        """Returns the positions on screen."""
        left, size = self._left(), len(self._list.rows)
        first = min(size, max(0, -left // PITCH_PX))
        return range(first, max(first, min(size, (self.width() - left) // PITCH_PX + 1)))

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme()
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(self.rect(), QColor(colors.panel))
        painter.fillRect(QRect(0, 0, self.width(), 1), QColor(colors.border))
        for position in self.visible_positions():
            tile = self._tile(position)
            face = self._face_of(position)
            self._painter.paint_picture(painter, tile, replace(face, is_hovered=position == self._hovered))
            _paint_bar(painter, QRectF(tile.left() + 0.5, tile.bottom() + 5, tile.width() - 1, BAR_PX), face)
            if position in (self._position, self._hovered):
                is_current = position == self._position
                painter.setPen(QPen(QColor(colors.accent if is_current else colors.text_faint), 2 if is_current else 1))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(QRectF(tile).adjusted(-1, -1, 1, 1), 9, 9)
        painter.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self._position_at(event.position().x()))

    def leaveEvent(self, event: object) -> None:
        self._hover(-1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        position = self._position_at(event.position().x())
        if event.button() == Qt.MouseButton.LeftButton and position >= 0:
            self.position_clicked.emit(position)

    def wheelEvent(self, event: QWheelEvent) -> None:
        step = -1 if event.angleDelta().y() > 0 else 1
        if 0 <= self._position + step < len(self._list.rows):
            self.position_clicked.emit(self._position + step)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._wish_timer.start()

    def showEvent(self, event: object) -> None:
        super().showEvent(event)  # type: ignore[arg-type]
        self._wish_timer.start()

    def hideEvent(self, event: object) -> None:
        super().hideEvent(event)  # type: ignore[arg-type]
        self._thumbnails.want("strip", [])

    def _tile(self, position: int) -> QRect:
        return QRect(self._left() + position * PITCH_PX, 11, TILE_WIDTH_PX, TILE_HEIGHT_PX)

    def _left(self) -> int:
        """Returns where position 0 lies: the current one is in the middle, except near the ends of a long list."""
        length = len(self._list.rows) * PITCH_PX - GAP_PX
        if length <= self.width() - 2 * MARGIN_PX:
            return (self.width() - length) // 2
        wanted = self.width() // 2 - TILE_WIDTH_PX // 2 - self._position * PITCH_PX
        return min(MARGIN_PX, max(wanted, self.width() - MARGIN_PX - length))

    def _position_at(self, x: float) -> int:
        position = (round(x) - self._left()) // PITCH_PX
        return position if position in self.visible_positions() else -1

    def _hover(self, position: int) -> None:
        if position != self._hovered:
            self._hovered = position
            self.update()

    def _ask_for_pictures(self) -> None:
        if not self.isVisible():
            return
        positions = sorted(self.visible_positions(), key=lambda position: abs(position - self._position))
        ids = [self._list.image_id(position) for position in positions]
        self._thumbnails.want("strip", [image_id for image_id in ids if image_id is not None])


def _paint_bar(painter: QPainter, bar: QRectF, face: CardFace) -> None:
    """Draws the colour of a class, of several side by side, or the outline of a suggestion."""
    chips = face.chips
    gap = 2.0 if len(chips) > 1 else 0.0
    width = (bar.width() - gap * (len(chips) - 1)) / max(1, len(chips))
    for at, (_, name, is_ghost) in enumerate(chips):
        color = QColor(name)
        painter.setPen(QPen(color, 1) if is_ghost else Qt.PenStyle.NoPen)
        painter.setBrush(Qt.BrushStyle.NoBrush if is_ghost else color)
        part = QRectF(bar.left() + at * (width + gap), bar.top(), width, bar.height())
        painter.drawRoundedRect(part, BAR_PX / 2, BAR_PX / 2)
