"""The figures of each class as a table that can be sorted and whose rows can be opened."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from engine.language import decimal, tr, trc
from gui.theme import font, theme

AnyIndex = QModelIndex | QPersistentModelIndex
ROW_PX = 28
SORT_ROLE = int(Qt.ItemDataRole.UserRole)
INTERVAL_ROLE = SORT_ROLE + 1
COLOR_ROLE = SORT_ROLE + 2
PLAIN_ROLE = SORT_ROLE + 3
DOT_PX = 9
WEAK = 0.7
NUMBER_PX, INTERVAL_PX, COUNT_PX, MIN_NAME_PX = 52, 62, 56, 128


@dataclass(frozen=True, slots=True)
class Column:
    """A column of figures: the key in a row's figures, its title, and what it means.

    `is_count`: whole numbers. `is_setting`: neither good nor bad.
    """

    key: str
    title: str
    tooltip: str
    is_count: bool = False
    has_interval: bool = False
    is_setting: bool = False


@dataclass(frozen=True, slots=True)
class ClassRow:
    """A class with its figures (0..1, or counts) and their 95 % intervals by key."""

    index: int
    name: str
    color: str
    figures: dict[str, float]
    intervals: dict[str, tuple[float, float]]


class ClassTableModel(QAbstractTableModel):
    """Rows as they were given; a proxy sorts them."""

    def __init__(self) -> None:
        super().__init__()
        self.columns: Sequence[Column] = ()
        self.rows: Sequence[ClassRow] = ()

    def set_rows(self, columns: Sequence[Column], rows: Sequence[ClassRow]) -> None:
        """Shows other figures."""
        self.beginResetModel()
        self.columns, self.rows = columns, rows
        self.endResetModel()

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 (Qt's signature)
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 (Qt's signature)
        return 0 if parent.isValid() else 1 + len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = self.columns[section - 1] if section else Column("", trc("column", "class"), tr("Sort by name"))
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return tr("{meaning}.\nA click sorts by it.", meaning=column.tooltip)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if section else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.rows[index.row()]
        if not index.column():
            return {
                Qt.ItemDataRole.DisplayRole: row.name,
                SORT_ROLE: row.name.casefold(),
                COLOR_ROLE: row.color,
                Qt.ItemDataRole.ToolTipRole: f"{row.name}\n{tr('Click or Enter: see its images, the worst first')}",
            }.get(role)
        column = self.columns[index.column() - 1]
        value = row.figures.get(column.key, math.nan)
        if role == SORT_ROLE:
            return -1.0 if math.isnan(value) else value
        if role == PLAIN_ROLE:
            return column.is_count or column.is_setting
        if role == INTERVAL_ROLE and column.has_interval and column.key in row.intervals:
            low, high = row.intervals[column.key]
            return f"({100 * low:.0f}–{100 * high:.0f})"
        if role == Qt.ItemDataRole.DisplayRole:
            if math.isnan(value):
                return "–"
            return decimal(value, ",.0f") if column.is_count else decimal(100 * value, ".1f")
        if role == Qt.ItemDataRole.AccessibleTextRole:
            interval = self.data(index, INTERVAL_ROLE) or ""
            return f"{row.name}, {column.title} {self.data(index)} {interval}".strip()
        if role == Qt.ItemDataRole.ToolTipRole and column.key in row.intervals:
            low, high = row.intervals[column.key]
            return tr(
                "{share:.1f} %, with 95 % certainty between {low:.1f} and {high:.1f} %",
                share=100 * value,
                low=100 * low,
                high=100 * high,
            )
        return None


class ClassDelegate(QStyledItemDelegate):
    """Paints a dot with the name, or a figure with its interval in small print; weak figures stand out."""

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(40, ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        colors, area = theme(), QRectF(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_marked = option.state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver)
        if is_marked:
            painter.fillRect(area, colors.color("card_hover"))
        painter.setFont(font())
        if index.column() == 0:
            color = QColor(index.data(COLOR_ROLE))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color)
            painter.drawEllipse(QRectF(area.left() + 2, area.center().y() - DOT_PX / 2, DOT_PX, DOT_PX))
            room = area.adjusted(DOT_PX + 9, 0, -4, 0)
            name = QFontMetricsF(font()).elidedText(str(index.data()), Qt.TextElideMode.ElideRight, room.width())
            painter.setPen(colors.color("text"))
            painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), name)
        else:
            self._paint_figure(painter, area, index)
        painter.restore()

    def _paint_figure(self, painter: QPainter, area: QRectF, index: AnyIndex) -> None:
        colors, right = theme(), area.right() - 4
        interval = index.data(INTERVAL_ROLE)
        middle = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
        if interval is not None:
            painter.setFont(font(0.9))
            painter.setPen(colors.color("text_faint"))
            painter.drawText(QRectF(right - INTERVAL_PX, area.top(), INTERVAL_PX, area.height()), middle, interval)
            right -= INTERVAL_PX
            painter.setFont(font())
        value, text = float(index.data(SORT_ROLE)), str(index.data())
        is_plain = bool(index.data(PLAIN_ROLE))
        is_weak = 0 <= value < WEAK and not is_plain
        painter.setPen(colors.color("warning" if is_weak else "text_dim" if is_plain else "text"))
        painter.drawText(QRectF(area.left(), area.top(), right - area.left(), area.height()), middle, text)


class ClassTable(QTableView):
    """Sorts by a click on a title; arrows move, a click or Enter opens."""

    class_opened = Signal(int)
    """Index of a class in the run."""
    figure_opened = Signal(int, str)
    """The same, and the key of the column that was clicked; "" for the name."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._figures = ClassTableModel()
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self._figures)
        self._sorted.setSortRole(SORT_ROLE)
        self.setModel(self._sorted)
        self.setItemDelegate(ClassDelegate(self))
        self.setAccessibleName(tr("Figures of each class"))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_PX)
        header = self.horizontalHeader()
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(True)
        header.setHighlightSections(False)
        header.setMinimumSectionSize(24)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.setSortingEnabled(True)
        self.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        self.clicked.connect(self._open)

    def set_rows(self, columns: Sequence[Column], rows: Sequence[ClassRow]) -> None:
        """Shows other figures; the order that the user chose stays."""
        is_other = list(columns) != list(self._figures.columns)
        self._figures.set_rows(tuple(columns), tuple(rows))
        if is_other:
            self.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        self._fit()

    def sizeHint(self) -> QSize:
        return QSize(400, 34 + ROW_PX * max(3, min(10, len(self._figures.rows))))

    def minimumSizeHint(self) -> QSize:
        return QSize(260, 34 + 3 * ROW_PX)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self.currentIndex().isValid():
            self._open(self.currentIndex())
        elif event.text().isprintable() and event.text():
            event.ignore()  # letters are class keys
        else:
            super().keyPressEvent(event)

    def row_rect(self, index: int) -> QRect:
        """Returns where the row of a class is in the viewport."""
        for at, row in enumerate(self._figures.rows):
            if row.index == index:
                return self.visualRect(self._sorted.mapFromSource(self._figures.index(at, 0)))
        return QRect()

    def _open(self, index: QModelIndex) -> None:
        row = self._figures.rows[self._sorted.mapToSource(index).row()]
        self.class_opened.emit(row.index)
        column = index.column()
        self.figure_opened.emit(row.index, self._figures.columns[column - 1].key if column else "")

    def _fit(self) -> None:
        """Gives the figures what they need and the names the rest; where there is none, some figures go."""
        room = self.viewport().width()
        columns = self._figures.columns
        shown = list(range(len(columns)))
        widths = [
            COUNT_PX if column.is_count else NUMBER_PX + (INTERVAL_PX + 4 if column.has_interval else 22)
            for column in columns
        ]
        metrics = QFontMetricsF(font())
        widths = [max(w, round(metrics.horizontalAdvance(c.title)) + 28) for w, c in zip(widths, columns, strict=True)]
        while shown and room - sum(widths[at] for at in shown) < MIN_NAME_PX and len(shown) > 2:
            droppable = [at for at in shown if columns[at].key in ("f1", "precision", "no_is_right")]
            if not droppable:
                break
            shown.remove(droppable[-1])
        for at, width in enumerate(widths):
            self.setColumnHidden(at + 1, at not in shown)
            self.setColumnWidth(at + 1, width)
        self.setColumnWidth(0, max(72, room - sum(widths[at] for at in shown)))
