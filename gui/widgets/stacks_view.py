"""The rows of stacks: what the user does with pictures and stacks by mouse and keys. Knows no project."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QItemSelectionModel, QPoint, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QWidget

from engine.language import tr
from gui.models.arrangement import ShownStacks
from gui.models.stack_list import StackListModel
from gui.theme import theme
from gui.thumbnails import Thumbnails
from gui.widgets.grid_layout import MARGIN_PX
from gui.widgets.grid_view import AnyIndex, GridView
from gui.widgets.image_card import CardFace
from gui.widgets.stack_layout import DEFAULT_TILE_PX, HEAD_PX, MAX_TILE_PX, MIN_TILE_PX, StackLayout
from gui.widgets.stack_paint import StackHead, paint_gap, paint_head, paint_panel, paint_tile

Other = tuple[str, str] | None


class StacksView(GridView):
    """Shows a StackListModel. Its current index is the picture that keys act on; the stack of it is the current one.

    Shift with the arrows, and Ctrl with a click on a head, select further stacks.
    """

    card_limits_px = (MIN_TILE_PX, MAX_TILE_PX)

    toggled = Signal(int)
    """The picture at a position is to be set aside, or taken in again."""
    activated_at = Signal(int)
    """A double click: the picture at a position is to be looked at alone."""
    naming_wanted = Signal()
    taking_in_wanted = Signal()
    """All pictures of the current stack are to be taken in."""
    left = Signal()
    stacks_selected = Signal()
    """The current stack or the selected ones are others."""

    def __init__(
        self,
        model: StackListModel,
        thumbnails: Thumbnails,
        face_of: Callable[[int], CardFace],
        head_of: Callable[[int], StackHead],
        other_of: Callable[[int, CardFace], Other],
        parent: QWidget | None = None,
    ) -> None:
        self._stacks = model
        self._head_of, self._other_of = head_of, other_of
        self._also: set[int] = set()
        self._stack_anchor = -1
        self._stack_before = -1
        self.bar: QWidget | None = None
        """Buttons that stand in the head of the current stack."""
        super().__init__(model, thumbnails, face_of, parent)
        self._card_px = DEFAULT_TILE_PX
        self.setObjectName("stacksView")
        self.setAccessibleName(tr("Stacks of look-alikes"))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)

    # ------------------------------------------------------------------------------------------------ what is shown

    @property
    def stack_layout(self) -> StackLayout:
        assert isinstance(self._layout, StackLayout)
        return self._layout

    @property
    def current_stack(self) -> int:
        """The stack of the current picture, -1 when there is none."""
        position = self.current_position()
        return self.stack_layout.stack_of(position) if position >= 0 else -1

    @property
    def selected_stacks(self) -> list[int]:
        """The current stack and those selected with it, in order."""
        current = self.current_stack
        return sorted(self._also | {current}) if current >= 0 else []

    def show_stacks(self, stacks: ShownStacks, position: int) -> None:
        """Shows other stacks and makes a picture current."""
        columns = self._list.columns
        assert columns is not None
        self._also.clear()
        self._stack_before = -1
        self._stacks.show(columns, stacks)
        self.go_to(position)

    def go_to(self, position: int) -> None:
        if 0 <= position < self._layout.num_items:
            self.selectionModel().setCurrentIndex(
                self._list.index(position, 0), QItemSelectionModel.SelectionFlag.NoUpdate
            )
            self._show_stack(self.stack_layout.stack_of(position), position)

    def go_to_stack(self, stack: int) -> None:
        """Makes the first picture of a stack current."""
        if 0 <= stack < self.stack_layout.num_stacks:
            self.go_to(int(self.stack_layout.starts[stack]))

    def update_rows(self, rows: NDArray[np.int64]) -> None:
        self.viewport().update()

    def place_bar(self) -> None:
        """Puts the buttons into the head of the current stack."""
        stack = self.current_stack
        if self.bar is None:
            return
        self.bar.setVisible(stack >= 0)
        if stack >= 0:
            head = self.stack_layout.head(stack)
            size = self.bar.sizeHint()
            top = head.top() - self.verticalOffset() + (HEAD_PX - size.height()) // 2
            self.bar.setGeometry(head.right() - size.width() + 1, top, size.width(), size.height())

    def naming_point(self, height_px: int) -> QPoint:
        """Returns where something of this height about the current stack covers the least, in the viewport: below it,
        or else below its head on the right."""
        panel = self.stack_layout.panel(max(0, self.current_stack)).translated(0, -self.verticalOffset())
        if panel.bottom() + height_px < self.viewport().height():
            return QPoint(panel.left(), panel.bottom() + 4)
        return QPoint(panel.right(), max(0, panel.top() + HEAD_PX))

    def _make_layout(self) -> StackLayout:
        shown = self._stacks.stacks
        return StackLayout(
            len(shown.rows), self.viewport().width(), self._card_px, starts=shown.starts, num_typical=shown.num_typical
        )

    def _card_to_keep(self, around: QPoint | None) -> int:
        layout, top = self._layout, self.verticalOffset()
        if around is not None:
            return layout.nearest(around + QPoint(0, top))
        seen, current = layout.positions_between(top, top + self.viewport().height()), self.current_position()
        return current if current in seen else seen.start

    def _show_stack(self, stack: int, position: int) -> None:
        """Scrolls so that the whole stack is seen, or else at least the picture."""
        layout, bar, height = self.stack_layout, self.verticalScrollBar(), self.viewport().height()
        area, margin = layout.panel(stack), MARGIN_PX
        if area.height() + 2 * margin > height:
            area = layout.rect(position)
            if position == layout.starts[stack]:
                area.setTop(layout.panel(stack).top())
        if area.top() - margin < bar.value():
            bar.setValue(area.top() - margin)
        elif area.bottom() + margin > bar.value() + height:
            bar.setValue(area.bottom() + margin - height)

    # ----------------------------------------------------------------------------------------------------- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.fillRect(event.rect(), QColor(theme().window))
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        layout, offset, current = self.stack_layout, self.verticalOffset(), self.current_stack
        area = event.rect().translated(0, offset)
        for stack in layout.stacks_between(area.top() - 2, area.bottom() + 2):
            is_current = stack == current
            head = replace(self._head_of(stack), is_current=is_current, is_selected=is_current or stack in self._also)
            paint_panel(painter, layout.panel(stack).translated(0, -offset), head)
            bar_px = self.bar.width() + 12 if is_current and self.bar is not None else 0
            paint_head(painter, layout.head(stack).translated(0, -offset), head, bar_px)
            gap = layout.gap(stack)
            if gap is not None:
                paint_gap(painter, gap.translated(0, -offset))
            self._paint_pictures(painter, stack, event, offset)
        painter.end()

    def _paint_pictures(self, painter: QPainter, stack: int, event: QPaintEvent, offset: int) -> None:
        layout, are_aside, region = self.stack_layout, self._stacks.stacks.are_aside, event.region()
        current = self.current_position()
        for position in range(int(layout.starts[stack]), int(layout.starts[stack + 1])):
            rect = layout.rect(position).translated(0, -offset)
            if not region.intersects(rect.adjusted(-2, -2, 2, 2)):
                continue
            face = replace(
                self._face_of(position), is_current=position == current, is_hovered=position == self._hovered
            )
            is_aside = bool(are_aside[position])
            paint_tile(painter, self._painter, rect, face, is_aside, self._other_of(position, face))

    def currentChanged(self, current: AnyIndex, previous: AnyIndex) -> None:
        super().currentChanged(current, previous)
        stack = self.current_stack
        if stack != self._stack_before:
            self._stack_before = stack
            self.place_bar()
            self.viewport().update()
            self.stacks_selected.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        current, layout, top = self.current_position(), self.stack_layout, self.verticalOffset()
        was_seen = current in layout.positions_between(top, top + event.oldSize().height())
        super().resizeEvent(event)
        if was_seen and current < self._layout.num_items:
            self._show_stack(self.current_stack, current)
        self.place_bar()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        super().scrollContentsBy(dx, dy)
        self.place_bar()

    def set_card_px(self, size: int, around: QPoint | None = None) -> None:
        super().set_card_px(size, around)
        self.place_bar()

    # -------------------------------------------------------------------------------------------------------- mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        point = event.position().toPoint() + QPoint(0, self.verticalOffset())
        stack, position = self.stack_layout.stack_at(point), self.stack_layout.position_at(point)
        modifiers = event.modifiers()
        if stack < 0 or event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton):
            return
        if event.button() == Qt.MouseButton.LeftButton and modifiers & Qt.KeyboardModifier.ControlModifier:
            self._toggle_stack(stack)
        elif event.button() == Qt.MouseButton.LeftButton and modifiers & Qt.KeyboardModifier.ShiftModifier:
            self._select_to(stack)
        elif event.button() == Qt.MouseButton.LeftButton or stack not in self.selected_stacks:
            self._forget_also()
            wanted = position if position >= 0 else int(self.stack_layout.starts[stack])
            self.selectionModel().setCurrentIndex(
                self._list.index(wanted, 0), QItemSelectionModel.SelectionFlag.NoUpdate
            )
            if position >= 0 and event.button() == Qt.MouseButton.LeftButton:
                self.toggled.emit(position)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position().toPoint() + QPoint(0, self.verticalOffset())
        self._hover(self.stack_layout.position_at(point))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Everything happened when the button went down."""

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        point = event.position().toPoint() + QPoint(0, self.verticalOffset())
        position = self.stack_layout.position_at(point)
        if event.button() == Qt.MouseButton.LeftButton and position >= 0:
            self.toggled.emit(position)  # takes back what its first half did
            self.activated_at.emit(position)
        else:
            self.mousePressEvent(event)

    # --------------------------------------------------------------------------------------------------------- keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys, key = Qt.Key, Qt.Key(event.key())
        has_shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        has_ctrl = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        stack, last = self.current_stack, self.stack_layout.num_stacks - 1
        page = max(1, len(self._whole_stacks()))
        to_stack = {
            keys.Key_Up: stack - 1, keys.Key_Down: stack + 1, keys.Key_PageUp: stack - page,
            keys.Key_PageDown: stack + page, keys.Key_Home: 0, keys.Key_End: last,
        }.get(key)  # fmt: skip
        if to_stack is not None and last >= 0:
            wanted = max(0, min(last, to_stack))
            if has_shift:
                self._select_to(wanted)
            else:
                self._forget_also()
                if wanted != stack:
                    self.go_to_stack(wanted)
        elif key in (keys.Key_Left, keys.Key_Right):
            self._forget_also()
            step = 1 if key == keys.Key_Right else -1
            self.go_to(max(0, min(self._layout.num_items - 1, self.current_position() + step)))
        elif key in (keys.Key_Return, keys.Key_Enter):
            self.naming_wanted.emit()
        elif key in (keys.Key_Space, keys.Key_Delete) and self.current_position() >= 0:
            self.toggled.emit(self.current_position())
        elif key == keys.Key_A and has_ctrl:
            self.taking_in_wanted.emit()
        elif key == keys.Key_Escape:
            if self._also:
                self._forget_also()
            else:
                self.left.emit()
        else:
            event.ignore()

    def _whole_stacks(self) -> range:
        top = self.verticalOffset()
        return self.stack_layout.stacks_between(top + HEAD_PX, top + self.viewport().height() - HEAD_PX)

    def _select_to(self, stack: int) -> None:
        """Selects the stacks from where Shift was first used to another one, and makes that current."""
        if not self._also:
            self._stack_anchor = self.current_stack
        first, last = sorted((self._stack_anchor, stack))
        also = set(range(first, last + 1))
        self.go_to_stack(stack)
        self._also = also if len(also) > 1 else set()
        self._tell_selection()

    def _toggle_stack(self, stack: int) -> None:
        """Adds a stack to the selection, or takes it out."""
        current = self.current_stack
        if stack == current:
            self._also.discard(stack)
            others = sorted(self._also - {stack})
            if others:
                self.go_to_stack(others[0])
        else:
            self._also ^= {stack}
            self._also.add(current)
        if self._also == {self.current_stack}:
            self._also = set()
        self._tell_selection()

    def _forget_also(self) -> None:
        if self._also:
            self._also = set()
            self._tell_selection()

    def _tell_selection(self) -> None:
        self.viewport().update()
        self.stacks_selected.emit()
