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
    """A key with what it does; `tail` is drawn in the colour of a class. Without a key it says what is going on."""

    key: str
    text: str
    tail: str = ""
    tail_color: str = ""


class HintLine(QWidget):
    """Draws hints from the left; those that do not fit are left out; where none fits, the first is shortened."""

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
        parts = [message, *(_spoken(hint) for hint in hints)]
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

        def draw(text: str, color: QColor, room: float = 10_000.0) -> None:
            nonlocal x
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(0.0, room))
            width = metrics.horizontalAdvance(shown)
            painter.setFont(used)
            painter.setPen(color)
            painter.drawText(QRectF(x, 0, width + 2, self.height()), Qt.AlignmentFlag.AlignVCenter, shown)
            x += width

        right = self.width() - 8.0
        if self._message:
            draw(self._message, QColor(colors.text), right - x)
            x += 20
        widths = [_width(hint, metrics) for hint in self._hints]
        fit_alone = [x + width <= right for width in widths]
        for at, hint in enumerate(self._hints):
            is_shortened = at == 0 and not self._message and (not hint.key or not any(fit_alone))
            if x + widths[at] > right and not is_shortened:
                continue
            if hint.key:
                x += paint_keycap(painter, x, middle, hint.key) + 8
            draw(
                hint.text + (" " if hint.tail else ""), QColor(colors.text_dim if hint.key else colors.text), right - x
            )
            if hint.tail:
                color = as_text(hint.tail_color) if hint.tail_color else QColor(colors.text)
                draw(hint.tail, color, right - x)
            x += 18
        painter.end()


def _spoken(hint: Hint) -> str:
    words = f"{hint.text} {hint.tail}".strip()
    return f"{hint.key}: {words}" if hint.key else words


def _width(hint: Hint, metrics: QFontMetricsF) -> float:
    words = metrics.horizontalAdvance(f"{hint.text} {hint.tail}".strip())
    return words + (keycap_width(hint.key) + 8 if hint.key else 0.0)
