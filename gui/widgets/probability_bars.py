"""What the model thinks of an image, as bars in the colours of the classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.domain import ImageClass
from gui.theme import font, theme
from gui.widgets.class_colors import over

BAR_PX, GAP_PX, MAX_BARS = 22, 4, 5


class ProbabilityBars(QWidget):
    """The likeliest classes, at most five, highest first.

    Where images may have several: all that are suggested too, and a line on each bar where suggesting begins.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: list[tuple[ImageClass, float]] = []
        self._thresholds: Mapping[int, float] = {}
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("What the model thinks")

    def set_predictions(
        self, predictions: Sequence[tuple[ImageClass, float]], thresholds: Mapping[int, float] | None = None
    ) -> None:
        """Shows these; classes below half a per cent only while there are fewer than three.

        `thresholds` says by class id from where on a class is suggested, where images may have several.
        """
        self._thresholds = thresholds or {}
        likeliest = [each for at, each in enumerate(predictions[:MAX_BARS]) if at < 3 or each[1] >= 0.005]
        self._shown = likeliest + [each for each in predictions[MAX_BARS:] if self._is_suggested(*each)]
        words = (
            f"{item.name} {value:.0%}{', suggested' if self._is_suggested(item, value) else ''}"
            for item, value in self._shown
        )
        self.setAccessibleDescription(", ".join(words))
        self.updateGeometry()
        self.update()

    def _is_suggested(self, item: ImageClass, value: float) -> bool:
        return item.id in self._thresholds and value >= self._thresholds[item.id]

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
            if item.id in self._thresholds:
                place = round(row.width() * self._thresholds[item.id]) + 0.5
                painter.setPen(QPen(QColor(colors.text_faint), 1.0))
                painter.drawLine(QPointF(place, row.top() + 3), QPointF(place, row.bottom() - 3))
            painter.setFont(font(0.92, bold=self._is_suggested(item, value)))
            painter.setPen(QColor(colors.text))
            painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text)
            name = metrics.elidedText(item.name, Qt.TextElideMode.ElideRight, inner.width() - 56)
            painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
        painter.end()
