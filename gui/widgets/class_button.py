"""A class to choose: its dot, its name and the key that does the same."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from engine.language import tr
from gui.theme import font, theme
from gui.widgets.keycap import keycap_width, paint_keycap

HEIGHT_PX = 28
MOST_WIDE_PX = 220


class ClassButton(QAbstractButton):
    """As wide as its name, up to a limit."""

    def __init__(self, name: str, color: str, key: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._color, self._key = color, key
        self.setText(name)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        # A click leaves the keyboard where it is: with the images.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setToolTip(
            tr("It is {class_name} ({key})", class_name=name, key=key)
            if key
            else tr("It is {class_name}", class_name=name)
        )
        self.setAccessibleName(tr("It is {class_name}", class_name=name))

    def sizeHint(self) -> QSize:
        width = QFontMetricsF(font(0.92)).horizontalAdvance(self.text()) + 34
        if self._key:
            width += keycap_width(self._key) + 6
        return QSize(min(MOST_WIDE_PX, round(width)), HEIGHT_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        outline = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        is_hot = (self.underMouse() or self.isDown()) and self.isEnabled()
        painter.setBrush(QColor(colors.control_hover if is_hot else colors.control))
        painter.setPen(QPen(QColor(colors.accent), 1.5) if self.hasFocus() else Qt.PenStyle.NoPen)
        painter.drawRoundedRect(outline, 7, 7)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._color))
        painter.drawEllipse(QRectF(9, self.height() / 2 - 5, 10, 10))
        right = self.width() - 9.0
        if self._key:
            right -= keycap_width(self._key)
            paint_keycap(painter, right, self.height() / 2, self._key)
            right -= 6
        painter.setFont(font(0.92))
        painter.setPen(QColor(colors.text if self.isEnabled() else colors.text_faint))
        room = QRectF(25, 0, right - 25, self.height())
        text = QFontMetricsF(font(0.92)).elidedText(self.text(), Qt.TextElideMode.ElideRight, room.width() + 1)
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
        painter.end()
