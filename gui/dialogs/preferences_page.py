"""What the sections of the preferences have in common: names on the left, what can be chosen on the right."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from gui.widgets.buttons import button
from gui.widgets.text import text_label

NAME_PX = 136


class PreferencesPage(QWidget):
    """A section: headings, rows of a name and a control, and notes below them."""

    def __init__(self) -> None:
        super().__init__()
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(8)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(10)
        self._grid.setColumnMinimumWidth(0, NAME_PX)
        self._grid.setColumnStretch(1, 1)
        self.column.addLayout(self._grid)

    def begin(self) -> None:
        """Is called each time the section is shown."""

    def add_heading(self, text: str) -> None:
        """Adds the heading of a group of rows."""
        row = self._grid.rowCount()
        if row > 1:
            self._grid.setRowMinimumHeight(row, 10)
        self._grid.addWidget(text_label(text, "caption"), row + 1, 0, 1, 2)

    def add_row(self, name: str, widget: QWidget) -> QWidget:
        """Adds a control with its name and returns it."""
        row = self._grid.rowCount()
        label = QLabel(name)
        label.setBuddy(widget)
        if name and not widget.accessibleName():
            widget.setAccessibleName(name)
        self._grid.addWidget(label, row, 0)
        # One that keeps its width would make the grid narrower than the page otherwise.
        is_fixed = widget.sizePolicy().horizontalPolicy() == QSizePolicy.Policy.Fixed
        self._grid.addWidget(widget, row, 1, Qt.AlignmentFlag.AlignLeft if is_fixed else Qt.AlignmentFlag(0))
        return widget

    def add_note(self, text: str = "", role: str = "faint") -> QLabel:
        """Adds small print below the control of the last row and returns it."""
        note = text_label(text, role, wrap=True)
        self._grid.addWidget(note, self._grid.rowCount(), 1)
        return note

    def add_stretch(self) -> None:
        """Lets the rows keep together at the top."""
        self.column.addStretch(1)


def beside(widget: QWidget, *buttons: QPushButton) -> QWidget:
    """Returns a widget with buttons at its right."""
    holder = QWidget()
    row = QHBoxLayout(holder)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8)
    row.addWidget(widget, 1)
    for made in buttons:
        row.addWidget(made)
    return holder


def small_button(text: str, act: Callable[[], None], tooltip: str = "") -> QPushButton:
    """Returns a button for the end of a row."""
    made = button(text, "chip", tooltip=tooltip)
    made.setAutoDefault(False)
    made.clicked.connect(lambda _checked=False: act())
    return made
