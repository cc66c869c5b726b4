"""Where the cells of a confusion matrix lie: plain arithmetic, for three classes as for a hundred."""

from __future__ import annotations

from dataclasses import dataclass

MIN_CELL_PX, MAX_CELL_PX = 4, 128
MIN_FIT_PX, MAX_FIT_PX = 5, 84
FLAT, FLAT_FROM_PX = 0.66, 32
"""Height of a large cell against its width where there is little room; small ones are square."""
NUMBERS_PX = 22
"""In narrower cells there is no room for a number."""
NAMES_PX = 13
"""In smaller cells only the names of the row and the column that are looked at are shown."""
UPRIGHT_PX = 48
"""In narrower columns the names above stand on end."""


@dataclass(frozen=True, slots=True)
class ConfusionLayout:
    """The matrix of `num_classes` classes. Coordinates are the content's: from the upper left corner of the first cell.

    `cell_px` is the width of a cell with its gap.
    """

    num_classes: int
    cell_px: int
    room_px: int = 0
    """Height that there is: large cells take as much of it as they can up to a square."""

    @property
    def height_of_cell_px(self) -> int:
        flat = max(min(self.cell_px, FLAT_FROM_PX), round(self.cell_px * FLAT))
        return max(flat, min(self.cell_px, self.room_px // max(1, self.num_classes)))

    @property
    def gap_px(self) -> int:
        return 4 if self.cell_px >= 28 else 2 if self.cell_px >= 12 else 1

    @property
    def has_numbers(self) -> bool:
        return self.cell_px >= NUMBERS_PX

    @property
    def has_names(self) -> bool:
        return self.cell_px >= NAMES_PX

    @property
    def size_px(self) -> tuple[int, int]:
        return self.num_classes * self.cell_px, self.num_classes * self.height_of_cell_px

    def cell_at(self, x: float, y: float) -> tuple[int, int] | None:
        """Returns (row, column) under a point, or None."""
        row, column = int(y // self.height_of_cell_px), int(x // self.cell_px)
        is_inside = 0 <= row < self.num_classes and 0 <= column < self.num_classes
        return (row, column) if is_inside else None

    def columns_between(self, left: float, right: float) -> range:
        """Returns the columns that a horizontal stretch touches."""
        return range(max(0, int(left // self.cell_px)), min(self.num_classes, int(right // self.cell_px) + 1))

    def rows_between(self, top: float, bottom: float) -> range:
        """Returns the rows that a vertical stretch touches."""
        height = self.height_of_cell_px
        return range(max(0, int(top // height)), min(self.num_classes, int(bottom // height) + 1))


def fitting(num_classes: int, width_px: int, height_px: int) -> ConfusionLayout:
    """Returns the layout whose cells are as large as they can be for all of them to be seen, within reason."""
    for cell in range(MAX_FIT_PX, MIN_FIT_PX, -1):
        layout = ConfusionLayout(num_classes, cell, height_px)
        if layout.size_px[0] <= width_px and layout.size_px[1] <= height_px:
            return layout
    return ConfusionLayout(num_classes, MIN_FIT_PX)
