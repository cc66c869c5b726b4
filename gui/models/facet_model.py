"""A FacetTree as an item model: the item of a node carries the node's number, so nothing is kept per item."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from engine.language import trn
from gui.models.facet_tree import FacetTree

AnyIndex = QModelIndex | QPersistentModelIndex
KEY_ROLE = int(Qt.ItemDataRole.UserRole)
COUNT_ROLE = KEY_ROLE + 1


class FacetModel(QAbstractItemModel):
    """Folders or dates with the number of images in each branch."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.chosen: frozenset[str] = frozenset()
        self.set_tree(FacetTree())

    def set_tree(self, tree: FacetTree) -> None:
        """Shows other nodes."""
        self.beginResetModel()
        self.tree = tree
        self._counts = tree.counts()
        parents = tree.parents
        # Children in one array, those of a node side by side; the first -1 is the invisible root.
        self._children: NDArray[np.int64] = np.argsort(parents, kind="stable")
        self._starts = np.searchsorted(parents[self._children], np.arange(-1, len(tree) + 1))
        self._rows = np.empty(len(tree), np.int64)
        self._rows[self._children] = np.arange(len(tree)) - self._starts[parents[self._children] + 1]
        self.endResetModel()

    def set_counts(self, counts: NDArray[np.int64]) -> None:
        """Shows other counts, one per node. Who shows them paints anew: telling item by item would take too long."""
        self._counts = counts

    def index_of(self, key: str) -> QModelIndex:
        """Returns the item with a key; invalid when there is none."""
        node = self.tree.nodes.get(key, -1)
        return self.createIndex(int(self._rows[node]), 0, node) if node >= 0 else QModelIndex()

    def node_of(self, index: AnyIndex) -> int:
        """Returns the number of the node of an item, -1 for the root."""
        return int(index.internalId()) if index.isValid() else -1

    def index(self, row: int, column: int, parent: AnyIndex = QModelIndex()) -> QModelIndex:  # noqa: B008
        if not 0 <= row < self.rowCount(parent) or column != 0:
            return QModelIndex()
        return self.createIndex(row, 0, int(self._children[self._starts[self.node_of(parent) + 1] + row]))

    def parent(self, index: AnyIndex = QModelIndex()) -> QModelIndex:  # type: ignore[override]  # noqa: B008
        node = self.node_of(index)
        above = int(self.tree.parents[node]) if 0 <= node < len(self.tree) else -1
        return self.createIndex(int(self._rows[above]), 0, above) if above >= 0 else QModelIndex()

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008
        at = self.node_of(parent) + 1
        return int(self._starts[at + 1] - self._starts[at]) if at + 1 < len(self._starts) else 0

    def columnCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008
        return 1

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        node = self.node_of(index)
        if not 0 <= node < len(self.tree):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.tree.names[node]
        if role == Qt.ItemDataRole.ToolTipRole:
            return trn(
                "{title}: {number:,} images. Ctrl+click adds it to the others",
                "{title}: {number:,} images. Ctrl+click adds it to the others",
                int(self._counts[node]),
                title=self.tree.titles[node],
            )
        if role == Qt.ItemDataRole.AccessibleTextRole:
            title, number = self.tree.titles[node], int(self._counts[node])
            if self.tree.keys[node] in self.chosen:
                return trn("{title}, {number} images, chosen", "{title}, {number} images, chosen", number, title=title)
            return trn("{title}, {number} images", "{title}, {number} images", number, title=title)
        if role == KEY_ROLE:
            return self.tree.keys[node]
        if role == COUNT_ROLE:
            return int(self._counts[node])
        return None
