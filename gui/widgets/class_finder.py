"""The type-ahead over all classes: a field with the best matches below it. Reaches any of any number of classes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QPainter, QPixmap
from PySide6.QtWidgets import (
    QFrame,
    QGraphicsDropShadowEffect,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from engine.domain import ImageClass
from gui.models.class_search import find_classes
from gui.theme import icon

MAX_SHOWN = 8
ROW_PX = 30
CLASS_ID_ROLE = int(Qt.ItemDataRole.UserRole)


class ClassFinder(QFrame):
    """Floats over the images. Enter takes the marked class, Esc closes; a new name can be made a class."""

    class_chosen = Signal(int)
    new_class_chosen = Signal(str)
    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._classes: Sequence[ImageClass] = ()
        self._recent: Sequence[int] = ()
        self.setProperty("role", "card")
        self.setFixedWidth(340)
        self.title = QLabel()
        self.title.setProperty("role", "dim")
        self.field = QLineEdit()
        self.field.setPlaceholderText("Class…")
        self.field.setAccessibleName("Find a class")
        self.field.setMaxLength(100)
        self.field.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.field.installEventFilter(self)
        self.field.textChanged.connect(self._search)
        self.list = QListWidget()
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setAccessibleName("Matching classes")
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setIconSize(QSize(12, 12))
        self.list.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.list.itemClicked.connect(lambda _item: self._take())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.setSpacing(8)
        layout.addWidget(self.title)
        layout.addWidget(self.field)
        layout.addWidget(self.list)
        shadow = QGraphicsDropShadowEffect(self)
        shadow.setBlurRadius(32)
        shadow.setOffset(0, 8)
        shadow.setColor(QColor(0, 0, 0, 120))
        self.setGraphicsEffect(shadow)
        self.hide()

    def open(self, classes: Sequence[ImageClass], recent: Sequence[int], title: str) -> None:
        """Shows the field, empty, with the most recent classes below it."""
        self._classes, self._recent = classes, recent
        self.title.setText(title)
        self.field.clear()
        self._search("")
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def close_finder(self) -> None:
        """Hides the field."""
        if self.isVisible():
            self.hide()
            self.closed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.field and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            keys = Qt.Key
            if event.key() in (keys.Key_Return, keys.Key_Enter):
                self._take()
                return True
            if event.key() == keys.Key_Escape:
                self.close_finder()
                return True
            step = {keys.Key_Down: 1, keys.Key_Up: -1, keys.Key_Tab: 1, keys.Key_Backtab: -1}.get(keys(event.key()))
            if step is not None and self.list.count():
                self.list.setCurrentRow((self.list.currentRow() + step) % self.list.count())
                return True
        if watched is self.field and event.type() == QEvent.Type.FocusOut:
            self.close_finder()
        return super().eventFilter(watched, event)

    def _search(self, text: str) -> None:
        self.list.clear()
        name = text.strip()
        for item in find_classes(self._classes, name, self._recent):
            row = QListWidgetItem(_dot(item.color), item.name + (f"   ({item.key.upper()})" if item.key else ""))
            row.setData(CLASS_ID_ROLE, item.id)
            row.setSizeHint(QSize(100, ROW_PX))
            self.list.addItem(row)
        if name and all(each.name.casefold() != name.casefold() for each in self._classes):
            row = QListWidgetItem(icon("plus"), f"Create class “{name}”")
            row.setData(CLASS_ID_ROLE, 0)
            row.setSizeHint(QSize(100, ROW_PX))
            self.list.addItem(row)
        self.list.setCurrentRow(0)
        self.list.setFixedHeight(min(MAX_SHOWN, self.list.count()) * ROW_PX + 2)
        self.list.setVisible(self.list.count() > 0)
        self.adjustSize()

    def _take(self) -> None:
        if self.list.currentRow() < 0:
            return
        row = self.list.currentItem()
        class_id, name = int(row.data(CLASS_ID_ROLE)), self.field.text().strip()
        self.close_finder()
        if class_id:
            self.class_chosen.emit(class_id)
        else:
            self.new_class_chosen.emit(name)


def _dot(color: str) -> QIcon:
    made = QPixmap(24, 24)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(color))
    painter.drawEllipse(2, 2, 20, 20)
    painter.end()
    return QIcon(made)
