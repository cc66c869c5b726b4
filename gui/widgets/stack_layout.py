"""Where the pictures of stacks lie: each stack a panel with a head, its pictures in lines, the odd ones behind a gap.

Plain arithmetic on arrays, so that it costs the same wherever one looks among thousands of stacks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRect

from gui.widgets.grid_layout import MARGIN_PX, PICTURE_RATIO, GridLayout

HEAD_PX = 40
INSIDE_PX = 12
BETWEEN_PX = 12
TILE_GAP_PX = 6
MIN_TILE_PX, MAX_TILE_PX, DEFAULT_TILE_PX = 56, 260, 100

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class StackLayout(GridLayout):
    """`starts` (T + 1,) are the positions where the T stacks begin; `num_typical` (T,) of each come before the gap.

    The gap takes the place of one picture; it says what comes behind it.
    """

    starts: Ints = field(default_factory=lambda: np.zeros(1, np.int64))
    num_typical: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    tops: Ints = field(init=False)
    """(T + 1,) the upper edges of the panels; the last one is where another would be."""

    def __post_init__(self) -> None:
        sizes = np.diff(self.starts)
        slots = sizes + (sizes > self.num_typical)
        lines = -(-slots // self.num_columns)
        heights = HEAD_PX + lines * self.line_height_px - TILE_GAP_PX + INSIDE_PX + BETWEEN_PX
        tops = MARGIN_PX + np.concatenate([[0], np.cumsum(heights)])
        object.__setattr__(self, "tops", tops.astype(np.int64))  # frozen, and made of the other fields

    @property
    def num_stacks(self) -> int:
        return len(self.starts) - 1

    @property
    def _room_px(self) -> int:
        return self.width_px - 2 * (MARGIN_PX + INSIDE_PX)

    @property
    def num_columns(self) -> int:
        return max(1, round((self._room_px + TILE_GAP_PX) / (self.target_px + TILE_GAP_PX)))

    @property
    def card_width_px(self) -> int:
        return max(24, (self._room_px + TILE_GAP_PX) // self.num_columns - TILE_GAP_PX)

    @property
    def card_height_px(self) -> int:
        return round(self.card_width_px * PICTURE_RATIO)

    @property
    def line_height_px(self) -> int:
        return self.card_height_px + TILE_GAP_PX

    @property
    def height_px(self) -> int:
        return int(self.tops[-1]) - BETWEEN_PX + MARGIN_PX if self.num_stacks else 0

    # ---- stacks

    def stack_of(self, position: int) -> int:
        """Returns the stack of a position."""
        return int(np.searchsorted(self.starts, position, "right")) - 1

    def panel(self, stack: int) -> QRect:
        """Returns the rectangle of a whole stack."""
        top = int(self.tops[stack])
        height = int(self.tops[stack + 1]) - top - BETWEEN_PX
        return QRect(MARGIN_PX, top, self.width_px - 2 * MARGIN_PX, height)

    def head(self, stack: int) -> QRect:
        """Returns the rectangle above the pictures of a stack."""
        panel = self.panel(stack)
        return QRect(panel.left() + INSIDE_PX, panel.top(), panel.width() - 2 * INSIDE_PX, HEAD_PX)

    def gap(self, stack: int) -> QRect | None:
        """Returns the place between the typical pictures and the odd ones, None where there are no odd ones."""
        number = int(self.num_typical[stack])
        return self._slot(stack, number) if number < self.starts[stack + 1] - self.starts[stack] else None

    def stack_at(self, point: QPoint) -> int:
        """Returns the stack whose panel is under a point, or -1."""
        stack = int(np.searchsorted(self.tops, point.y(), "right")) - 1
        return stack if 0 <= stack < self.num_stacks and self.panel(stack).contains(point) else -1

    def stacks_between(self, top: int, bottom: int) -> range:
        """Returns the stacks that a vertical stretch touches."""
        first = max(0, int(np.searchsorted(self.tops, top, "right")) - 1)
        last = int(np.searchsorted(self.tops[:-1], bottom, "right"))
        return range(min(first, self.num_stacks), last)

    # ---- pictures

    def rect(self, position: int) -> QRect:
        stack = self.stack_of(position)
        place = position - int(self.starts[stack])
        return self._slot(stack, place + (place >= self.num_typical[stack]))

    def position_at(self, point: QPoint) -> int:
        stack = self.stack_at(point)
        if stack < 0:
            return -1
        column, x = divmod(point.x() - MARGIN_PX - INSIDE_PX, self.card_width_px + TILE_GAP_PX)
        line, y = divmod(point.y() - int(self.tops[stack]) - HEAD_PX, self.line_height_px)
        if x >= self.card_width_px or y >= self.card_height_px or not 0 <= column < self.num_columns or line < 0:
            return -1
        slot, number = line * self.num_columns + column, int(self.num_typical[stack])
        if slot == number:  # the gap, or the place behind the last picture
            return -1
        position = int(self.starts[stack]) + slot - (slot > number)
        return position if position < self.starts[stack + 1] else -1

    def nearest(self, point: QPoint) -> int:
        stack = max(0, min(self.num_stacks - 1, int(np.searchsorted(self.tops, point.y(), "right")) - 1))
        line = max(0, (point.y() - int(self.tops[stack]) - HEAD_PX) // self.line_height_px)
        last = int(self.starts[stack + 1]) - 1
        return max(0, min(last, int(self.starts[stack]) + line * self.num_columns))

    def positions_between(self, top: int, bottom: int) -> range:
        stacks = self.stacks_between(top, bottom)
        if not len(stacks):
            return range(0)
        return range(int(self.starts[stacks.start]), int(self.starts[stacks.stop]))

    def positions_in(self, area: QRect) -> Ints:
        touched = [at for at in self.positions_between(area.top(), area.bottom()) if self.rect(at).intersects(area)]
        return np.array(touched, np.int64)

    def moved(self, position: int, num_lines: int) -> int:
        stack = max(0, min(self.num_stacks - 1, self.stack_of(position) + num_lines))
        return int(self.starts[stack])

    def _slot(self, stack: int, slot: int) -> QRect:
        line, column = divmod(int(slot), self.num_columns)
        x = MARGIN_PX + INSIDE_PX + column * (self.card_width_px + TILE_GAP_PX)
        y = int(self.tops[stack]) + HEAD_PX + line * self.line_height_px
        return QRect(x, y, self.card_width_px, self.card_height_px)
