"""The map's points as images: thumbnails where there is room for them, and the one under the pointer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QWidget

from gui.theme import font, theme
from gui.thumbnails import Thumbnails
from gui.widgets.scatter_view import ScatterView

CONSUMER = "map"
CELL_PX, PICTURE_PX, HOVER_PX = 84, 64, 168
FEW_PER_PICTURE = 6
"""Thumbnails are shown as soon as each stands for no more points than this, on average."""
ASK_MS = 40


class ImageScatter(ScatterView):
    """Points of images; `describe` gives the words for one of them."""

    def __init__(self, thumbnails: Thumbnails | None, describe: Callable[[int], str], parent: QWidget | None = None):
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._describe = describe
        self._image_ids = np.zeros(0, np.int64)
        self._shown: list[int] = []
        self._under = -1
        self._ask_timer = QTimer(self, singleShot=True, interval=ASK_MS)
        self._ask_timer.timeout.connect(self._choose_pictures)
        self.view_changed.connect(self._on_view_changed)
        self.hovered.connect(self._on_hovered)
        if thumbnails is not None:
            thumbnails.loaded.connect(self._on_loaded)

    def set_images(self, image_ids: NDArray[np.int64], places: NDArray[np.float32]) -> None:
        """Shows images (N,) at places (N, 2) in 0..1."""
        self._image_ids = image_ids
        self._shown = []
        self._under = -1
        self.set_points(places)

    @property
    def pictures(self) -> list[int]:
        """The points that are shown as thumbnails now."""
        return self._shown

    def paint_above(self, painter: QPainter) -> None:
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        positions = self.positions() if self._shown or self._under >= 0 else None
        if positions is None:
            return
        for row in self._shown:
            x, y = (float(value) for value in positions[row])
            self._paint_picture(painter, row, QPointF(x, y), PICTURE_PX, self.color_of(row))
        if self._under >= 0:
            x, y = (float(value) for value in positions[self._under])
            self._paint_hovered(painter, self._under, QPointF(x, y))

    def _on_view_changed(self) -> None:
        self._shown = []  # they would lag behind while the map moves
        self._ask_timer.start()

    def _on_hovered(self, row: int) -> None:
        self._under = row
        self._ask()

    def _on_loaded(self, image_ids: list[int]) -> None:
        wanted = {int(self._image_ids[row]) for row in (*self._shown, *([self._under] if self._under >= 0 else []))}
        if not wanted.isdisjoint(image_ids):
            self.update()

    def _choose_pictures(self) -> None:
        """Takes one point for each square of the window, when there is room for that."""
        if not self.isVisible() or not len(self._image_ids):
            return
        rows = self.rows_in_sight()
        cells = np.floor(self.positions()[rows] / CELL_PX).astype(np.int64)
        _, first = np.unique(cells[:, 0] * 100_000 + cells[:, 1], return_index=True)
        self._shown = rows[first].tolist() if len(rows) <= FEW_PER_PICTURE * len(first) else []
        self._ask()
        self.update()

    def _ask(self) -> None:
        if self._thumbnails is not None:
            rows = ([self._under] if self._under >= 0 else []) + self._shown
            self._thumbnails.want(CONSUMER, [int(self._image_ids[row]) for row in rows])

    def _picture_of(self, row: int) -> QImage | None:
        return None if self._thumbnails is None else self._thumbnails.get(int(self._image_ids[row]))

    def _paint_picture(self, painter: QPainter, row: int, at: QPointF, side_px: int, color: QColor) -> QRectF:
        """Draws a thumbnail around a point, framed in the point's colour; returns where."""
        image = self._picture_of(row)
        box = QRectF(at.x() - side_px / 2, at.y() - side_px / 2, side_px, side_px)
        if image is None or image.isNull():
            return box
        scale = side_px / max(image.width(), image.height())
        box = QRectF(0, 0, image.width() * scale, image.height() * scale)
        box.moveCenter(at)
        path = QPainterPath()
        path.addRoundedRect(box, 4, 4)
        painter.save()
        painter.setClipPath(path)
        painter.drawImage(box, image)
        painter.restore()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(theme().window), 4))
        painter.drawPath(path)
        painter.setPen(QPen(color, 2))
        painter.drawPath(path)
        return box

    def _paint_hovered(self, painter: QPainter, row: int, at: QPointF) -> None:
        """Draws the image under the pointer beside it, with its name."""
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(theme().text), 2))
        painter.drawEllipse(at, 8, 8)
        used = font(0.88)
        metrics = QFontMetricsF(used)
        width, height = HOVER_PX + 16.0, HOVER_PX + 16.0 + metrics.height() + 6
        left = at.x() + 16 if at.x() + 16 + width < self.width() else at.x() - 16 - width
        top = min(max(4.0, at.y() - height / 2), max(4.0, self.height() - height - 4))
        plate = QRectF(left, top, width, height)
        painter.setPen(QPen(QColor(theme().border), 1))
        painter.setBrush(QColor(theme().card))
        painter.drawRoundedRect(plate, 8, 8)
        middle = QPointF(plate.center().x(), plate.top() + 8 + HOVER_PX / 2)
        self._paint_picture(painter, row, middle, HOVER_PX, self.color_of(row))
        painter.setFont(used)
        painter.setPen(QColor(theme().text))
        line = QRectF(plate.left() + 8, plate.bottom() - metrics.height() - 8, HOVER_PX, metrics.height())
        text = metrics.elidedText(self._describe(int(self._image_ids[row])), Qt.TextElideMode.ElideMiddle, HOVER_PX)
        painter.drawText(line, Qt.AlignmentFlag.AlignCenter, text)
