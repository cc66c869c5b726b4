"""The grid of images with the selection manners of a file manager: click, Shift, Ctrl, rubber band, drag, keys, zoom.

A drag from a card takes the selection along, or this card alone where it was not selected; from anywhere else, or where
there is nothing to drop images on, it draws a rubber band. So it does from a card that is pressed with Shift or Ctrl.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QItemSelection, QItemSelectionModel, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QApplication, QWidget

from gui.models.image_list import ImageListModel
from gui.theme import theme
from gui.thumbnails import Thumbnails
from gui.widgets.grid_selection import to_selection
from gui.widgets.grid_view import GridView
from gui.widgets.image_card import CardFace
from gui.widgets.image_drag import drag_images
from gui.widgets.rubber_band import RubberBand

Flag = QItemSelectionModel.SelectionFlag
SCROLL_EDGE_PX = 24


class ImageGrid(GridView):
    """A GridView that the user works with."""

    position_activated = Signal(int)
    """Enter or a double click on a card."""
    is_drag_source = True
    """Whether there is something beside it to drop images on."""

    def __init__(
        self,
        model: ImageListModel,
        thumbnails: Thumbnails,
        face_of: Callable[[int], CardFace],
        parent: QWidget | None = None,
    ) -> None:
        self._band = RubberBand()
        super().__init__(model, thumbnails, face_of, parent)
        self.viewport().setMouseTracking(True)
        self._pressed = -1
        self._press_point = QPoint()
        self._band_timer = QTimer(self, interval=30)
        self._band_timer.timeout.connect(self._scroll_with_band)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        point = event.position().toPoint()
        position = self.indexAt(point).row()
        modifiers = event.modifiers()
        has_ctrl = bool(modifiers & Qt.KeyboardModifier.ControlModifier)
        has_shift = bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
        if event.button() == Qt.MouseButton.RightButton:
            if position >= 0 and not self.selectionModel().isSelected(self._list.index(position, 0)):
                self.go_to(position)
            return
        if event.button() != Qt.MouseButton.LeftButton:
            return
        selected = self.selected_positions()
        self._pressed = -1
        self._band.press(point + QPoint(0, self.verticalOffset()))
        if has_ctrl or has_shift:
            self._band.keep(selected, toggles=has_ctrl)
        if position < 0:
            if not has_ctrl and not has_shift:
                self.clearSelection()
        elif has_shift and self._anchor >= 0:
            self._select_to(position, keeps_others=has_ctrl)
        elif has_ctrl:
            self._anchor = position
            self.selectionModel().setCurrentIndex(self._list.index(position, 0), Flag.Toggle)
            self._band.keep(self.selected_positions(), toggles=True)
        elif position in selected:
            # Either a drag of the whole selection begins here, or the release selects this one.
            self._note_press(position, point)
            self.selectionModel().setCurrentIndex(self._list.index(position, 0), Flag.NoUpdate)
        else:
            self._select_alone(position)
            if self.is_drag_source:
                self._note_press(position, point)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position().toPoint()
        if not event.buttons():
            self._hover(self.indexAt(point).row())
        elif event.buttons() & Qt.MouseButton.LeftButton and self._pressed >= 0 and self.is_drag_source:
            if (point - self._press_point).manhattanLength() >= QApplication.startDragDistance():
                self._pressed = -1
                self._band.release()
                self._drag_selection()
        elif event.buttons() & Qt.MouseButton.LeftButton:
            self._stretch_band(point + QPoint(0, self.verticalOffset()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._band_timer.stop()
        if self._band.rect is not None:
            self.viewport().update()
        self._band.release()
        if self._pressed >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self._select_alone(self._pressed)
            self._pressed = -1

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        position = self.indexAt(event.position().toPoint()).row()
        plain = not event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
        if event.button() == Qt.MouseButton.LeftButton and position >= 0 and plain:
            self._pressed = -1
            self.position_activated.emit(position)
        else:
            self.mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = Qt.Key
        actions = QAbstractItemView.CursorAction
        move = {
            keys.Key_Left: actions.MoveLeft, keys.Key_Right: actions.MoveRight, keys.Key_Up: actions.MoveUp,
            keys.Key_Down: actions.MoveDown, keys.Key_Home: actions.MoveHome, keys.Key_End: actions.MoveEnd,
            keys.Key_PageUp: actions.MovePageUp, keys.Key_PageDown: actions.MovePageDown,
        }.get(keys(event.key()))  # fmt: skip
        modifiers = event.modifiers()
        if move is not None:
            target = self.moveCursor(move, modifiers)
            if target.isValid():
                self._move_to(target.row(), modifiers)
        elif event.key() in (keys.Key_Return, keys.Key_Enter):
            if self.current_position() >= 0:
                self.position_activated.emit(self.current_position())
        elif event.key() == keys.Key_Space and modifiers == Qt.KeyboardModifier.ControlModifier:
            self._anchor = self.current_position()
            self.selectionModel().select(self.currentIndex(), Flag.Toggle)
        elif event.key() == keys.Key_A and modifiers & Qt.KeyboardModifier.ControlModifier:
            self.selectAll()
        elif event.key() == keys.Key_Escape and len(self.selected_positions()) > 1:
            self.go_to(self.current_position())
        else:
            # Not QAbstractItemView's: it would search item texts, and letters are class keys here.
            event.ignore()

    def reset(self) -> None:
        super().reset()
        self._pressed = -1  # another image may be there now

    def selectAll(self) -> None:
        self.selectionModel().select(
            to_selection(self._list, np.arange(self._layout.num_items, dtype=np.int64)), Flag.ClearAndSelect
        )

    def _note_press(self, position: int, point: QPoint) -> None:
        self._pressed = position
        self._press_point = point

    def _select_alone(self, position: int) -> None:
        self._anchor = position
        self.selectionModel().setCurrentIndex(self._list.index(position, 0), Flag.ClearAndSelect)

    def _drag_selection(self) -> None:
        """Lets the selected images be dropped on a class."""
        selected = self.selected_positions()
        first = [self.current_position(), *selected[selected != self.current_position()][:2].tolist()]
        pictures = [self._thumbnails.get(image_id) for image_id in self._list.image_ids(np.array(first)).tolist()]
        drag_images(self, pictures, len(selected))

    def _move_to(self, position: int, modifiers: Qt.KeyboardModifier) -> None:
        if modifiers & Qt.KeyboardModifier.ShiftModifier:
            if self._anchor < 0:
                self._anchor = max(0, self.current_position())
            self._select_to(position, keeps_others=False)
            self.scrollTo(self._list.index(position, 0))
        elif modifiers & Qt.KeyboardModifier.ControlModifier:
            self.selectionModel().setCurrentIndex(self._list.index(position, 0), Flag.NoUpdate)
            self.scrollTo(self._list.index(position, 0))
        else:
            self.go_to(position)

    def _select_to(self, position: int, keeps_others: bool) -> None:
        """Selects in reading order from the anchor to a position, and makes that current."""
        model = self.selectionModel()
        first, last = sorted((self._anchor, position))
        between = QItemSelection(self._list.index(first, 0), self._list.index(last, 0))
        model.select(between, Flag.Select if keeps_others else Flag.ClearAndSelect)
        model.setCurrentIndex(self._list.index(position, 0), Flag.NoUpdate)

    def _stretch_band(self, content: QPoint) -> None:
        inside = self._band.stretch(content, self._layout)
        if inside is None:
            return
        if not self._band_timer.isActive():
            self._band_timer.start()
        self.selectionModel().select(to_selection(self._list, inside), Flag.ClearAndSelect)
        if len(inside):
            nearest = self._layout.position_at(content)
            current = nearest if nearest in (inside[0], inside[-1]) else int(inside[0])
            self.selectionModel().setCurrentIndex(self._list.index(current, 0), Flag.NoUpdate)
        self.viewport().update()

    def _scroll_with_band(self) -> None:
        point = self.viewport().mapFromGlobal(self.cursor().pos())
        over = point.y() - self.viewport().height() + SCROLL_EDGE_PX
        under = SCROLL_EDGE_PX - point.y()
        if over > 0 or under > 0:
            bar = self.verticalScrollBar()
            bar.setValue(bar.value() + (over if over > 0 else -under))
            self._stretch_band(point + QPoint(0, self.verticalOffset()))

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        super().scrollContentsBy(dx, dy)
        if self._band.rect is not None:
            self.viewport().update()

    def _paint_over(self, painter: QPainter) -> None:
        if self._band.rect is None:
            return
        accent = QColor(theme().accent)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(QPen(accent, 1))
        accent.setAlpha(40)
        painter.setBrush(accent)
        painter.drawRect(self._band.rect.translated(0, -self.verticalOffset()))
