"""The field for the user's note on an image."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QPlainTextEdit, QSizePolicy, QWidget

from engine.language import tr

MAX_LINES = 6
MAX_LENGTH = 10_000


class NoteField(QPlainTextEdit):
    """Grows with its text. What was typed is handed over when it is left; Enter leaves it, Esc leaves it as it was."""

    changed = Signal(int, str)
    """Image id and the new note: the field was left."""
    left = Signal()
    """The keys should go back to the images."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image_id = 0
        self._saved = ""
        self.setTabChangesFocus(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setPlaceholderText(tr("Add a note…"))
        self.setAccessibleName(tr("Note on this image"))
        self.setToolTip(
            tr("Note on this image (Ctrl+T). Enter keeps it, Shift+Enter begins a new line, Esc forgets it")
        )
        self.textChanged.connect(self._fit)
        self._fit()

    def show_note(self, image_id: int, text: str | None) -> None:
        """Shows the note of an image; None while it is not known yet. What is being typed is not disturbed."""
        if image_id != self._image_id:
            self._hand_over()
            self._image_id = image_id
            self._set_text("" if text is None else text)
        elif text is not None and text != self._saved and (self.isReadOnly() or not self._is_edited):
            self._set_text(text)
        if text is not None or not self._is_edited:
            self.setReadOnly(text is None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = Qt.Key
        has_shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.key() == keys.Key_Escape:
            self._set_text(self._saved)
            self.left.emit()
        elif event.key() in (keys.Key_Return, keys.Key_Enter) and not has_shift:
            self._hand_over()
            self.left.emit()
        elif len(self.toPlainText()) < MAX_LENGTH or not event.text().isprintable():
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() not in (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.MenuBarFocusReason):
            self._hand_over()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()

    @property
    def _is_edited(self) -> bool:
        return self.toPlainText().strip() != self._saved

    def _hand_over(self) -> None:
        if self._image_id and self._is_edited and not self.isReadOnly():
            self._saved = self.toPlainText().strip()
            self.changed.emit(self._image_id, self._saved)

    def _set_text(self, text: str) -> None:
        self._saved = text
        if self.toPlainText() != text:
            self.setPlainText(text)

    def _fit(self) -> None:
        num_lines = max(1, min(MAX_LINES, int(self.document().size().height())))
        needs_bar = int(self.document().size().height()) > MAX_LINES
        policy = Qt.ScrollBarPolicy.ScrollBarAsNeeded if needs_bar else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.setVerticalScrollBarPolicy(policy)
        self.setFixedHeight(num_lines * self.fontMetrics().lineSpacing() + 24)
