"""A large card to press or to choose, with an icon, a title and a sentence."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from gui.theme import font, paint_icon, theme

PADDING_PX, TOP_PX, GAP_PX = 16, 14, 4


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
        # As high as its words need, and no lower than the others of its row.
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def set_is_primary(self, on: bool) -> None:
        self._is_primary = on
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(240, 84 if self._icon else 72)

    def minimumSizeHint(self) -> QSize:
        words = max(QFontMetrics(_title_font()).horizontalAdvance(self.text()), self._widest_word())
        return QSize(max(150, self._left + words + PADDING_PX), self.sizeHint().height())

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        room = QRect(0, 0, max(1, width - self._left - PADDING_PX), 10_000)
        sentence = QFontMetrics(_sentence_font()).boundingRect(room, int(Qt.TextFlag.TextWordWrap), self._sentence)
        needed = TOP_PX + QFontMetrics(_title_font()).height() + GAP_PX + sentence.height() + TOP_PX - 8
        return max(self.sizeHint().height(), needed)

    def _widest_word(self) -> int:
        metrics = QFontMetrics(_sentence_font())
        return max((metrics.horizontalAdvance(word) for word in self._sentence.split()), default=0)

    @property
    def _left(self) -> int:
        """Where the words begin."""
        return 64 if self._icon else PADDING_PX

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
        left = self._left
        space = QRect(left, TOP_PX, self.width() - left - PADDING_PX, self.height() - 2 * TOP_PX)
        painter.setPen(colors.color("text"))
        painter.setFont(_title_font())
        painter.drawText(space, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop), self.text())
        title_height = painter.fontMetrics().height() + GAP_PX
        painter.setPen(colors.color("text_dim"))
        painter.setFont(_sentence_font())
        painter.drawText(space.adjusted(0, title_height, 0, 8), int(Qt.TextFlag.TextWordWrap), self._sentence)


def _title_font() -> QFont:
    return font(1.08, bold=True)


def _sentence_font() -> QFont:
    return font(0.92)
