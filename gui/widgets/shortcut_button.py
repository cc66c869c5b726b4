"""The accented button of the window, with its shortcut in small print beside the text."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QPushButton, QStyle, QStyleOptionButton, QWidget

from gui.theme import font, theme


class ShortcutButton(QPushButton):
    """The accented button of the window, with its shortcut in small print beside the text."""

    def __init__(self, text: str, shortcut: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "primary")
        self._title = text
        self._shortcut = shortcut
        self.setAccessibleName(text)

    def set_title(self, text: str) -> None:
        """Changes the text beside the shortcut."""
        if text != self._title:
            self._title = text
            self.setAccessibleName(text)
            self.updateGeometry()
            self.update()

    def set_shortcut(self, shortcut: str) -> None:
        """Changes the key in small print; "" for none."""
        if shortcut != self._shortcut:
            self._shortcut = shortcut
            self.updateGeometry()
            self.update()

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
