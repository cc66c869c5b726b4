"""The menu of the selected images: everything that the keys do, for those who look for it with the mouse."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu

from engine.language import tr, trn
from gui import wording
from gui.columns import has_class
from gui.panels.class_menu import dot_icon
from gui.panels.workspace_keys import class_key_text
from gui.theme import icon

if TYPE_CHECKING:
    from gui.panels.label_workspace import LabelWorkspace

MAX_CLASSES = 16


def open_image_menu(workspace: LabelWorkspace, where: QPoint) -> QMenu | None:
    """Opens the menu at a point of the screen; returns it, or None when nothing is selected.

    Keys stand behind a tab: a menu shows them without taking them from the workspace.
    """
    session, labelling = workspace.session, workspace.labelling
    count = len(labelling.targets())
    if not count:
        return None
    menu = QMenu(workspace)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    title = menu.addAction(wording.count(count, "image"))
    title.setEnabled(False)
    rows = labelling.rows[labelling.targets()]
    for item in session.classes[:MAX_CLASSES]:
        key = f"\t{class_key_text(item.key)}" if item.key else ""
        name = item.name.replace("&", "&&")
        is_given = bool(has_class(session.columns, rows, item.id).all())
        give = menu.addAction(dot_icon(item.color, is_given), name + key, partial(labelling.label, item.id))
        give.setCheckable(True)  # for those who do not see the tick in the dot
        give.setChecked(is_given)
    num_more = len(session.classes) - MAX_CLASSES
    if num_more > 0:
        text = trn("{number:,} more class…\t/", "{number:,} more classes…\t/", num_more)
    else:
        text = tr("Find class…\t/")
    menu.addAction(icon("search"), text, workspace.find_class)
    menu.addSeparator()
    accept = menu.addAction(icon("sparkle"), tr("Accept suggestion\tSpace"), labelling.accept)
    accept.setEnabled(len(labelling.suggested_targets()) > 0)
    menu.addAction(icon("copy"), tr("Same as the picture before\tV"), labelling.copy_previous)
    menu.addAction(icon("images"), tr("… and the rest of the burst\tShift+V"), labelling.copy_to_burst)
    menu.addAction(icon("skip"), tr("Skip\tX"), labelling.skip)
    menu.addAction(icon("question"), tr("Unsure\t?"), labelling.toggle_unsure)
    if session.has_several_classes:
        menu.addAction(icon("check"), tr("Confirm\tEnter"), labelling.confirm)
    clear = tr("Clear all classes\tBackspace") if session.has_several_classes else tr("Clear class\tBackspace")
    menu.addAction(icon("close"), clear, labelling.clear)
    menu.addSeparator()
    menu.addAction(icon("plus"), tr("New class from the selection…\tCtrl+Shift+N"), workspace.split_selection)
    menu.addAction(icon("pencil"), tr("Note…\tCtrl+T"), workspace.details.edit_note).setEnabled(count == 1)
    menu.addSeparator()
    view = menu.addAction(icon("single"), tr("Single image\tCtrl+Enter"), workspace.open_viewer)
    view.setEnabled(not workspace.is_viewing)
    if count == 1:
        menu.addAction(icon("images"), tr("Similar images\tCtrl+Shift+S"), session.assistance.show_similar)
        menu.addAction(icon("copy"), tr("Copy path"), lambda: _copy_path(workspace))
    menu.popup(where)
    return menu


def _copy_path(workspace: LabelWorkspace) -> None:
    session, image_id = workspace.session, workspace.session.current_image_id
    if image_id is not None and session.project is not None:
        project = session.project
        session.read_in_background(
            lambda: project.images([image_id]),
            lambda found: QGuiApplication.clipboard().setText(str(found[0].path)),
        )
