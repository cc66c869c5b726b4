"""Images that were picked somewhere else than in the left column: a cell of a table, two versions that disagree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class PickedImages:
    """Some images under a title, in the order they were picked in. Immutable; two of them are never equal."""

    def __init__(self, title: str, image_ids: Sequence[int] | NDArray[np.int64], order: str = "") -> None:
        """`title` stands on the chip of the filter. An id that comes twice counts where it came first.

        `order` is the name of the order that they are in (see `gui.orders`), "" for none.
        """
        given = np.asarray(image_ids, np.int64)
        self.title = title
        self.order = order
        self._sorted_ids, self._places = np.unique(given, return_index=True)

    def __len__(self) -> int:
        return len(self._sorted_ids)

    def places_of(self, image_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the place of each image (N,) in the order of the picking, -1 for those that were not picked."""
        if not len(self._sorted_ids):
            return np.full(len(image_ids), -1, np.int64)
        at = np.minimum(np.searchsorted(self._sorted_ids, image_ids), len(self._sorted_ids) - 1)
        return np.where(self._sorted_ids[at] == image_ids, self._places[at], -1)
