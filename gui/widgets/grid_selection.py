"""Selections over a list model as index arrays: ranges in, ranges out, never one object per item."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractItemModel, QItemSelection, QItemSelectionModel


def to_selection(model: QAbstractItemModel, positions: NDArray[np.int64]) -> QItemSelection:
    """Returns a selection of sorted, distinct positions; neighbours share one range."""
    selection = QItemSelection()
    if not len(positions):
        return selection
    breaks = np.flatnonzero(np.diff(positions) != 1) + 1
    for block in np.split(positions, breaks) if len(breaks) else [positions]:
        selection.select(model.index(int(block[0]), 0), model.index(int(block[-1]), 0))
    return selection


def to_positions(selection_model: QItemSelectionModel) -> NDArray[np.int64]:
    """Returns the selected positions, sorted and distinct."""
    selection = selection_model.selection()
    ranges = [(item.top(), item.bottom()) for item in (selection.at(at) for at in range(selection.count()))]
    if not ranges:
        return np.zeros(0, np.int64)
    if len(ranges) == 1:
        return np.arange(ranges[0][0], ranges[0][1] + 1, dtype=np.int64)
    return np.unique(np.concatenate([np.arange(top, bottom + 1, dtype=np.int64) for top, bottom in ranges]))


def positions_within(selection: QItemSelection, positions: range) -> set[int]:
    """Returns which of these few positions are part of a selection."""
    found: set[int] = set()
    for at in range(selection.count()):
        item = selection.at(at)
        found.update(range(max(item.top(), positions.start), min(item.bottom() + 1, positions.stop)))
    return found
