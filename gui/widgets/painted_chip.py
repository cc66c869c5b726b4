"""Draws the chip of a class: filled where an image has it, a dashed outline where it is suggested."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from engine.language import tr
from gui.theme import font, paint_icon, theme
from gui.widgets.class_colors import as_text, text_on

UNKNOWN_TEXT: Final = tr("unknown?")
MIN_LETTERS: Final = 4
"""Fewer letters of a name with "…" behind them say less than the key of its class."""


def shortened(metrics: QFontMetricsF, name: str, key: str, room: float) -> str:
    """Returns what of a class' name is written in so much room: the whole, its beginning, its key, or some letters."""
    text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, room)
    if text == name or len(text) > MIN_LETTERS:
        return text
    if key:
        return key
    number = next((at for at in range(MIN_LETTERS, 1, -1) if metrics.horizontalAdvance(name[:at]) <= room), 1)
    return name[:number]


def chip_width(name: str, max_width: float, is_ghost: bool) -> float:
    """Returns how wide `paint_chip` draws a chip."""
    metrics = QFontMetricsF(font(0.85, bold=not is_ghost))
    text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, max(12.0, max_width - 16))
    return round(metrics.horizontalAdvance(text)) + 16.0


def paint_chip(
    painter: QPainter, left: float, middle: float, max_width: float, name: str, color: str, is_ghost: bool
) -> float:
    """Draws a class chip: filled for a class, a dashed outline for a suggestion. Returns its width."""
    used = font(0.85, bold=not is_ghost)
    metrics = QFontMetricsF(used)
    text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, max(12.0, max_width - 16))
    height = round(metrics.height()) + 3.0
    chip = QRectF(left + 0.5, round(middle - height / 2) + 0.5, round(metrics.horizontalAdvance(text)) + 16, height)
    painter.setFont(used)
    if is_ghost:
        pen = QPen(as_text(color), 1.0)
        pen.setDashPattern([3.0, 2.0])
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(chip, height / 2, height / 2)
        painter.setPen(as_text(color))
    else:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(color))
        painter.drawRoundedRect(chip, height / 2, height / 2)
        painter.setPen(text_on(color))
    painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, text)
    return chip.width()


def paint_unknown_chip(painter: QPainter, left: float, middle: float, max_width: float) -> None:
    """Draws what stands in place of a suggestion where an image looks like none of the classes."""
    used = font(0.85)
    metrics = QFontMetricsF(used)
    text = metrics.elidedText(UNKNOWN_TEXT, Qt.TextElideMode.ElideRight, max(0.0, max_width - 32))
    text = text if len(text) > MIN_LETTERS else ""  # the sign alone says it, too
    height, width = round(metrics.height()) + 3.0, round(metrics.horizontalAdvance(text)) + (32 if text else 26)
    chip = QRectF(left + 0.5, round(middle - height / 2) + 0.5, width, height)
    color = QColor(theme().text_dim)
    pen = QPen(color, 1.0)
    pen.setDashPattern([1.0, 2.0])
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(chip, height / 2, height / 2)
    paint_icon(painter, "unknown", QRectF(chip.left() + 6, middle - 7, 14, 14), "text_dim")
    painter.setFont(used)
    painter.setPen(color)
    painter.drawText(chip.adjusted(24, 0, -8, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
