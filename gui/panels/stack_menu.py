"""The menu of a stack: everything that the keys do, for those who look for it with the mouse."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu

from engine.language import tr
from gui import wording
from gui.panels.class_menu import dot_icon
from gui.panels.image_menu import MAX_CLASSES
from gui.panels.workspace_keys import class_key_text
from gui.theme import icon

if TYPE_CHECKING:
    from gui.panels.stacks_page import StacksPage


def open_stack_menu(page: StacksPage, where: QPoint) -> QMenu | None:
    """Opens the menu at a point of the screen; returns it, or None when there is no stack.

    Keys stand behind a tab: a menu shows them without taking them from the workspace.
    """
    session, chosen = page.session, page.view.selected_stacks
    if not chosen or not page.has_stacks:
        return None
    menu = QMenu(page)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.addAction(page.find_title() or wording.count(len(chosen), "stack")).setEnabled(False)
    can_write = not session.is_read_only
    for item in session.classes[:MAX_CLASSES]:
        key = f"\t{class_key_text(item.key)}" if item.key else ""
        text = item.name.replace("&", "&&") + key
        menu.addAction(dot_icon(item.color, False), text, partial(page.label, item.id)).setEnabled(can_write)
    menu.addAction(icon("search"), tr("Find class, or new one…\t/"), page.find_wanted.emit).setEnabled(can_write)
    menu.addSeparator()
    menu.addAction(icon("plus"), tr("Take all in\tCtrl+A"), page.take_all_in)
    menu.addAction(icon("skip"), tr("Skip\tX"), page.skip).setEnabled(can_write)
    later = menu.addAction(icon("chevron-down"), tr("Later: to the end\tCtrl+End"), page.later)
    later.setEnabled(page.bar.later_button.isEnabled())
    join = tr("Join these stacks\tCtrl+J") if len(chosen) > 1 else tr("Join with the next\tCtrl+J")
    menu.addAction(icon("join"), join, page.join).setEnabled(page.bar.join_button.isEnabled())
    menu.addAction(icon("split"), tr("Split in two\tCtrl+Shift+J"), page.split).setEnabled(len(chosen) == 1)
    menu.addSeparator()
    menu.addAction(icon("grid"), tr("Open in the grid\tCtrl+Enter"), partial(page.look, False))
    menu.addAction(icon("single"), tr("This picture alone\tDouble click"), partial(page.look, True))
    menu.popup(where)
    return menu
