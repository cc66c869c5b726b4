"""What happened to the classes of an image; a click on an entry goes back to it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QVBoxLayout, QWidget

from engine.domain import HistoryEntry, Source
from engine.language import tr
from gui import wording
from gui.theme import font, paint_icon, theme
from gui.widgets.buttons import button
from gui.widgets.text import text_label

MAX_SHOWN = 6
ROW_PX = 26
SOURCE_WORDS = {
    Source.SUGGESTION: tr("an accepted suggestion"),
    Source.UNSEEN: tr("a suggestion that was accepted without a look"),
    Source.IMPORT: tr("imported"),
    Source.HUMAN: tr("by hand"),
}


class HistoryRow(QAbstractButton):
    """One entry: what, and when. Under the pointer or with the focus it says what a click does."""

    def __init__(self, entry: HistoryEntry, is_now: bool, can_go_back: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entry = entry
        self._is_now = is_now
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setEnabled(can_go_back and not is_now)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus if self.isEnabled() else Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor if self.isEnabled() else Qt.CursorShape.ArrowCursor)
        when = wording.day_and_time(entry.made_at)
        who = f", {entry.who}" if entry.who else ""
        tip = f"{entry.text}, {SOURCE_WORDS[entry.source]}{who}, {when}"
        name = f"{entry.text}, {wording.moment(entry.made_at)}"
        if self.isEnabled():
            tip = f"{tip}. {tr('Click to go back to this; it is a new step, and can be undone')}"
            name = f"{name}. {tr('Back to this')}"
        self.setToolTip(tip)
        self.setAccessibleName(name)

    def sizeHint(self) -> QSize:
        return QSize(120, ROW_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        is_hot = self.isEnabled() and (self.underMouse() or self.hasFocus())
        if is_hot:
            painter.setBrush(QColor(colors.control))
            painter.setPen(QPen(QColor(colors.accent)) if self.hasFocus() else Qt.PenStyle.NoPen)
            painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        used, small = font(), font(0.9)
        right = area.right() - (6 if is_hot else 0)
        tail = tr("Back to this") if is_hot else (tr("now") if self._is_now else wording.moment(self._entry.made_at))
        width = QFontMetricsF(small).horizontalAdvance(tail)
        painter.setFont(small)
        painter.setPen(QColor(colors.accent if is_hot else colors.text_faint))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(right - width - 1, 0, width + 2, area.height()), middle, tail)
        right -= width + 8
        if is_hot:
            paint_icon(painter, "undo", QRectF(right - 12, area.center().y() - 7, 14, 14), "accent")
            right -= 18
        left = 6.0 if is_hot else 0.0
        painter.setFont(used)
        painter.setPen(QColor(colors.text if self._is_now or is_hot else colors.text_dim))
        text = QFontMetricsF(used).elidedText(self._entry.text, Qt.TextElideMode.ElideMiddle, right - left)
        painter.drawText(QRectF(left, 0, right - left, area.height()), middle, text)
        painter.end()


class HistoryList(QWidget):
    """Newest first; older ones behind a button."""

    back_wanted = Signal(int)
    """The step to go back to."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entries: list[HistoryEntry] = []
        self._shows_all = False
        self._can_go_back = True
        self.rows: list[HistoryRow] = []
        self._nothing = text_label(tr("Not labelled yet"), "faint")
        self._more = button("", "link", tooltip=tr("Show the older entries too"))
        self._more.clicked.connect(self._show_all)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self._layout.addWidget(self._nothing)
        self._layout.addWidget(self._more, 0, Qt.AlignmentFlag.AlignLeft)
        self._more.hide()

    def set_entries(self, entries: Sequence[HistoryEntry], can_go_back: bool) -> None:
        """Shows a history, given with the newest last."""
        if list(entries) != self._entries or can_go_back != self._can_go_back:
            self._entries, self._can_go_back = list(entries), can_go_back
            self._rebuild()
        for row in self.rows:
            row.update()  # "just now" does not stay true

    def forget(self) -> None:
        """Another image: only its newest entries are shown again."""
        self._shows_all = False

    def _show_all(self) -> None:
        self._shows_all = True
        self._rebuild()

    def _rebuild(self) -> None:
        for row in self.rows:
            self._layout.removeWidget(row)
            row.hide()
            row.deleteLater()
        newest_first = self._entries[::-1]
        shown = newest_first if self._shows_all else newest_first[:MAX_SHOWN]
        self.rows = []
        for at, entry in enumerate(shown):
            row = HistoryRow(entry, at == 0, self._can_go_back, self)
            row.clicked.connect(lambda _on=False, step_id=entry.step_id: self.back_wanted.emit(step_id))
            self._layout.insertWidget(at + 1, row)
            self.rows.append(row)
        self._nothing.setVisible(not shown)
        num_more = len(newest_first) - len(shown)
        self._more.setText(tr("{number} older", number=num_more))
        self._more.setVisible(num_more > 0)
