"""Where the cards of a grid lie: plain arithmetic, so it costs the same for ten images as for a million."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRect

from gui.widgets.image_card import CAPTION_PX

MARGIN_PX = 16
GAP_PX = 8
PICTURE_RATIO = 0.81
MIN_CARD_PX, MAX_CARD_PX, DEFAULT_CARD_PX = 96, 420, 166


@dataclass(frozen=True, slots=True)
class GridLayout:
    """The grid of `num_items` cards in a viewport of `width_px`; coordinates are the content's, not the view's."""

    num_items: int
    width_px: int
    target_px: int

    @property
    def num_columns(self) -> int:
        return max(1, round((self.width_px - 2 * MARGIN_PX + GAP_PX) / (self.target_px + GAP_PX)))

    @property
    def num_lines(self) -> int:
        return -(-self.num_items // self.num_columns)

    @property
    def card_width_px(self) -> int:
        return max(24, (self.width_px - 2 * MARGIN_PX + GAP_PX) // self.num_columns - GAP_PX)

    @property
    def card_height_px(self) -> int:
        return round(self.card_width_px * PICTURE_RATIO) + CAPTION_PX

    @property
    def line_height_px(self) -> int:
        return self.card_height_px + GAP_PX

    @property
    def height_px(self) -> int:
        return 2 * MARGIN_PX - GAP_PX + self.num_lines * self.line_height_px if self.num_items else 0

    def rect(self, position: int) -> QRect:
        """Returns the rectangle of a card."""
        line, column = divmod(position, self.num_columns)
        x = MARGIN_PX + column * (self.card_width_px + GAP_PX)
        return QRect(x, MARGIN_PX + line * self.line_height_px, self.card_width_px, self.card_height_px)

    def position_at(self, point: QPoint) -> int:
        """Returns the position of the card under a point, or -1."""
        column, x = divmod(point.x() - MARGIN_PX, self.card_width_px + GAP_PX)
        line, y = divmod(point.y() - MARGIN_PX, self.line_height_px)
        if x >= self.card_width_px or y >= self.card_height_px or not 0 <= column < self.num_columns or line < 0:
            return -1
        position = line * self.num_columns + column
        return position if position < self.num_items else -1

    def nearest(self, point: QPoint) -> int:
        """Returns the position of the card under a point or beside it, -1 when there is none at all."""
        column = max(0, min(self.num_columns - 1, (point.x() - MARGIN_PX) // (self.card_width_px + GAP_PX)))
        line = max(0, min(self.num_lines - 1, (point.y() - MARGIN_PX) // self.line_height_px))
        return min(self.num_items - 1, line * self.num_columns + column)

    def lines_between(self, top: int, bottom: int) -> range:
        """Returns the lines that a vertical stretch touches."""
        first = max(0, (top - MARGIN_PX) // self.line_height_px)
        last = min(self.num_lines - 1, (bottom - MARGIN_PX) // self.line_height_px)
        return range(first, last + 1)

    def positions_between(self, top: int, bottom: int) -> range:
        """Returns the positions whose lines a vertical stretch touches."""
        lines = self.lines_between(top, bottom)
        return range(lines.start * self.num_columns, min(self.num_items, lines.stop * self.num_columns))

    def columns_between(self, left: int, right: int) -> range:
        """Returns the columns whose cards a horizontal stretch touches."""
        pitch = self.card_width_px + GAP_PX
        first = max(0, -(-(left - MARGIN_PX - self.card_width_px + 1) // pitch))
        last = min(self.num_columns - 1, (right - MARGIN_PX) // pitch)
        return range(first, last + 1)

    def moved(self, position: int, num_lines: int) -> int:
        """Returns the position some lines further down (or up) in the same column, as far as there are lines."""
        line, column = divmod(position, self.num_columns)
        wanted = max(0, min(self.num_lines - 1, line + num_lines))
        return min(self.num_items - 1, wanted * self.num_columns + column)

    def positions_in(self, area: QRect) -> NDArray[np.int64]:
        """Returns the positions whose cards a rectangle touches, in order."""
        pitch = self.line_height_px
        top = max(0, -(-(area.top() - MARGIN_PX - self.card_height_px + 1) // pitch))
        bottom = min(self.num_lines - 1, (area.bottom() - MARGIN_PX) // pitch)
        columns = self.columns_between(area.left(), area.right())
        if top > bottom or not len(columns):
            return np.zeros(0, np.int64)
        lines = np.arange(top, bottom + 1, dtype=np.int64)[:, None] * self.num_columns
        positions = (lines + np.arange(columns.start, columns.stop)).ravel()
        return positions[positions < self.num_items]
