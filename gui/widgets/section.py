"""A part of a column with a heading that folds it away."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QEnterEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QVBoxLayout, QWidget

from engine.language import ENGLISH, current, tr
from gui.theme import font, paint_icon, theme

HEADER_PX = 26


class SectionHeader(QAbstractButton):
    """The heading: small capitals and an arrow that says whether the section is open."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setText(title.upper())
        self.setCheckable(True)
        self.setChecked(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(120, HEADER_PX)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: object) -> None:
        self.update()
        super().leaveEvent(event)  # type: ignore[arg-type]

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        used = font(0.8, bold=True)
        used.setLetterSpacing(used.SpacingType.AbsoluteSpacing, 1.0)
        painter.setFont(used)
        is_hot = self.underMouse() or self.hasFocus()
        painter.setPen(QColor(colors.text if is_hot else colors.text_faint))
        area = QRectF(self.rect()).adjusted(16, 0, -14, 0)
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text())
        side = 14.0
        arrow = QRectF(area.right() - side, area.center().y() - side / 2, side, side)
        name = "chevron-down" if self.isChecked() else "chevron-right"
        paint_icon(painter, name, arrow, "text" if is_hot else "text_faint")
        if self.hasFocus():
            painter.setPen(QPen(QColor(colors.accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(8.5, 1.5, -8.5, -1.5), 6, 6)
        painter.end()


class Section(QWidget):
    """A heading and a content. Closed, only the heading is there."""

    toggled = Signal(bool)
    """The user opened it (True) or closed it."""

    def __init__(self, title: str, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self.header = SectionHeader(title)
        self.content = content
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.header)
        layout.addWidget(content)
        self.header.clicked.connect(self._on_clicked)
        self.set_open(True)

    @property
    def is_open(self) -> bool:
        return self.header.isChecked()

    def set_open(self, on: bool) -> None:
        """Opens or closes it without telling."""
        self.header.setChecked(on)
        self.content.setVisible(on)
        title = _in_sentence(self._title)
        if on:
            self.header.setAccessibleName(tr("{section}, open", section=self._title))
            self.header.setToolTip(tr("Close {section}", section=title))
        else:
            self.header.setAccessibleName(tr("{section}, closed", section=self._title))
            self.header.setToolTip(tr("Open {section}", section=title))

    def _on_clicked(self, is_open: bool) -> None:
        self.set_open(is_open)
        self.toggled.emit(is_open)


def _in_sentence(title: str) -> str:
    """Returns a title as it is written within a sentence: small, except where nouns keep their capital."""
    return title.lower() if current() == ENGLISH else title
