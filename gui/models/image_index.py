"""What is computed once from the names, folders and dates of the images, so that filters and orders are quick."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from engine.domain import ImageColumns
from gui.memory import give_memory_back
from gui.models.facet_tree import FacetTree, date_tree, folder_tree
from gui.models.image_quality import ImageQuality, quality_of
from gui.models.name_index import CHUNK, NameIndex

SMALL = 10_000


class ImageIndex:
    """Belongs to one state of the columns `names`, `root_ids` and `taken_at`; labels do not matter to it.

    Every part is made when it is first asked for, or by `prepare` in another thread.
    """

    def __init__(self, columns: ImageColumns | None = None, root_names: Mapping[int, str] | None = None) -> None:
        self.names_list = columns.names if columns is not None else []
        self.root_names = dict(root_names or {})
        self._root_ids = columns.root_ids if columns is not None else np.zeros(0, np.int32)
        self._taken_at = columns.taken_at if columns is not None else np.zeros(0)
        self.names = NameIndex(self.names_list)
        self._folders: FacetTree | None = None
        self._dates: FacetTree | None = None
        self._date_order: NDArray[np.int32] | None = None
        self.quality = ImageQuality()
        """Of the pictures, as far as they were measured: whoever owns the index puts it here."""
        self.is_ready = False

    def __len__(self) -> int:
        return len(self.names_list)

    @property
    def can_order(self) -> bool:
        """Whether the orders by name and date are there, or made within a frame or two."""
        return self.is_ready or len(self) <= SMALL

    def steps(self) -> list[Callable[[], object]]:
        """Returns what makes the parts, for another thread, one after the other; then `is_ready` may be set.

        Together 3 s for 1,000,000 images, mostly in numpy, which lets the window work meanwhile.
        """
        return [
            lambda: self.folders,
            lambda: self.dates,
            lambda: self.date_order,
            self.names.order,
            give_memory_back,
        ]

    def adopt(self, columns: ImageColumns) -> None:
        """Takes over columns that say the same (see `is_of`) in place of those it was made of."""
        self.names_list, self._root_ids, self._taken_at = columns.names, columns.root_ids, columns.taken_at

    def is_of(self, columns: ImageColumns) -> bool:
        """Tells whether it still says the truth about columns that may have been read anew."""
        mine, theirs = self.names_list, columns.names
        # In parts: comparing a million texts in one go would hold the interpreter for longer than a frame.
        return (
            len(mine) == len(theirs)
            and all(mine[at : at + CHUNK] == theirs[at : at + CHUNK] for at in range(0, len(mine), CHUNK))
            and np.array_equal(columns.root_ids, self._root_ids)
            and np.array_equal(columns.taken_at, self._taken_at, equal_nan=True)
        )

    def quality_for(self, columns: ImageColumns) -> ImageQuality:
        """Returns what is known of the pictures of columns: nothing, where it is known of others only."""
        if len(self.quality) != len(columns):
            self.quality = quality_of(columns, columns.image_ids[:0], self.quality.measures[:0].astype(np.float32))
        return self.quality

    @property
    def folders(self) -> FacetTree:
        if self._folders is None:
            self._folders = folder_tree(self.names_list, self._root_ids, self.root_names)
        return self._folders

    @property
    def dates(self) -> FacetTree:
        if self._dates is None:
            self._dates = date_tree(self._taken_at)
        return self._dates

    @property
    def date_order(self) -> NDArray[np.int32]:
        """The rows in the order in which the images were taken; those without a date come last, as filed."""
        if self._date_order is None:
            self._date_order = np.argsort(self._taken_at, kind="stable").astype(np.int32)
        return self._date_order
