"""Draws a stack: its panel, what its head says, its pictures and the gap before the odd ones."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from engine.language import tr, trn
from gui.theme import font, paint_icon, theme
from gui.widgets.image_card import CardFace, CardPainter, percent
from gui.widgets.keycap import keycap_width, paint_keycap
from gui.widgets.painted_chip import chip_width, paint_chip

RADIUS = 10.0
ASIDE_OPACITY, LOOKED_AT_OPACITY = 0.42, 0.8
"""Of what is set aside; more of it is seen where the pointer or the keyboard is."""
BADGE_PX = 20
CHIP_PX = 150


@dataclass(frozen=True, slots=True)
class StackHead:
    """What stands over a stack. `suggestion` is a class with its confidence: name, colour, share; `num_others`
    how many of the pictures the model takes for something else."""

    title: str
    details: str
    note: str = ""
    suggestion: tuple[str, str, float] | None = None
    num_others: int = 0
    is_current: bool = False
    is_selected: bool = False


def paint_panel(painter: QPainter, area: QRect, head: StackHead) -> None:
    """Draws the panel that a stack lies on."""
    colors = theme()
    panel = QRectF(area)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colors.card))
    painter.drawRoundedRect(panel, RADIUS, RADIUS)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if head.is_selected:
        painter.setPen(QPen(QColor(colors.accent), 2.0))
        painter.drawRoundedRect(panel.adjusted(-1, -1, 1, 1), RADIUS + 1, RADIUS + 1)
    elif not colors.is_dark:
        painter.setPen(QPen(QColor(colors.border), 1.0))
        painter.drawRoundedRect(panel.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)


def paint_head(painter: QPainter, area: QRect, head: StackHead, right_px: int) -> None:
    """Draws the head of a stack, as far as there is room left of `right_px` (its own buttons)."""
    colors = theme()
    left, middle, right = float(area.left()), area.center().y() + 1.0, area.right() - right_px

    def draw(text: str, color: str, *, bold: bool = False, small: bool = False) -> None:
        nonlocal left
        used = font(0.92 if small else 1.0, bold=bold)
        metrics = QFontMetricsF(used)
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(0.0, right - left))
        if right - left < 24 or not shown:
            return
        painter.setFont(used)
        painter.setPen(QColor(getattr(colors, color)))
        painter.drawText(QRectF(left, area.top(), right - left, area.height()), Qt.AlignmentFlag.AlignVCenter, shown)
        left += metrics.horizontalAdvance(shown) + 10

    draw(head.title, "text", bold=True)
    if head.suggestion is not None:
        name, color, confidence = head.suggestion
        keycap = keycap_width(tr("Enter")) + 8 if head.is_current else 0
        room = min(CHIP_PX, right - left - keycap)
        if room > 48:
            left += paint_chip(painter, left, middle, room, name, color, True) + 8
            draw(percent(confidence), "text_dim", small=True)
            if head.is_current and right - left > keycap:
                left += paint_keycap(painter, left, middle, tr("Enter")) + 10
        if head.num_others:
            draw(trn("{number} differs", "{number} differ", head.num_others), "text_dim", small=True)
    draw(head.details, "text_dim", small=True)
    if head.note and right - left > 60:
        paint_icon(painter, "eye", QRectF(left, middle - 7, 14, 14), "text_faint")
        left += 19
        draw(head.note, "text_faint", small=True)


def paint_gap(painter: QPainter, area: QRect) -> None:
    """Draws what separates the odd ones from the others."""
    colors = theme()
    painter.setPen(QPen(QColor(colors.border), 1.0))
    x = area.right() - 7
    painter.drawLine(x, area.top() + 4, x, area.bottom() - 4)
    painter.setFont(font(0.85))
    painter.setPen(QColor(colors.text_faint))
    words = QRectF(area.left(), area.top(), area.width() - 14, area.height())
    flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight | Qt.TextFlag.TextWordWrap
    painter.drawText(words, int(flags), tr("Odd\nones out"))


def paint_tile(
    painter: QPainter, cards: CardPainter, area: QRect, face: CardFace, is_aside: bool, other: tuple[str, str] | None
) -> None:
    """Draws a picture of a stack; `other` is the class (name, colour) that a model suggests instead of the stack's."""
    colors = theme()
    if is_aside:
        painter.setOpacity(LOOKED_AT_OPACITY if face.is_hovered or face.is_current else ASIDE_OPACITY)
    cards.paint_picture(painter, area, face)
    painter.setOpacity(1.0)
    if other is not None and not is_aside:
        _paint_other(painter, area, *other)
    if face.is_hovered or is_aside:
        _paint_badge(painter, area, is_aside, face.is_hovered)
    if face.is_current:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(colors.accent), 2.0))
        painter.drawRoundedRect(QRectF(area).adjusted(-1, -1, 1, 1), 9, 9)
        painter.setPen(QPen(QColor(colors.card), 1.0))
        painter.drawRoundedRect(QRectF(area).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)


def _paint_badge(painter: QPainter, area: QRect, is_aside: bool, is_hovered: bool) -> None:
    """Says in the corner what a click would do, or that the picture is set aside."""
    colors = theme()
    plate = QRectF(area.right() - BADGE_PX - 3, area.top() + 4, BADGE_PX, BADGE_PX)
    backing = QColor(colors.panel)
    backing.setAlpha(235)
    painter.setPen(QPen(QColor(colors.border), 1.0))
    painter.setBrush(backing)
    painter.drawEllipse(plate)
    name = ("plus" if is_aside else "close") if is_hovered else "minus"
    paint_icon(painter, name, plate.adjusted(4, 4, -4, -4), "text" if is_hovered else "text_dim")


def _paint_other(painter: QPainter, area: QRect, name: str, color: str) -> None:
    backing = QColor(theme().card)
    backing.setAlpha(225)
    width = min(area.width() - 8.0, chip_width(name, area.width() - 8.0, True) + 2)
    plate = QRectF(area.left() + 4, area.bottom() - 22, width, 20)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(backing)
    painter.drawRoundedRect(plate, 10, 10)
    paint_chip(painter, plate.left(), plate.center().y(), plate.width(), name, color, True)
