"""The list of everything that can be undone or done again; any point of it can be gone to."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QWidget

from engine.domain import StepEntry
from gui import wording
from gui.dialogs.frame import FramedDialog
from gui.session import Session
from gui.theme import icon, theme
from gui.widgets.buttons import button

LIMIT = 1000


class UndoHistoryDialog(FramedDialog):
    """Newest first. The state of a row is how many steps back (negative) or forward it is from now."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(
            "Undo history", "Choose a point to go to. Nothing is lost: what is undone can be done again.", parent
        )
        self.resize(560, 520)
        self._session = session
        self.list = QListWidget()
        self.list.setAccessibleName("Steps, newest first")
        self.list.setProperty("role", "boxed")
        self.list.itemActivated.connect(lambda _item: self._go())
        self.list.currentRowChanged.connect(self._show_what)
        self.body.addWidget(self.list, 1)
        cancel = self.add_button(button("Close"))
        cancel.clicked.connect(self.reject)
        self.go_button = self.add_button(button("Go to this point", "primary"))
        self.go_button.clicked.connect(self._go)
        self.go_button.setEnabled(False)
        project = session.project
        if project is not None:
            session.when_saved(lambda: session.read_in_background(lambda: project.steps(LIMIT), self._fill))

    def _fill(self, entries: Sequence[StepEntry]) -> None:
        num_undone = sum(entry.is_undone for entry in entries)
        for at, entry in enumerate(entries):
            self._add_row(entry.text, num_undone - at, wording.moment(entry.made_at))
        if len(entries) < LIMIT:
            self._add_row("The beginning", num_undone - len(entries), "")
        self.list.setCurrentRow(min(num_undone, self.list.count() - 1))
        self.list.setFocus()

    def _add_row(self, text: str, distance: int, when: str) -> None:
        """Adds a row; going there takes `distance` steps of redo, or of undo when it is negative."""
        text = text[:1].upper() + text[1:]
        tail = "now" if distance == 0 else when
        row = QListWidgetItem(f"{text}   ·   {tail}" if tail else text)
        row.setData(Qt.ItemDataRole.UserRole, distance)
        if distance == 0:
            font = QFont(self.list.font())
            font.setBold(True)
            row.setFont(font)
            row.setIcon(icon("check"))
        elif distance > 0:
            row.setForeground(theme().color("text_faint"))
            row.setIcon(icon("redo", "text_faint"))
            row.setToolTip("Undone; it can be done again")
        else:
            row.setIcon(icon("undo"))
        self.list.addItem(row)

    def _distance(self) -> int:
        row = self.list.currentItem()
        return int(row.data(Qt.ItemDataRole.UserRole)) if row is not None else 0

    def _show_what(self, _row: int) -> None:
        distance = self._distance()
        self.go_button.setEnabled(distance != 0)
        steps = wording.count(abs(distance), "step")
        self.go_button.setText(
            "Go to this point" if not distance else f"Undo {steps}" if distance < 0 else f"Redo {steps}"
        )

    def _go(self) -> None:
        distance = self._distance()
        for _ in range(abs(distance)):
            self._session.undo() if distance < 0 else self._session.redo()
        self.accept()
