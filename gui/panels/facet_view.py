"""A tree of folders or dates to filter by: a click shows a branch alone, with Ctrl beside the others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QWidget,
)

from gui.models.facet_model import COUNT_ROLE, KEY_ROLE, FacetModel
from gui.models.facet_tree import FacetTree
from gui.theme import paint_icon
from gui.widgets.filter_row import ROW_PX, is_letter, paint_filter_row

AnyIndex = QModelIndex | QPersistentModelIndex
MAX_ROWS = 9
INDENT_PX = 16


class FacetDelegate(QStyledItemDelegate):
    """Paints a branch like an entry of the SHOW list."""

    def __init__(self, model: FacetModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(100, ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        is_chosen = index.data(KEY_ROLE) in self._model.chosen
        view = self.parent()
        if isinstance(view, FacetView) and not view.is_by_key:
            option.state &= ~QStyle.StateFlag.State_HasFocus
        paint_filter_row(painter, option, str(index.data()), int(index.data(COUNT_ROLE)), is_chosen)


class FacetView(QTreeView):
    """Shows one tree; as high as its rows, up to a limit, then it scrolls."""

    keys_chosen = Signal(object)
    """A frozenset of the keys of all branches that are to be shown; empty for no filter."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.facets = FacetModel(self)
        self.setModel(self.facets)
        self.setItemDelegate(FacetDelegate(self.facets, self))
        self.setHeaderHidden(True)
        self.setUniformRowHeights(True)
        self.setIndentation(INDENT_PX)
        self.setExpandsOnDoubleClick(False)
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(name)
        self.is_by_key = False
        """Whether the frame of the focus is shown: after a click it would look like a choice."""
        self._opened: set[str] = set()
        self.expanded.connect(lambda index: self._note_opened(index, True))
        self.collapsed.connect(lambda index: self._note_opened(index, False))

    def set_tree(self, tree: FacetTree) -> None:
        """Shows another tree; what was open stays open as far as it is there."""
        if tree is self.facets.tree:
            return
        is_first = len(self.facets.tree) == 0
        self.facets.set_tree(tree)
        for key in sorted(self._opened):
            self.expand(self.facets.index_of(key))
        if is_first and self.facets.rowCount() == 1:
            self.expand(self.facets.index(0, 0))
        self._fit()

    def set_counts(self, counts: NDArray[np.int64]) -> None:
        """Shows other counts, one per node of the tree."""
        self.facets.set_counts(counts)
        self.viewport().update()

    def set_chosen(self, keys: frozenset[str]) -> None:
        """Marks branches without choosing them, and opens the way to them."""
        if keys == self.facets.chosen:
            return
        self.facets.chosen = keys
        for key in keys:
            above = self.facets.index_of(key).parent()
            while above.isValid():
                self.expand(above)
                above = above.parent()
        self.viewport().update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if event.button() != Qt.MouseButton.LeftButton or not index.isValid():
            return
        self.is_by_key = False
        self._make_current(index)
        if event.position().x() < self.visualRect(index).left():
            self.setExpanded(index, not self.isExpanded(index))
        else:
            self._choose(index, bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not event.buttons():
            super().mouseMoveEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and event.position().x() < self.visualRect(index).left():
            self.mousePressEvent(event)  # two quick clicks on an arrow are two clicks

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self.is_by_key = True
        self.viewport().update()
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self.currentIndex().isValid():
                self._choose(self.currentIndex(), bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier))
        elif is_letter(event):
            event.ignore()  # letters are class keys
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.is_by_key = event.reason() != Qt.FocusReason.MouseFocusReason
        super().focusInEvent(event)
        if not self.currentIndex().isValid() and self.facets.rowCount():
            self._make_current(self.facets.index(0, 0))

    def drawBranches(self, painter: QPainter, rect: QRect, index: AnyIndex) -> None:
        if self.facets.rowCount(index):
            name = "chevron-down" if self.isExpanded(index) else "chevron-right"
            middle = rect.center().y() + 1
            paint_icon(painter, name, QRectF(rect.right() - INDENT_PX + 2, middle - 6, 12, 12), "text_dim")

    def _choose(self, index: AnyIndex, adds: bool) -> None:
        key = {str(index.data(KEY_ROLE))}
        chosen = self.facets.chosen
        self.keys_chosen.emit(chosen ^ key if adds else frozenset() if chosen == key else frozenset(key))

    def _make_current(self, index: AnyIndex) -> None:
        self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)

    def _note_opened(self, index: QModelIndex, is_open: bool) -> None:
        (self._opened.add if is_open else self._opened.discard)(str(index.data(KEY_ROLE)))
        self._fit()

    def _fit(self) -> None:
        """Takes as much height as there are rows to see, up to MAX_ROWS."""
        rows, index = 0, self.facets.index(0, 0)
        while index.isValid() and rows < MAX_ROWS:
            rows, index = rows + 1, self.indexBelow(index)
        self.setFixedHeight(rows * ROW_PX + 2)
