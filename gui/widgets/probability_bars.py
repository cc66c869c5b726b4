"""What the model thinks of an image, as bars in the colours of the classes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.domain import ImageClass
from gui.theme import font, theme
from gui.widgets.class_colors import over

BAR_PX, GAP_PX, MAX_BARS = 22, 4, 5


class ProbabilityBars(QWidget):
    """The likeliest classes, at most five, highest first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: list[tuple[ImageClass, float]] = []
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("What the model thinks")

    def set_predictions(self, predictions: Sequence[tuple[ImageClass, float]]) -> None:
        """Shows these; classes below half a per cent only while there are fewer than three."""
        self._shown = [each for at, each in enumerate(predictions[:MAX_BARS]) if at < 3 or each[1] >= 0.005]
        self.setAccessibleDescription(", ".join(f"{item.name} {value:.0%}" for item, value in self._shown))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, max(0, len(self._shown) * (BAR_PX + GAP_PX) - GAP_PX))

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = QFontMetricsF(font(0.92))
        painter.setFont(font(0.92))
        for at, (item, value) in enumerate(self._shown):
            row = QRectF(0, at * (BAR_PX + GAP_PX), self.width(), BAR_PX)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(over(item.color, colors.panel, 0.34))
            painter.drawRoundedRect(QRectF(row.left(), row.top(), max(3.0, row.width() * value), row.height()), 4, 4)
            text = f"{value * 100:.0f} %" if 0.005 <= value < 0.995 else ("> 99 %" if value >= 0.995 else "< 1 %")
            inner = row.adjusted(8, 0, -8, 0)
            painter.setPen(QColor(colors.text))
            painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text)
            name = metrics.elidedText(item.name, Qt.TextElideMode.ElideRight, inner.width() - 56)
            painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
        painter.end()
