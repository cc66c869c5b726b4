"""What all dialogs have in common: title, margins, a row of buttons."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from gui.widgets.text import text_label

FRAME_PX = 48
"""Room for the frame that a window manager puts around a dialog."""


class FramedDialog(QDialog):
    """A dialog with a large title, a sentence, a body (`body`) and a row of buttons (`add_button`)."""

    def __init__(self, title: str, sentence: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setModal(True)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(24, 22, 24, 20)
        outer.setSpacing(0)
        outer.addWidget(text_label(title, "title"))
        self.sentence = text_label(sentence, "dim", wrap=True)
        self.sentence.setVisible(bool(sentence))
        outer.addSpacing(6)
        outer.addWidget(self.sentence)
        outer.addSpacing(16)
        self.body = QVBoxLayout()
        self.body.setSpacing(8)
        outer.addLayout(self.body, 1)
        outer.addSpacing(20)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(8)
        self._buttons.addStretch(1)
        outer.addLayout(self._buttons)

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize):
            self._keep_room()
        return super().event(event)

    def _keep_room(self) -> None:
        """Keeps the dialog high enough for its words: Qt's own minimum does not know how often they wrap."""
        layout = self.layout()
        if layout is not None and layout.hasHeightForWidth():
            needed = layout.totalMinimumHeightForWidth(self.width())
            self.setMinimumHeight(min(needed, self.screen().availableGeometry().height() - FRAME_PX))

    def add_button(self, button: QPushButton, *, on_left: bool = False) -> QPushButton:
        """Adds a button to the row at the bottom and returns it."""
        button.setAutoDefault(False)
        if on_left:
            self._buttons.insertWidget(self._buttons.count() - 1 if self._buttons.count() > 1 else 0, button)
        else:
            self._buttons.addWidget(button)
        if button.property("role") == "primary":
            button.setDefault(True)
            button.setFocus(Qt.FocusReason.OtherFocusReason)
        return button
