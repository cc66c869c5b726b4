"""A small window of colours to choose from, by mouse or by keyboard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QColorDialog, QFrame, QGridLayout, QVBoxLayout, QWidget

from engine.language import tr, trc
from gui.theme import paint_icon, theme
from gui.widgets.buttons import button
from gui.widgets.class_colors import text_on

COLORS: Final = (
    (trc("colour", "amber"), "#f2b134"),
    (trc("colour", "green"), "#5fc27e"),
    (trc("colour", "red"), "#e5735c"),
    (trc("colour", "blue"), "#7aa2f7"),
    (trc("colour", "violet"), "#c586f0"),
    (trc("colour", "teal"), "#4fc3c3"),
    (trc("colour", "pink"), "#f08fb4"),
    (trc("colour", "lime"), "#b5c94c"),
    (trc("colour", "tan"), "#d99a6c"),
    (trc("colour", "grey"), "#8f9bb3"),
    (trc("colour", "yellow"), "#e8d44d"),
    (trc("colour", "indigo"), "#6c8cff"),
    (trc("colour", "brick"), "#b8433a"),
    (trc("colour", "forest"), "#2f8f5b"),
    (trc("colour", "royal"), "#3568c9"),
    (trc("colour", "purple"), "#8a4fc7"),
    (trc("colour", "magenta"), "#c2408a"),
    (trc("colour", "brown"), "#8a6d3b"),
    (trc("colour", "petrol"), "#1f8a8a"),
    (trc("colour", "peach"), "#f7c9a0"),
    (trc("colour", "mint"), "#a6e3b8"),
    (trc("colour", "sky"), "#a9d3f5"),
    (trc("colour", "lavender"), "#d8c2f7"),
    (trc("colour", "silver"), "#dfe3ea"),
)
"""Names and values, told apart by most people in steps of six; the store gives out the first twelve."""
NUM_COLUMNS = 6
SIDE_PX = 30


class Swatch(QAbstractButton):
    """One colour, with a tick when it is the present one."""

    def __init__(self, name: str, color: str, used_by: str, is_present: bool, parent: QWidget) -> None:
        super().__init__(parent)
        self.color = color
        self._is_present = is_present
        self._is_used = bool(used_by)
        self.setFixedSize(SIDE_PX, SIDE_PX)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip(
            tr("{colour}, the colour of {class_name}", colour=name, class_name=used_by) if used_by else name
        )
        self.setAccessibleName(tr("{name}, chosen", name=self.toolTip()) if is_present else self.toolTip())

    def sizeHint(self) -> QSize:
        return QSize(SIDE_PX, SIDE_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(3.5, 3.5, -3.5, -3.5)
        if self.hasFocus() or self.underMouse():
            painter.setPen(QPen(QColor(theme().accent if self.hasFocus() else theme().text_faint), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(-2.5, -2.5, 2.5, 2.5), 7, 7)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.color))
        painter.drawRoundedRect(box, 5, 5)
        if self._is_present:
            paint_icon(painter, "check", box.adjusted(4, 4, -4, -4), text_on(self.color).name())
        elif self._is_used:  # a small dot: some other class has this colour
            painter.setBrush(text_on(self.color))
            painter.drawEllipse(QRectF(box.center().x() - 2, box.center().y() - 2, 4, 4))
        painter.end()


class ColorPicker(QFrame):
    """Shows the colours; arrows move, Enter takes, Esc closes. "Other…" opens the colours of the system."""

    color_chosen = Signal(str)

    def __init__(self, present: str, used_by: Mapping[str, str], parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._present = present
        self.setProperty("role", "menu")
        self.setAccessibleName(tr("Colours"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        grid = QGridLayout()
        grid.setSpacing(2)
        self.swatches: list[Swatch] = []
        for at, (name, color) in enumerate(COLORS):
            swatch = Swatch(name, color, used_by.get(color, ""), color == present, self)
            swatch.clicked.connect(lambda _on=False, value=color: self._choose(value))
            grid.addWidget(swatch, *divmod(at, NUM_COLUMNS))
            self.swatches.append(swatch)
        other = button(tr("Other…"), "ghost", tooltip=tr("Choose any colour"))
        other.clicked.connect(self._ask_system)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(4)
        layout.addLayout(grid)
        layout.addWidget(other)

    def open_at(self, where: QPoint) -> None:
        """Shows it with its corner at a point of the screen, or as near as the screen allows."""
        self.adjustSize()
        area = self.screen().availableGeometry()
        x = max(area.left(), min(where.x(), area.right() - self.width()))
        y = max(area.top(), min(where.y(), area.bottom() - self.height()))
        self.move(x, y)
        self.show()
        chosen = next((each for each in self.swatches if each.color == self._present), self.swatches[0])
        chosen.setFocus(Qt.FocusReason.PopupFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = Qt.Key
        step = {keys.Key_Left: -1, keys.Key_Right: 1, keys.Key_Up: -NUM_COLUMNS, keys.Key_Down: NUM_COLUMNS}
        at = next((at for at, each in enumerate(self.swatches) if each.hasFocus()), -1)
        if event.key() in step and at >= 0:
            wanted = at + step[keys(event.key())]
            if 0 <= wanted < len(self.swatches):
                self.swatches[wanted].setFocus(Qt.FocusReason.TabFocusReason)
        elif event.key() in (keys.Key_Return, keys.Key_Enter) and at >= 0:
            self._choose(self.swatches[at].color)
        else:
            super().keyPressEvent(event)  # a popup closes by itself on Esc

    def _choose(self, color: str) -> None:
        self.color_chosen.emit(color)
        self.close()

    def _ask_system(self) -> None:
        dialog = QColorDialog(QColor(self._present), self.parentWidget())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.colorSelected.connect(lambda color, told=self.color_chosen: told.emit(color.name()))
        # The dialog outlives this window, and so must the one that listens to it.
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        dialog.destroyed.connect(self.deleteLater)
        self.hide()
        dialog.open()
