"""One image, large: fitted or zoomed, panned by dragging. Draws the best picture there is at the moment."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.theme import font, paint_icon, theme
from gui.widgets.image_card import chip_width, paint_chip

PADDING_PX = 16
CORNER_PX = 12
MAX_ZOOM = 8.0
WHEEL_STEP = 1.25
SHOW_PIXELS_FROM = 3.0


class ImageCanvas(QWidget):
    """Shows a picture whose true size is known before its pixels are there.

    Zoom is in device pixels per image pixel: 1.0 shows every pixel as it is.
    """

    zoom_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image: QImage | None = None
        self._size = QSizeF(1, 1)
        self._message = ""
        self._chip: tuple[str, str, bool, str] | None = None
        self._zoom: float | None = None
        self._centre = QPointF(0.5, 0.5)
        self._drag: QPointF | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 120)
        self.setAccessibleName("Image")

    def set_picture(self, image: QImage | None, width_px: int, height_px: int, message: str = "") -> None:
        """Shows a picture (a thumbnail will do until the sharp one is there) of an image of this size."""
        self._image = image
        size = QSizeF(width_px, height_px)
        if size.isEmpty() and image is not None:
            size = QSizeF(image.size())
        self._size = size if not size.isEmpty() else QSizeF(1, 1)
        self._message = message
        self.update()

    def set_chip(self, name: str, color: str, is_ghost: bool, note: str = "") -> None:
        """Shows a class (filled) or a suggestion (outlined, with a note) in the corner; an empty name shows none."""
        self._chip = (name, color, is_ghost, note) if name else None
        self.update()

    @property
    def is_fitted(self) -> bool:
        return self._zoom is None

    @property
    def zoom(self) -> float:
        """Device pixels per image pixel."""
        return self._fit_zoom() if self._zoom is None else self._zoom

    def fit(self) -> None:
        """Shows the whole image."""
        self._set_zoom(None, QPointF(self.width() / 2, self.height() / 2))

    def show_pixels(self, at: QPointF | None = None) -> None:
        """Shows every pixel as it is, keeping the point under `at` in place."""
        self._set_zoom(1.0, at if at is not None else QPointF(self.width() / 2, self.height() / 2))

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Zooms around a point; below the fitted size it is fitted."""
        middle = at if at is not None else QPointF(self.width() / 2, self.height() / 2)
        wanted = self.zoom * factor
        fitted = self._fit_zoom()
        crosses_true_size = (self.zoom - 1) * (wanted - 1) < 0
        if crosses_true_size:
            wanted = 1.0
        self._set_zoom(None if wanted <= fitted else min(MAX_ZOOM, wanted), middle)

    def fitted_side_px(self, width_px: int, height_px: int) -> int:
        """Returns how long the longer side of an image needs to be to fill the canvas; 0: every pixel is needed."""
        if width_px <= 0 or height_px <= 0:
            return 2048
        zoom = self._fit_zoom(QSizeF(width_px, height_px))
        return 0 if zoom >= 1 else max(64, round(max(width_px, height_px) * zoom))

    # ------------------------------------------------------------------------------------------------------ events

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(colors.window))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._image is None:
            self._paint_message(painter)
        else:
            is_smooth = self.zoom < SHOW_PIXELS_FROM or self._zoom is None
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, is_smooth)
            painter.drawImage(self._target(), self._image, QRectF(self._image.rect()))
        if self._chip is not None:
            self._paint_chip(painter, *self._chip)
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.zoom_changed.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.zoom_by(WHEEL_STEP ** (event.angleDelta().y() / 120), event.position())
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.is_fitted:
            self.show_pixels(event.position())
        else:
            self.fit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and not self.is_fitted:
            self._drag = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        event.ignore()  # the viewer takes the focus

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag is None:
            return
        moved = event.position() - self._drag
        self._drag = event.position()
        scale = self._scale()
        self._move_centre(-moved.x() / scale, -moved.y() / scale)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drag = None
        self._show_cursor()

    # ---------------------------------------------------------------------------------------------------- geometry

    def _scale(self) -> float:
        """Returns logical pixels per image pixel."""
        return self.zoom / self.devicePixelRatioF()

    def _fit_zoom(self, size: QSizeF | None = None) -> float:
        size = size if size is not None else self._size
        room_x = max(32, self.width() - 2 * PADDING_PX)
        room_y = max(32, self.height() - 2 * PADDING_PX)
        return float(min(room_x / size.width(), room_y / size.height())) * self.devicePixelRatioF()

    def _target(self) -> QRectF:
        scale, ratio = self._scale(), self.devicePixelRatioF()
        width, height = self._size.width() * scale, self._size.height() * scale
        x = self.width() / 2 - width * self._centre.x()
        y = self.height() / 2 - height * self._centre.y()
        # On whole device pixels, so that a picture of exactly this size is not resampled.
        return QRectF(
            round(x * ratio) / ratio,
            round(y * ratio) / ratio,
            round(width * ratio) / ratio,
            round(height * ratio) / ratio,
        )

    def _set_zoom(self, zoom: float | None, at: QPointF) -> None:
        before = self._scale()
        offset = QPointF(at.x() - self.width() / 2, at.y() - self.height() / 2)
        self._zoom = zoom
        if zoom is None:
            self._centre = QPointF(0.5, 0.5)
        else:
            after = self._scale()
            self._move_centre(offset.x() / before - offset.x() / after, offset.y() / before - offset.y() / after)
        self._show_cursor()
        self.update()
        self.zoom_changed.emit()

    def _move_centre(self, dx_px: float, dy_px: float) -> None:
        """Moves what is in the middle by image pixels, so far that the image never leaves the canvas."""
        scale = self._scale()

        def limited(value: float, length: float, room: float) -> float:
            margin = min(0.5, room / 2 / max(1.0, length * scale))
            return min(1 - margin, max(margin, value))

        x = self._centre.x() + dx_px / self._size.width()
        y = self._centre.y() + dy_px / self._size.height()
        self._centre = QPointF(
            limited(x, self._size.width(), self.width()), limited(y, self._size.height(), self.height())
        )
        self.update()

    def _show_cursor(self) -> None:
        self.setCursor(Qt.CursorShape.ArrowCursor if self.is_fitted else Qt.CursorShape.OpenHandCursor)

    def _paint_chip(self, painter: QPainter, name: str, color: str, is_ghost: bool, note: str) -> None:
        colors = theme()
        used = font(0.92)
        note_width = QFontMetricsF(used).horizontalAdvance(note) + 10 if note else 0
        room = self.width() - 2 * CORNER_PX - 24 - note_width
        width = chip_width(name, room, is_ghost) + note_width
        plate = QRectF(CORNER_PX, self.height() - CORNER_PX - 34, width + 20, 34)
        backing = QColor(colors.panel)
        backing.setAlpha(225)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(backing)
        painter.drawRoundedRect(plate, 8, 8)
        paint_chip(painter, plate.left() + 10, plate.center().y(), room, name, color, is_ghost)
        painter.setFont(used)
        painter.setPen(QColor(colors.text_dim))
        rest = plate.adjusted(0, 0, -10, 0)
        painter.drawText(rest, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, note)

    def _paint_message(self, painter: QPainter) -> None:
        colors = theme()
        middle = QPointF(self.width() / 2, self.height() / 2)
        if not self._message:
            paint_icon(painter, "image", QRectF(middle.x() - 20, middle.y() - 20, 40, 40), "text_faint")
            return
        paint_icon(painter, "broken", QRectF(middle.x() - 24, middle.y() - 60, 48, 48), "warning")
        painter.setPen(QColor(colors.text_dim))
        painter.setFont(font())
        box = QRectF(24, middle.y(), self.width() - 48, 80)
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
        painter.drawText(box, int(flags), self._message)
