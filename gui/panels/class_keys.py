"""Giving a class another key, in place: what is wrong with a key is said in words before anything changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from engine.language import tr
from gui.panels.workspace_keys import key_text
from gui.session import Session
from gui.widgets.buttons import button
from gui.widgets.text import text_label

RESERVED: Final = {
    "x": tr("X skips an image"),
    "?": tr("? marks an image as unsure"),
    "/": tr("/ finds a class"),
    "h": tr("H shows where the model looks"),
    "v": tr("V labels like the picture before"),
    " ": tr("Space accepts a suggestion"),
    "+": tr("+ makes the picture larger"),
    "-": tr("- makes the picture smaller"),
    "=": tr("= makes the picture larger"),
}


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
        self.cancel_button = _choice(tr("Leave all as it is"), self.given_up.emit)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 0, 4)
        layout.setSpacing(4)
        for widget in (self._text, self.swap_button, self.take_button, self.cancel_button):
            layout.addWidget(widget)
        self.hide()

    def begin(self, class_id: int) -> None:
        """Waits for the key of a class."""
        self._class_id = class_id
        self._show(tr("Press the new key, or button 4 or 5 of the mouse. Backspace takes the key away, Esc leaves it."))

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
            self._show(tr("{meaning}. Press another key.", meaning=RESERVED[key]))
            return
        holder = next((each for each in self._session.classes if each.key == key and each.id != item.id), None)
        if not key or holder is None:
            self._session.set_class_key(item.id, key or None)
            self.done.emit()
        elif self._asked_key == key:
            self._take()
        else:
            shown = key_text(key.upper() if len(key) == 1 else key)
            self._show(tr("{key} is the key of {class_name}.", key=shown, class_name=holder.name), asked_key=key)
            own = key_text(item.key.upper() if len(item.key) == 1 else item.key) if item.key else ""
            self.swap_button.setVisible(bool(own))
            self.swap_button.setText(
                tr("Swap: {class_name} gets {key}  (Enter)", class_name=_short(holder.name), key=own)
            )
            self.swap_button.setToolTip(
                tr(
                    "{class_name} gets {key}, and {other} gets {other_key}",
                    class_name=item.name,
                    key=shown,
                    other=holder.name,
                    other_key=own,
                )
            )
            self.take_button.setText(
                tr("Take it  ({key} again)", key=shown) if own else tr("Take it  (Enter, or {key} again)", key=shown)
            )
            self.take_button.setToolTip(
                tr(
                    "{class_name} gets {key}, and {other} has no key then",
                    class_name=item.name,
                    key=shown,
                    other=holder.name,
                )
            )

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
