"""A plane of points: zoom by the wheel, move, hover, select with a lasso. Knows nothing of images or classes.

Letters: N points.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPolygonF,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.language import tr
from gui.theme import theme
from gui.widgets.pinch import follow_pinch
from gui.widgets.point_raster import PointRaster

MARGIN_PX = 28
WHEEL_STEP, LARGEST_ZOOM = 1.25, 400.0
PAN_PX = 80
HIT_PX = 9
CLICK_PX = 4
MOST_OUTLINED = 20_000


class ScatterView(QWidget):
    """Shows points (N, 2) in 0..1. All row numbers are those of the points given."""

    lassoed = Signal(object, object)
    """Rows inside the lasso, and the keyboard modifiers (Shift adds, Ctrl takes out)."""
    hovered = Signal(int)
    """The row under the pointer, -1 for none."""
    activated = Signal(int)
    """A point was double clicked."""
    view_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._places = np.zeros((0, 2), np.float32)
        self._order = np.zeros(0, np.int64)
        # In the order of drawing, so that a frame has little to look up.
        self._xs, self._ys = np.zeros(0, np.float32), np.zeros(0, np.float32)
        self._drawn_colors, self._faded_colors = np.zeros(0, np.uint32), np.zeros(0, np.uint32)
        self._drawn_below, self._drawn_above = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._drawn_ringed, self._drawn_selected = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._colors = np.zeros(0, np.uint32)
        self._zoom, self._centre = 1.0, QPointF(0.5, 0.5)
        self._extent = QRectF(0, 0, 1, 1)
        self._raster = PointRaster()
        self._lasso: list[QPointF] = []
        self._pressed_at: QPointF | None = None
        self._dragged_from: QPointF | None = None
        self._hovered = -1
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 160)
        self.setAccessibleName(tr("Map of the images"))

    # ---- what is shown

    def set_points(self, places: NDArray[np.float32]) -> None:
        """Shows other points, all of them in sight."""
        self._places = np.ascontiguousarray(places, np.float32)
        # Drawn in a random order, or the class that comes last would cover the others.
        self._order = np.random.default_rng(0).permutation(len(places))
        self._xs, self._ys = np.ascontiguousarray(self._places[self._order].T)
        nothing = np.zeros(len(places), np.bool_)
        self.set_looks(np.full(len(places), 0xFF888888, np.uint32), nothing)
        self.set_selected(nothing)
        self._hovered = -1
        if len(places):
            (left, top), (right, bottom) = places.min(axis=0).tolist(), places.max(axis=0).tolist()
            self._extent = QRectF(left, top, max(right - left, 1e-6), max(bottom - top, 1e-6))
        self.fit()

    def set_looks(
        self, colors: NDArray[np.uint32], ringed: NDArray[np.bool_], muted: NDArray[np.bool_] | None = None
    ) -> None:
        """Gives each point a colour (N,) 0xFFRRGGBB; the ringed ones stand out and lie above, the muted ones below."""
        self._colors = colors
        self._drawn_colors = colors[self._order]
        self._faded_colors = _faded(self._drawn_colors, QColor(theme().window).rgb())
        self._drawn_ringed = np.flatnonzero(ringed[self._order])
        is_below = np.zeros(len(colors), np.bool_) if muted is None else muted[self._order]
        self._drawn_below, self._drawn_above = np.flatnonzero(is_below), np.flatnonzero(~is_below)
        self.update()

    def color_of(self, row: int) -> QColor:
        """Returns the colour of a point."""
        return QColor.fromRgb(int(self._colors[row]))

    def set_selected(self, selected: NDArray[np.bool_]) -> None:
        """Marks points (N,) as selected."""
        self._drawn_selected = np.flatnonzero(selected[self._order])
        self.update()

    def fit(self) -> None:
        """Shows all points."""
        self._zoom, self._centre = 1.0, self._extent.center()
        self._changed()

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Zooms around a point of the widget, its middle when none is given."""
        at = at if at is not None else QPointF(self.width() / 2, self.height() / 2)
        before = self._to_plane(at)
        self._zoom = min(LARGEST_ZOOM, max(0.8, self._zoom * factor))
        after = self._to_plane(at)
        self._centre += before - after
        self._changed()

    def pan(self, dx_px: float, dy_px: float) -> None:
        """Moves the points by pixels of the window."""
        scale = self._scale()
        x, y = self._centre.x() - dx_px / scale, self._centre.y() - dy_px / scale
        self._centre = QPointF(min(1.0, max(0.0, x)), min(1.0, max(0.0, y)))
        self._changed()

    # ---- where points are

    def positions(self) -> NDArray[np.float32]:
        """Returns where the points are in the widget (N, 2), in its pixels."""
        scale = np.float32(self._scale())
        corner = np.array(
            [self.width() / 2 - self._centre.x() * scale, self.height() / 2 - self._centre.y() * scale], np.float32
        )
        found: NDArray[np.float32] = self._places * scale + corner
        return found

    def row_at(self, point: QPointF) -> int:
        """Returns the nearest point within reach of the pointer, -1 when there is none."""
        if not len(self._places):
            return -1
        positions = self.positions()
        far = np.square(positions[:, 0] - np.float32(point.x())) + np.square(positions[:, 1] - np.float32(point.y()))
        nearest = int(far.argmin())
        return nearest if far[nearest] <= (HIT_PX + self._radius_px()) ** 2 else -1

    def rows_in_sight(self) -> NDArray[np.int64]:
        """Returns the points that can be seen."""
        positions = self.positions()
        is_seen = (positions >= 0).all(axis=1) & (positions[:, 0] < self.width()) & (positions[:, 1] < self.height())
        return np.flatnonzero(is_seen)

    def rows_inside(self, polygon: QPolygonF) -> NDArray[np.int64]:
        """Returns the points inside a polygon of the widget: it is painted once, and each point looks at its pixel."""
        mask = QImage(max(1, self.width()), max(1, self.height()), QImage.Format.Format_Grayscale8)
        mask.fill(0)
        painter = QPainter(mask)
        painter.setBrush(Qt.GlobalColor.white)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawPolygon(polygon)
        painter.end()
        lit = np.frombuffer(mask.constBits(), np.uint8).reshape(mask.height(), mask.bytesPerLine())
        rows = self.rows_in_sight()
        x, y = np.floor(self.positions()[rows]).astype(np.int64).T
        found: NDArray[np.int64] = rows[lit[y, x] > 0]
        return found

    # ---- events

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.drawImage(QRectF(self.rect()), self._drawn())
        if len(self._lasso) > 1:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            accent = QColor(theme().accent)
            painter.setPen(accent)
            accent.setAlpha(40)
            painter.setBrush(accent)
            painter.drawPolygon(QPolygonF(self._lasso))
        self.paint_above(painter)
        painter.end()

    def paint_above(self, painter: QPainter) -> None:
        """Draws what lies above the points; for those who know what they stand for."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.zoom_by(WHEEL_STEP ** (event.angleDelta().y() / 120), event.position())
        event.accept()

    def event(self, event: QEvent) -> bool:
        return follow_pinch(event, self.zoom_by) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = Qt.Key
        move = {keys.Key_Left: (PAN_PX, 0), keys.Key_Right: (-PAN_PX, 0), keys.Key_Up: (0, PAN_PX),
                keys.Key_Down: (0, -PAN_PX)}.get(keys(event.key()))  # fmt: skip
        if move is not None:
            self.pan(*move)
        elif event.key() in (keys.Key_Plus, keys.Key_Equal):
            self.zoom_by(WHEEL_STEP)
        elif event.key() == keys.Key_Minus:
            self.zoom_by(1 / WHEEL_STEP)
        elif event.key() == keys.Key_0 and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.fit()
        else:
            event.ignore()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed_at = event.position()
            self._lasso = [event.position()]
        elif event.button() in (Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton):
            self._dragged_from = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragged_from is not None:
            moved = event.position() - self._dragged_from
            self._dragged_from = event.position()
            self.pan(moved.x(), moved.y())
        elif self._pressed_at is not None:
            self._lasso.append(event.position())
            self.update()
        else:
            self._hover(self.row_at(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            self._dragged_from = None
            self.unsetCursor()
            return
        pressed, lasso = self._pressed_at, self._lasso
        self._pressed_at, self._lasso = None, []
        if pressed is None:
            return
        if (event.position() - pressed).manhattanLength() <= CLICK_PX and len(lasso) < 8:
            row = self.row_at(event.position())
            rows = np.array([row] if row >= 0 else [], np.int64)
        else:
            rows = self.rows_inside(QPolygonF(lasso))
        self.lassoed.emit(rows, event.modifiers())
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        row = self.row_at(event.position())
        if row >= 0:
            self.activated.emit(row)

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(-1)

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        self.view_changed.emit()

    # ---- inside

    def _hover(self, row: int) -> None:
        if row != self._hovered:
            self._hovered = row
            self.hovered.emit(row)
            self.update()

    def _changed(self) -> None:
        self.update()
        self.view_changed.emit()

    def _scale(self) -> float:
        """Returns pixels of the window for 1 of the plane: so that all points fit, times the zoom."""
        across = max(1.0, self.width() - 2 * MARGIN_PX) / self._extent.width()
        down = max(1.0, self.height() - 2 * MARGIN_PX) / self._extent.height()
        return min(across, down) * self._zoom

    def _corner(self) -> tuple[float, float]:
        """Returns where the plane's corner is in the widget."""
        scale = self._scale()
        return self.width() / 2 - self._centre.x() * scale, self.height() / 2 - self._centre.y() * scale

    def _to_plane(self, point: QPointF) -> QPointF:
        scale = self._scale()
        return QPointF(
            self._centre.x() + (point.x() - self.width() / 2) / scale,
            self._centre.y() + (point.y() - self.height() / 2) / scale,
        )

    def _radius_px(self) -> float:
        """Returns a point's radius: smaller the more there are, larger on zooming in."""
        area = self._extent.width() * self._extent.height() * self._scale() ** 2
        room = (area / max(1, len(self._places))) ** 0.5
        return float(min(6.0, max(1.0, 0.2 * room)))

    def _drawn(self) -> QImage:
        ratio = self.devicePixelRatioF()
        raster = self._raster
        raster.begin(
            round(self.width() * ratio), round(self.height() * ratio), QColor(theme().window).rgb() | 0xFF000000
        )
        if len(self._places):
            scale = np.float32(self._scale() * ratio)
            left, top = (float(value) * ratio for value in self._corner())
            x = (self._xs * scale + np.float32(left)).astype(np.int32)
            y = (self._ys * scale + np.float32(top)).astype(np.int32)
            radius, thin = max(1, round(self._radius_px() * ratio)), max(1, round(ratio))
            back, text, accent = (
                QColor(each).rgb() | 0xFF000000 for each in (theme().window, theme().text, theme().accent)
            )

            at, is_seen = raster.place(x, y)
            are_all_seen = bool(is_seen.all())

            def draw(some: NDArray[np.int64], colors: NDArray[np.uint32] | int, radius_px: int) -> None:
                seen = some if are_all_seen else some[is_seen[some]]
                raster.draw(at[seen], colors if isinstance(colors, int) else colors[seen], radius_px)

            selected, ringed = self._drawn_selected, self._drawn_ringed
            plain = self._faded_colors if len(selected) else self._drawn_colors
            draw(self._drawn_below, plain, radius)
            draw(self._drawn_above, plain, radius)
            if len(selected) <= MOST_OUTLINED:  # the outline goes round them all together, since the fill comes after
                draw(selected, accent, radius + 2 * thin)
            draw(selected, self._drawn_colors, radius)
            for color, further in ((text, 3 * thin), (back, 2 * thin)):
                draw(ringed, color, radius + further)
            draw(ringed, self._drawn_colors, radius)
        image = raster.image()
        image.setDevicePixelRatio(ratio)
        return image


def _faded(colors: NDArray[np.uint32], back: int) -> NDArray[np.uint32]:
    """Returns colours nearly as quiet as the background, for what is not selected while something is."""
    mixed = np.full(len(colors), 0xFF000000, np.uint32)
    for shift in (0, 8, 16):
        channel = (colors >> np.uint32(shift)) & np.uint32(0xFF)
        mixed |= ((channel * 3 + np.uint32(back >> shift & 0xFF) * 7) // 10).astype(np.uint32) << np.uint32(shift)
    return mixed
