"""Draws a confusion matrix with its names: which cells are on screen, their colours and numbers. Knows no events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from engine.language import decimal, tr
from gui.theme import Theme, font, theme
from gui.widgets.class_colors import luminance
from gui.widgets.confusion_layout import ConfusionLayout

DOT_PX = 8
HEAD_PX = 24
ROUND_FROM_PX = 14
WEAKEST = 0.3
"""Opacity of a cell with a single mistake: it must be seen."""
UPRIGHT_DEGREES = -55
LYING = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom)

Cell = tuple[int, int]


class Counting(Enum):
    """What stands in the cells; the value is the text on screen."""

    COUNTS = tr("Images")
    ROWS = tr("% of class")
    COLUMNS = tr("% of answer")


@dataclass(frozen=True, slots=True)
class ConfusionPicture:
    """Everything that is seen. Counts and shares are (K, K) by class index; `order` (K,) says where each class stands.

    `side_px` and `top_px` are the room for the names; `across` and `down` say how far the cells are scrolled. Cells are
    (true, said) by class index.
    """

    names: Sequence[str]
    colors: Sequence[QColor]
    counts: NDArray[np.int64]
    shares: NDArray[np.float64]
    order: NDArray[np.int64]
    counting: Counting
    layout: ConfusionLayout
    side_px: int
    top_px: int
    across: int
    down: int
    current: Cell | None
    hovered: Cell | None

    def rect(self, row: int, column: int) -> QRectF:
        """Returns where the cell at a place (not class index) is in the viewport."""
        layout = self.layout
        x = self.side_px + column * layout.cell_px - self.across
        y = self.top_px + row * layout.height_of_cell_px - self.down
        return QRectF(x, y, layout.cell_px - layout.gap_px, layout.height_of_cell_px - layout.gap_px)

    def cell_rect(self, cell: Cell) -> QRectF:
        """Returns where a cell is in the viewport."""
        row, column = (int(np.flatnonzero(self.order == each)[0]) for each in cell)
        return self.rect(row, column)

    def paint(self, painter: QPainter, area: QRect) -> None:
        """Draws what is seen in a viewport."""
        colors = theme()
        cells = QRectF(self.side_px, self.top_px, area.width() - self.side_px, area.height() - self.top_px)
        rows = self.layout.rows_between(self.down, self.down + cells.height())
        columns = self.layout.columns_between(self.across, self.across + cells.width())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(cells.adjusted(-3, -3, 0, 0))
        self._paint_cells(painter, rows, columns, colors)
        self._paint_frames(painter, colors)
        painter.setClipping(False)
        painter.setFont(font(0.92 if self.layout.cell_px >= 18 else 0.8))
        self._paint_row_names(painter, rows, cells, colors)
        self._paint_column_names(painter, columns, cells, colors)

    def _paint_cells(self, painter: QPainter, rows: range, columns: range, colors: Theme) -> None:
        layout = self.layout
        shown = np.ix_(self.order[rows.start : rows.stop], self.order[columns.start : columns.stop])
        counts, shares = self.counts[shown], self.shares[shown]
        radius = 5.0 if layout.cell_px >= 28 else 2.0 if layout.cell_px >= ROUND_FROM_PX else 0.0
        painter.setPen(Qt.PenStyle.NoPen)
        if layout.has_numbers:
            painter.setBrush(colors.color("card_hover"))
            for row in rows:
                for column in columns:
                    painter.drawRoundedRect(self.rect(row, column), radius, radius)
        else:  # so many of them that the empty ones are one plain field
            field = self.rect(rows.start, columns.start).united(self.rect(rows.stop - 1, columns.stop - 1))
            painter.fillRect(field, colors.color("card_hover"))
        painter.setFont(font(0.92 if layout.cell_px >= 30 else 0.75))
        for at_row, at_column in np.argwhere(counts).tolist():
            row, column = rows.start + at_row, columns.start + at_column
            share = float(shares[at_row, at_column])
            tint = _tint(bool(self.order[row] == self.order[column]), share, colors)
            rect = self.rect(row, column)
            if not radius:
                painter.fillRect(rect, tint)
                continue
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tint)
            painter.drawRoundedRect(rect, radius, radius)
            if layout.has_numbers:
                painter.setPen(_ink_on(tint))
                words = self._words(int(counts[at_row, at_column]), share)
                painter.drawText(rect, int(Qt.AlignmentFlag.AlignCenter), words)

    def _words(self, count: int, share: float) -> str:
        if self.counting is Counting.COUNTS:
            return decimal(count, ",") if count < 1000 or self.layout.cell_px > 40 else f"{count // 1000}k"
        return f"{100.0 * share:.0f}" if share >= 0.0095 else "<1"

    def _paint_frames(self, painter: QPainter, colors: Theme) -> None:
        radius = 6.0 if self.layout.cell_px >= 28 else 2.0
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for cell, name, width in ((self.hovered, "text_dim", 1.0), (self.current, "text", 2.0)):
            if cell is not None:
                painter.setPen(QPen(colors.color(name), width))
                painter.drawRoundedRect(self.cell_rect(cell).adjusted(-1, -1, 1, 1), radius, radius)

    def _looked_at(self, axis: int) -> set[int]:
        """Returns the classes whose names stand out: of the cell under the pointer, or else of the current one."""
        cell = self.hovered or self.current
        return {cell[axis]} if cell is not None else set()

    def _paint_row_names(self, painter: QPainter, rows: range, cells: QRectF, colors: Theme) -> None:
        painter.setClipRect(QRectF(0, cells.top() - 2, cells.left(), cells.height() + 2))
        looked_at, metrics = self._looked_at(0), QFontMetricsF(painter.font())
        for row in rows:
            index = int(self.order[row])
            if not self.layout.has_names and index not in looked_at:
                continue
            middle = self.rect(row, 0).center().y()
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.colors[index])
            painter.drawEllipse(QPointF(DOT_PX / 2, middle), DOT_PX / 2, DOT_PX / 2)
            painter.setPen(colors.color("text" if index in looked_at else "text_dim"))
            room = QRectF(DOT_PX + 6, middle - 10, self.side_px - DOT_PX - 12, 20)
            name = metrics.elidedText(self.names[index], Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), name)
        painter.setClipping(False)

    def _paint_column_names(self, painter: QPainter, columns: range, cells: QRectF, colors: Theme) -> None:
        looked_at, metrics = self._looked_at(1), QFontMetricsF(painter.font())
        for column in columns:
            index, rect = int(self.order[column]), self.rect(0, column)
            is_named = self.layout.has_names or index in looked_at
            if not is_named or rect.center().x() < cells.left():
                continue
            painter.setPen(colors.color("text" if index in looked_at else "text_dim"))
            if not self.layout.has_names:
                width = metrics.horizontalAdvance(self.names[index]) + 2
                left = max(cells.left(), min(rect.center().x() - width / 2, cells.right() - width))
                painter.drawText(QRectF(left, 0, width, self.top_px - 6), LYING, self.names[index])
                continue
            if self.top_px == HEAD_PX:
                room = QRectF(rect.left() - 3, 0, rect.width() + 6, self.top_px - 6)
                name = metrics.elidedText(self.names[index], Qt.TextElideMode.ElideRight, room.width())
                painter.drawText(room, LYING, name)
                continue
            painter.save()
            painter.translate(rect.center().x(), self.top_px - 6)
            painter.rotate(UPRIGHT_DEGREES)
            name = metrics.elidedText(self.names[index], Qt.TextElideMode.ElideRight, (self.top_px - 14) / 0.82)
            painter.drawText(QRectF(0, -10, self.top_px * 1.4, 20), int(Qt.AlignmentFlag.AlignVCenter), name)
            painter.restore()


def _tint(is_right: bool, share: float, colors: Theme) -> QColor:
    """Returns the colour of a cell: what is right in the accent, mistakes in red, stronger the more there are."""
    amount = 0.35 + 0.6 * share if is_right else WEAKEST + (0.9 - WEAKEST) * min(1.0, 2 * share)
    top, base = colors.color("accent" if is_right else "danger"), colors.color("card_hover")
    pairs = ((top.red(), base.red()), (top.green(), base.green()), (top.blue(), base.blue()))
    return QColor(*(round(one * amount + other * (1 - amount)) for one, other in pairs))


def _ink_on(tint: QColor) -> QColor:
    """Returns black or white, whichever can be read better on a cell."""
    value = luminance(tint) + 0.05
    return QColor("#ffffff") if 1.05 / value >= value / 0.059 else QColor("#15181c")
