"""Labels in the few roles that the window's texts have."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget


def text_label(text: str = "", role: str = "", *, wrap: bool = False, parent: QWidget | None = None) -> QLabel:
    """Returns a label. Roles: "title", "heading", "caption", "dim", "faint", "danger", "warning", "success", ""."""
    label = QLabel(text.upper() if role == "caption" else text, parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    if role:
        label.setProperty("role", role)
    label.setWordWrap(wrap)
    return label


def set_role(widget: QWidget, role: str) -> None:
    """Gives a widget another role of the style sheet."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        widget.style().unpolish(widget)
        widget.style().polish(widget)
        widget.update()


def headline(title: QLabel, beside: QLabel, below: QLabel) -> QVBoxLayout:
    """Returns a title with a dim figure after it, and facts below: a model and what it is worth."""
    line = QHBoxLayout()
    line.setSpacing(6)
    line.addWidget(title)
    line.addWidget(beside, 1)
    words = QVBoxLayout()
    words.setSpacing(2)
    words.addStretch(1)
    words.addLayout(line)
    words.addWidget(below)
    words.addStretch(1)
    return words


def rule(parent: QWidget | None = None) -> QFrame:
    """Returns a thin horizontal line."""
    line = QFrame(parent)
    line.setProperty("role", "line")
    line.setFixedHeight(1)
    return line


class ElidedLabel(QLabel):
    """One line of text that gives way: it ends in "…" where there is no room and has the whole text as its tooltip,
    unless it was given another one."""

    def __init__(self, text: str = "", role: str = "", mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight) -> None:
        super().__init__(text)
        self._mode = mode
        self._own_tip = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        if role:
            self.setProperty("role", role)

    def minimumSizeHint(self) -> QSize:
        return QSize(24, super().sizeHint().height())

    def setToolTip(self, text: str) -> None:
        self._own_tip = text
        super().setToolTip(text)

    def paintEvent(self, event: QPaintEvent) -> None:
        shown = self._shown(QFontMetrics(self.font()))
        super().setToolTip(self._own_tip or (self.text() if shown != self.text() else ""))
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), int(self.alignment() | Qt.AlignmentFlag.AlignVCenter), shown)

    def _shown(self, metrics: QFontMetrics) -> str:
        return metrics.elidedText(self.text(), self._mode, self.width())


class PartsLabel(ElidedLabel):
    """An ElidedLabel of parts with " · " between them: the last ones go before one is cut."""

    def _shown(self, metrics: QFontMetrics) -> str:
        parts = self.text().split(" · ")
        for number in range(len(parts), 0, -1):
            text = " · ".join(parts[:number])
            shown = metrics.elidedText(text, self._mode, self.width())
            if shown == text:
                break
        return shown


class LinkLabel(ElidedLabel):
    """An ElidedLabel that can be pressed, by mouse or Enter."""

    clicked = Signal()

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self._is_link = False

    def set_is_link(self, on: bool) -> None:
        """Makes it something to press, or only something to read."""
        self._is_link = on
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus if on else Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor if on else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        is_inside = self.rect().contains(event.position().toPoint())
        if self._is_link and is_inside and event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._is_link and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.clicked.emit()
        else:
            event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._is_link and (self.hasFocus() or self.underMouse()):
            painter = QPainter(self)
            painter.setPen(self.palette().color(self.foregroundRole()))
            width = min(self.width(), self.fontMetrics().horizontalAdvance(self.text()))
            painter.drawLine(0, self.height() - 2, width, self.height() - 2)
