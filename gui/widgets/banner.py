"""A card that floats over the bottom of a page, for errors, warnings and good news."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from engine.language import tr
from gui.theme import icon, paint_icon, theme
from gui.widgets.buttons import button
from gui.widgets.text import text_label

NOTICE_MS = 7000
MAX_WIDTH_PX = 560
BOTTOM_PX = 48
"""Leaves the line with the keys free."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """A button beside an error: what the user can do about it."""

    text: str
    act: Callable[[], None]


class Banner(QWidget):
    """A card that floats over the bottom of the window until it is closed (or, for notices, for some seconds)."""

    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._color = "danger"
        self._icon = "error"
        self._message = text_label(role="heading", wrap=True)
        self._hint = text_label(role="dim", wrap=True)
        for label in (self._message, self._hint):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        # An empty layout would squeeze the texts above it, so the buttons have a widget that can be hidden.
        self._remedy_row = QWidget()
        self._remedies = QHBoxLayout(self._remedy_row)
        self._remedies.setContentsMargins(0, 4, 0, 0)
        self._remedies.setSpacing(8)
        close = QToolButton()
        close.setIcon(icon("close"))
        close.setIconSize(QSize(16, 16))
        close.setToolTip(tr("Close (Esc)"))
        close.setAccessibleName(tr("Close this message"))
        close.clicked.connect(self.close_banner)
        self._close = close
        texts = QVBoxLayout()
        texts.setSpacing(4)
        texts.addWidget(self._message)
        texts.addWidget(self._hint)
        texts.addWidget(self._remedy_row)
        texts.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(52, 14, 10, 14)
        row.setSpacing(8)
        row.addLayout(texts, 1)
        row.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(NOTICE_MS)
        self._timer.timeout.connect(self.close_banner)
        parent.installEventFilter(self)
        self.hide()

    @property
    def message(self) -> str:
        return self._message.text()

    @property
    def hint(self) -> str:
        return self._hint.text()

    def show_text(
        self, message: str, hint: str, icon_name: str, color: str, remedies: Sequence[Remedy], is_lasting: bool
    ) -> None:
        """Shows a message, instead of the one that is there."""
        self._icon, self._color = icon_name, color
        self._message.setText(message)
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))
        self._set_remedies(remedies)
        self.setAccessibleName(f"{message} {hint}".strip())
        self._timer.stop()
        if not is_lasting:
            self._timer.start()
        self.show()
        self._place()
        self.raise_()
        self.update()

    def close_banner(self) -> None:
        self._timer.stop()
        if self.isVisible():
            self.hide()
            self.closed.emit()

    def _set_remedies(self, remedies: Sequence[Remedy]) -> None:
        while (item := self._remedies.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.setParent(None)
                old.deleteLater()
        for remedy in remedies:
            made = button(remedy.text, "chip")
            made.clicked.connect(lambda _checked=False, chosen=remedy: self._on_remedy(chosen))
            self._remedies.addWidget(made)
        self._remedies.addStretch(1)
        self._remedy_row.setVisible(bool(remedies))

    def _on_remedy(self, remedy: Remedy) -> None:
        self.close_banner()
        remedy.act()

    def _place(self) -> None:
        parent = self.parentWidget()
        if parent is None:
            return
        width = min(MAX_WIDTH_PX, parent.width() - 32)
        layout = self.layout()
        if layout is None:
            return
        layout.invalidate()
        layout.activate()
        height = layout.totalHeightForWidth(width)
        self.setGeometry((parent.width() - width) // 2, parent.height() - height - BOTTOM_PX, width, height)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_banner()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(colors.color("card"))
        painter.setPen(colors.color(self._color))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 12, 12)
        paint_icon(painter, self._icon, QRectF(18, 15, 22, 22), self._color)
