"""A view of image cards with arithmetic layout: where things are, scrolling, painting. What the user does is elsewhere.

It opens, resizes and jumps in the same time for any number of images (QListView would lay out every one of them).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QPainter,
    QPaintEvent,
    QRegion,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QWidget

from engine.language import tr
from gui.models.image_list import ImageListModel
from gui.theme import theme
from gui.thumbnails import THUMBNAIL_PX, Thumbnails
from gui.widgets.grid_layout import DEFAULT_CARD_PX, MARGIN_PX, MAX_CARD_PX, MIN_CARD_PX, GridLayout
from gui.widgets.grid_selection import positions_within, to_positions, to_selection
from gui.widgets.image_card import CardFace, CardPainter
from gui.widgets.pinch import follow_pinch

AnyIndex = QModelIndex | QPersistentModelIndex
Flag = QItemSelectionModel.SelectionFlag
ZOOM_STEP = 1.12
"""How much larger or smaller the pictures become with a notch of the wheel."""


class GridView(QAbstractItemView):
    """Shows an ImageListModel as cards. The selection model's current index is the image that keys act on."""

    card_limits_px = (MIN_CARD_PX, MAX_CARD_PX)

    positions_changed = Signal()
    """The selection or the current position is another one; told once per turn of the event loop."""
    card_size_changed = Signal(int)

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
        self._consumer = f"grid {id(self)}"  # there may be several grids on the same thumbnails
        self._painter = CardPainter()
        self._painted: dict[int, CardFace] = {}
        """The faces on screen, by position."""
        self._card_px = DEFAULT_CARD_PX
        self._layout = GridLayout(0, 1, self._card_px)
        self._anchor = -1
        self._hovered = -1
        self._zoom_rest = 0.0
        self.setObjectName("imageGrid")
        self.setAccessibleName(tr("Images"))
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # Always there: a bar that comes and goes would change the width, and with it every line.
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        # A click must not scroll; where scrolling is right, it is asked for.
        self.setAutoScroll(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        # Without anything shining through from behind, scrolling moves what is painted and paints only the new stripe.
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._notice = QTimer(self, singleShot=True, interval=0)
        self._notice.timeout.connect(self.positions_changed)
        self._wish_timer = QTimer(self, singleShot=True, interval=0)
        self._wish_timer.timeout.connect(self._ask_for_pictures)
        self.setModel(model)
        thumbnails.loaded.connect(self._on_pictures_loaded)

    # ------------------------------------------------------------------------------------- what the workspace uses

    @property
    def card_px(self) -> int:
        return self._card_px

    def set_card_px(self, size: int, around: QPoint | None = None) -> None:
        """Zooms; the card under the point `around` keeps its height on screen, or else the current (or first) one."""
        size = max(self.card_limits_px[0], min(self.card_limits_px[1], size))
        if size != self._card_px:
            self._card_px = size
            self._relayout(around=around)
            self.card_size_changed.emit(size)

    def current_position(self) -> int:
        return self.currentIndex().row()

    def selected_positions(self) -> NDArray[np.int64]:
        """Returns the selected positions, sorted; empty when only a current image is there."""
        return to_positions(self.selectionModel())

    def go_to(self, position: int) -> None:
        """Makes one position current and the only selected one, and brings it into view."""
        if 0 <= position < self._layout.num_items:
            self._anchor = position
            self.selectionModel().setCurrentIndex(self._list.index(position, 0), Flag.ClearAndSelect)
            self.scrollTo(self.currentIndex())

    def select_positions(self, positions: NDArray[np.int64], current: int) -> None:
        """Selects sorted positions and makes one current, without scrolling."""
        model = self.selectionModel()
        model.select(to_selection(self._list, positions), Flag.ClearAndSelect)
        if 0 <= current < self._layout.num_items:
            self._anchor = current
            model.setCurrentIndex(self._list.index(current, 0), Flag.NoUpdate)

    def update_rows(self, rows: NDArray[np.int64]) -> None:
        """Paints the cards of these rows of the columns anew that are on screen and look different now."""
        visible = self.visible_positions()
        shown = self._list.rows[visible.start : visible.stop]
        for at in np.flatnonzero(np.isin(shown, rows)).tolist():
            position = visible.start + at
            if self._face_of(position) != self._painted.get(position):
                self._update_card(position)

    def forget_pictures(self) -> None:
        """Drops what was scaled, because other files are shown now, and asks for their pictures."""
        self._painter.forget()
        self.viewport().update()
        self._wish_timer.start()

    # ------------------------------------------------------------------------------------------------- item view

    def visualRect(self, index: AnyIndex) -> QRect:
        if not index.isValid():
            return QRect()
        return self._layout.rect(index.row()).translated(0, -self.verticalOffset())

    def indexAt(self, point: QPoint) -> QModelIndex:
        position = self._layout.position_at(point + QPoint(0, self.verticalOffset()))
        return self._list.index(position, 0) if position >= 0 else QModelIndex()

    def scrollTo(
        self, index: AnyIndex, hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible
    ) -> None:
        if not index.isValid():
            return
        rect = self._layout.rect(index.row())
        bar, height = self.verticalScrollBar(), self.viewport().height()
        if hint == QAbstractItemView.ScrollHint.PositionAtCenter:
            bar.setValue(rect.center().y() - height // 2)
        elif rect.top() - MARGIN_PX < bar.value() or hint == QAbstractItemView.ScrollHint.PositionAtTop:
            bar.setValue(rect.top() - MARGIN_PX)
        elif rect.bottom() + MARGIN_PX > bar.value() + height:
            bar.setValue(rect.bottom() + MARGIN_PX - height)

    def horizontalOffset(self) -> int:
        return 0

    def verticalOffset(self) -> int:
        return self.verticalScrollBar().value()

    def isIndexHidden(self, index: AnyIndex) -> bool:
        return False

    def setSelection(self, rect: QRect, command: QItemSelectionModel.SelectionFlag) -> None:
        positions = self._layout.positions_in(rect.translated(0, self.verticalOffset()))
        self.selectionModel().select(to_selection(self._list, positions), command)

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:
        region = QRegion()
        for position in positions_within(selection, self.visible_positions()):
            region += self._layout.rect(position).translated(0, -self.verticalOffset())
        return region

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        actions = QAbstractItemView.CursorAction
        last = self._layout.num_items - 1
        if last < 0:
            return QModelIndex()
        now = self.current_position()
        page = max(1, self.viewport().height() // self._layout.line_height_px)
        lines = {actions.MoveUp: -1, actions.MoveDown: 1, actions.MovePageUp: -page, actions.MovePageDown: page}
        if action == actions.MoveHome or now < 0:
            wanted = 0
        elif action == actions.MoveEnd:
            wanted = last
        elif action in lines:
            wanted = self._layout.moved(now, lines[action])
        else:
            back = action in (actions.MoveLeft, actions.MovePrevious)
            wanted = max(0, min(last, now + (-1 if back else 1)))
        return self._list.index(wanted, 0)

    def reset(self) -> None:
        super().reset()
        self._anchor = -1
        self._hovered = -1
        self._relayout(keeps_place=False)
        self._notice.start()

    def updateGeometries(self) -> None:
        super().updateGeometries()
        bar = self.verticalScrollBar()
        bar.setRange(0, max(0, self._layout.height_px - self.viewport().height()))
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(max(20, self._layout.line_height_px // 3))

    def currentChanged(self, current: AnyIndex, previous: AnyIndex) -> None:
        super().currentChanged(current, previous)
        self._update_card(current.row())
        self._update_card(previous.row())
        self._notice.start()

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        visible = self.visible_positions()
        for position in positions_within(selected, visible) | positions_within(deselected, visible):
            self._update_card(position)
        self._update_card(self.current_position())  # its second frame depends on whether it is the only one
        self._notice.start()

    def sizeHint(self) -> QSize:
        return QSize(900, 640)

    # ----------------------------------------------------------------------------------------------------- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.fillRect(event.rect(), QColor(theme().window))
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        offset = self.verticalOffset()
        area = event.rect().translated(0, offset)
        positions = self._layout.positions_between(area.top() - 2, area.bottom() + 2)
        selected = positions_within(self.selectionModel().selection(), positions)
        # Inside one selected card a second frame would say nothing.
        current = -1 if self._has_one_selected() and self.current_position() in selected else self.current_position()
        region = event.region()
        for position in positions:
            rect = self._layout.rect(position).translated(0, -offset)
            if not region.intersects(rect.adjusted(-2, -2, 2, 2)):
                continue
            face = self._painted[position] = self._face_of(position)
            state = replace(
                face,
                is_selected=position in selected,
                is_current=position == current,
                is_hovered=position == self._hovered,
            )
            self._painter.paint(painter, rect, state)
        self._paint_over(painter)
        painter.end()
        visible = self.visible_positions()
        if len(self._painted) > 2 * len(visible):
            self._painted = {position: face for position, face in self._painted.items() if position in visible}

    def _paint_over(self, painter: QPainter) -> None:
        """Paints what lies over the cards."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._relayout()

    def _has_one_selected(self) -> bool:
        selection = self.selectionModel().selection()
        return selection.count() == 1 and selection.at(0).height() == 1

    def _relayout(self, keeps_place: bool = True, around: QPoint | None = None) -> None:
        old, bar = self._layout, self.verticalScrollBar()
        kept = self._card_to_keep(around) if keeps_place and old.num_items else -1
        # Which part of the card stays where: the one under the pointer, or else its upper edge.
        share, y = 0.0, 0
        if kept >= 0:
            top = old.rect(kept).top() - bar.value()
            y = top if around is None else around.y()
            share = (y - top) / old.line_height_px
        self._layout = self._make_layout()
        self.updateGeometries()
        if 0 <= kept < self._layout.num_items and (bar.value() or around is not None):
            bar.setValue(round(self._layout.rect(kept).top() + share * self._layout.line_height_px) - y)
        self.viewport().update()
        self._wish_timer.start()

    def _make_layout(self) -> GridLayout:
        return GridLayout(len(self._list.rows), self.viewport().width(), self._card_px)

    def _card_to_keep(self, around: QPoint | None) -> int:
        """Returns the card that must not move when the layout changes."""
        layout, top, height = self._layout, self.verticalOffset(), self.viewport().height()
        if around is not None:
            return layout.nearest(around + QPoint(0, top))
        kept = self.current_position()
        if kept >= 0 and -layout.card_height_px < layout.rect(kept).top() - top < height:
            return kept
        first = layout.lines_between(top + layout.line_height_px // 2, 1 << 40).start
        return min(layout.num_items - 1, first * layout.num_columns)

    def _on_pictures_loaded(self, image_ids: list[int]) -> None:
        """Paints anew only the cards whose pictures came: the others must not flicker, nor cost anything."""
        visible = self.visible_positions()
        shown = self._list.image_ids(np.arange(visible.start, visible.stop))
        for at in np.flatnonzero(np.isin(shown, image_ids)).tolist():
            self._update_card(visible.start + at)

    def _update_card(self, position: int) -> None:
        if position >= 0:
            self.viewport().update(
                self._layout.rect(position).translated(0, -self.verticalOffset()).adjusted(-2, -2, 2, 2)
            )

    def _hover(self, position: int) -> None:
        if position != self._hovered:
            before, self._hovered = self._hovered, position
            self._update_card(before)
            self._update_card(position)

    def leaveEvent(self, event: object) -> None:
        self._hover(-1)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom_by(ZOOM_STEP ** (event.angleDelta().y() / 120), event.position().toPoint())
            event.accept()
        else:
            super().wheelEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        return follow_pinch(event, lambda factor, at: self.zoom_by(factor, at.toPoint())) or super().viewportEvent(
            event
        )

    def zoom_by(self, factor: float, around: QPoint) -> None:
        """Makes the pictures larger or smaller; the card under a point keeps its height on screen."""
        # Touchpads send many small steps: what is left of a pixel is kept for the next one.
        wanted = (self._card_px + self._zoom_rest) * factor
        self._zoom_rest = wanted - round(wanted)
        self.set_card_px(round(wanted), around=around)

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        self.viewport().scroll(0, dy)  # moves what is painted; only the new stripe is painted anew
        self._wish_timer.start()

    def visible_positions(self) -> range:
        """Returns the positions on screen."""
        top = self.verticalOffset()
        return self._layout.positions_between(top, top + self.viewport().height())

    def _ask_for_pictures(self) -> None:
        if not self.isVisible():
            self._thumbnails.want(self._consumer, [])
            return
        visible = self.visible_positions()
        ahead = range(visible.stop, min(self._layout.num_items, visible.stop + len(visible)))
        ids = self._list.image_ids(np.array([*visible, *ahead], dtype=np.int64)).tolist()
        ratio = self.devicePixelRatioF()
        needs_sharp = self._layout.card_width_px * ratio > THUMBNAIL_PX * 1.15
        self._thumbnails.want(self._consumer, ids, sharp=needs_sharp)

    def showEvent(self, event: object) -> None:
        super().showEvent(event)  # type: ignore[arg-type]
        self._wish_timer.start()
