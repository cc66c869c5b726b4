"""Buttons: the accented one with its shortcut beside the text, cards to choose from, and the toggle switch."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QPushButton, QSizePolicy, QStyle, QStyleOptionButton, QWidget

from gui.theme import font, icon, paint_icon, theme


def button(text: str, role: str = "", icon_name: str = "", tooltip: str = "") -> QPushButton:
    """Returns a push button. Roles: "primary", "ghost", "chip", "link", ""."""
    made = QPushButton(text)
    if role:
        made.setProperty("role", role)
    if icon_name:
        made.setIcon(icon(icon_name, "accent_text" if role == "primary" else "text_dim"))
        made.setIconSize(QSize(16, 16))
    if tooltip:
        made.setToolTip(tooltip)
    made.setAccessibleName(text.replace("…", ""))
    return made


class ShortcutButton(QPushButton):
    """The accented button of the window, with its shortcut in small print beside the text."""

    def __init__(self, text: str, shortcut: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "primary")
        self._title = text
        self._shortcut = shortcut
        self.setAccessibleName(text)

    @property
    def shortcut_text(self) -> str:
        return self._shortcut

    def _fonts(self) -> tuple[QFontMetrics, QFontMetrics]:
        return QFontMetrics(font(1.1, bold=True)), QFontMetrics(font(0.88))

    def sizeHint(self) -> QSize:
        title, small = self._fonts()
        width = title.horizontalAdvance(self._title) + 8 + small.horizontalAdvance(self._shortcut) + 44
        return QSize(width, max(36, title.height() + 16))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        option = QStyleOptionButton()
        self.initStyleOption(option)
        option.text = ""
        painter = QPainter(self)
        self.style().drawControl(QStyle.ControlElement.CE_PushButton, option, painter, self)
        title, small = self._fonts()
        title_width = title.horizontalAdvance(self._title)
        left = (self.width() - title_width - 8 - small.horizontalAdvance(self._shortcut)) // 2
        color = theme().color("accent_text" if self.isEnabled() else "text_faint")
        painter.setPen(color)
        painter.setFont(font(1.1, bold=True))
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(QRect(left, 0, self.width() - left, self.height()), middle, self._title)
        color.setAlphaF(0.72)
        painter.setPen(color)
        painter.setFont(font(0.88))
        left += title_width + 8
        painter.drawText(QRect(left, 0, self.width() - left, self.height()), middle, self._shortcut)


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


class ToggleSwitch(QAbstractButton):
    """An on/off switch with its text to the left."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText(text)
        self.setAccessibleName(text)
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + 8 + 36, 24)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(colors.color("text_dim"))
        painter.drawText(self.rect().adjusted(0, 0, -44, 0), int(Qt.AlignmentFlag.AlignVCenter), self.text())
        track = QRectF(self.width() - 35, (self.height() - 18) / 2, 34, 18)
        painter.setPen(colors.color("accent") if self.hasFocus() else Qt.PenStyle.NoPen)
        painter.setBrush(colors.color("accent" if self.isChecked() else "track"))
        painter.drawRoundedRect(track, 9, 9)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(Qt.GlobalColor.white)
        knob_x = track.right() - 16 if self.isChecked() else track.left() + 2
        painter.drawEllipse(QRectF(knob_x, track.top() + 2, 14, 14))
