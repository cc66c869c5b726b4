"""What happened to the classes of an image; a click on an entry goes back to it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QFontMetricsF, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QVBoxLayout, QWidget

from engine.domain import HistoryEntry, Source
from engine.language import tr
from gui import wording
from gui.theme import font, paint_icon, theme
from gui.widgets.buttons import button
from gui.widgets.text import text_label

MAX_SHOWN = 6
ROW_PX, GAP_PX, INDENT_PX = 26, 8, 6
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

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        lines = self._lines(self.width() - self._tail_px(self._tail(False)) - GAP_PX)
        self.setFixedHeight(ROW_PX + (len(lines) - 1) * QFontMetrics(font()).height())

    def _tail(self, is_hot: bool) -> str:
        return tr("Back to this") if is_hot else (tr("now") if self._is_now else wording.moment(self._entry.made_at))

    def _tail_px(self, tail: str) -> float:
        return QFontMetricsF(font(0.9)).horizontalAdvance(tail)

    def _lines(self, width: float) -> list[str]:
        """Returns the text in one line, or in two, of which the first leaves room for what stands on the right."""
        metrics, text = QFontMetricsF(font()), self._entry.text
        words, first = text.split(" "), list[str]()
        while words and metrics.horizontalAdvance(" ".join([*first, words[0]])) <= width:
            first.append(words.pop(0))
        if not words:
            return [text]
        if not first:
            return [metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, width)]
        rest = metrics.elidedText(" ".join(words), Qt.TextElideMode.ElideMiddle, self.width() - 2 * INDENT_PX)
        return [" ".join(first), rest]

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
        right = area.right() - (INDENT_PX if is_hot else 0)
        tail = self._tail(is_hot)
        width = self._tail_px(tail)
        painter.setFont(font(0.9))
        painter.setPen(QColor(colors.accent if is_hot else colors.text_faint))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(right - width - 1, 0, width + 2, ROW_PX), middle, tail)
        right -= width + GAP_PX
        if is_hot:
            paint_icon(painter, "undo", QRectF(right - 12, ROW_PX / 2 - 7, 14, 14), "accent")
            right -= 18
        left = INDENT_PX if is_hot else 0
        painter.setFont(font())
        painter.setPen(QColor(colors.text if self._is_now or is_hot else colors.text_dim))
        lines = self._lines(right - left)
        if self.height() <= ROW_PX and len(lines) > 1:  # it says what a click does just now
            lines = [QFontMetricsF(font()).elidedText(self._entry.text, Qt.TextElideMode.ElideMiddle, right - left)]
        for number, line in enumerate(lines):
            top = number * QFontMetrics(font()).height()
            painter.drawText(QRectF(left, top, area.width() - left, ROW_PX), middle, line)
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
