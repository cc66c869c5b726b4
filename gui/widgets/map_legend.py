"""What the colours of the map mean; pressing a line selects its points."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QFrame, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from engine.language import decimal, tr, trn
from gui.theme import font, theme

LINE_PX = 28


class LegendLine(QAbstractButton):
    """A dot (with a ring where the points have one), a name and a number."""

    def __init__(self, text: str, color: str, count: int, has_ring: bool) -> None:
        super().__init__()
        self._color, self._count, self._has_ring = color, count, has_ring
        self.setText(text)
        self.setToolTip(
            tr("{name}: select these {number:,} (Shift adds them to the selection)", name=text, number=count)
        )
        self.setAccessibleName(trn("{name}, {number:,} image", "{name}, {number:,} images", count, name=text))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(120, LINE_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        if self.underMouse() or self.hasFocus():
            painter.setPen(QPen(QColor(colors.accent), 1) if self.hasFocus() else Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colors.selected))
            painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        dot = QRectF(10, area.center().y() - 5, 10, 10)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._color))
        painter.drawEllipse(dot)
        if self._has_ring:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colors.text), 1.5))
            painter.drawEllipse(dot.adjusted(-3, -3, 3, 3))
        painter.setFont(font(0.92))
        metrics = QFontMetricsF(font(0.92))
        number = decimal(self._count, ",")
        room = area.width() - 40 - metrics.horizontalAdvance(number)
        name = metrics.elidedText(self.text(), Qt.TextElideMode.ElideRight, max(12.0, room))
        painter.setPen(QColor(colors.text))
        painter.drawText(area.adjusted(28, 0, -10, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
        painter.setPen(QColor(colors.text_dim))
        painter.drawText(
            area.adjusted(28, 0, -8, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, number
        )
        painter.end()


class MapLegend(QScrollArea):
    """The lines, in a column that scrolls where there are many classes."""

    pressed = Signal(int)
    """Number of the line."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setProperty("role", "thin")
        self.setAccessibleName(tr("What the colours mean"))
        self._said: list[tuple[str, str, int, bool]] = []

    def set_lines(self, lines: Sequence[tuple[str, str, int, bool]]) -> None:
        """Shows lines of text, colour, number of points and whether they have a ring."""
        if list(lines) == self._said:
            return
        self._said = list(lines)
        column = QWidget()
        layout = QVBoxLayout(column)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.setSpacing(0)
        for at, line in enumerate(lines):
            made = LegendLine(*line)
            made.clicked.connect(lambda _on=False, at=at: self.pressed.emit(at))
            layout.addWidget(made)
        layout.addStretch(1)
        self.setWidget(column)
