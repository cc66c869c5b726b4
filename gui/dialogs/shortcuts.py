"""The sheet of all keys (F1), made from the tables that the keys are made from: it cannot be wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from engine.domain import ImageClass, LabelMode
from engine.language import tr
from gui.action_keys import changeable, checked, key_of, native
from gui.dialogs.frame import FramedDialog
from gui.panels.workspace_keys import (
    BLOCKS,
    CLASSES,
    DUPLICATES,
    LABEL,
    MOVE,
    REVIEW,
    SINGLE,
    STACKS,
    USE,
    class_key_text,
    keys_for,
)
from gui.widgets.buttons import button
from gui.widgets.dot import Dot
from gui.widgets.key_label import KeyLabel
from gui.widgets.text import ElidedLabel, text_label

KEYS_PX = 156
Keys = list[tuple[str, str]]


def menu_keys(keys: Mapping[str, str] | None = None) -> Keys:
    """Returns (keys, text) of every action in the menus that has a shortcut and is not a key of the workspace.

    Args:
        keys: those that the user changed, by action.
    """
    held = checked(keys or {})
    listed = [(key_of(spec, held), spec.text.rstrip("…")) for spec in changeable()]
    return [(native(key), text) for key, text in listed if key]


def workspace_keys(group: str, mode: LabelMode) -> Keys:
    """Returns (keys, text) of a group of keys of the workspace."""
    return [(spec.label, spec.text) for spec in keys_for(mode) if spec.group == group]


class ShortcutsDialog(FramedDialog):
    """Two columns of keys; those of the project's own classes are among them."""

    def __init__(
        self,
        classes: Sequence[ImageClass],
        mode: LabelMode,
        parent: QWidget | None = None,
        keys: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(tr("Keyboard shortcuts"), tr("Everything can be done with keys."), parent)
        self.resize(920, 640)
        self._grids: dict[QVBoxLayout, list[QGridLayout]] = {}
        inner = QWidget()
        columns = QHBoxLayout(inner)
        columns.setContentsMargins(0, 0, 12, 0)
        columns.setSpacing(32)
        left, right = QVBoxLayout(), QVBoxLayout()
        for column in (left, right):
            column.setSpacing(0)  # a nested layout takes over its parent's spacing otherwise
            columns.addLayout(column, 1)
        self._add_group(left, LABEL, workspace_keys(LABEL, mode))
        self._add_group(left, MOVE, workspace_keys(MOVE, mode))
        self._add_group(left, SINGLE, workspace_keys(SINGLE, mode))
        self._add_group(left, STACKS, workspace_keys(STACKS, mode))
        self._add_group(left, BLOCKS, workspace_keys(BLOCKS, mode))
        self._add_group(left, DUPLICATES, workspace_keys(DUPLICATES, mode))
        with_keys = [item for item in classes if item.key]
        if with_keys:
            self._add_classes(right, with_keys)
        self._add_group(right, CLASSES, workspace_keys(CLASSES, mode))
        self._add_group(right, REVIEW, workspace_keys(REVIEW, mode))
        self._add_group(right, USE, workspace_keys(USE, mode))
        self._add_group(right, tr("Menus"), menu_keys(keys))
        self._align_groups()
        left.addStretch(1)
        right.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setAccessibleName(tr("Keys"))
        area.setWidget(inner)
        inner.setAutoFillBackground(False)
        self.body.addWidget(area, 1)
        close = self.add_button(button(tr("Close"), "primary"))
        close.clicked.connect(self.accept)

    def _add_group(self, column: QVBoxLayout, title: str, keys: Keys) -> None:
        grid = self._add_grid(column, title)
        grid.setColumnMinimumWidth(0, KEYS_PX)
        self._grids.setdefault(column, []).append(grid)
        for row, (key, text) in enumerate(keys):
            grid.addWidget(KeyLabel(key), row, 0, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
            grid.addWidget(text_label(text, wrap=True), row, 1)

    def _align_groups(self) -> None:
        """Has what the keys do begin at one place in all groups of a column."""
        for grids in self._grids.values():
            keys = [item for grid in grids for row in range(grid.rowCount()) if (item := grid.itemAtPosition(row, 0))]
            widest = max((item.sizeHint().width() for item in keys), default=0)
            for grid in grids:
                grid.setColumnMinimumWidth(0, max(KEYS_PX, widest))

    def _add_classes(self, column: QVBoxLayout, classes: Sequence[ImageClass]) -> None:
        grid = self._add_grid(column, tr("Your classes"))
        grid.setColumnStretch(1, 0)
        grid.setColumnStretch(2, 1)
        for row, item in enumerate(classes):
            grid.addWidget(KeyLabel(class_key_text(item.key)), row, 0, Qt.AlignmentFlag.AlignLeft)
            grid.addWidget(Dot(item.color), row, 1)
            grid.addWidget(ElidedLabel(item.name), row, 2)

    def _add_grid(self, column: QVBoxLayout, title: str) -> QGridLayout:
        column.addWidget(text_label(title, "caption"))
        grid = QGridLayout()
        grid.setContentsMargins(0, 10, 0, 24)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(7)
        grid.setColumnStretch(1, 1)
        column.addLayout(grid)
        return grid
