"""The menu of the chosen files of Use: everything that the keys do, for those who look for it with the mouse."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu

from engine.language import tr
from gui import wording
from gui.folders import open_in_system
from gui.panels.class_menu import dot_icon
from gui.panels.workspace_keys import class_key_text
from gui.theme import icon

if TYPE_CHECKING:
    from gui.panels.use_workspace import UseWorkspace

MAX_CLASSES = 16


def open_file_menu(workspace: UseWorkspace, where: QPoint) -> QMenu | None:
    """Opens the menu at a point of the screen; returns it, or None when nothing is chosen."""
    count = len(workspace.targets())
    if not count:
        return None
    menu = QMenu(workspace)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    title = menu.addAction(wording.count(count, "picture"))
    title.setEnabled(False)
    why_not = workspace.corrections.why_not
    if why_not:
        menu.addAction(why_not.partition(":")[0]).setEnabled(False)
    else:
        menu.addAction(icon("check"), tr("The prediction is right\tSpace"), workspace.confirm)
        for item in workspace.session.classes[:MAX_CLASSES]:
            key = f"\t{class_key_text(item.key)}" if item.key else ""
            name = item.name.replace("&", "&&")
            text = tr("It is {name}", name=name) + key
            menu.addAction(dot_icon(item.color), text, partial(workspace.correct, item.id))
        menu.addAction(icon("search"), tr("Find class…\t/"), workspace.find_class)
    menu.addSeparator()
    view = menu.addAction(icon("single"), tr("Single picture\tCtrl+Enter"), workspace.open_viewer)
    view.setEnabled(not workspace.is_viewing)
    menu.addAction(icon("eye"), tr("Where the model looks\tH"), workspace.toggle_heat)
    path = workspace.current_path()
    if count == 1 and path is not None:
        menu.addSeparator()
        menu.addAction(icon("copy"), tr("Copy path"), lambda: QGuiApplication.clipboard().setText(str(path)))
        menu.addAction(icon("folder-open"), tr("Open its folder"), lambda: open_in_system(path.parent))
    menu.popup(where)
    return menu
