"""Chips: small rounded facts in bars, with an icon or a dot; those with a handler can be pressed."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QEnterEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from gui.theme import font, paint_icon, theme

HEIGHT_PX = 26
ICON_PX = 14
PADDING_PX = 11
GAP_PX = 6


class Chip(QAbstractButton):
    """A pill with a text. `set_look` chooses icon and colour by name, so that it follows the theme."""

    def __init__(self, text: str = "", icon: str = "", color: str = "text_dim", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = icon
        self._color = color
        self._is_button = False
        self._is_short = False
        self.setText(text)
        self.setFont(font(0.92))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.set_is_button(False)

    def set_look(self, text: str, icon: str = "", color: str = "text_dim") -> None:
        """Changes text, icon and colour (a field of Theme)."""
        if (text, icon, color) != (self.text(), self._icon, self._color):
            self._icon, self._color = icon, color
            self.setText(text)
            self.setAccessibleName(text)
            self.updateGeometry()
            self.update()

    def set_is_button(self, on: bool) -> None:
        """Makes it something to press, or only something to read."""
        self._is_button = on
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if on else Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor if on else Qt.CursorShape.ArrowCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, False)
        self.update()

    def set_short(self, on: bool) -> None:
        """Shows only the icon, where there is no room for the text."""
        if on != self._is_short:
            self._is_short = on
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:
        width = 2 * PADDING_PX
        if not self._is_short:
            width += self.fontMetrics().horizontalAdvance(self.text())
        if self._icon:
            width += ICON_PX + (GAP_PX if self.text() and not self._is_short else 0)
        return QSize(width, max(HEIGHT_PX, self.fontMetrics().height() + 8))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.FontChange:
            self.updateGeometry()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        outline = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        is_hot = self._is_button and (self.underMouse() or self.isDown()) and self.isEnabled()
        painter.setBrush(colors.color("control_hover" if is_hot else "control"))
        has_focus = self._is_button and self.hasFocus()
        painter.setPen(colors.color("accent") if has_focus else QColor(Qt.GlobalColor.transparent))
        painter.drawRoundedRect(outline, outline.height() / 2, outline.height() / 2)
        left = float(PADDING_PX)
        if self._icon:
            top = (self.height() - ICON_PX) / 2
            paint_icon(
                painter, self._icon, QRectF(QPointF(left, top), QPointF(left + ICON_PX, top + ICON_PX)), self._color
            )
            left += ICON_PX + GAP_PX
        if self._is_short:
            return
        painter.setPen(colors.color(self._color if self.isEnabled() else "text_faint"))
        space = QRectF(left, 0, self.width() - left - PADDING_PX + 1, self.height())
        painter.drawText(space, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), self.text())

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self.update()
        super().leaveEvent(event)
