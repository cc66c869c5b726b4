"""Rows below the files of Use that say what is going on: classifying, a folder, a folder that is watched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from engine.language import tr
from gui.theme import theme
from gui.widgets.buttons import button
from gui.widgets.progress import SlimProgress
from gui.widgets.text import ElidedLabel

if TYPE_CHECKING:
    from gui.use_folder import FolderState
    from gui.use_session import UseSession

FILES, FOLDER, WATCH = "files", "folder", "watch"
BAR_PX = 160
CLOSE = ("close", tr("Close"), tr("Put this line away"))


@dataclass(frozen=True, slots=True)
class WorkState:
    """What a row shows. `total` 0: not known; `total` -1: no bar. `actions` are (key, text, tooltip) of its buttons."""

    title: str
    note: str = ""
    done: int = 0
    total: int = -1
    actions: tuple[tuple[str, str, str], ...] = ()


def files_row(use: UseSession) -> WorkState | None:
    """Returns what is shown of the files that are being classified one by one."""
    waiting, total = use.num_waiting, len(use.files)
    if use.is_looking:
        return WorkState(tr("Looking for pictures…"), total=0)
    if use.is_stopped:
        go_on = ("go_on", tr("Go on"), tr("Classify the rest"))
        left = tr("{waiting:,} of {total:,} still wait", waiting=waiting, total=total)
        return WorkState(tr("Stopped"), left, actions=(go_on,))
    if use.is_busy and waiting > 1:
        stop = ("stop", tr("Stop"), tr("What is done stays; go on later"))
        done = total - waiting
        how_far = tr("{done:,} of {total:,}", done=done, total=total)
        return WorkState(tr("Classifying"), how_far, done, total, (stop,))
    return None


def folder_row(state: FolderState | None) -> WorkState | None:
    """Returns what is shown of a run over a folder."""
    from gui.use_folder import progress_words

    if state is None:
        return None
    actions: tuple[tuple[str, str, str], ...]
    if not state.has_ended:
        actions = (("stop", tr("Stop"), tr("What is written stays; go on later")),)
        title = tr("Classifying {folder}", folder=state.plan.folder)
        return WorkState(title, progress_words(state), state.done, state.total, actions)
    if state.has_failed:
        again = ("again", tr("Go on"), tr("Start it again; what is done is not done twice"))
        return WorkState(tr("{folder} is not finished", folder=state.plan.folder), state.words, actions=(again, CLOSE))
    open_table = ("table", tr("Open the table"), tr("In the program for tables"))
    open_folder = ("folder", tr("Open the folder"), tr("In the file manager"))
    actions = ((open_table,) if state.plan.table is not None else ()) + (open_folder, CLOSE)
    return WorkState(tr("{folder} is classified", folder=state.plan.folder), state.words, actions=actions)


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
