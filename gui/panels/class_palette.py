"""The palette: the classes with their keys, and the row that adds one."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QAction, QColor, QIcon, QPixmap
from PySide6.QtWidgets import QColorDialog, QLabel, QLineEdit, QMenu, QSizePolicy, QVBoxLayout, QWidget

from gui.models.class_list import ClassListModel
from gui.models.label_counts import LabelCounts
from gui.panels.class_list_view import ClassListView, Zone
from gui.session import Session
from gui.theme import icon
from gui.widgets.text import set_role

RESERVED_KEYS = "x?/ "
SWATCHES = (
    "#f2b134", "#5fc27e", "#e5735c", "#7aa2f7", "#c586f0", "#4fc3c3",
    "#e88bb5", "#a3c85a", "#d9a066", "#6f8ff0", "#b0b7c3", "#e0d15c",
)  # fmt: skip


class ClassPalettePanel(QWidget):
    """Adds, renames, re-binds and deletes classes; a click on a name labels, a click on a count shows its images."""

    label_wanted = Signal(int)
    show_class_wanted = Signal(int)
    left = Signal()
    """The user has no more class to add: the keys should go back to the images."""

    def __init__(self, session: Session, counts: LabelCounts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._counts = counts
        self._asked_twice: tuple[int, str] | None = None
        self._model = ClassListModel(counts.of_class, self)
        self.view = ClassListView(self._model, self)
        self._note = QLabel()
        self._note.setProperty("role", "warning")
        self._note.setWordWrap(True)
        self._note.hide()
        self.new_name = QLineEdit()
        self._build()
        self._model.rename_asked.connect(session.rename_class)
        self.view.clicked_in_zone.connect(self._on_zone_clicked)
        self.view.chosen.connect(self.label_wanted)
        self.view.delete_asked.connect(session.delete_class)
        self.view.key_given.connect(self._on_key_given)
        self.view.listening_ended.connect(self._end_listening)
        self.view.customContextMenuRequested.connect(self._open_menu)
        self.new_name.returnPressed.connect(self._on_name_entered)
        session.classes_changed.connect(self.refresh)

    def refresh(self) -> None:
        """Shows the session's classes."""
        self._model.set_classes(self._session.classes)
        has_classes = bool(self._session.classes)
        self.view.setVisible(has_classes)
        set_role(self.new_name, "addrow" if has_classes else "")
        self.new_name.setPlaceholderText("Add class…" if has_classes else "Name of your first class…")
        self.new_name.setEnabled(self._session.project is not None and not self._session.project.read_only)

    def refresh_counts(self) -> None:
        """Shows the counts as they are now."""
        self._model.counts_changed()

    def give_up_name(self) -> None:
        """Forgets the name of a new class that was begun."""
        self.new_name.clear()
        self._say("")

    def show_filtered(self, class_id: int) -> None:
        """Marks the class whose images are shown; 0 for none."""
        self.view.shown_class_id = class_id
        self.view.viewport().update()

    def _build(self) -> None:
        caption = QLabel("CLASSES")
        caption.setProperty("role", "caption")
        caption.setContentsMargins(16, 0, 16, 2)
        self.new_name.setProperty("role", "addrow")
        self.new_name.setAccessibleName("Name of a new class")
        self.new_name.setToolTip("Type a name and press Enter to add a class. Esc goes back to the images")
        self.new_name.addAction(icon("plus"), QLineEdit.ActionPosition.LeadingPosition)
        self.new_name.setMaxLength(100)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        inner = QVBoxLayout()
        inner.setContentsMargins(8, 0, 8, 0)
        inner.setSpacing(4)
        inner.addWidget(self.view)
        inner.addWidget(self._note)
        inner.addWidget(self.new_name)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(caption)
        layout.addLayout(inner)

    # ------------------------------------------------------------------------------------------------------ events

    def _on_name_entered(self) -> None:
        name = self.new_name.text().strip()
        if not name:
            self.left.emit()
            return
        if any(each.name.casefold() == name.casefold() for each in self._session.classes):
            self._say(f"There is a class “{name}” already.")
            return
        self._say("")
        self._session.add_class(name)
        self.new_name.clear()

    def _on_zone_clicked(self, class_id: int, zone: Zone) -> None:
        if zone is Zone.KEY:
            self._begin_listening(class_id)
        elif zone is Zone.COLOR:
            self._open_colors(class_id, self.view.viewport().mapToGlobal(QPoint(30, self._bottom_of(class_id))))
        elif zone is Zone.COUNT:
            self.show_class_wanted.emit(class_id)
        else:
            self.label_wanted.emit(class_id)

    def _begin_listening(self, class_id: int) -> None:
        self._asked_twice = None
        self.view.listen(class_id)
        self._say("Press the new key. Esc cancels, Backspace removes the key.")

    def _end_listening(self) -> None:
        self._asked_twice = None
        self._say("")

    def _on_key_given(self, class_id: int, key: str) -> None:
        if key and key in RESERVED_KEYS:
            self._say(f"{'Space' if key == ' ' else key.upper()} has a meaning of its own. Press another key.")
            return
        holder = next((each for each in self._session.classes if each.key == key and each.id != class_id), None)
        if key and holder is not None:
            if self._asked_twice != (class_id, key):
                self._asked_twice = (class_id, key)
                self._say(f"{key.upper()} is the key of {holder.name}. Press it again to move it here.")
                return
            self._session.set_class_key(holder.id, None)
        self._session.set_class_key(class_id, key or None)
        self.view.listen(0)

    def _open_menu(self, point: QPoint) -> None:
        class_id = self.view.class_id_at(point)
        item = self._session.class_by_id(class_id) if class_id else None
        if item is None:
            return
        menu = QMenu(self)
        menu.addAction(icon("tag"), f"Label selection {item.name}", lambda: self.label_wanted.emit(class_id))
        menu.addAction(icon("filter"), "Show its images", lambda: self.show_class_wanted.emit(class_id))
        menu.addSeparator()
        menu.addAction(icon("pencil"), "Rename\tF2", lambda: self.view.edit_name(class_id))
        menu.addAction(icon("keyboard"), "Change key…", lambda: self._begin_listening(class_id))
        where = self.view.viewport().mapToGlobal(point)
        menu.addAction("Change colour…", lambda: self._open_colors(class_id, where))
        at = self._model.row_of(class_id)
        up = menu.addAction(icon("chevron-up"), "Move up", lambda: self._session.move_class(class_id, at - 1))
        up.setEnabled(at > 0)
        down = menu.addAction(icon("chevron-down"), "Move down", lambda: self._session.move_class(class_id, at + 1))
        down.setEnabled(at < self._model.rowCount() - 1)
        menu.addSeparator()
        self._add_merge_menu(menu, class_id)
        menu.addAction(icon("trash"), "Delete class\tDel", lambda: self._session.delete_class(class_id))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(where)

    def _add_merge_menu(self, menu: QMenu, class_id: int) -> None:
        targets = menu.addMenu("Merge into")
        for other in self._session.classes:
            if other.id != class_id:
                merge = partial(self._session.merge_class, class_id, other.id)
                targets.addAction(_swatch(other.color), other.name.replace("&", "&&"), merge)
        targets.setEnabled(not targets.isEmpty())

    def _open_colors(self, class_id: int, where: QPoint) -> None:
        menu = QMenu(self)
        for color in SWATCHES:
            action = QAction(_swatch(color), color, menu)
            action.triggered.connect(lambda _on=False, value=color: self._session.set_class_color(class_id, value))
            menu.addAction(action)
        menu.addSeparator()
        menu.addAction("Other…", lambda: self._ask_for_color(class_id))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(where)

    def _ask_for_color(self, class_id: int) -> None:
        item = self._session.class_by_id(class_id)
        dialog = QColorDialog(QColor(item.color if item is not None else SWATCHES[0]), self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.colorSelected.connect(lambda color: self._session.set_class_color(class_id, color.name()))
        dialog.open()

    def _bottom_of(self, class_id: int) -> int:
        return self.view.visualRect(self._model.index(self._model.row_of(class_id), 0)).bottom()

    def _say(self, text: str) -> None:
        self._note.setText(text)
        self._note.setVisible(bool(text))


def _swatch(color: str) -> QIcon:
    made = QPixmap(16, 16)
    made.fill(QColor(color))
    return QIcon(made)
