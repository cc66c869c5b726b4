"""What a widget says, and whether all of it can be read; for walk.py, after the QApplication is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from PySide6.QtCore import QRect
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QComboBox,
    QFileDialog,
    QHeaderView,
    QLabel,
    QLayout,
    QLineEdit,
    QListWidget,
    QMenu,
    QStyle,
    QStyleOptionComboBox,
    QStyleOptionFrame,
    QTextBrowser,
    QWidget,
)

from gui.widgets.text import ElidedLabel

Line = tuple[str, str, int, int]
"""Kind, text, pixels of it that are cut off or painted over, and pixels that an ellipsis stands for."""
CURSOR_PX, SLACK_PX = 4, 2


def texts_of(widget: QWidget) -> Iterator[Line]:
    """Yields the texts of one widget, but for the system's own dialogs, which Qt translates."""
    if isinstance(widget.window(), QFileDialog):
        return
    name = type(widget).__name__
    yield f"{name} tooltip", widget.toolTip(), 0, 0
    yield f"{name} accessible", widget.accessibleName(), 0, 0
    yield f"{name} title", widget.windowTitle() if widget.isWindow() else "", 0, 0
    for action in widget.actions():
        yield f"{name} action", action.text(), 0, 0
        yield f"{name} action tooltip", action.toolTip(), 0, 0
    seen = widget.isVisible()
    if isinstance(widget, QMenu):
        yield f"{name} menu", widget.title(), 0, 0
    elif isinstance(widget, ElidedLabel):
        more = widget.fontMetrics().horizontalAdvance(widget.text()) - widget.width()
        yield name, widget.text(), _outside(widget) if seen else 0, max(0, more) if seen else 0
    elif isinstance(widget, (QAbstractButton, QLabel)):
        yield name, widget.text(), max(_too_little(widget), _outside(widget)) if seen else 0, 0
    elif isinstance(widget, QLineEdit):
        yield f"{name} placeholder", widget.placeholderText(), _too_little_of_field(widget) if seen else 0, 0
    elif isinstance(widget, QComboBox):
        for at in range(widget.count()):
            is_shown = seen and at == widget.currentIndex()
            yield f"{name} item", widget.itemText(at), _too_little_of_choice(widget) if is_shown else 0, 0
    elif isinstance(widget, QListWidget):
        for at in range(widget.count()):
            more = widget.sizeHintForIndex(widget.model().index(at, 0)).width() - widget.viewport().width()
            yield f"{name} item", widget.item(at).text(), max(0, more) if seen else 0, 0
    elif isinstance(widget, QHeaderView) and widget.model() is not None and not widget.isHidden():
        for at in range(widget.count()):
            text = str(widget.model().headerData(at, widget.orientation()) or "")
            more = widget.fontMetrics().horizontalAdvance(text) + 2 * CURSOR_PX - widget.sectionSize(at)
            yield f"{name} section", text, max(0, more) if seen and not widget.isSectionHidden(at) else 0, 0
    elif isinstance(widget, QTextBrowser):
        yield f"{name} text", "", 0, 0


def overlaps_in(widget: QWidget) -> Iterator[Line]:
    """Yields which of the widgets that one layout has set are on top of each other, and by how much."""
    layout = widget.layout()
    if layout is None or not widget.isVisible():
        return
    placed = [each for each in _placed_by(layout) if each.isVisible() and not each.size().isEmpty()]
    for one, other in combinations(placed, 2):
        both = one.geometry().intersected(other.geometry())
        if not both.isEmpty():
            names = f"{_named(one)} / {_named(other)}"
            yield f"{type(widget).__name__} overlap", names, min(both.width(), both.height()), 0


def _placed_by(layout: QLayout) -> Iterator[QWidget]:
    """Yields the widgets of a layout and of those in it; of a stack only the one on top is seen."""
    for at in range(layout.count()):
        item: Any = layout.itemAt(at)
        if item.widget() is not None:
            yield item.widget()
        elif item.layout() is not None:
            yield from _placed_by(item.layout())


def _named(widget: QWidget) -> str:
    text = getattr(widget, "text", None)
    return f"{type(widget).__name__} {text() if callable(text) else widget.accessibleName()}".strip()


def _too_little(widget: QAbstractButton | QLabel) -> int:
    """Returns by how many pixels a label or button is smaller than its words."""
    room, wanted = widget.size(), widget.minimumSizeHint()
    if isinstance(widget, QLabel) and widget.wordWrap():
        return max(0, widget.heightForWidth(room.width()) - room.height(), _longest_word(widget) - room.width())
    if isinstance(widget, QAbstractButton) and widget.hasHeightForWidth():
        return max(0, widget.heightForWidth(room.width()) - room.height(), wanted.width() - room.width())
    return max(0, wanted.width() - room.width(), widget.fontMetrics().height() - room.height())


def _longest_word(label: QLabel) -> int:
    if "<" in label.text():
        return 0
    words = re.split(r"(?<=[/-])|\s+", label.text())  # a path is broken after its strokes
    return max((label.fontMetrics().horizontalAdvance(word) for word in words), default=0)


def _outside(widget: QWidget) -> int:
    """Returns how many pixels of a widget stand beyond what holds it, where no scroll bar leads there."""
    area, beyond = QRect(widget.rect()), 0
    inner: QWidget = widget
    while not inner.isWindow() and (holder := inner.parentWidget()) is not None:
        area = QRect(inner.mapToParent(area.topLeft()), area.size())
        scroll = holder.parentWidget()
        can_scroll = isinstance(scroll, QAbstractScrollArea) and scroll.viewport() is holder
        bar = scroll.horizontalScrollBar() if can_scroll and isinstance(scroll, QAbstractScrollArea) else None
        if bar is None or not bar.isVisible():
            beyond = max(beyond, -area.left(), area.right() + 1 - holder.width())
        if not can_scroll:
            beyond = max(beyond, -area.top(), area.bottom() + 1 - holder.height())
        inner = holder
        if can_scroll:  # from here on it is the view that must be seen, not all that can be scrolled to
            area = QRect(holder.rect())
    return beyond if beyond > SLACK_PX else 0


def _too_little_of_field(field: QLineEdit) -> int:
    option = QStyleOptionFrame()
    field.initStyleOption(option)
    room = field.style().subElementRect(QStyle.SubElement.SE_LineEditContents, option, field).width()
    margins = field.textMargins()
    room -= margins.left() + margins.right() + CURSOR_PX
    return max(0, field.fontMetrics().horizontalAdvance(field.placeholderText()) - room)


def _too_little_of_choice(box: QComboBox) -> int:
    option = QStyleOptionComboBox()
    box.initStyleOption(option)
    part = QStyle.SubControl.SC_ComboBoxEditField
    room = box.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, box).width()
    icon_px = 0 if box.itemIcon(box.currentIndex()).isNull() else box.iconSize().width() + CURSOR_PX
    return max(0, box.fontMetrics().horizontalAdvance(box.currentText()) + icon_px - room)
