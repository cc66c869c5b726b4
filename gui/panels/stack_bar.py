"""The buttons in the head of the current stack: everything that the keys do, for those who use the mouse."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from engine.language import tr
from gui.theme import icon
from gui.widgets.buttons import button


class StackBar(QWidget):
    """Name, later, join, split, open. Lies over the view, so it takes no keyboard focus from it."""

    name_wanted = Signal()
    later_wanted = Signal()
    join_wanted = Signal()
    split_wanted = Signal()
    open_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name_button = button(tr("Name…"), "chip", tooltip=tr("Name this stack: an old class or a new one (/)"))
        later_tip = tr("Not now: put this stack at the end (Ctrl+End)")
        self.later_button = button(tr("Later"), "chip", tooltip=later_tip)
        self.join_button = _tool("join", tr("Join with the next stack (Ctrl+J)"))
        self.split_button = _tool("split", tr("Split in two by what is alike (Ctrl+Shift+J)"))
        self.open_button = _tool("grid", tr("Open in the grid (Ctrl+Enter)"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for made, signal in (
            (self.name_button, self.name_wanted),
            (self.later_button, self.later_wanted),
            (self.join_button, self.join_wanted),
            (self.split_button, self.split_wanted),
            (self.open_button, self.open_wanted),
        ):
            made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            made.clicked.connect(lambda _on=False, each=signal: each.emit())
            row.addWidget(made)
        self.setCursor(Qt.CursorShape.ArrowCursor)

    def show_for(self, num_selected: int, num_pictures: int, can_join: bool, can_wait: bool, can_write: bool) -> None:
        """Enables what can be done with the selected stacks."""
        self.join_button.setToolTip(
            tr("Join these {num_selected} stacks (Ctrl+J)", num_selected=num_selected)
            if num_selected > 1
            else tr("Join with the next stack (Ctrl+J)")
        )
        self.join_button.setAccessibleName(self.join_button.toolTip().partition(" (")[0])
        self.join_button.setEnabled(can_join)
        self.split_button.setEnabled(num_selected == 1 and num_pictures > 1)
        self.later_button.setEnabled(can_wait)
        self.name_button.setEnabled(can_write)


def _tool(icon_name: str, tip: str) -> QToolButton:
    made = QToolButton()
    made.setIcon(icon(icon_name))
    made.setIconSize(QSize(18, 18))
    made.setToolTip(tip)
    made.setAccessibleName(tip.partition(" (")[0])
    return made
