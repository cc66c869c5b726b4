"""The pictures of a block: as many as fit whole. A click takes one out or puts it back, a drag all that it meets."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractItemView, QWidget

from engine.language import tr
from gui.models.image_list import ImageListModel
from gui.thumbnails import Thumbnails
from gui.widgets.grid_layout import GAP_PX, MARGIN_PX, MAX_CARD_PX, MIN_CARD_PX, GridLayout
from gui.widgets.grid_view import ZOOM_STEP, Flag, GridView
from gui.widgets.image_card import CardFace

SMALLER = 0.8
"""Cards may be smaller by this factor than was asked for, so that whole ones fill the view."""


class BlockGrid(GridView):
    """It never scrolls: what does not fit is on the next page."""

    toggle_wanted = Signal(int)
    """The position of a card that was clicked, or that a drag reached."""
    accept_wanted = Signal()
    """Enter."""
    class_wanted = Signal(int)
    """To the next class (1) or the one before (-1)."""
    closed = Signal()
    capacity_changed = Signal(int)
    """So many cards fit now."""

    def __init__(
        self,
        model: ImageListModel,
        thumbnails: Thumbnails,
        face_of: Callable[[int], CardFace],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(model, thumbnails, face_of, parent)
        self.setObjectName("blockGrid")
        self.setAccessibleName(tr("Suggestions of one class"))
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self._dragged = -1
        self._wanted_px = self._card_px

    @property
    def capacity(self) -> int:
        """How many cards fit whole."""
        return self._layout.num_columns * self._num_lines(self._layout)

    def point_at(self, position: int) -> None:
        """Makes a card the one that keys act on."""
        self.selectionModel().setCurrentIndex(self._list.index(position, 0), Flag.NoUpdate)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        position = self.indexAt(event.position().toPoint()).row()
        if position < 0:
            return
        self.point_at(position)
        if event.button() == Qt.MouseButton.LeftButton:
            self._dragged = position
            self.toggle_wanted.emit(position)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)  # two clicks are two clicks here

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        position = self.indexAt(event.position().toPoint()).row()
        if not event.buttons():
            self._hover(position)
        elif event.buttons() & Qt.MouseButton.LeftButton and self._dragged >= 0 <= position != self._dragged:
            self._dragged = position
            self.point_at(position)
            self.toggle_wanted.emit(position)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragged = -1

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom_by(ZOOM_STEP ** (event.angleDelta().y() / 120), event.position().toPoint())
        event.accept()

    def zoom_by(self, factor: float, around: QPoint) -> None:
        wanted = (self.wanted_px + self._zoom_rest) * factor  # more or fewer pictures: there is no place to keep
        self._zoom_rest = wanted - round(wanted)
        self.set_card_px(round(wanted))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys, actions = Qt.Key, QAbstractItemView.CursorAction
        key = keys(event.key())
        move = {
            keys.Key_Left: actions.MoveLeft, keys.Key_Right: actions.MoveRight, keys.Key_Up: actions.MoveUp,
            keys.Key_Down: actions.MoveDown, keys.Key_Home: actions.MoveHome, keys.Key_End: actions.MoveEnd,
        }.get(key)  # fmt: skip
        if move is not None:
            target = self.moveCursor(move, event.modifiers())
            if target.isValid():
                self.point_at(target.row())
        elif key in (keys.Key_PageDown, keys.Key_PageUp):
            self.class_wanted.emit(1 if key == keys.Key_PageDown else -1)
        elif key in (keys.Key_Return, keys.Key_Enter):
            if not event.isAutoRepeat():  # a key held down would accept page after page unseen
                self.accept_wanted.emit()
        elif key == keys.Key_Escape:
            self.closed.emit()
        else:
            event.ignore()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.capacity_changed.emit(self.capacity)

    def set_card_px(self, size: int, around: object = None) -> None:
        self._wanted_px = max(MIN_CARD_PX, min(MAX_CARD_PX, size))
        self._relayout()
        self.capacity_changed.emit(self.capacity)

    @property
    def wanted_px(self) -> int:
        """The size that was asked for; the cards are a little smaller, so that they fill the view."""
        return self._wanted_px

    def _relayout(self, keeps_place: bool = True, around: QPoint | None = None) -> None:
        wanted = getattr(self, "_wanted_px", self._card_px)  # the base class lays out before there is a wish
        sizes = range(max(MIN_CARD_PX, round(wanted * SMALLER)), wanted + 1, 2)
        self._card_px = max(sizes, key=lambda size: (self._covered(size), size))
        super()._relayout(keeps_place, around)

    def _covered(self, size: int) -> int:
        """Returns how many square pixels a full page of whole cards covers."""
        layout = GridLayout(1, self.viewport().width(), size)
        cards = layout.num_columns * self._num_lines(layout)
        return cards * layout.card_width_px * layout.card_height_px

    def _num_lines(self, layout: GridLayout) -> int:
        room = self.viewport().height() - 2 * MARGIN_PX + GAP_PX
        return max(1, room // layout.line_height_px)
