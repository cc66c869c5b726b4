"""What the model thinks of an image, as bars in the colours of the classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from engine.domain import ImageClass
from engine.language import tr
from gui.theme import font, paint_icon, theme
from gui.widgets.class_colors import over

BAR_PX, GAP_PX, MAX_BARS = 22, 4, 5
TICK_PX = 5


class ProbabilityBars(QWidget):
    """The likeliest classes, at most five, highest first.

    Where images may have several: all that are suggested too, and a line on each bar where suggesting begins.
    """

    pressed = Signal(int)
    """Id of the class whose bar was pressed, by mouse or by Enter."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._looked_at = 0
        self._at = 0
        self._shown: list[tuple[ImageClass, float]] = []
        self._thresholds: Mapping[int, float] = {}
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("What the model thinks"))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def set_predictions(
        self, predictions: Sequence[tuple[ImageClass, float]], thresholds: Mapping[int, float] | None = None
    ) -> None:
        """Shows these; classes below half a per cent only while there are fewer than three.

        `thresholds` says by class id from where on a class is suggested, where images may have several.
        """
        self._thresholds = thresholds or {}
        likeliest = [each for at, each in enumerate(predictions[:MAX_BARS]) if at < 3 or each[1] >= 0.005]
        self._shown = likeliest + [each for each in predictions[MAX_BARS:] if self._is_suggested(*each)]
        self.setAccessibleDescription(", ".join(self._words(*each) for each in self._shown))
        self._at = min(self._at, max(0, len(self._shown) - 1))
        self.updateGeometry()
        self.update()

    def _words(self, item: ImageClass, value: float) -> str:
        share = 100 * float(value)
        if self._is_suggested(item, value):
            return tr("{class_name} {share:.0f}%, suggested", class_name=item.name, share=share)
        return tr("{class_name} {share:.0f}%", class_name=item.name, share=share)

    def set_looked_at(self, class_id: int) -> None:
        """Marks the class that the heat map is about; 0 for none."""
        if class_id != self._looked_at:
            self._looked_at = class_id
            self.update()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            at = self._bar_at(event.pos().y())
            if at >= 0:
                QToolTip.showText(
                    event.globalPos(),
                    tr("Show where the model sees {class_name}", class_name=self._shown[at][0].name),
                    self,
                )
            return True
        return super().event(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        at = self._bar_at(int(event.position().y()))
        if event.button() == Qt.MouseButton.LeftButton and at >= 0:
            self._at = at
            self.pressed.emit(self._shown[at][0].id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if step is not None and self._shown:
            self._at = max(0, min(len(self._shown) - 1, self._at + step))
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._shown:
            self.pressed.emit(self._shown[self._at][0].id)
        else:
            event.ignore()

    def _bar_at(self, y: int) -> int:
        at = y // (BAR_PX + GAP_PX)
        return at if 0 <= at < len(self._shown) else -1

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
            if item.id == self._looked_at or (self.hasFocus() and at == self._at):
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(QColor(colors.accent if self.hasFocus() else colors.text_dim), 1.0))
                painter.drawRoundedRect(row.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
            if item.id == self._looked_at:
                paint_icon(painter, "eye", QRectF(inner.right() - 66, row.center().y() - 8, 16, 16), "text_dim")
            if item.id in self._thresholds:
                place = round(row.width() * self._thresholds[item.id]) + 0.5
                painter.setPen(QPen(QColor(colors.text_dim), 1.0))
                painter.drawLine(QPointF(place, row.bottom() - TICK_PX), QPointF(place, row.bottom()))
            painter.setFont(font(0.92, bold=self._is_suggested(item, value)))
            painter.setPen(QColor(colors.text))
            painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text)
            name = metrics.elidedText(
                item.name, Qt.TextElideMode.ElideRight, inner.width() - (76 if item.id == self._looked_at else 56)
            )
            painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
        painter.end()
