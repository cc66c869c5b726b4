"""One image, large: fitted, filling or zoomed, panned by dragging. Draws the best picture there is at the moment."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from engine.images.levels import Levels
from engine.language import tr
from gui.display_levels import LevelsRenderer
from gui.theme import theme
from gui.widgets.canvas_overlays import paint_classes, paint_message, paint_note
from gui.widgets.heat_overlay import HeatOverlay
from gui.widgets.pinch import follow_pinch

PADDING_PX = 16
MAX_ZOOM = 8.0
WHEEL_STEP = 1.25
SHOW_PIXELS_FROM = 3.0


class ImageCanvas(QWidget):
    """Shows a picture whose true size is known before its pixels are there.

    Zoom is in device pixels per image pixel: 1.0 shows every pixel as it is. At rest the image is fitted into the
    canvas, or fills it; zoomed by the user it is free.
    """

    zoom_changed = Signal()
    picture_dragged = Signal()
    """The mouse takes the picture somewhere, where it is not larger than the view (that would move it)."""
    levels_dragged = Signal(float, float)
    """Ctrl and the left button: by so many pixels to the right and down since the last time."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image: QImage | None = None
        self._levels: Levels | None = None
        self._renderer = LevelsRenderer(self)
        self._renderer.rendered.connect(self.update)
        self._size = QSizeF(1, 1)
        self._message = ""
        self._note = ""
        self._classes: tuple[tuple[tuple[str, str, bool], ...], str] | None = None
        self._zoom: float | None = None
        self._fills = False
        self._centre = QPointF(0.5, 0.5)
        self._drag: QPointF | None = None
        self._pressed_at: QPointF | None = None
        self._drags_levels = False
        self.heat = HeatOverlay(self)
        self.heat.changed.connect(self.update)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 120)
        self.setAccessibleName(tr("Image"))

    def set_picture(
        self,
        image: QImage | None,
        width_px: int,
        height_px: int,
        message: str = "",
        levels: Levels | None = None,
        note: str = "",
    ) -> None:
        """Shows a picture (a thumbnail will do until the sharp one is there) of an image of this size.

        Args:
            message: shown where there is no picture.
            levels: applied to the picture, in units of its pixels.
            note: shown over the picture, at its upper edge.
        """
        self._image = image
        self._levels = levels
        size = QSizeF(width_px, height_px)
        if size.isEmpty() and image is not None:
            size = QSizeF(image.size())
        self._size = size if not size.isEmpty() else QSizeF(1, 1)
        self._message = message
        self._note = note
        self.update()

    def set_classes(self, chips: Sequence[tuple[str, str, bool]], note: str = "") -> None:
        """Shows classes (filled) and suggestions (outlined), as (name, color, is suggested), and a note beside them."""
        self._classes = (tuple(chips), note) if chips or note else None
        self.update()

    @property
    def is_at_rest(self) -> bool:
        """Whether the image is fitted or fills the canvas, and was not zoomed by the user."""
        return self._zoom is None

    @property
    def is_fitted(self) -> bool:
        return self._zoom is None and not self._fills

    @property
    def is_filling(self) -> bool:
        return self._zoom is None and self._fills

    @property
    def zoom(self) -> float:
        """Device pixels per image pixel."""
        return self._rest_zoom() if self._zoom is None else self._zoom

    def fit(self) -> None:
        """Shows the whole image."""
        self._fills = False
        self.rest()

    def fill(self) -> None:
        """Fills the canvas with the image; what does not fit is beyond the edges."""
        self._fills = True
        self.rest()

    def rest(self) -> None:
        """Goes back from a zoom to the whole image, or to the one that fills the canvas."""
        self._set_zoom(None, self._middle())

    def show_pixels(self, at: QPointF | None = None) -> None:
        """Shows every pixel as it is, keeping the point under `at` in place."""
        self._set_zoom(1.0, at if at is not None else self._middle())

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Zooms around a point; below the fitted size it is fitted."""
        wanted = self.zoom * factor
        fitted = self._fit_zoom(self._size)
        crosses_true_size = (self.zoom - 1) * (wanted - 1) < 0
        if crosses_true_size:
            wanted = 1.0
        if wanted <= fitted:
            self._fills = False
        largest = max(MAX_ZOOM, fitted)
        self._set_zoom(None if wanted <= fitted else min(largest, wanted), at if at is not None else self._middle())

    def pan(self, dx: float, dy: float) -> None:
        """Moves the image by so many pixels of the window; its edges stay within sight."""
        scale = self._scale()
        self._move_centre(-dx / scale, -dy / scale)

    def rest_side_px(self, width_px: int, height_px: int) -> int:
        """Returns how long the longer side of an image is at rest in the canvas; 0: every pixel is needed."""
        if width_px <= 0 or height_px <= 0:
            return 2048
        zoom = self._rest_zoom(QSizeF(width_px, height_px))
        return 0 if zoom >= 1 else max(64, round(max(width_px, height_px) * zoom))

    def detail_side_px(self, width_px: int, height_px: int) -> int | None:
        """Returns how long the longer side has to be for the present zoom, 0 for every pixel; None at rest.

        Halves and quarters only, so that zooming on does not decode at every step.
        """
        if self._zoom is None or width_px <= 0 or height_px <= 0:
            return None
        longer, halvings = max(width_px, height_px), 0
        while self._zoom <= 0.5 ** (halvings + 1):
            halvings += 1
        return math.ceil(longer / 2**halvings) if halvings else 0

    # ------------------------------------------------------------------------------------------------------ events

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(colors.window))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._image is None or self._image.isNull():
            paint_message(painter, QRectF(self.rect()), self._message)
        else:
            self._paint_image(painter, self._image)
            self.heat.paint(painter, self._target(), QRectF(self.rect()))
            if self._note:
                paint_note(painter, QRectF(self.rect()), self._note)
        if self._classes is not None:
            paint_classes(painter, QRectF(self.rect()), *self._classes)
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.zoom_changed.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        modifiers = event.modifiers()
        is_pad = event.phase() != Qt.ScrollPhase.NoScrollPhase and not event.pixelDelta().isNull()
        if modifiers & Qt.KeyboardModifier.ShiftModifier:
            self.pan(event.angleDelta().x() + event.angleDelta().y(), 0)
        elif is_pad and not self.is_at_rest and not modifiers & Qt.KeyboardModifier.ControlModifier:
            self.pan(event.pixelDelta().x(), event.pixelDelta().y())
        else:
            self.zoom_by(WHEEL_STEP ** (event.angleDelta().y() / 120), event.position())
        event.accept()

    def event(self, event: QEvent) -> bool:
        return follow_pinch(event, self.zoom_by) or super().event(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            if self.is_at_rest:
                self.show_pixels(event.position())
            else:
                self.rest()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._drags_levels = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            if self._drags_levels or self._is_larger():
                self._drag = event.position()
                cursors = Qt.CursorShape
                self.setCursor(cursors.SizeAllCursor if self._drags_levels else cursors.ClosedHandCursor)
            else:
                self._pressed_at = event.position()
        event.ignore()  # the viewer takes the focus

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        far = QApplication.startDragDistance()
        if self._pressed_at is not None and (event.position() - self._pressed_at).manhattanLength() >= far:
            self._pressed_at = None
            self.picture_dragged.emit()
        if self._drag is None:
            return
        moved = event.position() - self._drag
        self._drag = event.position()
        if self._drags_levels:
            self.levels_dragged.emit(moved.x(), moved.y())
        else:
            self.pan(moved.x(), moved.y())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drag = None
        self._pressed_at = None
        self._show_cursor()

    # ---------------------------------------------------------------------------------------------------- geometry

    def _middle(self) -> QPointF:
        return QPointF(self.width() / 2, self.height() / 2)

    def _scale(self) -> float:
        """Returns logical pixels per image pixel."""
        return self.zoom / self.devicePixelRatioF()

    def _rest_zoom(self, size: QSizeF | None = None) -> float:
        size = size if size is not None else self._size
        if not self._fills:
            return self._fit_zoom(size)
        covering = max(self.width() / size.width(), self.height() / size.height()) * self.devicePixelRatioF()
        return float(min(covering, max(MAX_ZOOM, self._fit_zoom(size))))

    def _fit_zoom(self, size: QSizeF) -> float:
        room_x = max(32, self.width() - 2 * PADDING_PX)
        room_y = max(32, self.height() - 2 * PADDING_PX)
        return float(min(room_x / size.width(), room_y / size.height())) * self.devicePixelRatioF()

    def _is_larger(self) -> bool:
        target = self._target()
        return target.width() > self.width() or target.height() > self.height()

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
        offset = at - self._middle()
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
        self.setCursor(Qt.CursorShape.OpenHandCursor if self._is_larger() else Qt.CursorShape.ArrowCursor)

    # ---------------------------------------------------------------------------------------------------- painting

    def _paint_image(self, painter: QPainter, image: QImage) -> None:
        """Draws only the part that is in sight: the painter loses precision in what reaches far beyond the window."""
        target = self._target()
        in_sight = target.intersected(QRectF(self.rect()))
        if in_sight.isEmpty():
            return
        across, down = image.width() / target.width(), image.height() / target.height()
        left, top = (
            math.floor((in_sight.left() - target.left()) * across),
            math.floor((in_sight.top() - target.top()) * down),
        )
        right = math.ceil((in_sight.right() - target.left()) * across)
        bottom = math.ceil((in_sight.bottom() - target.top()) * down)
        part = QRect(left, top, right - left, bottom - top).intersected(image.rect())
        place = QRectF(
            target.left() + part.left() / across,
            target.top() + part.top() / down,
            part.width() / across,
            part.height() / down,
        )
        shows_pixels = image.width() >= self._size.width() and self.zoom >= SHOW_PIXELS_FROM
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not shows_pixels)
        if self._levels is None:
            painter.drawImage(place, image, QRectF(part))
            return
        made, inside = self._renderer.get(image, part, self._levels)
        painter.drawImage(place, made, QRectF(inside))
