"""The palette: the classes with their keys, and the row that adds one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtWidgets import QLabel, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from engine.language import tr
from gui import wording
from gui.models.class_list import ClassListModel
from gui.models.label_counts import LabelCounts
from gui.panels.class_delegate import DOT_X, MAX_NAME_LENGTH, Zone
from gui.panels.class_keys import ClassKeyEditor
from gui.panels.class_list_view import ClassListView
from gui.panels.class_menu import open_class_menu
from gui.session import Session
from gui.theme import icon
from gui.widgets.color_picker import ColorPicker
from gui.widgets.text import set_role, text_label

NEWS_MS = 8000


class ClassPalettePanel(QWidget):
    """Adds, renames, re-binds and deletes classes; a click on a name labels, a click on a count shows its images."""

    label_wanted = Signal(int)
    images_dropped = Signal(int)
    """The selected images were dragged onto a class."""
    label_taken_back = Signal()
    """The last click was the first half of a double click, and meant no label."""
    show_class_wanted = Signal(int)
    split_wanted = Signal()
    """The selected images are to get a class of their own."""
    merge_target_wanted = Signal(int)
    """There are too many classes for a menu: which one to merge this class into is to be found by typing."""
    left = Signal()
    """The user has no more class to add: the keys should go back to the images."""

    def __init__(self, session: Session, counts: LabelCounts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._to_split: NDArray[np.int64] = np.zeros(0, np.int64)
        self.model = ClassListModel(counts.of_class, self)
        self.view = ClassListView(self.model, self)
        self.key_editor = ClassKeyEditor(session, self)
        self._note = text_label(role="warning", wrap=True)
        self._note.setContentsMargins(8, 0, 0, 0)
        self._note.hide()
        self._news_timer = QTimer(self, singleShot=True, interval=NEWS_MS)
        self._news_timer.timeout.connect(lambda: self._say(""))
        self.new_name = QLineEdit()
        self._build()
        self._connect()

    def refresh(self) -> None:
        """Shows the session's classes."""
        session, current = self.session, self.view.current_class_id()
        self.model.can_edit = session.project is not None and not session.is_read_only
        self.model.set_classes(session.classes)
        self.view.go_to_class(current)
        has_classes = bool(session.classes)
        self.view.setVisible(has_classes)
        set_role(self.new_name, "addrow" if has_classes else "")
        self.new_name.setEnabled(self.model.can_edit)
        self._show_placeholder()

    def refresh_counts(self) -> None:
        """Shows the counts as they are now."""
        self.model.counts_changed()

    def give_up_name(self) -> None:
        """Forgets the name of a new class that was begun."""
        self.new_name.clear()
        self._end_split()
        self._say("")

    def show_filtered(self, class_ids: frozenset[int]) -> None:
        """Marks the classes whose images are shown."""
        self.view.state_of_rows.shown_class_ids = class_ids
        self.view.viewport().update()

    def ask_for_split(self, image_ids: NDArray[np.int64]) -> None:
        """Asks for the name of a new class that these images are to have."""
        if not len(image_ids) or not self.model.can_edit:
            return
        self._to_split = image_ids.copy()
        self._show_placeholder()
        self._say(
            tr(
                "Type the name of the new class for {images}. Esc leaves it.",
                images=wording.count(len(self._to_split), "image"),
            )
        )
        self.new_name.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def change_key(self, class_id: int) -> None:
        """Waits for the new key of a class."""
        if self.model.can_edit:
            self.view.listen(class_id)
            self.key_editor.begin(class_id)

    def change_color(self, class_id: int) -> None:
        """Opens the colours beside a class."""
        item = self.session.class_by_id(class_id)
        if item is None or not self.model.can_edit:
            return
        used_by = {each.color: each.name for each in reversed(self.session.classes) if each.id != class_id}
        picker = ColorPicker(item.color, used_by, self)
        picker.color_chosen.connect(lambda color: self.session.set_class_color(class_id, color))
        row = self.view.visualRect(self.model.index(self.model.row_of(class_id), 0))
        picker.open_at(self.view.viewport().mapToGlobal(QPoint(row.left() + DOT_X, row.bottom())))

    def move_class(self, class_id: int, position: int) -> None:
        """Moves a class to a place in the palette."""
        if self.model.can_edit and 0 <= position < self.model.rowCount():
            self.session.move_class(class_id, position)

    def delete_class(self, class_id: int) -> None:
        """Deletes a class, and says how to get it back."""
        item = self.session.class_by_id(class_id)
        if item is not None and self.model.can_edit:
            self.session.delete_class(class_id)
            self._say(tr("{class_name} is deleted. Ctrl+Z brings it back.", class_name=item.name), is_news=True)

    def merge_class(self, class_id: int, into_id: int) -> None:
        """Gives the images of a class another one, and says how to part them again."""
        item, into = self.session.class_by_id(class_id), self.session.class_by_id(into_id)
        if item is not None and into is not None and self.model.can_edit:
            self.session.merge_class(class_id, into_id)
            self._say(
                tr(
                    "{class_name} is a part of {other} now. Ctrl+Z parts them.",
                    class_name=item.name,
                    other=into.name,
                ),
                is_news=True,
            )

    # ------------------------------------------------------------------------------------------------------ set-up

    def _build(self) -> None:
        caption = QLabel(tr("CLASSES"))
        caption.setProperty("role", "caption")
        caption.setContentsMargins(16, 0, 16, 2)
        self.new_name.setProperty("role", "addrow")
        self.new_name.setAccessibleName(tr("Name of a new class"))
        self.new_name.setToolTip(tr("Type a name and press Enter to add a class. Esc goes back to the images"))
        self.new_name.addAction(icon("plus"), QLineEdit.ActionPosition.LeadingPosition)
        self.new_name.setMaxLength(MAX_NAME_LENGTH)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        inner = QVBoxLayout()
        inner.setContentsMargins(8, 0, 8, 0)
        inner.setSpacing(4)
        for widget in (self.view, self.key_editor, self._note, self.new_name):
            inner.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(caption)
        layout.addLayout(inner)

    def _connect(self) -> None:
        view, session = self.view, self.session
        self.model.rename_asked.connect(session.rename_class)
        view.clicked_in_zone.connect(self._on_zone_clicked)
        view.rename_clicked.connect(self._on_rename_clicked)
        view.chosen.connect(self.label_wanted)
        view.images_dropped.connect(self.images_dropped)
        view.delete_asked.connect(self.delete_class)
        view.key_change_asked.connect(self.change_key)
        view.color_asked.connect(self.change_color)
        view.move_asked.connect(self.move_class)
        view.key_given.connect(lambda _class_id, key: self.key_editor.give(key))
        view.key_confirmed.connect(self.key_editor.confirm)
        view.listening_ended.connect(self.key_editor.end)
        self.key_editor.done.connect(lambda: view.listen(0))
        self.key_editor.given_up.connect(lambda: view.listen(0))
        view.customContextMenuRequested.connect(self._open_menu)
        self.new_name.returnPressed.connect(self._on_name_entered)
        session.classes_changed.connect(self.refresh)
        session.project_closed.connect(self.give_up_name)

    # ------------------------------------------------------------------------------------------------------ events

    def _on_name_entered(self) -> None:
        name = " ".join(self.new_name.text().split())
        if not name:
            self.give_up_name()
            self.left.emit()
            return
        if any(each.name.casefold() == name.casefold() for each in self.session.classes):
            self._say(tr("There is a class “{name}” already. Choose another name.", name=name))
            return
        self._say("")
        self.new_name.clear()
        if len(self._to_split):
            self.session.split_class(self._to_split, name)
            self._end_split()
            self.left.emit()
        else:
            self.session.add_class(name)

    def _on_zone_clicked(self, class_id: int, zone: Zone) -> None:
        if zone is Zone.KEY:
            self.change_key(class_id)
        elif zone is Zone.COLOR:
            self.change_color(class_id)
        elif zone is Zone.COUNT:
            self.show_class_wanted.emit(class_id)
        else:
            self.label_wanted.emit(class_id)

    def _on_rename_clicked(self, class_id: int) -> None:
        if self.model.can_edit:
            self.label_taken_back.emit()
            self.view.setFocus()
            self.view.edit_name(class_id)

    def _open_menu(self, point: QPoint) -> None:
        class_id = self.view.class_id_at(point)
        if not class_id:  # the menu key, with the pointer somewhere else
            class_id = self.view.current_class_id()
            point = self.view.visualRect(self.view.currentIndex()).bottomLeft()
        open_class_menu(self, class_id, self.view.viewport().mapToGlobal(point))

    def _end_split(self) -> None:
        self._to_split = np.zeros(0, np.int64)
        self._show_placeholder()

    def _show_placeholder(self) -> None:
        if len(self._to_split):
            text = tr("Name of the new class…")
        else:
            text = tr("Add class…") if self.session.classes else tr("Name of your first class…")
        self.new_name.setPlaceholderText(text)

    def _say(self, text: str, is_news: bool = False) -> None:
        """Shows a sentence below the classes: a warning until it is answered, or news for a while."""
        self._news_timer.stop()
        if is_news:
            self._news_timer.start()
        set_role(self._note, "dim" if is_news else "warning")
        self._note.setText(text)
        self._note.setVisible(bool(text))
