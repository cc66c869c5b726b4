"""The menu of a class in the palette: everything that can be done to it, each with its key."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QMenu

from engine.language import tr, trn
from gui import wording
from gui.panels.workspace_keys import key_text
from gui.theme import icon, paint_icon
from gui.widgets.class_colors import text_on

if TYPE_CHECKING:
    from gui.panels.class_palette import ClassPalettePanel

MAX_TARGETS = 30


def open_class_menu(panel: ClassPalettePanel, class_id: int, where: QPoint) -> QMenu | None:
    """Opens the menu at a point of the screen. Keys stand behind a tab: a menu shows them and does not take them."""
    session = panel.session
    item = session.class_by_id(class_id)
    if item is None:
        return None
    menu = QMenu(panel)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    title = menu.addAction(dot_icon(item.color), item.name.replace("&", "&&"))
    title.setEnabled(False)
    count = len(session.selected_ids)
    key = f"\t{key_text(item.key.upper() if len(item.key) == 1 else item.key)}" if item.key else tr("\tEnter")
    words = _give_words(count, session.has_several_classes)
    give = menu.addAction(icon("tag"), f"{words}{key}", lambda: panel.label_wanted.emit(class_id))
    give.setEnabled(count > 0)
    show = menu.addAction(icon("filter"), tr("Show its &images"), lambda: panel.show_class_wanted.emit(class_id))
    menu.addSeparator()
    menu.addAction(icon("pencil"), tr("&Rename\tF2"), lambda: panel.view.edit_name(class_id))
    menu.addAction(icon("keyboard"), tr("Change &key\tF3"), lambda: panel.change_key(class_id))
    menu.addAction(icon("sun"), tr("Change &colour\tF7"), lambda: panel.change_color(class_id))
    at, last = panel.model.row_of(class_id), panel.model.rowCount() - 1
    up = menu.addAction(icon("chevron-up"), tr("Move &up\tAlt+Up"), lambda: panel.move_class(class_id, at - 1))
    up.setEnabled(at > 0)
    down = menu.addAction(icon("chevron-down"), tr("Move do&wn\tAlt+Down"), lambda: panel.move_class(class_id, at + 1))
    down.setEnabled(at < last)
    menu.addSeparator()
    _add_targets(menu, panel, class_id)
    split = menu.addAction(icon("plus"), _split_words(count), panel.split_wanted.emit)
    split.setEnabled(count > 0)
    menu.addSeparator()
    menu.addAction(icon("trash"), tr("&Delete\tDel"), lambda: panel.delete_class(class_id))
    if session.is_read_only:
        for action in menu.actions():
            action.setEnabled(action is show)
    menu.popup(where)
    return menu


def _give_words(number: int, has_several_classes: bool) -> str:
    if has_several_classes:
        if not number:
            return tr("&Give to or take from selected images")
        return trn(
            "&Give to or take from {number:,} selected image",
            "&Give to or take from {number:,} selected images",
            number,
        )
    if not number:
        return tr("&Give to selected images")
    return trn("&Give to {number:,} selected image", "&Give to {number:,} selected images", number)


def _split_words(number: int) -> str:
    if not number:
        return tr("&New class from selected images…\tCtrl+Shift+N")
    return trn(
        "&New class from {number:,} selected image…\tCtrl+Shift+N",
        "&New class from {number:,} selected images…\tCtrl+Shift+N",
        number,
    )


def _add_targets(menu: QMenu, panel: ClassPalettePanel, class_id: int) -> None:
    targets = menu.addMenu(icon("layers"), tr("&Merge into"))
    others = [each for each in panel.session.classes if each.id != class_id]
    for other in others[:MAX_TARGETS]:
        merge = partial(panel.merge_class, class_id, other.id)
        targets.addAction(dot_icon(other.color), other.name.replace("&", "&&"), merge)
    if len(others) > MAX_TARGETS:
        more = wording.count(len(others) - MAX_TARGETS, "more class", "more classes")
        targets.addAction(icon("search"), f"{more}…", lambda: panel.merge_target_wanted.emit(class_id))
    targets.setEnabled(bool(others))


def dot_icon(color: str, has_tick: bool = False) -> QIcon:
    """Returns the dot of a class as an icon for menus; with a tick where the images have that class."""
    made = QPixmap(QSize(32, 32))
    made.setDevicePixelRatio(2.0)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(color))
    painter.drawEllipse(QRectF(0.5, 0.5, 15, 15) if has_tick else QRectF(3, 3, 10, 10))
    if has_tick:
        paint_icon(painter, "check", QRectF(2.5, 2.5, 11, 11), text_on(color).name())
    painter.end()
    return QIcon(made)
