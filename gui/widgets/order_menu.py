"""The menu of orders: every order with a sentence that says what it is for, in columns, by mouse or by keyboard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from engine.language import tr
from gui.theme import font, paint_icon, theme
from gui.widgets.text import text_label

COLUMN_PX: Final = 268
TERSE_PX: Final = 196
TICK_PX: Final = 14
SIDE_PX, TOP_PX = 10, 7
_WRAPPED: Final = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """One order. `why_not` says why it cannot be chosen now, "" where it can."""

    name: str
    title: str
    explanation: str
    why_not: str = ""
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class MenuGroup:
    """Entries under a heading; `is_terse`: the titles speak for themselves, and the explanations are tooltips."""

    heading: str
    entries: Sequence[MenuEntry]
    is_terse: bool = False


class OrderEntry(QAbstractButton):
    """Title and, below it, what the order is for; with a tick where it is the present one."""

    def __init__(self, entry: MenuEntry, is_terse: bool, parent: QWidget) -> None:
        super().__init__(parent)
        self.name = entry.name
        self._is_terse = is_terse
        self._is_chosen = entry.is_chosen
        self._sentence = f"{entry.explanation} {entry.why_not}".strip()
        self.setText(entry.title)
        self.setEnabled(not entry.why_not)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setAccessibleName(tr("{name}, chosen", name=entry.title) if entry.is_chosen else entry.title)
        self.setAccessibleDescription(self._sentence)
        self.setToolTip(self._sentence)

    def sizeHint(self) -> QSize:
        title_px = QFontMetrics(font()).height()
        if self._is_terse:
            return QSize(TERSE_PX, title_px + 2 * TOP_PX)
        small = QFontMetrics(font(0.88))
        room = self._words().toRect()
        sentence = small.boundingRect(0, 0, room.width(), 1000, int(_WRAPPED), self._sentence)
        return QSize(COLUMN_PX, title_px + 2 + sentence.height() + 2 * TOP_PX)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        if self.isEnabled():  # one bar for mouse and keys, as in any menu; a mouse that rests does not move it
            self.setFocus(Qt.FocusReason.MouseFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            event.ignore()  # arrows are the menu's; Space is handled below
            if event.key() == Qt.Key.Key_Space:
                super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        row = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        if self.hasFocus():
            painter.setBrush(QColor(colors.control_hover))
            painter.setPen(QPen(QColor(colors.accent), 1))
            painter.drawRoundedRect(row, 6, 6)
        words = self._words()
        title_px = QFontMetrics(font()).height()
        painter.setFont(font(bold=self._is_chosen))
        painter.setPen(QColor(colors.text if self.isEnabled() else colors.text_faint))
        painter.drawText(
            QRectF(words.left(), TOP_PX, words.width(), title_px), Qt.AlignmentFlag.AlignVCenter, self.text()
        )
        if self._is_chosen:
            top = TOP_PX + (title_px - TICK_PX) / 2
            paint_icon(painter, "check", QRectF(SIDE_PX, top, TICK_PX, TICK_PX), "accent")
        if not self._is_terse:
            painter.setFont(font(0.88))
            painter.setPen(QColor(colors.text_dim if self.isEnabled() else colors.text_faint))
            place = QRectF(words.left(), TOP_PX + title_px + 2, words.width(), self.height())
            painter.drawText(place, int(_WRAPPED), self._sentence)
        painter.end()

    def _words(self) -> QRectF:
        left = SIDE_PX + TICK_PX + 8
        least = TERSE_PX if self._is_terse else COLUMN_PX
        return QRectF(left, 0, max(least, self.width()) - left - SIDE_PX, self.height())


class OrderMenu(QFrame):
    """Shows the entries in columns. Arrows move, Enter or a click takes, Esc closes."""

    chosen = Signal(str)
    """The name of the order."""

    def __init__(self, columns: Sequence[Sequence[MenuGroup]], parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setProperty("role", "menu")
        self.setAccessibleName(tr("Order of the images"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.columns: list[list[OrderEntry]] = []
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 12, 10, 10)
        row.setSpacing(8)
        for groups in columns:
            entries: list[OrderEntry] = []
            column = QVBoxLayout()
            column.setSpacing(1)
            for at, group in enumerate(groups):
                if at:
                    column.addSpacing(12)
                heading = text_label(group.heading, "caption")
                heading.setContentsMargins(SIDE_PX, 0, 0, 4)
                column.addWidget(heading)
                for each in group.entries:
                    entry = OrderEntry(each, group.is_terse, self)
                    entry.clicked.connect(lambda _on=False, name=each.name: self._choose(name))
                    column.addWidget(entry)
                    entries.append(entry)
            column.addStretch(1)
            row.addLayout(column)
            self.columns.append(entries)

    def open_below(self, anchor: QWidget) -> None:
        """Shows it below a widget, its right edge at the widget's, or as near as the screen allows."""
        self.resize(self.sizeHint())  # adjustSize would not take more than two thirds of the screen
        area = self.screen().availableGeometry()
        corner = anchor.mapToGlobal(QPoint(anchor.width() - self.width(), anchor.height() + 4))
        x = max(area.left(), min(corner.x(), area.right() - self.width()))
        y = max(area.top(), min(corner.y(), area.bottom() - self.height()))
        self.move(x, y)
        self.show()
        all_of_them = [entry for column in self.columns for entry in column if entry.isEnabled()]
        chosen = next((entry for entry in all_of_them if entry._is_chosen), all_of_them[0])
        chosen.setFocus(Qt.FocusReason.PopupFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = Qt.Key
        steps = {keys.Key_Up: (0, -1), keys.Key_Down: (0, 1), keys.Key_Left: (-1, 0), keys.Key_Right: (1, 0)}
        if keys(event.key()) in steps:
            self._move(*steps[keys(event.key())])
        elif event.key() in (keys.Key_Home, keys.Key_End):
            self._move_to(self.columns[0], 0, 1) if event.key() == keys.Key_Home else self._move_to(
                self.columns[-1], len(self.columns[-1]) - 1, -1
            )
        else:
            super().keyPressEvent(event)  # a popup closes by itself on Esc

    def _move(self, across: int, down: int) -> None:
        """Goes up or down to the next entry that can be chosen, or across to the one beside."""
        place = next(
            (
                (at, column.index(entry))
                for at, column in enumerate(self.columns)
                for entry in column
                if entry.hasFocus()
            ),
            (0, -1),
        )
        if down:
            self._move_to(self.columns[place[0]], place[1] + down, down)
        elif 0 <= place[0] + across < len(self.columns):
            target, here = self.columns[place[0] + across], self.columns[place[0]][max(0, place[1])]
            near = [entry for entry in target if entry.isEnabled()]
            if near:
                min(near, key=lambda entry: abs(entry.y() - here.y())).setFocus(Qt.FocusReason.TabFocusReason)

    def _move_to(self, column: list[OrderEntry], at: int, step: int) -> None:
        while 0 <= at < len(column):
            if column[at].isEnabled():
                column[at].setFocus(Qt.FocusReason.TabFocusReason)
                return
            at += step

    def _choose(self, name: str) -> None:
        self.close()
        self.chosen.emit(name)
