"""The confusion matrix as one painted view: rows are the true classes, columns what the model said.

It scrolls and zooms to a hundred classes and more; only the cells on screen are painted. Every cell can be reached by
keys and opened.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QSizePolicy, QToolTip, QWidget

from engine.language import tr
from gui import wording
from gui.theme import font
from gui.widgets.confusion_layout import MAX_CELL_PX, MIN_CELL_PX, UPRIGHT_PX, ConfusionLayout, fitting
from gui.widgets.confusion_paint import DOT_PX, HEAD_PX, ConfusionPicture, Counting

MAX_NAME_PX, MIN_NAME_PX, MAX_UPRIGHT_PX = 132, 56, 96
ZOOM_STEP = 1.25
LYING_PX = 92
"""Columns as wide as this have names that lie, even if they are cut short."""
SLANT = 0.6
"""Width of a name that stands on end against its length."""


class ConfusionView(QAbstractScrollArea):
    """Cells are named by class index (true, said), whatever order they are shown in."""

    cell_opened = Signal(int, int)
    """A click or Enter on a cell: true class, class that the model said."""
    current_changed = Signal(int, int)
    """Arrow keys or a click made another cell the current one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: list[str] = []
        self._colors: list[QColor] = []
        self._counts: NDArray[np.int64] = np.zeros((0, 0), np.int64)
        self._shares: NDArray[np.float64] = np.zeros((0, 0))
        self._order: NDArray[np.int64] = np.zeros(0, np.int64)
        self._counting = Counting.COUNTS
        self._cell_px: int | None = None
        self._layout = ConfusionLayout(0, MIN_CELL_PX)
        self._current: tuple[int, int] | None = None
        self._hovered: tuple[int, int] | None = None
        self._side_px, self._top_px = MIN_NAME_PX, HEAD_PX
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(tr("Confusion matrix: rows are the true classes, columns what the model said"))
        self.viewport().setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)

    # ------------------------------------------------------------------------------------------------ what is shown

    def set_matrix(self, names: Sequence[str], colors: Sequence[str], counts: NDArray[np.int64]) -> None:
        """Shows counts (K, K) of classes with these names and "#rrggbb" colours; the order begins anew."""
        is_other_size = len(names) != len(self._names)
        self._names, self._colors = list(names), [QColor(each) for each in colors]
        self._counts = counts
        self._order = np.arange(len(names))
        if is_other_size:
            self._current = None
        self.set_counting(self._counting)
        self._fit()

    def set_counting(self, counting: Counting) -> None:
        """Shows counts, or shares of the row (of the class) or of the column (of the model's answer)."""
        self._counting = counting
        along = self._counts.sum(axis=0 if counting is Counting.COLUMNS else 1, keepdims=True)
        self._shares = self._counts / np.maximum(along, 1)
        self._tell_current()
        self.viewport().update()

    def set_order(self, order: NDArray[np.int64]) -> None:
        """Shows the classes in this order (K,) of their indices."""
        self._order = order
        self._show_current()
        self.viewport().update()

    @property
    def current(self) -> tuple[int, int] | None:
        """The cell that keys act on, as (true, said)."""
        return self._current

    def set_current(self, true: int, said: int) -> None:
        """Makes a cell the current one and brings it into view."""
        if max(true, said) < len(self._names):
            self._current = (true, said)
            self._tell_current()
            self._show_current()
            self.viewport().update()
            self.current_changed.emit(true, said)

    def zoom_by(self, factor: float) -> None:
        """Makes the cells larger or smaller."""
        now = self._layout.cell_px
        wanted = max(now + 1, round(now * factor)) if factor > 1 else min(now - 1, round(now * factor))
        self._cell_px = max(MIN_CELL_PX, min(MAX_CELL_PX, wanted))
        self._fit()
        self._show_current()

    def zoom_to_fit(self) -> None:
        """Makes the cells as large as they can be for all to be seen."""
        self._cell_px = None
        self._fit()

    def sentence(self, true: int, said: int) -> str:
        """Returns a cell in words."""
        number, total = int(self._counts[true, said]), int(self._counts[true].sum())
        if true == said:
            return tr(
                "{number:,} of {total:,} images of {class_name} were recognised.",
                number=number,
                total=total,
                class_name=self._names[true],
            )
        return tr(
            "{images} of {class_name} taken for {other}.",
            images=wording.count(number, "image"),
            class_name=self._names[true],
            other=self._names[said],
        )

    def text(self) -> str:
        """Returns the current cell in words, for tests and assistive technology."""
        return self.sentence(*self._current) if self._current is not None else ""

    def picture(self) -> ConfusionPicture:
        """Returns what is seen now, with the places of the cells in the viewport."""
        bars = self.horizontalScrollBar(), self.verticalScrollBar()
        return ConfusionPicture(
            names=self._names,
            colors=self._colors,
            counts=self._counts,
            shares=self._shares,
            order=self._order,
            counting=self._counting,
            layout=self._layout,
            side_px=self._side_px,
            top_px=self._top_px,
            across=bars[0].value(),
            down=bars[1].value(),
            current=self._current,
            hovered=self._hovered,
        )

    # ------------------------------------------------------------------------------------------------------- places

    def sizeHint(self) -> QSize:
        side = 48 if len(self._names) <= 10 else 400 // max(1, len(self._names))
        wanted = ConfusionLayout(max(1, len(self._names)), max(10, side)).size_px
        return QSize(self._side_px + min(460, wanted[0]), self._top_px + min(420, wanted[1]))

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 140)

    def _fit(self) -> None:
        """Chooses the size of the cells and the room for the names, and sets the scroll bars."""
        metrics = QFontMetricsF(font(0.92))
        widest = max((metrics.horizontalAdvance(each) for each in self._names), default=0.0)
        self._side_px = round(max(MIN_NAME_PX, min(MAX_NAME_PX, widest + DOT_PX + 18)))
        bars = self.verticalScrollBar(), self.horizontalScrollBar()
        outer = self.maximumViewportSize()
        for top in (HEAD_PX, round(min(MAX_UPRIGHT_PX, widest * 0.75 + 24))):
            # First with names that lie; where the columns come out too narrow for that, with names on end.
            self._top_px = top
            last = metrics.horizontalAdvance(self._names[-1]) if self._names and top != HEAD_PX else 0.0
            over = max(0, round(SLANT * min(last, top)) - MIN_NAME_PX // 4)  # of the last name, which stands askew
            room = outer.width() - self._side_px - over, outer.height() - top
            if self._cell_px is None:
                self._layout = fitting(len(self._names), *room)
            else:
                self._layout = ConfusionLayout(len(self._names), self._cell_px, room[1])
            # Of tiny cells only one name is shown at a time, for which there is always room.
            lie = self._layout.cell_px >= max(UPRIGHT_PX, min(widest + 6, LYING_PX))
            if lie or not self._layout.has_names or top != HEAD_PX:
                break
        width, height = self._layout.size_px
        # The size was chosen without scroll bars; where they are needed they take some room, and come here again.
        room = self.viewport().width() - self._side_px, self.viewport().height() - self._top_px
        bars[1].setRange(0, max(0, width - room[0]))
        bars[0].setRange(0, max(0, height - room[1]))
        bars[1].setPageStep(room[0])
        bars[0].setPageStep(room[1])
        for bar in bars:
            bar.setSingleStep(self._layout.cell_px)
        self.viewport().update()

    def _cell_at(self, point: QPointF) -> tuple[int, int] | None:
        if point.x() < self._side_px or point.y() < self._top_px:
            return None
        x = point.x() - self._side_px + self.horizontalScrollBar().value()
        y = point.y() - self._top_px + self.verticalScrollBar().value()
        place = self._layout.cell_at(x, y)
        return (int(self._order[place[0]]), int(self._order[place[1]])) if place is not None else None

    def _show_current(self) -> None:
        """Scrolls so that the current cell is seen."""
        if self._current is None:
            return
        rect, area = self.picture().cell_rect(self._current), self.viewport().rect()
        for bar, low, high, first, last in (
            (self.horizontalScrollBar(), rect.left(), rect.right(), self._side_px, area.width()),
            (self.verticalScrollBar(), rect.top(), rect.bottom(), self._top_px, area.height()),
        ):
            if low < first:
                bar.setValue(bar.value() - round(first - low) - 4)
            elif high > last:
                bar.setValue(bar.value() + round(high - last) + 4)

    def _tell_current(self) -> None:
        self.setAccessibleDescription(self.text())

    # ------------------------------------------------------------------------------------------------------- events

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        self.viewport().update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if self._current is None and len(self._names) and self.hasFocus():
            self._current = self.worst()
            self._tell_current()
        self.viewport().update()

    def worst(self) -> tuple[int, int]:
        """Returns the largest cell off the diagonal, or the first cell."""
        off = self._counts.copy()
        np.fill_diagonal(off, 0)
        row, column = np.unravel_index(int(off.argmax()), off.shape)
        return (int(row), int(column)) if off.any() else (int(self._order[0]), int(self._order[0]))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self._cell_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and cell is not None:
            self.set_current(*cell)
            self.cell_opened.emit(*cell)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self._cell_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover(None)

    def _hover(self, cell: tuple[int, int] | None) -> None:
        if cell != self._hovered:
            self._hovered = cell
            self.viewport().setCursor(
                Qt.CursorShape.PointingHandCursor if cell is not None else Qt.CursorShape.ArrowCursor
            )
            self.viewport().update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom_by(ZOOM_STEP if event.angleDelta().y() > 0 else 1 / ZOOM_STEP)
            event.accept()
        elif self.verticalScrollBar().maximum() or self.horizontalScrollBar().maximum():
            super().wheelEvent(event)
        else:
            event.ignore()  # the page scrolls

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = Qt.Key
        step = {
            keys.Key_Left: (0, -1), keys.Key_Right: (0, 1), keys.Key_Up: (-1, 0), keys.Key_Down: (1, 0),
        }.get(keys(event.key()))  # fmt: skip
        if step is not None and len(self._names) and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._move(*step)
        elif event.key() in (keys.Key_Return, keys.Key_Enter, keys.Key_Space) and self._current is not None:
            self.cell_opened.emit(*self._current)
        elif event.key() in (keys.Key_Plus, keys.Key_Equal):
            self.zoom_by(ZOOM_STEP)
        elif event.key() == keys.Key_Minus:
            self.zoom_by(1 / ZOOM_STEP)
        elif event.key() == keys.Key_0 and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom_to_fit()
        elif event.key() in (keys.Key_Home, keys.Key_End) and len(self._names):
            end = int(self._order[0 if event.key() == keys.Key_Home else -1])
            self.set_current(end, end)
        else:
            event.ignore()

    def _move(self, down: int, right: int) -> None:
        if self._current is None:
            self.set_current(*self.worst())
            return
        places = [int(np.flatnonzero(self._order == each)[0]) for each in self._current]
        last = len(self._names) - 1
        row, column = min(last, max(0, places[0] + down)), min(last, max(0, places[1] + right))
        self.set_current(int(self._order[row]), int(self._order[column]))

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            cell = self._cell_at(QPointF(event.pos()))
            if cell is not None:
                words = f"{self.sentence(*cell)}\n{tr('Click or Enter: see them')}"
                QToolTip.showText(event.globalPos(), words, self)
            else:
                QToolTip.hideText()
            return True
        return super().viewportEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._names:
            painter = QPainter(self.viewport())
            self.picture().paint(painter, self.viewport().rect())
            painter.end()
