"""The list of everything that can be undone or done again; any point of it can be gone to."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter
from PySide6.QtWidgets import (
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from engine import language
from engine.domain import StepEntry
from engine.language import tr, trn
from gui import wording
from gui.dialogs.frame import FramedDialog
from gui.session import Session
from gui.theme import font, paint_icon, theme
from gui.widgets.buttons import button

AnyIndex = QModelIndex | QPersistentModelIndex
LIMIT = 1000
ROW_PX = 30
DISTANCE_ROLE = int(Qt.ItemDataRole.UserRole)
WHEN_ROLE = DISTANCE_ROLE + 1


class StepDelegate(QStyledItemDelegate):
    """Paints what was done on the left and when on the right."""

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(100, ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        colors, row = theme(), QRectF(option.rect)
        distance = int(index.data(DISTANCE_ROLE))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colors.control_hover))
            painter.drawRoundedRect(row, 6, 6)
        color = "text" if distance == 0 else "text_faint" if distance > 0 else "text_dim"
        sign = "check" if distance == 0 else "redo" if distance > 0 else "undo"
        paint_icon(painter, sign, QRectF(row.left() + 10, row.center().y() - 8, 16, 16), color)
        small, used = font(0.9), font(bold=distance == 0)
        when = str(index.data(WHEN_ROLE))
        width = QFontMetricsF(small).horizontalAdvance(when)
        painter.setFont(small)
        painter.setPen(QColor(colors.text_faint))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(row.right() - width - 11, row.top(), width + 2, row.height()), middle, when)
        room = row.adjusted(36, 0, -width - 24, 0)
        painter.setFont(used)
        painter.setPen(QColor(getattr(colors, color)))
        text = QFontMetricsF(used).elidedText(str(index.data()), Qt.TextElideMode.ElideMiddle, room.width())
        painter.drawText(room, middle, text)
        painter.restore()


class UndoHistoryDialog(FramedDialog):
    """Newest first. A row knows how many steps back (negative) or forward it is from now."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(
            tr("Undo history"),
            tr("Choose a point to go to. Nothing is lost: what is undone can be done again."),
            parent,
        )
        self.resize(560, 520)
        self._session = session
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Steps, newest first"))
        self.list.setItemDelegate(StepDelegate(self.list))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.itemActivated.connect(lambda _item: self._go())
        self.list.currentRowChanged.connect(self._show_what)
        self.body.addWidget(self.list, 1)
        cancel = self.add_button(button(tr("Close")))
        cancel.clicked.connect(self.reject)
        self.go_button = self.add_button(button(tr("Go to this point"), "primary"))
        self.go_button.clicked.connect(self._go)
        self.go_button.setEnabled(False)
        project = session.project
        if project is not None:
            session.when_saved(lambda: session.read_in_background(lambda: project.steps(LIMIT), self._fill))

    def _fill(self, entries: Sequence[StepEntry]) -> None:
        num_undone = sum(entry.is_undone for entry in entries)
        for at, entry in enumerate(entries):
            self._add_row(entry.text, num_undone - at, wording.moment(entry.made_at))
        if len(entries) < LIMIT:
            self._add_row(tr("The beginning"), num_undone - len(entries), "")
        self.list.setCurrentRow(min(num_undone, self.list.count() - 1))
        self.list.setFocus()

    def _add_row(self, text: str, distance: int, when: str) -> None:
        """Adds a row; going there takes `distance` steps of redo, or of undo when it is negative."""
        if language.current() == language.ENGLISH:  # elsewhere a step may begin with the name of a file
            text = text[:1].upper() + text[1:]
        row = QListWidgetItem(text)
        row.setData(DISTANCE_ROLE, distance)
        row.setData(WHEN_ROLE, tr("now") if distance == 0 else when)
        state = tr("now") if distance == 0 else tr("undone") if distance > 0 else when
        row.setData(Qt.ItemDataRole.AccessibleTextRole, f"{text}, {state}")
        row.setToolTip(tr("{step}. Undone; it can be done again", step=text) if distance > 0 else text)
        self.list.addItem(row)

    def _distance(self) -> int:
        row = self.list.currentItem()
        return int(row.data(DISTANCE_ROLE)) if row is not None else 0

    def _show_what(self, _row: int) -> None:
        distance = self._distance()
        self.go_button.setEnabled(distance != 0)
        if not distance:
            text = tr("Go to this point")
        elif distance < 0:
            text = trn("Undo {number:,} step", "Undo {number:,} steps", -distance)
        else:
            text = trn("Redo {number:,} step", "Redo {number:,} steps", distance)
        self.go_button.setText(text)

    def _go(self) -> None:
        distance = self._distance()
        for _ in range(abs(distance)):
            self._session.undo() if distance < 0 else self._session.redo()
        self.accept()
