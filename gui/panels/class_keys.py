"""Giving a class another key, in place: what is wrong with a key is said in words before anything changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from gui.panels.workspace_keys import key_text
from gui.session import Session
from gui.widgets.buttons import button
from gui.widgets.text import text_label

RESERVED: Final = {
    "x": "X skips an image", "?": "? marks an image as unsure", "/": "/ finds a class",
    "h": "H shows where the model looks", "v": "V labels like the picture before", " ": "Space accepts a suggestion",
    "+": "+ makes the picture larger", "-": "- makes the picture smaller", "=": "= makes the picture larger",
}  # fmt: skip


class ClassKeyEditor(QWidget):
    """Stands below the palette while a class waits for its new key; asks when another class has that key."""

    done = Signal()
    """The class has its key: nothing more to listen for."""
    given_up = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._class_id = 0
        self._asked_key = ""
        self._text = text_label(role="warning", wrap=True)
        self.swap_button = _choice("", self._swap)
        self.take_button = _choice("", self._take)
        self.cancel_button = _choice("Leave all as it is", self.given_up.emit)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 0, 4)
        layout.setSpacing(4)
        for widget in (self._text, self.swap_button, self.take_button, self.cancel_button):
            layout.addWidget(widget)
        self.hide()

    def begin(self, class_id: int) -> None:
        """Waits for the key of a class."""
        self._class_id = class_id
        self._show("Press the new key, or button 4 or 5 of the mouse. Backspace takes the key away, Esc leaves it.")

    def end(self) -> None:
        """Waits no longer."""
        self._class_id = 0
        self.hide()

    def give(self, key: str) -> None:
        """Takes a key that was pressed; "" takes the present one away."""
        item = self._session.class_by_id(self._class_id)
        if item is None:
            self.given_up.emit()
            return
        if key in RESERVED:
            self._show(f"{RESERVED[key]}. Press another key.")
            return
        holder = next((each for each in self._session.classes if each.key == key and each.id != item.id), None)
        if not key or holder is None:
            self._session.set_class_key(item.id, key or None)
            self.done.emit()
        elif self._asked_key == key:
            self._take()
        else:
            shown = key_text(key.upper() if len(key) == 1 else key)
            self._show(f"{shown} is the key of {holder.name}.", asked_key=key)
            own = key_text(item.key.upper() if len(item.key) == 1 else item.key) if item.key else ""
            self.swap_button.setVisible(bool(own))
            self.swap_button.setText(f"Swap: {_short(holder.name)} gets {own}  (Enter)")
            self.swap_button.setToolTip(f"{item.name} gets {shown}, and {holder.name} gets {own}")
            self.take_button.setText(f"Take it  ({shown} again)" if own else f"Take it  (Enter, or {shown} again)")
            self.take_button.setToolTip(f"{item.name} gets {shown}, and {holder.name} has no key then")

    def confirm(self) -> None:
        """Enter: swaps where there is something to swap, or takes the key."""
        if self._asked_key:
            item = self._session.class_by_id(self._class_id)
            self._swap() if item is not None and item.key else self._take()

    def _swap(self) -> None:
        self._session.set_class_key(self._class_id, self._asked_key, swaps=True)
        self.done.emit()

    def _take(self) -> None:
        self._session.set_class_key(self._class_id, self._asked_key)
        self.done.emit()

    def _show(self, text: str, asked_key: str = "") -> None:
        self._asked_key = asked_key
        self._text.setText(text)
        for each in (self.swap_button, self.take_button, self.cancel_button):
            each.setVisible(bool(asked_key))
        self.show()


def _choice(text: str, act: Callable[[], object]) -> QPushButton:
    made = button(text)
    made.setProperty("role", "choice")
    # The palette keeps the focus: it is the one that listens for the key.
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    made.clicked.connect(lambda _on=False: act())
    return made


def _short(name: str) -> str:
    return name if len(name) <= 14 else f"{name[:13]}…"
