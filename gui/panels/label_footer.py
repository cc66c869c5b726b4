"""The line below the images: what the keys do right now, and the switch that says whether a label moves on."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QSizePolicy, QWidget

from engine.language import decimal, tr
from gui.session import Session
from gui.theme import font, theme
from gui.widgets.chip import Chip
from gui.widgets.hint_line import HintLine

TRACK_WIDTH_PX, TRACK_HEIGHT_PX = 28, 16
WIDE_PX = 860


class Switch(QAbstractButton):
    """A text with a switch; the text says which way it is, so that colour is not the only sign."""

    def __init__(self, on_text: str, off_text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._texts = (off_text, on_text)
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.toggled.connect(lambda _on: self.updateGeometry())

    @property
    def words(self) -> str:
        """What it says now."""
        return self._texts[self.isChecked()]

    def sizeHint(self) -> QSize:
        metrics = QFontMetricsF(font(0.92))
        width = max(metrics.horizontalAdvance(text) for text in self._texts)
        return QSize(round(width) + TRACK_WIDTH_PX + 24, 30)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.FontChange:
            self.updateGeometry()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = self.height() / 2
        track = QRectF(self.width() - TRACK_WIDTH_PX - 8, middle - TRACK_HEIGHT_PX / 2, TRACK_WIDTH_PX, TRACK_HEIGHT_PX)
        if self.hasFocus():
            painter.setPen(QColor(colors.accent))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 1.5, -0.5, -1.5), 8, 8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colors.accent if self.isChecked() else colors.track))
        painter.drawRoundedRect(track, TRACK_HEIGHT_PX / 2, TRACK_HEIGHT_PX / 2)
        side = TRACK_HEIGHT_PX - 4
        knob = track.right() - side - 2 if self.isChecked() else track.left() + 2
        painter.setBrush(QColor("#ffffff" if self.isChecked() or not colors.is_dark else colors.text_dim))
        painter.drawEllipse(QRectF(knob, track.top() + 2, side, side))
        painter.setFont(font(0.92))
        painter.setPen(QColor(colors.text if self.underMouse() else colors.text_dim))
        room = QRectF(0, 0, track.left() - 8, self.height())
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, self.words)
        painter.end()


class LabelFooter(QWidget):
    """Hints on the left, the auto-advance switch on the right."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._is_page = False
        self.hints = HintLine()
        self.changes = Chip("", "retrain")
        self.changes.set_is_button(True)
        self.changes.clicked.connect(session.changes.show)
        self.blocks = Chip("", "grid")
        self.blocks.set_is_button(True)
        self.blocks.setToolTip(tr("Check suggestions a page at a time, one class after the other (Ctrl+Shift+K)"))
        self.blocks.clicked.connect(session.blocks.wanted)
        self.auto_advance = Switch(tr("Moves on by itself"), tr("Stays on the image"))
        self.auto_advance.setAccessibleName(tr("On to the next image after a label"))
        self.auto_advance.clicked.connect(session.set_auto_advance)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 1, 8, 0)
        row.setSpacing(0)
        row.addWidget(self.hints, 1)
        row.addWidget(self.changes)
        row.addSpacing(6)
        row.addWidget(self.blocks)
        row.addWidget(self.auto_advance)
        session.changes.changed.connect(self._show_chips)
        session.run_changed.connect(self._show_chips)
        session.mode_changed.connect(self._show_chips)
        session.rows_changed.connect(self._show_chips)
        session.auto_advance_changed.connect(self._show_auto_advance)
        session.mode_changed.connect(self._show_auto_advance)
        session.project_opened.connect(self._show_auto_advance)
        self._show_auto_advance()
        self._show_chips()

    def set_is_page(self, on: bool) -> None:
        """Says whether another page than the images is shown, which has no use for what leads to it."""
        self._is_page = on
        self._show_chips()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_chips()

    def _show_chips(self, *_: object) -> None:
        """Shows what the newest model offers; where there is little room, by its sign and number alone."""
        session, is_wide = self._session, self.width() >= WIDE_PX
        count = session.changes.num_changed
        self.changes.setVisible(count > 0 and not self._is_page)
        self.changes.set_look(session.changes.words() if is_wide else decimal(count, ","), "retrain")
        self.changes.setAccessibleName(session.changes.words())
        self.changes.setToolTip(
            tr("{changes} with the last training: show them (Ctrl+Shift+M)", changes=session.changes.words())
        )
        self.blocks.setVisible(session.run is not None and not session.has_several_classes and not self._is_page)
        self.blocks.set_look(tr("Check in blocks") if is_wide else tr("Blocks"), "grid")
        self.blocks.setAccessibleName(tr("Check suggestions in blocks"))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme().window))
        painter.fillRect(0, 0, self.width(), 1, QColor(theme().border))
        painter.end()

    def _show_auto_advance(self) -> None:
        on = self._session.has_auto_advance
        self.auto_advance.setChecked(on)
        self.auto_advance.setToolTip(_what_comes_after(self._session.has_several_classes, on))
        self.auto_advance.setAccessibleDescription(self.auto_advance.words)
        self.auto_advance.setVisible(self._session.project is not None)


def _what_comes_after(is_enter: bool, on: bool) -> str:
    """Returns what the switch says of Enter, or of the keys of the classes."""
    if is_enter:
        if on:
            return tr("Enter goes on to the next image. A click changes that (Ctrl+Shift+A)")
        return tr("Enter stays on the image. A click changes that (Ctrl+Shift+A)")
    if on:
        return tr("A class key goes on to the next image. A click changes that (Ctrl+Shift+A)")
    return tr("A class key stays on the image. A click changes that (Ctrl+Shift+A)")
