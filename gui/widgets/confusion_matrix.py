"""The confusion matrix as coloured cells: rows are the true classes, columns what the model said."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui import wording
from gui.theme import font, theme

MAX_CELL_PX = 64
MIN_CELL_PX = 18
GAP_PX = 4
LABEL_PX = 112
SMALL_CELL_PX = 28


class ConfusionMatrix(QWidget):
    """Draws K x K cells; a cell's strength is its share of the row. Tooltips say each cell in words."""

    def __init__(
        self,
        names: Sequence[str],
        colors: Sequence[str],
        counts: Sequence[Sequence[int]],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._names = list(names)
        self._colors = list(colors)
        self._counts = [list(row) for row in counts]
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Confusion matrix")
        self.setAccessibleDescription(
            " ".join(
                self.sentence(row, column)
                for row in range(len(self._names))
                for column in range(len(self._names))
                if row != column and self._counts[row][column]
            )[:2000]
        )

    def minimumSizeHint(self) -> QSize:
        side = max(1, len(self._names)) * (MIN_CELL_PX + self._gap(MIN_CELL_PX))
        return QSize(LABEL_PX + int(side), int(self._header_px(MIN_CELL_PX) + side))

    def sizeHint(self) -> QSize:
        cell = 44 if len(self._names) <= 12 else MIN_CELL_PX
        side = max(1, len(self._names)) * (cell + self._gap(cell))
        return QSize(LABEL_PX + int(side), int(self._header_px(cell) + side))

    def sentence(self, row: int, column: int) -> str:
        """Returns a cell in words."""
        number, total = self._counts[row][column], sum(self._counts[row])
        if row == column:
            return f"{number:,} of {total:,} images of {self._names[row]} were recognised."
        return f"{wording.count(number, 'image')} of {self._names[row]} taken for {self._names[column]}."

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            place = self._cell_at(QPointF(event.pos()))
            if place is not None:
                QToolTip.showText(event.globalPos(), self.sentence(*place), self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width, height = self._cell_size()
        self._paint_labels(painter, width, height)
        for row in range(len(self._names)):
            total = sum(self._counts[row])
            for column in range(len(self._names)):
                self._paint_cell(painter, row, column, self._counts[row][column] / total if total else 0.0)

    def _paint_labels(self, painter: QPainter, width: float, height: float) -> None:
        colors = theme()
        painter.setFont(font(0.88))
        metrics = painter.fontMetrics()
        header = self._header_px(width)
        for place, name in enumerate(self._names):
            middle = header + place * height + height / 2
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._colors[place]))
            painter.drawEllipse(QPointF(6, middle - self._gap(height) / 2), 4, 4)
            painter.setPen(colors.color("text_dim"))
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, LABEL_PX - 26)
            painter.drawText(
                QRectF(17, middle - height / 2, LABEL_PX - 24, height - self._gap(height)),
                int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft),
                shown,
            )
            left = LABEL_PX + place * width
            if width >= SMALL_CELL_PX:
                shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, int(width))
                painter.drawText(
                    QRectF(left, 0, width - self._gap(width), header - 4),
                    int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom),
                    shown,
                )
            else:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(self._colors[place]))
                painter.drawEllipse(QPointF(left + (width - self._gap(width)) / 2, header - 8), 3.5, 3.5)

    def _paint_cell(self, painter: QPainter, row: int, column: int, share: float) -> None:
        colors = theme()
        rect = self._cell_rect(row, column)
        number = self._counts[row][column]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colors.color("card_hover"))
        painter.drawRoundedRect(rect, 5, 5)
        if not number:
            return
        tint = colors.color("accent" if row == column else "danger")
        tint.setAlphaF(0.25 + 0.6 * share if row == column else 0.30 + 0.55 * min(1.0, 2 * share))
        painter.setBrush(tint)
        painter.drawRoundedRect(rect, 5, 5)
        if rect.width() >= 20:
            painter.setPen(
                QColor("#ffffff") if colors.is_dark or (row == column and share > 0.5) else colors.color("text")
            )
            painter.setFont(font(0.92 if rect.width() >= SMALL_CELL_PX else 0.75))
            painter.drawText(rect, int(Qt.AlignmentFlag.AlignCenter), str(number))

    def _cell_size(self) -> tuple[float, float]:
        number = max(1, len(self._names))
        width = min(MAX_CELL_PX, max(MIN_CELL_PX, (self.width() - LABEL_PX) / number))
        height = min(MAX_CELL_PX * 0.72, max(MIN_CELL_PX, (self.height() - self._header_px(width)) / number))
        return width, height

    def _cell_rect(self, row: int, column: int) -> QRectF:
        width, height = self._cell_size()
        return QRectF(
            LABEL_PX + column * width,
            self._header_px(width) + row * height,
            width - self._gap(width),
            height - self._gap(height),
        )

    def _cell_at(self, point: QPointF) -> tuple[int, int] | None:
        width, height = self._cell_size()
        column = int((point.x() - LABEL_PX) // width)
        row = int((point.y() - self._header_px(width)) // height)
        number = len(self._names)
        return (row, column) if 0 <= row < number and 0 <= column < number else None

    @staticmethod
    def _gap(cell_px: float) -> float:
        return GAP_PX if cell_px >= SMALL_CELL_PX else 2.0

    @staticmethod
    def _header_px(cell_px: float) -> float:
        return 24.0 if cell_px >= SMALL_CELL_PX else 16.0
