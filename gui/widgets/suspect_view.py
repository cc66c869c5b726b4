"""A suspect beside its nearest neighbours: the picture large, the neighbours with their classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.language import tr
from gui.theme import font, theme
from gui.thumbnails import Thumbnails
from gui.widgets.painted_chip import paint_chip
from gui.widgets.suspect_list import SuspectFace, paint_thumbnail

GAP_PX, CAPTION_PX, CHIP_PX = 12, 28, 28
MAX_NEIGHBOUR_PX = 260


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A labelled image that looks like the suspect, with name and colour of its class."""

    image_id: int
    name: str
    color: str


class SuspectView(QWidget):
    """Paints one suspect and its neighbours, nearest first."""

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._face: SuspectFace | None = None
        self._neighbours: list[Neighbour] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(tr("Suspected mistake"))
        thumbnails.loaded.connect(lambda _ids: self.update())

    def sizeHint(self) -> QSize:
        return QSize(640, 420)

    def minimumSizeHint(self) -> QSize:
        return QSize(320, 220)

    def show_suspect(self, face: SuspectFace | None, neighbours: Sequence[Neighbour]) -> None:
        """Shows another suspect, or nothing."""
        self._face, self._neighbours = face, list(neighbours)
        ids = [face.image_id, *(each.image_id for each in neighbours)] if face is not None else []
        self._thumbnails.want("suspect", ids, sharp=True)
        looks = ", ".join(each.name for each in neighbours)
        self.setAccessibleDescription(
            tr("{words}. The nearest are {looks}.", words=face.words, looks=looks) if face is not None else ""
        )
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._face is None:
            return
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        left_px = round(self.width() * (0.5 if self._neighbours else 1.0)) - GAP_PX
        room = QRectF(0, CAPTION_PX, left_px, self.height() - CAPTION_PX - CHIP_PX - 4)
        self._paint_caption(painter, QRectF(0, 0, left_px, CAPTION_PX), tr("Labelled, and what it looks like"))
        picture = self._paint_whole(painter, self._face.image_id, room)
        middle = picture.bottom() + CHIP_PX / 2 + 4
        width = paint_chip(painter, picture.left(), middle, left_px / 2 - 16, *self._face.given, False)
        painter.setPen(theme().color("text_dim"))
        arrow = QRectF(picture.left() + width, middle - 10, 26, 20)
        painter.drawText(arrow, int(Qt.AlignmentFlag.AlignCenter), "→")
        name, color = self._face.suggested
        paint_chip(painter, arrow.right(), middle, left_px - (arrow.right() - picture.left()), f"{name}?", color, True)
        if self._neighbours:
            self._paint_neighbours(
                painter, QRectF(left_px + 2 * GAP_PX, 0, self.width() - left_px - 2 * GAP_PX, self.height())
            )
        painter.end()

    def _paint_caption(self, painter: QPainter, area: QRectF, text: str) -> None:
        used = font(0.8, bold=True)
        used.setLetterSpacing(used.SpacingType.AbsoluteSpacing, 1.0)
        painter.setFont(used)
        painter.setPen(theme().color("text_faint"))
        shown = painter.fontMetrics().elidedText(text.upper(), Qt.TextElideMode.ElideRight, int(area.width()))
        painter.drawText(area, int(Qt.AlignmentFlag.AlignTop), shown)

    def _paint_whole(self, painter: QPainter, image_id: int, room: QRectF) -> QRectF:
        """Draws a picture whole, as large as it can be; returns where it is."""
        image = self._thumbnails.get(image_id, sharp=True)
        shape = image.height() / image.width() if image is not None and image.width() else 0.75
        width = min(room.width(), room.height() / shape)
        box = QRectF(room.left(), room.top(), width, width * shape)
        paint_thumbnail(painter, self._thumbnails, image_id, box, 8.0, sharp=True)
        return box

    def _paint_neighbours(self, painter: QPainter, area: QRectF) -> None:
        self._paint_caption(painter, QRectF(area.left(), 0, area.width(), CAPTION_PX), tr("What looks most like it"))
        room = area.adjusted(0, CAPTION_PX, 0, 0)
        number = len(self._neighbours)

        def side_with(num_columns: int) -> float:
            lines = -(-number // num_columns)
            across = (room.width() - GAP_PX * (num_columns - 1)) / num_columns
            return min(MAX_NEIGHBOUR_PX, across, (room.height() - lines * CHIP_PX - (lines - 1) * GAP_PX) / lines)

        columns = max(range(1, number + 1), key=side_with)
        side = max(24.0, side_with(columns))
        for at, each in enumerate(self._neighbours):
            line, column = divmod(at, columns)
            top = room.top() + line * (side + CHIP_PX + GAP_PX)
            box = QRectF(room.left() + column * (side + GAP_PX), top, side, side)
            paint_thumbnail(painter, self._thumbnails, each.image_id, box, 8.0, sharp=True)
            paint_chip(painter, box.left(), box.bottom() + CHIP_PX / 2, side, each.name, each.color, False)
