"""A class of the image that is looked at, as a chip: filled for a class, dashed for a suggestion."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from engine.language import tr
from gui.theme import font, paint_icon, theme
from gui.widgets.class_colors import as_text, text_on

HEIGHT_PX = 24
SIGN_PX = 12


class ClassChip(QAbstractButton):
    """A click takes the class away; a click on a suggestion accepts it."""

    def __init__(self, name: str, color: str, is_ghost: bool = False, note: str = "", parent: QWidget | None = None):
        super().__init__(parent)
        self._color = color
        self._is_ghost = is_ghost
        self._note = note
        self.setText(name)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        # A click leaves the keyboard where it is: with the images.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        if is_ghost:
            self.setToolTip(tr("{class_name}: accept this suggestion (Space)", class_name=name))
            self.setAccessibleName(tr("Accept {class_name} {note}", class_name=name, note=note))
        else:
            self.setToolTip(tr("Take {class_name} away", class_name=name))
            self.setAccessibleName(tr("Take {class_name} away", class_name=name))

    def sizeHint(self) -> QSize:
        note = QFontMetricsF(font(0.85)).horizontalAdvance(self._note) + 6 if self._note else 0
        name = QFontMetricsF(font(0.9, bold=not self._is_ghost)).horizontalAdvance(self.text())
        return QSize(round(name + note) + 22 + SIGN_PX + 6, HEIGHT_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        outline = QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5)
        used = font(0.9, bold=not self._is_ghost)
        painter.setFont(used)
        color = as_text(self._color) if self._is_ghost else text_on(self._color)
        if self._is_ghost:
            painter.setPen(QPen(color, 1.0, Qt.PenStyle.DashLine))
            painter.setBrush(QColor(theme().card_hover) if self.underMouse() else Qt.BrushStyle.NoBrush)
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._color).lighter(112) if self.underMouse() else QColor(self._color))
        painter.drawRoundedRect(outline, outline.height() / 2, outline.height() / 2)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(theme().text), 1.5))
            painter.drawRoundedRect(outline.adjusted(-0.7, -0.7, 0.7, 0.7), HEIGHT_PX / 2, HEIGHT_PX / 2)
        painter.setPen(color)
        right = outline.right() - 9 - SIGN_PX
        sign = "check" if self._is_ghost else "close"
        paint_icon(painter, sign, QRectF(right + 2, outline.center().y() - SIGN_PX / 2, SIGN_PX, SIGN_PX), color.name())
        if self._note:
            painter.setFont(font(0.85))
            width = QFontMetricsF(font(0.85)).horizontalAdvance(self._note)
            box = QRectF(right - width - 2, 0, width + 2, self.height())
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, self._note)
            right -= width + 6
        painter.setFont(used)
        room = QRectF(outline.left() + 10, 0, right - outline.left() - 10, self.height())
        text = QFontMetricsF(used).elidedText(self.text(), Qt.TextElideMode.ElideRight, room.width() + 1)
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip, text)
        painter.end()
