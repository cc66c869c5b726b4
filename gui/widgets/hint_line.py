"""The line below the images: which key does what right now, drawn with keycaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.language import tr
from gui.theme import font, theme
from gui.widgets.class_colors import as_text
from gui.widgets.keycap import keycap_width, paint_keycap


@dataclass(frozen=True, slots=True)
class Hint:
    """A key with what it does; `tail` is drawn in the colour of a class."""

    key: str
    text: str
    tail: str = ""
    tail_color: str = ""


class HintLine(QWidget):
    """Draws hints from the left; those that do not fit are left out."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hints: Sequence[Hint] = ()
        self._message = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Keys"))

    def sizeHint(self) -> QSize:
        return QSize(300, 36)

    def set_hints(self, hints: Sequence[Hint], message: str = "") -> None:
        """Shows hints, and before them a message."""
        self._hints = hints
        self._message = message
        parts = [message, *(f"{hint.key}: {hint.text} {hint.tail}".strip() for hint in hints)]
        self.setAccessibleDescription(", ".join(part for part in parts if part))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(colors.window))
        used, metrics = font(), QFontMetricsF(font())
        middle = self.height() / 2
        x = 16.0

        def draw(text: str, color: QColor) -> None:
            nonlocal x
            width = metrics.horizontalAdvance(text)
            painter.setFont(used)
            painter.setPen(color)
            painter.drawText(QRectF(x, 0, width + 2, self.height()), Qt.AlignmentFlag.AlignVCenter, text)
            x += width

        if self._message:
            draw(self._message, QColor(colors.text))
            x += 20
        for hint in self._hints:
            needed = keycap_width(hint.key) + 8 + metrics.horizontalAdvance(f"{hint.text} {hint.tail}".strip())
            if x + needed > self.width() - 8:
                continue
            x += paint_keycap(painter, x, middle, hint.key) + 8
            draw(hint.text + (" " if hint.tail else ""), QColor(colors.text_dim))
            if hint.tail:
                draw(hint.tail, as_text(hint.tail_color) if hint.tail_color else QColor(colors.text))
            x += 18
        painter.end()
