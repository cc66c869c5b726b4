"""A large card to press or to choose, with an icon, a title and a sentence."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from gui.theme import font, paint_icon, theme


class CardButton(QAbstractButton):
    """A large card with an icon, a title and a sentence; checkable ones are choices."""

    def __init__(self, icon_name: str, title: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = icon_name
        self._sentence = text
        self._is_primary = False
        self.setText(title)
        self.setAccessibleName(title)
        self.setAccessibleDescription(text)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def set_is_primary(self, on: bool) -> None:
        self._is_primary = on
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(240, 84 if self._icon else 72)

    def minimumSizeHint(self) -> QSize:
        return QSize(150, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(0.75, 0.75, -0.75, -0.75)
        is_hot = self.underMouse() or self.isDown()
        is_marked = self.hasFocus() or self.isChecked()
        painter.setBrush(colors.color("card_hover" if is_hot else "card"))
        pen = painter.pen()
        pen.setColor(colors.color("accent" if is_marked else "border"))
        pen.setWidthF(1.5 if is_marked else 1.0)
        painter.setPen(pen)
        painter.drawRoundedRect(frame, 12, 12)
        left = 16
        if self._icon:
            badge = QRectF(16, 16, 36, 36)
            badge_color = colors.color("accent")
            badge_color.setAlphaF(1.0 if self._is_primary else 0.16)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(badge_color)
            painter.drawRoundedRect(badge, 10, 10)
            paint_icon(
                painter, self._icon, badge.adjusted(8, 8, -8, -8), "accent_text" if self._is_primary else "accent"
            )
            left = 64
        space = QRect(left, 14, self.width() - left - 16, self.height() - 28)
        painter.setPen(colors.color("text"))
        painter.setFont(font(1.08, bold=True))
        painter.drawText(space, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop), self.text())
        title_height = painter.fontMetrics().height() + 4
        painter.setPen(colors.color("text_dim"))
        painter.setFont(font(0.92))
        painter.drawText(space.adjusted(0, title_height, 0, 8), int(Qt.TextFlag.TextWordWrap), self._sentence)
