"""How something ended: an icon, a headline, a sentence."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.theme import paint_icon, theme
from gui.widgets.text import text_label

ICON_PX = 22


class Verdict(QWidget):
    """Good or bad news inside a dialog."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon, self._color = "check-circle", "success"
        self.headline = text_label(role="heading", wrap=True)
        self.sentence = text_label(role="dim", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(48, 12, 14, 12)
        column.setSpacing(2)
        column.addWidget(self.headline)
        column.addWidget(self.sentence)
        column.addStretch(1)

    def show_good(self, headline: str, sentence: str) -> None:
        self._show("check-circle", "success", headline, sentence)

    def show_bad(self, headline: str, sentence: str) -> None:
        self._show("error", "danger", headline, sentence)

    def _show(self, icon: str, color: str, headline: str, sentence: str) -> None:
        self._icon, self._color = icon, color
        self.headline.setText(headline)
        self.sentence.setText(sentence)
        self.setAccessibleName(f"{headline} {sentence}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tint = theme().color(self._color)
        painter.setPen(tint)
        tint.setAlphaF(0.08)
        painter.setBrush(tint)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 10, 10)
        paint_icon(painter, self._icon, QRectF(14, 13, ICON_PX, ICON_PX), self._color)
