"""Facts in two columns: what each is called, and what it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel

from gui.widgets.text import ElidedLabel, text_label


class FactGrid(QGridLayout):
    """Leaves out the facts that are not known. Values that are too long lose their end, paths their middle."""

    def __init__(self, titles: Mapping[str, str], paths: Collection[str] = ()) -> None:
        """Titles are by the names that facts go by in code, in their order; `paths` names those that are paths."""
        super().__init__()
        self.setVerticalSpacing(6)
        self.setHorizontalSpacing(12)
        self.setColumnStretch(1, 1)
        self._titles: dict[str, QLabel] = {}
        self.values: dict[str, ElidedLabel] = {}
        for at, (name, title) in enumerate(titles.items()):
            mode = Qt.TextElideMode.ElideMiddle if name in paths else Qt.TextElideMode.ElideRight
            self._titles[name] = text_label(title, "dim")
            self.values[name] = ElidedLabel("", mode=mode)
            self.values[name].setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.addWidget(self._titles[name], at, 0)
            self.addWidget(self.values[name], at, 1)

    def set_fact(self, name: str, text: str) -> None:
        """Shows a fact; "" leaves it out."""
        self.values[name].setText(text)
        for label in (self._titles[name], self.values[name]):
            label.setVisible(bool(text))
