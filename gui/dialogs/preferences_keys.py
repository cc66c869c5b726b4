"""The table of all keys: those of the menus can be changed, those of the workspaces are listed as fixed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from engine.language import tr, trc
from gui.action_keys import changeable, checked, given, holder_of, key_of, native, portable, why_not
from gui.action_table import ActionSpec
from gui.dialogs import ask
from gui.dialogs.preferences_page import PreferencesPage
from gui.main_window import MENUS
from gui.panels.workspace_keys import keys_for
from gui.session import Session
from gui.theme import font, theme
from gui.widgets.buttons import button
from gui.widgets.text import ElidedLabel, set_role, text_label

if TYPE_CHECKING:
    from gui.commands import Commands

_ROLE = int(Qt.ItemDataRole.UserRole)
CHOOSE = tr("Choose an action above, then press its new key here.")


class KeyField(QKeySequenceEdit):
    """Takes one key. Tab leaves it, and so does Esc."""

    pressed = Signal(str)
    """The key, in portable words."""
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_telling = False
        self.setMaximumSequenceLength(1)
        self.setAccessibleName(tr("New key"))
        self.setToolTip(tr("Click here, then press the key. Esc leaves it as it is"))
        self.keySequenceChanged.connect(self._on_changed)

    def show_key(self, key: str) -> None:
        """Shows a key without telling."""
        self.blockSignals(True)
        self.setKeySequence(QKeySequence.fromString(key, QKeySequence.SequenceFormat.PortableText))
        self.blockSignals(False)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            self.left.emit()
            return
        super().keyPressEvent(event)

    def _on_changed(self, sequence: QKeySequence) -> None:
        # Qt tells a key twice when the focus goes, as to a question that the key has led to.
        if not sequence.isEmpty() and not self._is_telling:
            self._is_telling = True
            QTimer.singleShot(0, self, self._tell)

    def _tell(self) -> None:
        try:
            self.pressed.emit(portable(self.keySequence()))
        finally:
            self._is_telling = False


class KeysPage(PreferencesPage):
    """A change holds at once; a key that another action has is asked about, one that is needed elsewhere is refused."""

    def __init__(self, session: Session, commands: Commands) -> None:
        super().__init__()
        self._session, self._commands = session, commands
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search for an action or a key"))
        self.search.setAccessibleName(tr("Search for an action or a key"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.search.returnPressed.connect(self._go_to_field)
        self.column.addWidget(self.search)
        self.list = QTreeWidget()
        self.list.setProperty("role", "lines")
        self.list.setAccessibleName(tr("Actions and their keys"))
        self.list.setHeaderLabels([tr("Action"), tr("Key"), ""])
        self.list.setRootIsDecorated(False)
        self.list.setIndentation(0)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.list.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
        self.list.currentItemChanged.connect(self._show_chosen)
        self.list.itemActivated.connect(lambda _item: self._go_to_field())
        self.column.addWidget(self.list, 1)
        self._add_field()
        self._items: dict[str, QTreeWidgetItem] = {}
        self._faint: list[tuple[QTreeWidgetItem, int]] = []
        self._fill()
        self._choose_visible()
        self._show_chosen()

    def _add_field(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(8)
        self.chosen_name = ElidedLabel()
        self.field = KeyField()
        self.field.setFixedWidth(150)
        self.field.pressed.connect(self._on_pressed)
        self.field.left.connect(self._leave_field)
        self.take_away_button = button(tr("No key"), "chip", tooltip=tr("Takes the key away from this action"))
        self.standard_button = button(tr("Standard"), "chip")
        self.all_button = button(tr("All standard"), "chip", tooltip=tr("Every action gets its standard key back"))
        self.column.addWidget(self.chosen_name)  # on a line of its own: some are long
        row.addWidget(self.field)
        for each, act in (
            (self.take_away_button, self._on_take_away),
            (self.standard_button, self._on_standard),
            (self.all_button, self._on_all_standard),
        ):
            each.setAutoDefault(False)
            each.clicked.connect(act)
            row.addWidget(each)
        row.addStretch(1)
        self.column.addLayout(row)
        self.news = text_label(CHOOSE, "faint", wrap=True)
        self.column.addWidget(self.news)

    def begin(self) -> None:
        for item, column in self._faint:  # the theme may be another one now
            item.setForeground(column, theme().color("text_faint"))

    # ---- the list

    @property
    def keys(self) -> dict[str, str]:
        """The user's changes that hold."""
        return checked(self._session.preferences.keys)

    def _fill(self) -> None:
        titles = {**{name: title.replace("&", "") for name, title in MENUS.items()}, "Theme": tr("Theme")}
        for menu, title in titles.items():
            self._add_heading(tr("Menu {menu}", menu=title))
            for spec in changeable():
                if spec.menu == menu:
                    item = QTreeWidgetItem([spec.text.rstrip("…"), "", ""])
                    item.setData(0, _ROLE, spec.id)
                    self.list.addTopLevelItem(item)
                    self._items[spec.id] = item
        group = ""
        for fixed in keys_for(self._session.label_mode):
            if fixed.group != group:
                group = fixed.group
                self._add_heading(group)
            item = QTreeWidgetItem([fixed.text, fixed.label, tr("fixed")])
            self.list.addTopLevelItem(item)
            self._faint += [(item, 1), (item, 2)]
        self._show_keys()

    def _add_heading(self, text: str) -> None:
        item = QTreeWidgetItem([text])
        item.setFlags(Qt.ItemFlag.ItemIsEnabled)
        item.setFont(0, font(0.9, bold=True))
        self.list.addTopLevelItem(item)
        self._faint.append((item, 0))
        item.setFirstColumnSpanned(True)

    def _show_keys(self) -> None:
        keys = self.keys
        for spec in changeable():
            item = self._items[spec.id]
            key = key_of(spec, keys)
            item.setText(1, native(key) if key else "–")
            is_changed = spec.id in keys
            item.setFont(1, font(bold=is_changed))
            standard = native(spec.shortcut) or trc("key", "none")
            item.setText(2, tr("instead of {key}", key=standard) if is_changed else "")
        self.all_button.setEnabled(bool(keys))

    def _filter(self, text: str) -> None:
        words = text.casefold().split()
        heading: QTreeWidgetItem | None = None
        has_any = True
        for at in range(self.list.topLevelItemCount()):
            item = self.list.topLevelItem(at)
            assert item is not None
            if not item.flags() & Qt.ItemFlag.ItemIsSelectable:
                if heading is not None:
                    heading.setHidden(not has_any)
                heading, has_any = item, False
                continue
            named = f"{item.text(0)} {item.text(1)}".casefold()
            item.setHidden(not all(word in named for word in words))
            has_any |= not item.isHidden()
        if heading is not None:
            heading.setHidden(not has_any)
        self._choose_visible()

    def _choose_visible(self) -> None:
        """Chooses what was found, unless what is chosen is among it."""
        current = self.list.currentItem()
        if current is not None and not current.isHidden():
            return
        listed = (self.list.topLevelItem(at) for at in range(self.list.topLevelItemCount()))
        shown = (each for each in listed if each is not None and not each.isHidden())
        first = next((each for each in shown if each.flags() & Qt.ItemFlag.ItemIsSelectable), None)
        if first is None:
            self.list.setCurrentIndex(QModelIndex())
        else:
            self.list.setCurrentItem(first)

    def _chosen(self) -> ActionSpec | None:
        item = self.list.currentItem()
        action_id = item.data(0, _ROLE) if item is not None else None
        return next((spec for spec in changeable() if spec.id == action_id), None)

    def _show_chosen(self, *_: object) -> None:
        spec, item = self._chosen(), self.list.currentItem()
        self._say(CHOOSE if spec is None else "", "faint")
        for each in (self.field, self.take_away_button, self.standard_button):
            each.setEnabled(spec is not None)
        if spec is None:
            is_fixed = item is not None and bool(item.flags() & Qt.ItemFlag.ItemIsSelectable)
            self.chosen_name.setText("")
            self.field.show_key("")
            if is_fixed:
                self._say(tr("This key is fixed: the view or the workspace handles it itself."), "faint")
            return
        key = key_of(spec, self.keys)
        self.chosen_name.setText(spec.text.rstrip("…"))
        self.field.show_key(key)
        self.take_away_button.setEnabled(bool(key))
        self.standard_button.setEnabled(spec.id in self.keys)
        standard = native(spec.shortcut)
        self.standard_button.setToolTip(
            tr("Back to {key}", key=standard) if standard else tr("Back to no key, which is the standard")
        )

    # ---- changing

    def _on_pressed(self, key: str) -> None:
        spec = self._chosen()
        if spec is None:
            return
        keys = self.keys
        problem = why_not(key)
        if problem:
            self.field.show_key(key_of(spec, keys))
            self._say(problem, "warning")
            return
        holder = holder_of(key, keys, besides=spec.id)
        if holder is not None and not self._may_take(key, holder, spec):
            self.field.show_key(key_of(spec, keys))
            return
        self._use(given(keys, spec.id, key))
        told = tr("“{action}” has {key} now.", action=spec.text.rstrip("…"), key=native(key))
        if holder is not None:
            told += " " + tr("“{action}” has no key.", action=holder.text.rstrip("…"))
        self._say(told, "success")

    def _may_take(self, key: str, holder: ActionSpec, spec: ActionSpec) -> bool:
        old, new = holder.text.rstrip("…"), spec.text.rstrip("…")
        choice = ask.ask_choice(
            self,
            tr("“{action}” has {key}", action=old, key=native(key)),
            tr("Give it to “{new}”? “{old}” has no key then.", new=new, old=old),
            [tr("Give it to “{new}”", new=new), tr("Cancel")],
        )
        return choice == 0

    def _on_take_away(self) -> None:
        spec = self._chosen()
        if spec is not None:
            self._use(given(self.keys, spec.id, ""))

    def _on_standard(self) -> None:
        spec = self._chosen()
        if spec is None:
            return
        holder = holder_of(spec.shortcut, self.keys, besides=spec.id)
        if holder is None or self._may_take(spec.shortcut, holder, spec):
            self._use(given(self.keys, spec.id, spec.shortcut))

    def _on_all_standard(self) -> None:
        self._use({})

    def _use(self, keys: dict[str, str]) -> None:
        self._commands.use_keys(keys)
        self._show_keys()
        self._show_chosen()

    def _go_to_field(self) -> None:
        if self.field.isEnabled():
            self.field.setFocus(Qt.FocusReason.OtherFocusReason)

    def _leave_field(self) -> None:
        self._show_chosen()
        self.list.setFocus(Qt.FocusReason.OtherFocusReason)

    def _say(self, text: str, role: str) -> None:
        self.news.setText(text)
        set_role(self.news, role)
