"""Which files the grid of Use shows, in which order, and that the user stays at the same one when that changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.domain import NO_CLASS
from gui.models.image_filter import ImageFilter, Order
from gui.models.image_index import ImageIndex
from gui.models.picked_images import PickedImages
from gui.use_files import Kind, UseOrder

if TYPE_CHECKING:
    from gui.panels.use_workspace import UseWorkspace

MAX_KEPT = 2000
"""A larger selection is not carried over."""


class UseListing:
    """Applies the chosen list and order to the files."""

    def __init__(self, workspace: UseWorkspace) -> None:
        self._workspace = workspace

    @property
    def order(self) -> UseOrder:
        """The order that is chosen."""
        return tuple(UseOrder)[self._workspace.order.currentIndex()]

    @property
    def depends_on_answers(self) -> bool:
        """Whether what the model says of a file decides whether, or where, it is shown."""
        kind, class_id = self._workspace.lists.kind_and_class
        is_narrowed = kind is not Kind.ALL or class_id != NO_CLASS
        return is_narrowed or self.order not in (UseOrder.ADDED, UseOrder.NAME)

    def apply(self, goes_to_top: bool) -> bool:
        """Shows what belongs in the list now; tells whether anything is different."""
        workspace = self._workspace
        files, images, grid = workspace.use.files, workspace.images, workspace.grid
        kept = [] if goes_to_top else workspace.targets()[:MAX_KEPT].tolist()
        current = -1 if goes_to_top else workspace.current_row()
        rows = files.listed(*workspace.lists.kind_and_class, self.order)
        is_other = images.columns is not files.columns
        if not is_other and np.array_equal(rows, images.rows):
            return False
        before = grid.current_position()
        images.set_filter(ImageFilter(picked=PickedImages("", files.columns.image_ids[rows])), Order.PICKED)
        if is_other:
            images.set_columns(files.columns, ImageIndex())
        if len(rows):
            position = images.position_of_row(current) if current >= 0 else -1
            if position < 0:
                position = 0 if goes_to_top else min(max(0, before), len(rows) - 1)
            selected = [at for row in kept if (at := images.position_of_row(row)) >= 0]
            grid.select_positions(np.array(sorted(selected) or [position], np.int64), position)
        return True
