"""The rows of the palette: keycap, colour, name, count and share bar; what a click means depends on where it lands."""

from __future__ import annotations

from enum import Enum

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
    QWidget,
)

from engine.domain import ImageClass
from gui.models.class_list import CLASS_ROLE, COUNT_ROLE, SHARE_ROLE, ClassListModel
from gui.theme import font, paint_icon, theme
from gui.widgets.keycap import HEIGHT_PX, paint_keycap

AnyIndex = QModelIndex | QPersistentModelIndex
ROW_PX = 32
KEY_X, DOT_X, NAME_X, COUNT_PX = 8, 36, 54, 58


class Zone(Enum):
    """The parts of a row that do different things."""

    KEY = "key"
    COLOR = "color"
    NAME = "name"
    COUNT = "count"


def zone_at(row: QRect, point: QPoint) -> Zone:
    """Returns which part of a row a point is in."""
    x = point.x() - row.left()
    if x < KEY_X + HEIGHT_PX + 4:
        return Zone.KEY
    if x < NAME_X - 6:
        return Zone.COLOR
    return Zone.NAME if x < row.width() - COUNT_PX else Zone.COUNT


class ClassDelegate(QStyledItemDelegate):
    """Paints a row and edits a name."""

    def __init__(self, view: ClassListView) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(120, ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        colors = theme()
        item: ImageClass = index.data(CLASS_ROLE)
        row = QRectF(option.rect).adjusted(0, 1, 0, -1)
        state = option.state
        is_hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        is_shown = item.id == self._view.shown_class_id
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if is_shown or is_hovered:
            painter.setBrush(QColor(colors.selected if is_shown else colors.card))
            painter.drawRoundedRect(row, 6, 6)
        if state & QStyle.StateFlag.State_HasFocus and self._view.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colors.accent), 1))
            painter.drawRoundedRect(row.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        middle = row.center().y()
        is_listening = item.id == self._view.listening_id
        paint_keycap(
            painter, row.left() + KEY_X, middle, "…" if is_listening else (item.key or "").upper(), is_listening
        )
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(item.color))
        painter.drawEllipse(QRectF(row.left() + DOT_X, middle - 5, 10, 10))
        self._paint_texts(painter, row, item, index, is_hovered, is_shown)
        painter.restore()

    def _paint_texts(
        self, painter: QPainter, row: QRectF, item: ImageClass, index: AnyIndex, is_hovered: bool, is_shown: bool
    ) -> None:
        colors = theme()
        count = f"{index.data(COUNT_ROLE):,}"
        used = font()
        metrics = QFontMetricsF(used)
        painter.setFont(used)
        painter.setPen(
            QColor(colors.accent if is_hovered and self._view.hovered_zone is Zone.COUNT else colors.text_dim)
        )
        right = QRectF(row.right() - COUNT_PX, row.top(), COUNT_PX - 8, row.height())
        painter.drawText(right, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, count)
        taken = metrics.horizontalAdvance(count) + 20
        if is_hovered:
            name = "accent" if self._view.hovered_zone is Zone.COUNT else "text_faint"
            paint_icon(painter, "filter", QRectF(row.right() - taken - 8, row.center().y() - 7, 14, 14), name)
            taken += 18
        painter.setPen(QColor(colors.text))
        left = QRectF(row.left() + NAME_X, row.top(), row.width() - NAME_X - taken, row.height())
        text = metrics.elidedText(item.name, Qt.TextElideMode.ElideRight, left.width())
        painter.drawText(left, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
        track = QRectF(row.left() + NAME_X, row.bottom() - 3.5, row.width() - NAME_X - 8, 2)
        painter.setPen(Qt.PenStyle.NoPen)
        share = float(index.data(SHARE_ROLE))
        if share > 0:
            color = QColor(item.color)
            color.setAlpha(120)
            painter.setBrush(color)
            painter.drawRoundedRect(QRectF(track.left(), track.top(), max(3.0, track.width() * share), 2), 1, 1)

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: AnyIndex) -> QWidget:
        editor = QLineEdit(parent)
        editor.setAccessibleName("Name of the class")
        editor.setStyleSheet("padding: 0 6px; min-height: 0; border-radius: 6px;")
        return editor

    def setEditorData(self, editor: QWidget, index: AnyIndex) -> None:
        # The view calls this at every change of a count; what was typed must stay.
        if isinstance(editor, QLineEdit) and not editor.isModified():
            editor.setText(str(index.data(Qt.ItemDataRole.EditRole)))
            editor.selectAll()

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        rect = option.rect
        editor.setGeometry(rect.adjusted(NAME_X - 8, 2, -4, -2))


