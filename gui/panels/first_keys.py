"""The first-run layer: the six keys that matter, laid over the real workspace once, and again from the Help menu."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from engine.domain import LabelMode
from engine.language import tr
from gui.theme import theme
from gui.widgets.buttons import button
from gui.widgets.key_label import KeyLabel
from gui.widgets.text import text_label

FIRST_KEYS: Final = {
    LabelMode.ONE: (
        ("1 … 9", tr("Give the class with that key, and on to the next image")),
        ("/", tr("Find any class by typing, or make a new one")),
        (tr("Tab"), tr("To the next image without a class")),
        (tr("Space"), tr("Accept what the model suggests")),
        (tr("Enter"), tr("One image at a time, and back to all of them")),
        (tr("Ctrl+Z"), tr("Take anything back, at any time")),
    ),
    LabelMode.SEVERAL: (
        ("1 … 9", tr("Give the class with that key, or take it away")),
        (tr("Enter"), tr("These classes are complete: on to the next image")),
        ("/", tr("Find any class by typing, or make a new one")),
        (tr("Tab"), tr("To the next image that is not labelled")),
        (tr("Space"), tr("Accept all that the model suggests, and confirm")),
        (tr("Ctrl+Z"), tr("Take anything back, at any time")),
    ),
}
CARD_PX = 460
ALONE = (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta)
"""Keys that do nothing alone."""


class FirstKeysLayer(QWidget):
    """Covers the workspace; any key or click takes it away, and class keys work right through it."""

    closed = Signal()

    def __init__(self, mode: LabelMode, workspace: QWidget) -> None:
        super().__init__(workspace)
        self._workspace = workspace
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("The keys that matter"))
        keys = FIRST_KEYS[mode]
        self.setAccessibleDescription(". ".join(f"{key}: {text}" for key, text in keys))
        self._card = QFrame(self)
        self._card.setProperty("role", "card")
        self._card.setFixedWidth(CARD_PX)
        self._build(keys)
        workspace.installEventFilter(self)

    def open(self) -> None:
        """Shows it over the whole workspace and takes the keyboard."""
        self.setGeometry(self._workspace.rect())
        self._place_card()
        self.show()
        self.raise_()
        self.setFocus(Qt.FocusReason.PopupFocusReason)

    def dismiss(self) -> None:
        """Takes it away for good."""
        if self.isVisible():
            self.closed.emit()
            self.close()

    def event(self, event: QEvent) -> bool:
        # Comes before any shortcut: the key does what it does, and the layer goes.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() not in ALONE:
            QTimer.singleShot(0, self, self.dismiss)
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() not in (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason):
            self.dismiss()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.dismiss()

    def paintEvent(self, event: QPaintEvent) -> None:
        scrim = QColor(theme().window)
        scrim.setAlpha(190)
        QPainter(self).fillRect(self.rect(), scrim)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._workspace and event.type() == QEvent.Type.Resize:
            self.setGeometry(self._workspace.rect())
            self._place_card()
        return super().eventFilter(watched, event)

    def _place_card(self) -> None:
        self._card.adjustSize()
        self._card.move((self.width() - self._card.width()) // 2, (self.height() - self._card.height()) // 2)

    def _build(self, keys: tuple[tuple[str, str], ...]) -> None:
        layout = QVBoxLayout(self._card)
        layout.setContentsMargins(28, 24, 28, 22)
        layout.setSpacing(6)
        layout.addWidget(text_label(tr("Six keys do nearly everything"), "title"))
        sentences = tr("Your hands can stay on the keyboard. The line at the bottom always says which keys make sense.")
        layout.addWidget(text_label(sentences, "dim", wrap=True))
        layout.addSpacing(12)
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(12)
        grid.setColumnStretch(1, 1)
        for row, (key, text) in enumerate(keys):
            grid.addWidget(KeyLabel(key), row, 0, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            grid.addWidget(text_label(text, wrap=True), row, 1)
        layout.addLayout(grid)
        layout.addSpacing(16)
        foot = QHBoxLayout()
        foot.addWidget(text_label(tr("F1 shows all keys"), "faint"), 1)
        done = button(tr("Got it"), "primary", tooltip=tr("Any key does that too"))
        done.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        done.clicked.connect(self.dismiss)
        foot.addWidget(done)
        layout.addLayout(foot)
