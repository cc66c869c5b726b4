"""The sheet of all keys (F1): those of the menus from the table of actions, those of the workspace from here."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from gui.actions import ACTIONS
from gui.dialogs.frame import FramedDialog
from gui.widgets.buttons import button
from gui.widgets.key_label import KeyLabel
from gui.widgets.text import text_label

LABELLING: tuple[tuple[str, str], ...] = (
    ("1 … 9, letters", "Give the class with that key"),
    ("/", "Find any class by typing"),
    ("Space", "Accept the suggestion"),
    ("Shift+Space", "Accept all confident suggestions"),
    ("X", "Skip"),
    ("?", "Mark as unsure"),
    ("Backspace", "Take the class away"),
)
MOVING: tuple[tuple[str, str], ...] = (
    ("Arrow keys", "To the next image"),
    ("Tab", "To the next unlabelled image"),
    ("Enter", "Grid or single image"),
    ("Shift, Ctrl + click", "Select several"),
    ("Ctrl+A", "Select all"),
    ("Ctrl+wheel", "Larger or smaller"),
)


def menu_keys() -> list[tuple[str, str]]:
    """Returns (keys, text) of every action in the menus that has a shortcut and is not a key of the workspace."""
    return [
        (QKeySequence(spec.shortcut).toString(QKeySequence.SequenceFormat.NativeText), spec.text.rstrip("…"))
        for spec in ACTIONS
        if spec.shortcut and spec.has_own_key
    ]


class ShortcutsDialog(FramedDialog):
    """Two columns of keys."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Keyboard shortcuts", "Everything can be done with keys.", parent)
        self.resize(800, 620)
        inner = QWidget()
        columns = QHBoxLayout(inner)
        columns.setContentsMargins(0, 0, 12, 0)
        columns.setSpacing(40)
        left, right = QVBoxLayout(), QVBoxLayout()
        left.setSpacing(0)  # a nested layout takes over its parent's spacing otherwise
        right.setSpacing(0)
        columns.addLayout(left, 1)
        columns.addLayout(right, 1)
        self._add_group(left, "Label", list(LABELLING))
        self._add_group(left, "Move", list(MOVING))
        self._add_group(right, "Menus", menu_keys())
        left.addStretch(1)
        right.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inner)
        inner.setAutoFillBackground(False)
        self.body.addWidget(area, 1)
        close = self.add_button(button("Close", "primary"))
        close.clicked.connect(self.accept)

    def _add_group(self, column: QVBoxLayout, title: str, keys: list[tuple[str, str]]) -> None:
        column.addWidget(text_label(title, "caption"))
        grid = QGridLayout()
        grid.setContentsMargins(0, 10, 0, 24)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(7)
        grid.setColumnStretch(1, 1)
        for row, (key, text) in enumerate(keys):
            grid.addWidget(KeyLabel(key), row, 0, Qt.AlignmentFlag.AlignLeft)
            grid.addWidget(text_label(text), row, 1)
        column.addLayout(grid)