class ClassListView(QListView):
    """Tells what was clicked; listens for a new key when asked to."""

    clicked_in_zone = Signal(int, object)
    """Class id and Zone."""
    chosen = Signal(int)
    """Enter on a row."""
    delete_asked = Signal(int)
    key_given = Signal(int, str)
    """A key was pressed for a class that listened; empty to remove the key."""
    listening_ended = Signal()

    def __init__(self, model: ClassListModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._classes = model
        self.shown_class_id = 0
        self.listening_id = 0
        self.hovered_zone: Zone | None = None
        self.setModel(model)
        self.setItemDelegate(ClassDelegate(self))
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setAccessibleName("Classes")
        model.modelReset.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:
        return QSize(180, max(1, self._classes.rowCount()) * ROW_PX + 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, min(3, max(1, self._classes.rowCount())) * ROW_PX)

    def listen(self, class_id: int) -> None:
        """Takes the next key as the key of a class; 0 stops listening."""
        was_listening = self.listening_id
        self.listening_id = class_id
        self.viewport().update()
        if class_id:
            self.setFocus()
        elif was_listening:
            self.listening_ended.emit()

    def class_id_at(self, point: QPoint) -> int:
        item = self._classes.class_at(self.indexAt(point).row())
        return item.id if item is not None else 0

    def edit_name(self, class_id: int) -> None:
        """Opens the name for editing."""
        index = self._classes.index(self._classes.row_of(class_id), 0)
        self.setCurrentIndex(index)
        self.edit(index)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and self.listening_id:
            event.accept()  # the key is for us, whatever else it may do
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = Qt.Key
        if self.listening_id:
            self._take_key(event)
            return
        if self.state() == QAbstractItemView.State.EditingState:
            return  # the Enter that ended the editing comes here too, and must not label
        item = self._classes.class_at(self.currentIndex().row())
        if item is not None and event.key() in (keys.Key_Return, keys.Key_Enter):
            self.chosen.emit(item.id)
        elif item is not None and event.key() == keys.Key_Delete:
            self.delete_asked.emit(item.id)
        elif event.text() and event.key() not in (keys.Key_F2,) and not event.modifiers():
            event.ignore()  # no search by typing: letters are class keys
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if index.isValid():
            self.setCurrentIndex(index)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        point = event.position().toPoint()
        index = self.indexAt(point)
        item = self._classes.class_at(index.row())
        if item is not None and event.button() == Qt.MouseButton.LeftButton and index == self.currentIndex():
            self.clicked_in_zone.emit(item.id, zone_at(self.visualRect(index), point))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Does nothing: the first click has already labelled, and a second one must not label again."""

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        point = event.position().toPoint()
        index = self.indexAt(point)
        self.hovered_zone = zone_at(self.visualRect(index), point) if index.isValid() else None
        is_button = self.hovered_zone in (Zone.KEY, Zone.COLOR, Zone.COUNT)
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if is_button else Qt.CursorShape.ArrowCursor)
        self.viewport().update()

    def focusOutEvent(self, event: object) -> None:
        super().focusOutEvent(event)  # type: ignore[arg-type]
        self.listen(0)

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            self._show_tip(event)
            return True
        return super().viewportEvent(event)

    def _take_key(self, event: QKeyEvent) -> None:
        class_id, keys = self.listening_id, Qt.Key
        if event.key() == keys.Key_Escape:
            self.listen(0)
        elif event.key() in (keys.Key_Backspace, keys.Key_Delete):
            self.key_given.emit(class_id, "")
        elif event.text().strip() and event.text().isprintable():
            self.key_given.emit(class_id, event.text().lower())

    def _show_tip(self, event: QHelpEvent) -> None:
        index = self.indexAt(event.pos())
        item = self._classes.class_at(index.row())
        if item is None:
            return
        key = f" (key {item.key.upper()})" if item.key else " (find it with /)"
        count = self._classes.data(index, COUNT_ROLE)
        text = {
            Zone.KEY: "Click, then press the new key of this class",
            Zone.COLOR: "Change the colour",
            Zone.NAME: f"Label the selected images {item.name}{key}. F2 renames, Del deletes",
            Zone.COUNT: f"Show the {count:,} images labelled {item.name}",
        }[zone_at(self.visualRect(index), event.pos())]
        QToolTip.showText(event.globalPos(), text, self, self.visualRect(index))
