"""Paints the rows of the list of backbones: name, licence mark, speed, size, and whether it is on this machine."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from engine.backbones import BackboneSpec
from gui import wording
from gui.models.backbone_list import (
    HERE,
    IN_USE,
    RECOMMENDED,
    RECOMMENDED_ROLE,
    SPEC_ROLE,
    STATE_ROLE,
    TO_GET,
    licence_words,
)
from gui.theme import font, paint_icon, theme

ROW_PX, HEADING_PX, ICON_PX, MARGIN_PX = 52, 34, 18, 12
_LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
_RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
_LOOKS = {IN_USE: ("check-circle", "accent"), HERE: ("check-circle", "success"), TO_GET: ("download", "text_faint")}


class BackboneDelegate(QStyledItemDelegate):
    """Two lines a row: the name and its state; speed, size and what the licence does not allow."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        line = option.fontMetrics.height()
        is_heading = index.data(SPEC_ROLE) is None
        return QSize(200, max(HEADING_PX, line + 14) if is_heading else max(ROW_PX, 2 * line + 18))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        space: QRect = option.rect
        state: QStyle.StateFlag = option.state
        record = index.data(SPEC_ROLE)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if isinstance(record, BackboneSpec):
            self._paint_row(
                painter, space, state, record, str(index.data(STATE_ROLE)), bool(index.data(RECOMMENDED_ROLE))
            )
        else:
            painter.setPen(theme().color("text_faint"))
            painter.setFont(font(0.86, bold=True))
            painter.drawText(space.adjusted(MARGIN_PX, 8, -MARGIN_PX, 0), int(_LEFT), str(index.data()))
        painter.restore()

    def _paint_row(
        self,
        painter: QPainter,
        space: QRect,
        state: QStyle.StateFlag,
        record: BackboneSpec,
        word: str,
        is_recommended: bool,
    ) -> None:
        colors = theme()
        is_chosen = bool(state & QStyle.StateFlag.State_Selected)
        frame = QRectF(space).adjusted(1, 1, -1, -3)
        if is_chosen or state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(colors.color("selected" if is_chosen else "card_hover"))
            has_focus = is_chosen and bool(state & QStyle.StateFlag.State_HasFocus)
            painter.setPen(colors.color("accent") if has_focus else Qt.PenStyle.NoPen)
            painter.drawRoundedRect(frame, 8, 8)
        icon_name, icon_color = _LOOKS.get(word, ("offline", "text_faint"))
        middle = frame.center().y()
        paint_icon(
            painter, icon_name, QRectF(space.left() + MARGIN_PX, middle - ICON_PX / 2, ICON_PX, ICON_PX), icon_color
        )
        left = space.left() + MARGIN_PX + ICON_PX + 12
        upper = QRect(left, int(frame.top()) + 5, space.right() - MARGIN_PX - left, int(frame.height() / 2) - 5)
        lower = upper.translated(0, upper.height())
        right = word if word in (IN_USE, HERE) else wording.size(record.size_bytes)
        painter.setFont(font(0.9))
        painter.setPen(colors.color(icon_color if word == IN_USE else "text_dim"))
        painter.drawText(upper, int(_RIGHT), right)
        taken = painter.fontMetrics().horizontalAdvance(right) + 12
        painter.setPen(colors.color("text"))
        painter.setFont(font(1.0, bold=True))
        name = painter.fontMetrics().elidedText(
            record.display_name, Qt.TextElideMode.ElideMiddle, upper.width() - taken
        )
        painter.drawText(upper, int(_LEFT), name)
        self._paint_facts(painter, lower, record)
        if is_recommended:
            painter.setFont(font(0.88, bold=True))
            painter.setPen(colors.color("accent"))
            painter.drawText(lower, int(_RIGHT), RECOMMENDED)

    def _paint_facts(self, painter: QPainter, space: QRect, record: BackboneSpec) -> None:
        colors = theme()
        painter.setFont(font(0.88))
        facts = f"{wording.speed(record.speed_class)} · {record.input_size_px} px"
        painter.setPen(colors.color("text_faint"))
        painter.drawText(space, int(_LEFT), facts)
        warning = licence_words(record)
        if warning:
            left = painter.fontMetrics().horizontalAdvance(facts + "   ")
            paint_icon(painter, "warning", QRectF(space.left() + left, space.center().y() - 6, 13, 13), "warning")
            painter.setPen(colors.color("warning"))
            painter.drawText(space.adjusted(left + 18, 0, 0, 0), int(_LEFT), warning)
