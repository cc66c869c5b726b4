"""The rows of the palette: what a click, a drag or a key means depends on where it lands."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QApplication, QListView, QToolTip, QWidget

from engine.domain import ImageClass
from engine.language import tr, trn
from gui.models.class_list import COUNT_ROLE, ClassListModel
from gui.panels.class_delegate import ROW_PX, ClassDelegate, PaletteState, Zone, zone_at
from gui.panels.label_keys import MOUSE_KEYS
from gui.panels.workspace_keys import key_text
from gui.theme import theme
from gui.widgets.image_drag import IMAGES_MIME

SCROLL_EDGE_PX = 20


class ClassListView(QListView):
    """Tells what was clicked, dragged or pressed; listens for a new key when asked to."""

    clicked_in_zone = Signal(int, object)
    """Class id and Zone."""
    rename_clicked = Signal(int)
    """A double click on a name; its first click came as `clicked_in_zone`."""
    chosen = Signal(int)
    """Enter on a row."""
    delete_asked = Signal(int)
    key_change_asked = Signal(int)
    color_asked = Signal(int)
    move_asked = Signal(int, int)
    """Class id and its new place, counted from 0 without itself."""
    images_dropped = Signal(int)
    key_given = Signal(int, str)
    """A key was pressed for a class that listened; empty to remove the key."""
    key_confirmed = Signal()
    """Enter, while listening."""
    listening_ended = Signal()

    def __init__(self, model: ClassListModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._classes = model
        self.state_of_rows = PaletteState()
        self._pressed_at: QPoint | None = None
        self._scroll_timer = QTimer(self, interval=30)
        self._scroll_timer.timeout.connect(self._scroll_with_drag)
        self.setModel(model)
        self.setItemDelegate(ClassDelegate(self.state_of_rows, self))
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setAcceptDrops(True)
        # A click labels and leaves the keyboard with the images; F6 and Tab come here.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setAccessibleName(tr("Classes"))
        model.modelReset.connect(self.updateGeometry)

    @property
    def listening_id(self) -> int:
        """The class that waits for its new key, 0 for none."""
        return self.state_of_rows.listening_id

    def sizeHint(self) -> QSize:
        return QSize(180, max(1, self._classes.rowCount()) * ROW_PX + 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, min(3, max(1, self._classes.rowCount())) * ROW_PX)

    def listen(self, class_id: int) -> None:
        """Takes the next key as the key of a class; 0 stops listening."""
        was_listening = self.listening_id
        self.state_of_rows.listening_id = class_id
        self.viewport().update()
        if class_id:
            self.setFocus()
            self.scrollTo(self._classes.index(self._classes.row_of(class_id), 0))
        elif was_listening:
            self.listening_ended.emit()

    def class_id_at(self, point: QPoint) -> int:
        item = self._classes.class_at(self.indexAt(point).row())
        return item.id if item is not None else 0

    def current_class_id(self) -> int:
        """Returns the class that the keyboard is on, 0 for none."""
        item = self._classes.class_at(self.currentIndex().row())
        return item.id if item is not None else 0

    def go_to_class(self, class_id: int) -> None:
        """Puts the keyboard on a class, if it is there."""
        row = self._classes.row_of(class_id)
        if row >= 0:
            self.setCurrentIndex(self._classes.index(row, 0))

    def edit_name(self, class_id: int) -> None:
        """Opens the name for editing."""
        self.go_to_class(class_id)
        self.edit(self.currentIndex())

    # -------------------------------------------------------------------------------------------------------- keys

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
        class_id, row = self.current_class_id(), self.currentIndex().row()
        acts = {
            keys.Key_Return: self.chosen, keys.Key_Enter: self.chosen, keys.Key_Delete: self.delete_asked,
            keys.Key_F3: self.key_change_asked, keys.Key_F7: self.color_asked,
        }  # fmt: skip
        has_alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if class_id and event.key() in acts:
            acts[keys(event.key())].emit(class_id)
        elif class_id and has_alt and event.key() in (keys.Key_Up, keys.Key_Down):
            self.move_asked.emit(class_id, row + (1 if event.key() == keys.Key_Down else -1))
        elif event.text() and event.key() not in (keys.Key_F2,) and not event.modifiers():
            event.ignore()  # no search by typing: letters are class keys
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: object) -> None:
        super().focusInEvent(event)  # type: ignore[arg-type]
        if not self.currentIndex().isValid() and self._classes.rowCount():
            self.setCurrentIndex(self._classes.index(0, 0))

    def focusOutEvent(self, event: object) -> None:
        super().focusOutEvent(event)  # type: ignore[arg-type]
        self.listen(0)

    def _take_key(self, event: QKeyEvent) -> None:
        class_id, keys = self.listening_id, Qt.Key
        if event.key() == keys.Key_Escape:
            self.listen(0)
        elif event.key() in (keys.Key_Return, keys.Key_Enter):
            self.key_confirmed.emit()
        elif event.key() in (keys.Key_Backspace, keys.Key_Delete):
            self.key_given.emit(class_id, "")
        elif event.text().isprintable() and event.text():
            self.key_given.emit(class_id, event.text().lower())

    # ------------------------------------------------------------------------------------------------------- mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self.listening_id and event.button() in MOUSE_KEYS:
            self.key_given.emit(self.listening_id, MOUSE_KEYS[event.button()])
            return
        if event.button() in MOUSE_KEYS:
            event.ignore()
            return
        self.listen(0)  # whoever clicks does not want to press a key
        index = self.indexAt(event.position().toPoint())
        if index.isValid():
            self.setCurrentIndex(index)
            self._pressed_at = event.position().toPoint() if event.button() == Qt.MouseButton.LeftButton else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position().toPoint()
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._drag_to(point)
            return
        super().mouseMoveEvent(event)
        index = self.indexAt(point)
        zone = zone_at(self.visualRect(index), point) if index.isValid() else None
        self.state_of_rows.hovered_zone = zone
        is_button = zone in (Zone.KEY, Zone.COLOR, Zone.COUNT)
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if is_button else Qt.CursorShape.ArrowCursor)
        self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        point, pressed_at, self._pressed_at = event.position().toPoint(), self._pressed_at, None
        if self.state_of_rows.dragged_id:
            self._drop_class()
            return
        index = self.indexAt(point)
        item = self._classes.class_at(index.row())
        if item is not None and pressed_at is not None and index == self.currentIndex():
            self.clicked_in_zone.emit(item.id, zone_at(self.visualRect(index), point))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        point = event.position().toPoint()
        class_id = self.class_id_at(point)
        is_name = zone_at(self.visualRect(self.indexAt(point)), point) is Zone.NAME
        if class_id and is_name and event.button() == Qt.MouseButton.LeftButton:
            self.rename_clicked.emit(class_id)

    def _drag_to(self, point: QPoint) -> None:
        state = self.state_of_rows
        if self._pressed_at is None:
            return
        far = (point - self._pressed_at).manhattanLength() >= QApplication.startDragDistance()
        if not state.dragged_id and far and self._classes.can_edit:
            state.dragged_id = self.class_id_at(self._pressed_at)
            self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
            self._scroll_timer.start()
        if state.dragged_id:
            content_y = point.y() + self.verticalScrollBar().value()
            state.drop_row = max(0, min(self._classes.rowCount(), round(content_y / ROW_PX)))
            self.viewport().update()

    def _drop_class(self) -> None:
        state = self.state_of_rows
        class_id, drop_row = state.dragged_id, state.drop_row
        state.dragged_id, state.drop_row = 0, -1
        self._scroll_timer.stop()
        self.viewport().setCursor(Qt.CursorShape.ArrowCursor)
        self.viewport().update()
        row = self._classes.row_of(class_id)
        if drop_row not in (row, row + 1):
            self.move_asked.emit(class_id, drop_row - (drop_row > row))

    def _scroll_with_drag(self) -> None:
        point = self.viewport().mapFromGlobal(self.cursor().pos())
        over = point.y() - self.viewport().height() + SCROLL_EDGE_PX
        under = SCROLL_EDGE_PX - point.y()
        if over > 0 or under > 0:
            bar = self.verticalScrollBar()
            bar.setValue(bar.value() + (over if over > 0 else -under) // 2)
            self._drag_to(point)

    # ------------------------------------------------------------------------------------- images dragged on a class

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasFormat(IMAGES_MIME):
            event.acceptProposedAction()
            self._scroll_timer.start()  # the class may be above or below what is seen
        else:
            event.ignore()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        over = self.class_id_at(event.position().toPoint()) if event.mimeData().hasFormat(IMAGES_MIME) else 0
        self._mark_target(over)
        event.setAccepted(over > 0)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._scroll_timer.stop()
        self._mark_target(0)

    def dropEvent(self, event: QDropEvent) -> None:
        class_id = self.class_id_at(event.position().toPoint())
        self._scroll_timer.stop()
        self._mark_target(0)
        if class_id and event.mimeData().hasFormat(IMAGES_MIME):
            event.acceptProposedAction()
            self.images_dropped.emit(class_id)

    def _mark_target(self, class_id: int) -> None:
        self.state_of_rows.images_over_id = class_id
        self.viewport().update()

    # ----------------------------------------------------------------------------------------------------- showing

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.state_of_rows.drop_row >= 0:
            y = self.state_of_rows.drop_row * ROW_PX - self.verticalScrollBar().value()
            painter = QPainter(self.viewport())
            painter.fillRect(6, max(0, y - 1), self.viewport().width() - 12, 2, QColor(theme().accent))
            painter.end()

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            self._show_tip(event)
            return True
        return super().viewportEvent(event)

    def _show_tip(self, event: QHelpEvent) -> None:
        index = self.indexAt(event.pos())
        item = self._classes.class_at(index.row())
        if item is None:
            return
        count = self._classes.data(index, COUNT_ROLE)
        text = {
            Zone.KEY: tr("Click, then press the new key of this class (F3)"),
            Zone.COLOR: tr("Change the colour (F7)"),
            Zone.NAME: _name_tip(item),
            Zone.COUNT: trn(
                "Show the {number:,} image of {class_name} (with Ctrl: besides those of other classes)",
                "Show the {number:,} images of {class_name} (with Ctrl: besides those of other classes)",
                count,
                class_name=item.name,
            ),
        }[zone_at(self.visualRect(index), event.pos())]
        QToolTip.showText(event.globalPos(), text, self, self.visualRect(index))


def _name_tip(item: ImageClass) -> str:
    if not item.key:
        return tr(
            "{class_name}: label the selected images (find it with /). "
            "Double click or F2 renames, Del deletes, drag moves",
            class_name=item.name,
        )
    return tr(
        "{class_name}: label the selected images (key {key}). Double click or F2 renames, Del deletes, drag moves",
        class_name=item.name,
        key=key_text(item.key.upper() if len(item.key) == 1 else item.key),
    )
