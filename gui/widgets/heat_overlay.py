"""The heat map over a picture: fades in when it comes, and says in a corner what it shows."""

from __future__ import annotations

from PySide6.QtCore import QObject, QRectF, Qt, QVariantAnimation, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter

from gui.theme import font, theme

FADE_MS = 180
CORNER_PX, PLATE_PX, MOST_WIDE_PX = 12, 30, 420


class HeatOverlay(QObject):
    """What lies over the picture of a canvas now."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._image: QImage | None = None
        self._words = ""
        self._opacity = 1.0
        self._fade = QVariantAnimation(self)
        self._fade.setStartValue(0.0)
        self._fade.setEndValue(1.0)
        self._fade.setDuration(FADE_MS)
        self._fade.valueChanged.connect(self._on_faded)

    @property
    def words(self) -> str:
        """What stands in the corner."""
        return self._words

    @property
    def image(self) -> QImage | None:
        return self._image

    def show_heat(self, image: QImage | None, words: str) -> None:
        """Shows a heat map over the picture, or only words while there is none; None and "" for neither."""
        if image is self._image and words == self._words:
            return
        is_new = image is not None and image is not self._image and not image.isNull()
        self._image, self._words = image, words
        self._fade.stop()
        self._opacity = 0.0 if is_new else 1.0
        if is_new:
            self._fade.start()
        self.changed.emit()

    def paint(self, painter: QPainter, picture: QRectF, area: QRectF) -> None:
        """Draws it over a picture that lies there, within the area of the canvas."""
        if self._image is not None and not self._image.isNull():
            painter.save()
            painter.setOpacity(self._opacity)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.setClipRect(area)
            painter.drawImage(picture, self._image)
            painter.restore()
        if self._words:
            self._paint_words(painter, area)

    def _paint_words(self, painter: QPainter, area: QRectF) -> None:
        used = font(0.92)
        room = QRectF(0, 0, min(MOST_WIDE_PX, area.width() - 2 * CORNER_PX - 22), area.height())
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap  # why there is none may be a long sentence
        needed = QFontMetricsF(used).boundingRect(room, int(flags), self._words)
        plate = QRectF(0, 0, needed.width() + 22, max(PLATE_PX, needed.height() + 12))
        plate.moveTopRight(area.topRight())
        plate.translate(-CORNER_PX, CORNER_PX)
        backing = QColor(theme().panel)
        backing.setAlpha(225)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(backing)
        painter.drawRoundedRect(plate, 8, 8)
        painter.setFont(used)
        painter.setPen(QColor(theme().text))
        painter.drawText(plate.adjusted(10, 0, -10, 0), int(flags), self._words)

    def _on_faded(self, value: float) -> None:
        self._opacity = value
        self.changed.emit()
