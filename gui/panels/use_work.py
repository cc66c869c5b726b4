"""Rows below the files of Use that say what is going on: classifying, a folder, a folder that is watched."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui.theme import theme
from gui.widgets.buttons import button
from gui.widgets.progress import SlimProgress
from gui.widgets.text import ElidedLabel

FILES, FOLDER, WATCH = "files", "folder", "watch"
BAR_PX = 160


@dataclass(frozen=True, slots=True)
class WorkState:
    """What a row shows. `total` 0: not known; `total` -1: no bar. `actions` are (key, text, tooltip) of its buttons."""

    title: str
    note: str = ""
    done: int = 0
    total: int = -1
    actions: tuple[tuple[str, str, str], ...] = ()


class _Row(QWidget):
    acted = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.title = ElidedLabel("", mode=Qt.TextElideMode.ElideMiddle)
        self.note = ElidedLabel("", "dim", mode=Qt.TextElideMode.ElideMiddle)
        self.progress = SlimProgress()
        self.progress.setFixedWidth(BAR_PX)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(6)
        self._actions: tuple[tuple[str, str, str], ...] = ()
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(self.title)
        words.addWidget(self.note)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 7, 12, 7)
        row.setSpacing(12)
        row.addLayout(words, 1)
        row.addWidget(self.progress)
        row.addLayout(self._buttons)
        self.setSizePolicy(self.sizePolicy().horizontalPolicy(), self.sizePolicy().Policy.Fixed)

    def show_state(self, state: WorkState) -> None:
        self.title.setText(state.title)
        self.note.setText(state.note)
        self.note.setVisible(bool(state.note))
        self.progress.setVisible(state.total >= 0)
        if state.total >= 0:
            self.progress.set_progress(state.done, state.total)
        self.setAccessibleName(f"{state.title}. {state.note}")
        if state.actions != self._actions:
            self._actions = state.actions
            while (item := self._buttons.takeAt(0)) is not None:
                if (old := item.widget()) is not None:
                    old.hide()
                    old.deleteLater()
            for key, text, tooltip in state.actions:
                made = button(text, "chip", tooltip=tooltip)
                made.clicked.connect(lambda _on=False, wanted=key: self.acted.emit(wanted))
                self._buttons.addWidget(made)


class UseWorkRows(QWidget):
    """Hidden while nothing is going on."""

    acted = Signal(str, str)
    """Key of the row and of its button."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 1, 0, 0)
        self._column.setSpacing(0)
        self._rows: dict[str, _Row] = {}
        for key in (FILES, FOLDER, WATCH):
            row = _Row()
            row.acted.connect(lambda wanted, of=key: self.acted.emit(of, wanted))
            row.hide()
            self._rows[key] = row
            self._column.addWidget(row)
        self.hide()

    def set_state(self, key: str, state: WorkState | None) -> None:
        """Shows or hides a row."""
        row = self._rows[key]
        if state is not None:
            row.show_state(state)
        row.setVisible(state is not None)
        self.setVisible(any(not each.isHidden() for each in self._rows.values()))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme().panel))
        painter.fillRect(0, 0, self.width(), 1, QColor(theme().border))
        painter.end()
